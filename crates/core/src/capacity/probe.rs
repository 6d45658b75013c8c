//! When and with what it is tried whether something is open again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    Access, AgentName, AnswerBy, AnswerRule, CapacityPolicy, IssueId, IssueRef, JobSpec, Limit, LimitWhy, Profile,
    ProjectName, ProposalCaps, SandboxSpec, Spend, StageName, StageRun, Trust, Using,
};

/// How often it is tried, at most, where a person must act, or for a limit that has lasted long.
const SELDOM: SignedDuration = SignedDuration::from_mins(10);
/// How long a limit is tried often: the longest of the usual short windows, and a bit.
const OFTEN_FOR: SignedDuration = SignedDuration::from_hours(6);
/// How near to the stated time it is tried often again.
const NEAR: SignedDuration = SignedDuration::from_mins(30);
/// The longest that a probe may take.
const WALL: Duration = Duration::from_secs(120);

/// When a limit is to be tried next. `None` if it is not tried. That a vendor answers one word says nothing of why
/// issues failed alike.
pub fn next_probe(limit: &Limit, policy: &CapacityPolicy, now: Timestamp) -> Option<Timestamp> {
    if limit.why == LimitWhy::Correlated {
        return None;
    }
    let often = SignedDuration::try_from(policy.probe?).unwrap_or(SELDOM);
    let young = now.duration_since(limit.since) < OFTEN_FOR;
    let near = limit.until.is_some_and(|until| until.duration_since(now).abs() < NEAR);
    let seldom = limit.why == LimitWhy::Auth || !(young || near);
    let every = if seldom { often.max(SELDOM) } else { often };
    // Long ago it was not: a limit that was heard of anew was tried, in a way.
    let last = limit.probed.map_or(limit.heard, |at| at.max(limit.heard));
    // A clock that was set back puts nothing off.
    if last > now { Some(now) } else { last.checked_add(every).ok() }
}

/// The job that tries whether an account takes work: one word, nothing to read, nothing to change.
pub fn probe_job(agent: &AgentName, using: &Using) -> JobSpec {
    let name = |what: &str| format!("{what}-probe");
    JobSpec {
        kind: "probe".into(),
        issue: IssueRef::new(
            ProjectName::new(name("dayfly")).expect("a good name"),
            IssueId::new("probe").expect("a good id"),
        ),
        trust: Trust::Stranger,
        title: format!("whether {using} takes work"),
        milestone: None,
        stage: StageName::new("probe").expect("a good name"),
        run: StageRun::Agent,
        agent: Some(agent.clone()),
        vendor: Some(using.vendor.clone()),
        account: Some(using.account.clone()),
        model: using.model.clone(),
        profile: Profile::Untrusted,
        answer_by: AnswerBy::File,
        skills: Vec::new(),
        spend: Spend::default(),
        prompt: "Answer with the one word OK. Use no tool.".into(),
        access: Access::Read,
        answer: AnswerRule::None,
        effects: Vec::new(),
        children: 0,
        caps: ProposalCaps::default(),
        base: None,
        start: None,
        admission: Vec::new(),
        gates: Vec::new(),
        protected: Vec::new(),
        diff_lines: 0,
        wall: WALL,
        silence_report: WALL,
        silence: WALL,
        grace: Duration::from_secs(2),
        gate_timeout: WALL,
        sandbox: SandboxSpec::default(),
    }
}
