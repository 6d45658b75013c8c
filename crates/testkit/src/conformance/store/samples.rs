//! What the ledgers of the suite are made of.

use std::time::Duration;

use dayfly_core::{
    Access, AgentName, AnswerRule, AttemptId, Batch, Commit, Condition, End, Epoch, Event, IssueRef, JobSpec, Next,
    Outcome, Receipt, Seq, StageName, StageRun, TrackerKind, Trust,
};
use jiff::Timestamp;

pub(super) fn closed(n: u32) -> Event {
    Event::Closed { issue: issue(n) }
}

pub(super) fn reopened(n: u32) -> Event {
    Event::Reopened { issue: issue(n), stage: stage(), tracker: None }
}

pub(super) fn with(batch: Batch, condition: Condition) -> Batch {
    Batch { conditions: vec![condition], ..batch }
}

pub(super) fn batch(epoch: Epoch, events: Vec<Event>) -> Batch {
    Batch { epoch, at: Timestamp::UNIX_EPOCH, events, conditions: vec![] }
}

pub(super) fn issue(n: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).expect("a reference")
}

fn stage() -> StageName {
    StageName::new("exec").expect("a name")
}

pub(super) fn attempt(n: u32, number: u32) -> AttemptId {
    AttemptId::new(&issue(n), &stage(), number)
}

pub(super) fn started(n: u32, number: u32) -> Event {
    Event::AttemptStarted {
        attempt: attempt(n, number),
        job: Box::new(job(n)),
        substitution: None,
        tracker: TrackerKind::default(),
    }
}

pub(super) fn ended(n: u32, number: u32, token: u64) -> Event {
    let end = End::TaskFailed { reason: "no".into() };
    let outcome = Outcome { end, proposal: None, commit: None, answer: None, receipt: Receipt::default() };
    let next = Next::Go { stage: stage(), feedback: None, not_before: None };
    let attempt = attempt(n, number);
    Event::AttemptEnded { attempt, token: Seq(token), outcome: Box::new(outcome), next, effects: vec![] }
}

pub(super) fn job(n: u32) -> JobSpec {
    let base = Some(Commit("b".repeat(40)));
    JobSpec {
        kind: "stage".into(),
        issue: issue(n),
        trust: Trust::Writer,
        title: format!("Issue {n}"),
        milestone: None,
        stage: stage(),
        run: StageRun::Agent,
        agent: Some(AgentName::new("a").expect("a name")),
        model: None,
        prompt: "do it".into(),
        access: Access::Write,
        vendor: None,
        account: None,
        profile: Default::default(),
        answer_by: Default::default(),
        skills: Vec::new(),
        spend: Default::default(),
        answer: AnswerRule::Optional,
        effects: vec![],
        children: 8,
        caps: dayfly_core::ProposalCaps::default(),
        base: base.clone(),
        start: base,
        admission: vec![],
        gates: vec![],
        protected: vec![],
        diff_lines: 10,
        wall: Duration::from_secs(60),
        silence_report: Duration::from_secs(5),
        silence: Duration::from_secs(10),
        grace: Duration::from_secs(1),
        gate_timeout: Duration::from_secs(60),
        sandbox: dayfly_core::SandboxSpec::default(),
    }
}
