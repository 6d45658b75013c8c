//! The ledger of an installation that was stopped, paused and put back from a backup.

use super::*;

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
