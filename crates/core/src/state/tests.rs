mod cards;
mod github;
mod kept;
mod restored;

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    Access, AnswerRule, Batch, Condition, Effect, End, Event, JobSpec, Next, Outcome, ProposalCaps, Receipt, Record,
    StageRun, TrackerWrite, Trust,
};

fn issue(n: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).unwrap()
}

fn job(n: u32) -> JobSpec {
    JobSpec {
        kind: "stage".into(),
        issue: issue(n),
        trust: Trust::Stranger,
        title: format!("Issue {n}"),
        milestone: None,
        stage: StageName::new("exec").unwrap(),
        run: StageRun::Agent,
        agent: Some(AgentName::new("a").unwrap()),
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
        caps: ProposalCaps::default(),
        base: Some(Commit("b".repeat(40))),
        start: Some(Commit("b".repeat(40))),
        admission: vec![],
        gates: vec![],
        protected: vec![],
        diff_lines: 10,
        wall: Duration::from_secs(60),
        silence_report: Duration::from_secs(5),
        silence: Duration::from_secs(10),
        grace: Duration::from_secs(1),
        gate_timeout: Duration::from_secs(60),
        sandbox: crate::SandboxSpec::default(),
    }
}

fn started(n: u32, number: u32) -> Event {
    let job = job(n);
    let attempt = AttemptId::new(&job.issue, &job.stage, number);
    Event::AttemptStarted { attempt, job: Box::new(job), substitution: None, tracker: crate::TrackerKind::default() }
}

fn ended(n: u32, number: u32, token: u64, end: End, next: Next) -> Event {
    let outcome = Outcome { end, proposal: None, commit: None, answer: None, receipt: Receipt::default() };
    let attempt = AttemptId::new(&issue(n), &StageName::new("exec").unwrap(), number);
    Event::AttemptEnded { attempt, token: Seq(token), outcome: Box::new(outcome), next, effects: vec![] }
}

fn again() -> Next {
    Next::Go { stage: StageName::new("exec").unwrap(), feedback: None, not_before: None }
}

fn append(state: &mut State, events: Vec<Event>, conditions: Vec<Condition>) -> Result<Vec<Record>, String> {
    let batch = Batch { epoch: state.epoch, at: Timestamp::UNIX_EPOCH, events, conditions };
    let before = state.clone();
    batch.prepare(before.epoch, state).map_err(|e| {
        *state = before;
        e.to_string()
    })
}

#[test]
fn a_claim_is_lost_while_another_attempt_lives() {
    let mut state = State::default();
    append(&mut state, vec![started(1, 1)], vec![Condition::Idle(issue(1))]).unwrap();
    let err = append(&mut state, vec![started(1, 2)], vec![Condition::Idle(issue(1))]).unwrap_err();
    assert_eq!(err, "the claim was lost: web.1.exec.1 works on web#1");
}

#[test]
fn only_the_holder_of_the_token_may_finish() {
    let mut state = State::default();
    append(&mut state, vec![started(1, 1)], vec![]).unwrap();
    assert!(append(&mut state, vec![ended(1, 1, 99, End::Succeeded, Next::Finish)], vec![]).is_err());
    append(&mut state, vec![ended(1, 1, 1, End::Succeeded, Next::Finish)], vec![]).unwrap();
    assert_eq!(state.issues[&issue(1)].phase, Phase::Done);
    assert!(append(&mut state, vec![ended(1, 1, 1, End::Succeeded, Next::Finish)], vec![]).is_err(), "twice");
}

#[test]
fn only_failed_work_uses_up_attempts() {
    let mut state = State::default();
    let mut number = 0;
    let ends = [
        (End::Quota { resets_at: None }, 0),
        (End::Lost, 0),
        (End::TaskFailed { reason: "x".into() }, 1),
        (End::ProviderDown { reason: "x".into() }, 1),
        (End::TaskFailed { reason: "x".into() }, 2),
    ];
    for (end, charged) in ends {
        number += 1;
        append(&mut state, vec![started(1, number)], vec![]).unwrap();
        let token = state.head.0;
        append(&mut state, vec![ended(1, number, token, end, again())], vec![]).unwrap();
        assert_eq!(state.issues[&issue(1)].visit_attempts, charged);
    }
    assert_eq!(state.issues[&issue(1)].attempts, 5, "the life's count takes all of them");
}

