//! A question that nobody answers in time, as the engine decides it.

use dayfly_core::Record;

use super::*;

/// Ends at 10:00 with the question of `web#2`, which says that its default is taken after ten hours.
const LEDGER: &str = include_str!("../../../../../core/tests/data/ledger-v1-cards.jsonl");

fn at(time: &str) -> Timestamp {
    format!("2026-01-01T{time}:00Z").parse().unwrap()
}

fn shown() -> ProjectView {
    let mut view = view();
    let asked =
        |issue: &mut Issue| (issue.id, issue.labels) = (IssueId::new("2").unwrap(), vec!["needs-clarification".into()]);
    view.issues.iter_mut().for_each(asked);
    view
}

#[test]
fn an_engine_wakes_when_a_default_is_due_and_takes_it_only_from_a_view_read_since() {
    let config = format!("{CONFIG}\n[cards]\nexpires = \"10h\"\n");
    let config = Config::read(&SourceText::new("dayfly.toml", config), &mut |_| Err("no files".into())).unwrap();
    let records: Vec<Record> = LEDGER.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let until = Until::Idle { patience: Duration::from_secs(86_400) };
    let mut model = Model::new(Arc::new(config.portfolio), State::fold(&records).unwrap(), Filter::default(), until);
    assert_eq!(words(&turn(&mut model, at("12:00"))), ["sync web"]);
    take(&mut model, Input::Synced(web(), shown()), at("12:00"));
    turn(&mut model, at("12:00"));
    assert_eq!(model.wake, Some(at("20:00")));
    take(&mut model, Input::Woke, at("19:59"));
    model.stale.clear();
    assert!(!words(&turn(&mut model, at("19:59"))).iter().any(|word| word.starts_with("append")), "not before");
    model.read_at.insert(web(), at("19:59"));
    assert_eq!(words(&turn(&mut model, at("20:00"))), ["sync web"], "somebody may have answered since");
    take(&mut model, Input::Synced(web(), shown()), at("20:00"));
    assert_eq!(words(&turn(&mut model, at("20:00"))), ["append 1"]);
}
