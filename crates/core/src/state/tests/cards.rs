//! A ledger with questions that offer options, with a default that was taken, and with answers by order.

use super::*;
use crate::{CardMark, OrderId};

#[test]
fn a_ledger_with_cards_loads_for_ever() {
    let text = include_str!("../../../tests/data/ledger-v1-cards.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let answers: Vec<String> = records
        .iter()
        .filter_map(|record| match record.event().unwrap() {
            Event::Answered { by, chosen, .. } => Some(format!("{by}: {}", chosen.unwrap().option)),
            _ => None,
        })
        .collect();
    assert_eq!(answers, ["nobody: keep", "ann: drop"]);
    let state = State::fold(&records).unwrap();
    let card = |n: u32| state.issues[&issue(n)].card.clone().unwrap();
    assert_eq!((state.issues[&issue(1)].phase.word(), card(1).number), ("handed", 4));
    let Phase::Asked { choices, .. } = &state.issues[&issue(2)].phase else { panic!() };
    assert_eq!((choices.options.len(), choices.default.as_deref()), (2, Some("keep")));
    let at: Timestamp = "2026-01-01T10:00:00Z".parse().unwrap();
    assert_eq!(card(2), CardMark { number: 1, since: at, shown: Some(at) });
    assert!(["o1", "o2"].iter().all(|id| state.control.has_taken(&OrderId::new(*id).unwrap())));
}