#[test]
fn an_engine_that_is_lost_between_does_not_make_an_idle_agent_busy() {
    let (mut state, idle) = (State::default(), End::NoOp { reason: "nothing".into() });
    for (number, end) in [(1, idle.clone()), (2, End::Lost), (3, End::Cancelled), (4, idle)] {
        append(&mut state, vec![started(1, number)], vec![]).unwrap();
        let token = state.head.0;
        append(&mut state, vec![ended(1, number, token, end, again())], vec![]).unwrap();
    }
    assert_eq!(state.issues[&issue(1)].idle_row, 2);
}

#[test]
fn a_changed_record_breaks_the_chain() {
    let mut state = State::default();
    let records = append(&mut state, vec![started(1, 1), started(2, 1)], vec![]).unwrap();
    assert!(State::fold(&records).is_ok());
    let mut altered = records.clone();
    altered[0].body = altered[0].body.replace("do it", "do harm");
    assert!(matches!(State::fold(&altered), Err(StateError::Record(RecordError::Broken { seq: 1 }))));
    assert!(State::fold(&records[1..]).is_err(), "a cut at the front");
}

#[test]
fn a_job_has_the_same_id_on_every_machine() {
    assert_eq!(job(1).id(), job(1).id());
    assert_ne!(job(1).id(), job(2).id());
    insta::assert_snapshot!(job(1).id(), @"000b22d6f38fdef7");
}

