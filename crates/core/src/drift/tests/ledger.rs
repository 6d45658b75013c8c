//! What the ledger keeps of drift.

use crate::{Ask, Batch, ProjectName, Request};

use super::*;

const SAMPLE: &str = include_str!("../../../tests/data/ledger-v1-drift.jsonl");

fn request(id: &str, ask: Ask) -> Request {
    Request::new(Order { id: OrderId::new(id).unwrap(), by: "cleo".into(), reason: "so".into(), at: now() }, ask)
}

fn baselines(tip: &str) -> BTreeMap<ProjectName, Baseline> {
    let baseline = Baseline { tip: Some(id(tip)), ..World::new().record.baseline };
    BTreeMap::from([(ProjectName::new("web").unwrap(), baseline)])
}

fn looks(tip: &str) -> BTreeMap<ProjectName, DriftLook> {
    let found = BTreeMap::from([(DriftKind::Commit, 2), (DriftKind::Labels, 1)]);
    let look = DriftLook { at: now(), tip: Some(id(tip)), found, unseen: [DriftKind::Migrations].into() };
    BTreeMap::from([(ProjectName::new("web").unwrap(), look)])
}

/// Takes a request in; gives what was recorded.
fn take(state: &mut State, request: &Request) -> Vec<Record> {
    let events = request.event(state).into_iter().collect();
    let batch = Batch { epoch: state.epoch, at: now(), events, conditions: vec![] };
    batch.prepare(state.epoch, state).unwrap()
}

#[test]
fn the_first_look_never_takes_the_place_of_what_a_person_accepted() {
    let mut state = State::default();
    let first = |id: &str, tip: &str| request(id, Ask::AcceptDrift { baselines: baselines(tip), first: true });
    assert_eq!(take(&mut state, &first("f1", "a")).len(), 1);
    assert!(take(&mut state, &first("f2", "b")).is_empty());
    let accept = request("a1", Ask::AcceptDrift { baselines: baselines("c"), first: false });
    assert_eq!(take(&mut state, &accept).len(), 1);
    assert!(take(&mut state, &accept).is_empty(), "an order counts once");
    let record = &state.drift[&ProjectName::new("web").unwrap()];
    assert_eq!((&record.baseline.tip, record.by.as_str(), record.reason.as_str()), (&Some(id("c")), "cleo", "so"));
}

#[test]
fn a_look_is_kept_until_the_next_or_until_it_is_accepted() {
    let mut state = State::default();
    let look = |id: &str, tip: &str| request(id, Ask::KeepDrift { looks: looks(tip) });
    take(&mut state, &look("l0", "a"));
    assert!(state.drift.is_empty(), "nothing was accepted that it could be held against");
    take(&mut state, &request("a1", Ask::AcceptDrift { baselines: baselines("a"), first: false }));
    take(&mut state, &look("l1", "b"));
    let web = ProjectName::new("web").unwrap();
    assert_eq!(state.drift[&web].look.as_ref().unwrap().found[&DriftKind::Commit], 2);
    assert_eq!(state.drift[&web].expected, Some(id("b")));
    let read: State = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(read, state, "a state is read as it was stored");
    take(&mut state, &request("a2", Ask::AcceptDrift { baselines: baselines("b"), first: false }));
    assert_eq!(state.drift[&web].look, None);
}

#[test]
fn dayflys_own_landings_move_what_is_expected_and_nobody_elses() {
    let mut record = World::new().record;
    record.landed(&id("x"), &id("y"));
    assert_eq!(record.expected, Some(id("0")), "somebody had moved it before");
    record.landed(&id("0"), &id("a"));
    record.landed(&id("a"), &id("b"));
    assert_eq!(record.expected, Some(id("b")));
}

/// Ledgers that hold these events, as this version first wrote them, load for ever.
#[test]
fn a_ledger_of_this_version_loads() {
    let records: Vec<Record> = SAMPLE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let state = State::fold(&records).unwrap();
    let record = &state.drift[&ProjectName::new("web").unwrap()];
    assert_eq!((record.by.as_str(), &record.baseline.tip), ("cleo", &Some(id("0"))));
    assert_eq!(record.look.as_ref().unwrap().found[&DriftKind::Labels], 1);
}

/// Writes such a sample where `DAYFLY_SAMPLE_DRIFT` says.
#[test]
fn a_sample_can_be_made() {
    let mut state = State::default();
    let started = Batch {
        epoch: state.epoch,
        at: now(),
        events: vec![Event::EngineStarted { version: "0.1.0".into() }],
        conditions: vec![],
    };
    let mut records = started.prepare(state.epoch, &mut state).unwrap();
    records.extend(take(&mut state, &request("a1", Ask::AcceptDrift { baselines: baselines("0"), first: true })));
    records.extend(take(&mut state, &request("l1", Ask::KeepDrift { looks: looks("a") })));
    let lines: Vec<String> = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    if let Ok(path) = std::env::var("DAYFLY_SAMPLE_DRIFT") {
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    assert_eq!(records.len(), 3);
}
