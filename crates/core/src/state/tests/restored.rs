//! The ledger of an installation that was stopped, paused and put back from a backup.

use super::*;
use crate::Boot;

#[test]
fn a_ledger_that_was_put_back_knows_not_how_the_last_engine_ended_and_writes_nothing_while_an_attempt_runs() {
    let mut state = State::default();
    let boot = Event::Booted { boot: Boot { id: "b".into(), began: Timestamp::UNIX_EPOCH } };
    let before = vec![Event::EngineStarted { version: "1".into() }, boot, started(1, 1), Event::EngineStopped];
    append(&mut state, before, vec![]).unwrap();
    assert!(state.at_rest && state.boot.is_some());
    let write = TrackerWrite::Comment { issue: issue(1).issue, body: "in doubt".into() };
    let effect = Effect::Tracker { project: issue(1).project, write };
    let entry = EffectEntry { id: EffectId("web#1.restored.4.1@abc/0".into()), issue: issue(1), effect };
    assert!(entry.id.is_of_restore() && !EffectId("web.1.restored.1@abc/0".into()).is_of_restore());
    let put_back = Event::Restored { replaced: None, in_doubt: Vec::new(), effects: vec![entry] };
    append(&mut state, vec![put_back], vec![]).unwrap();
    assert_eq!((state.at_rest, &state.boot), (false, &None));
    let due = |state: &State| state.due_effects(Timestamp::UNIX_EPOCH).len();
    assert_eq!(due(&state), 0, "an attempt runs");
    append(&mut state, vec![ended(1, 1, 3, End::Lost, again())], vec![]).unwrap();
    assert_eq!(due(&state), 1);
}

#[test]
fn a_ledger_that_was_put_back_loads_for_ever() {
    let text = include_str!("../../../tests/data/ledger-v1-restored.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let state = State::fold(&records).unwrap();
    assert!(state.at_rest && state.live.is_empty() && state.control.halt.is_none());
    assert_eq!(state.control.paused.len(), 1, "a pause outlasts a lift");
    let waiting: Vec<String> = state.outbox.iter().map(|pending| pending.entry.issue.to_string()).collect();
    assert_eq!(waiting, ["web#1", "web#1", "web#2", "web#2"], "their people are still to be told");
    assert_eq!(state.numbers.get(&issue(2)), Some(&1), "no name is given twice");
}
