//! The ledger of a project on GitHub.

use super::*;
use crate::{EventKind, TrackerKind};

#[test]
fn a_ledger_with_pull_requests_loads_for_ever() {
    let text = include_str!("../../../tests/data/ledger-v1-github.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let up_to = |kind: EventKind| {
        let last = records.iter().position(|r| r.event().unwrap().kind() == kind).unwrap();
        State::fold(&records[..=last]).unwrap().issues.remove(&issue(1)).unwrap()
    };
    let known = up_to(EventKind::PullSeen);
    let pull = known.pull.unwrap();
    assert_eq!((pull.number, pull.step, known.tracker), (5, PullStep::Opened, TrackerKind::GitHub));
    let known = up_to(EventKind::SentBack);
    assert_eq!((known.phase.word(), known.rounds.values().sum::<u32>()), ("queued", 1));
    assert_eq!(known.feedback.unwrap().gate, "checks");
    assert_eq!(up_to(EventKind::Merged).phase, Phase::Done);
    let state = State::fold(&records).unwrap();
    let known = &state.issues[&issue(2)];
    assert_eq!((known.phase.word(), &known.pull), ("queued", &None), "it was stopped, and a person sent it on");
    let known = &state.issues[&issue(1)];
    assert_eq!((known.phase.word(), known.tracker, known.uncounted), ("queued", TrackerKind::Markdown, 2));
    assert_eq!(state.outbox.len(), 1, "what triage asked for waits");
    assert!(!state.issues.contains_key(&issue(3)), "triage alone is no work");
}
