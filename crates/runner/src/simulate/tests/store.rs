//! A store that does not serve for a while.

use super::*;

/// The real store says of a full or a locked disk that it may pass. An engine keeps what it could not record, and what runs
/// goes on; of an append that was taken although it was said to have failed, it makes no second one.
#[test]
fn an_engine_holds_on_while_the_store_does_not_serve() {
    let faults = Faults { full: 0.02, locked: 0.02, unsure: 0.1, ..Faults::none() };
    let report = Simulation::new(on_a_forge(), Settings { faults, ..settings(1, 1) }).run().unwrap();
    assert_eq!(report.violations, Vec::<String>::new(), "{:#?}", report.story);
    let met = |kind| report.faults.get(&kind).copied().unwrap_or(0);
    let met = [FaultKind::StoreFull, FaultKind::StoreLocked, FaultKind::AppendUnsure].map(met);
    assert!(met.iter().all(|times| *times > 1), "it shows nothing: {:?}", report.faults);
    assert!(report.holds >= met.iter().sum::<u64>() / 2, "{} times of {met:?}", report.holds);
    assert!(report.done() > 0 && report.lost == 0, "{} lost, {:?}", report.lost, report.standing);
}
