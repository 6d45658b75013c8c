//! The ledger of an installation that was stopped, paused and put back from a backup.

use super::*;
use crate::{Boot, Config, Digest, Found, Order, OrderId, SourceText, Target};

fn order(id: &str) -> Order {
    let (by, reason) = ("ann".into(), format!("because of {id}"));
    Order { id: OrderId::new(id).unwrap(), by, reason, at: Timestamp::UNIX_EPOCH }
}

/// Writes the sample anew where `DAYFLY_SAMPLE` names a file: for a new sample beside this one, never in its place.
fn write(path: &str) {
    let text = "version = 1\n[agents.a]\nkind = \"command\"\nargv = [\"a\"]\n[projects.web]\npath = \"web\"\n";
    let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("none".into())).unwrap();
    let (mut state, mut records) = (State::default(), Vec::new());
    let mut add = |state: &mut State, events| records.extend(append(state, events, vec![]).unwrap());
    add(&mut state, vec![Event::EngineStarted { version: "0.1.0".into() }, started(1, 1)]);
    add(&mut state, vec![Event::Paused { order: order("p1"), what: vec![Target::Issue(issue(2))] }]);
    add(&mut state, vec![Event::Halted { order: order("h1") }]);
    let replaced = Some(format!("9:{}", Digest::of(b"gone")).parse().unwrap());
    let in_doubt = vec![AttemptId::from_text("web.1.exec.1"), AttemptId::from_text("web.2.exec.1")];
    // As it was written when attempts in doubt were not ended yet.
    let event = crate::job::restored(&config.portfolio, &state, replaced, in_doubt);
    add(&mut state, vec![event]);
    add(&mut state, vec![Event::Lifted { order: order("l1") }, Event::EngineStarted { version: "0.1.0".into() }]);
    let lost = ended(1, 1, 2, End::Lost, again());
    let found = Found { what: "web.1.exec.1".into(), fate: crate::Fate::Settled, why: "its keeper is gone".into() };
    add(&mut state, vec![lost, Event::Recovered { found: vec![found] }, Event::EngineStopped]);
    let lines: Vec<String> = records.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

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
    if let Ok(path) = std::env::var("DAYFLY_SAMPLE") {
        write(&path);
    }
    let text = include_str!("../../../tests/data/ledger-v1-restored.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let state = State::fold(&records).unwrap();
    assert!(state.at_rest && state.live.is_empty() && state.control.halt.is_none());
    assert_eq!(state.control.paused.len(), 1, "a pause outlasts a lift");
    let waiting: Vec<String> = state.outbox.iter().map(|pending| pending.entry.issue.to_string()).collect();
    assert_eq!(waiting, ["web#1", "web#1", "web#2", "web#2"], "their people are still to be told");
    assert_eq!(state.numbers.get(&issue(2)), Some(&1), "no name is given twice");
}