#[test]
fn the_oldest_ledger_still_loads() {
    let text = include_str!("../../tests/data/ledger-v1.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let state = State::fold(&records).unwrap();
    assert_eq!(state.issues[&issue(1)].phase, Phase::Done);
    assert_eq!(records.len(), 5);
}

#[test]
fn a_ledger_with_limits_loads_for_ever() {
    let text = include_str!("../../tests/data/ledger-v1-capacity.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let limited = records.iter().position(|r| r.event().unwrap().kind() == EventKind::CapacityLimited).unwrap();
    let state = State::fold(&records[..=limited]).unwrap();
    assert_eq!(state.capacity.limits.len(), 1);
    let state = State::fold(&records).unwrap();
    assert!(state.capacity.limits.is_empty(), "a person opened it");
    let known = &state.issues[&issue(1)];
    assert_eq!((&known.phase, known.usd_micros, known.uncounted), (&Phase::Done, 250_000, 1));
    assert_eq!(state.capacity.spending.between(records[0].at, Timestamp::MAX, None).tokens(), 1000);
}

#[test]
fn an_event_of_a_newer_program_is_passed_over() {
    let event: Event = serde_json::from_str(r#""something-new""#).unwrap();
    assert_eq!(event, Event::Newer);
}

#[test]
fn the_diagram_in_the_docs_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");
    let diagram = transition_diagram();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(&diagram), "docs/states.md is not up to date; the diagram is now:\n{diagram}");
}

#[test]
fn every_phase_can_be_reached_and_left() {
    let table = transition_table();
    let to: BTreeSet<&str> = table.iter().filter(|t| t.0 != t.2).map(|t| t.2).collect();
    let from: BTreeSet<&str> = table.iter().filter(|t| t.0 != t.2).map(|t| t.0).collect();
    for phase in ["queued", "running", "asked", "split", "landing", "handed", "blocked", "done", "closed"] {
        assert!(to.contains(phase) && from.contains(phase), "{phase}");
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let next = prop_oneof![
        Just(again()),
        Just(Next::Finish),
        Just(Next::Split),
        Just(Next::Ask { question: "?".into(), choices: crate::Choices::default() }),
        Just(Next::Block { reason: "r".into(), remedy: "m".into() }),
        Just(Next::Land { branch: "main".into(), from: Commit("a".into()), to: Commit("b".into()) }),
    ];
    let n = 1..3u32;
    prop_oneof![
        (n.clone(), 1..4u32).prop_map(|(n, k)| started(n, k)),
        (n.clone(), 1..4u32, 1..12u64, next).prop_map(|(n, k, t, next)| ended(n, k, t, End::Succeeded, next)),
        n.clone().prop_map(|n| Event::Answered {
            issue: issue(n),
            by: "ann".into(),
            effects: vec![],
            chosen: None,
            order: None
        }),
        n.clone().prop_map(|n| Event::Closed { issue: issue(n) }),
        n.clone().prop_map(|n| Event::Unblocked {
            issue: issue(n),
            order: None,
            effects: vec![EffectEntry {
                id: EffectId(format!("{n}/0")),
                issue: issue(n),
                effect: Effect::Tracker {
                    project: issue(n).project,
                    write: TrackerWrite::Comment { issue: issue(n).issue, body: "x".into() },
                },
            }],
        }),
        n.prop_map(|n| Event::EffectDone {
            effect: EffectId(format!("{n}/0")),
            issue: issue(n),
            adopted: false,
            created: None,
            landed: None,
        }),
    ]
}

proptest! {
    /// Whatever comes in whatever order, a refused event changes nothing, an issue never has two live
    /// attempts, and folding the accepted records anew gives the same state.
    #[test]
    fn any_order_of_events_keeps_the_invariants(events in proptest::collection::vec(any_event(), 0..40)) {
        let mut state = State::default();
        let mut kept = Vec::new();
        for event in events {
            let before = state.clone();
            match append(&mut state, vec![event], vec![]) {
                Ok(records) => kept.extend(records),
                Err(_) => prop_assert_eq!(&before, &state),
            }
            let mut live: Vec<&IssueRef> = state.live.values().map(|l| &l.issue).collect();
            live.sort();
            live.dedup();
            prop_assert_eq!(live.len(), state.live.len());
            for (id, live) in &state.live {
                let running = Phase::Running { attempt: id.clone() };
                prop_assert_eq!(&state.issues[&live.issue].phase, &running);
            }
        }
        prop_assert_eq!(State::fold(&kept).unwrap(), state);
    }
}

/// Makes the sample ledger of the present format; with DAYFLY_SAMPLE=FILE it is written there, to be kept beside
/// the older ones when the format number is raised.
#[test]
fn the_sample_of_this_format_can_be_made() {
    let mut state = State::default();
    let mut records = append(&mut state, vec![Event::EngineStarted { version: "0.1.0".into() }], vec![]).unwrap();
    records.extend(append(&mut state, vec![started(1, 1)], vec![]).unwrap());
    records.extend(append(&mut state, vec![ended(1, 1, 2, End::Lost, again())], vec![]).unwrap());
    records.extend(append(&mut state, vec![started(1, 2)], vec![]).unwrap());
    records.extend(append(&mut state, vec![ended(1, 2, 4, End::Succeeded, Next::Finish)], vec![]).unwrap());
    let lines: Vec<String> = records.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
    if let Ok(path) = std::env::var("DAYFLY_SAMPLE") {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    assert_eq!(records.len(), 5);
}

#[test]
fn a_fold_that_gives_another_state_has_another_version() {
    let samples = [
        include_str!("../../tests/data/ledger-v1.jsonl"),
        include_str!("../../tests/data/ledger-v1-capacity.jsonl"),
        include_str!("../../tests/data/ledger-v1-github.jsonl"),
        include_str!("../../tests/data/ledger-v1-orders.jsonl"),
        include_str!("../../tests/data/ledger-v1-drift.jsonl"),
        include_str!("../../tests/data/ledger-v1-cards.jsonl"),
    ];
    let mut text = String::new();
    for sample in samples {
        let records: Vec<Record> = sample.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let state = State::fold(&records).unwrap();
        let stored = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&stored).unwrap(), state, "a state is read as it was stored");
        text.push_str(&stored);
    }
    let digest = Digest::of(text.as_bytes());
    let found = (crate::FOLD_VERSION, digest.as_str().get(..12).unwrap());
    // Where this fails, stored folds of the old state would be gone on from: raise `FOLD_VERSION`, and put the new
    // digest here.
    assert_eq!(found, (5, "38f8d40ab233"));
}
