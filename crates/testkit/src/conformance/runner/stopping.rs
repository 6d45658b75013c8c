//! How an executor stops a process.

use std::time::{Duration, Instant};

use dayfly_core::{End, Stop};

use super::probe::{Mark, Probe};
use super::{Case, Suite, contract};

pub(super) const SENTENCES: &[&str] = &[contract::POLITE, contract::KILL];

/// The line tells that the signal is ignored from now on. It ends with the probe's folder.
const STUBBORN: &str = "trap '' TERM; echo ready; while [ -d \"$PWD\" ]; do sleep 1; done";
/// It leaves a mark if it is asked to end.
const POLITE: &str = "trap 'echo x > mark; exit 0' TERM; echo ready; while [ -d \"$PWD\" ]; do sleep 0.05; done";
/// So long nobody waits here.
const FOR_EVER: Duration = Duration::from_secs(3600);

pub(super) async fn check(suite: &mut Suite<'_>) {
    suite.check(contract::STOPS, async |case| one_that_is_stubborn_ends(case, Stop::Polite).await).await;
    suite.check(contract::STOPS, async |case| one_that_is_stubborn_ends(case, Stop::Kill).await).await;
    suite.check(contract::POLITE, a_polite_stop_is_a_chance).await;
    suite.check(contract::POLITE, the_kill_comes_after_the_grace_period).await;
    suite.check(contract::KILL, the_kill_does_not_ask).await;
    suite.check(contract::KILL, the_kill_cuts_a_grace_period_short).await;
}

async fn one_that_is_stubborn_ends(case: &Case<'_>, how: Stop) {
    let probe = Probe::new("forever", STUBBORN);
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    probe.first_line(case, &mut *running).await;
    case.stop(&mut *running, how).await;
    let outcome = case.end(&mut *running).await;
    case.same(outcome.end, End::Cancelled, &format!("of one that ignores the signal, after {how:?} the end is"));
}

async fn a_polite_stop_is_a_chance(case: &Case<'_>) {
    let mut probe = Probe::new("forever", POLITE);
    probe.attempt.job.grace = FOR_EVER;
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    probe.first_line(case, &mut *running).await;
    case.stop(&mut *running, Stop::Polite).await;
    case.same(case.end(&mut *running).await.end, End::Cancelled, "the end is");
    case.same(probe.mark(), Mark::Present, "what it leaves when it is asked to end is");
}

async fn the_kill_comes_after_the_grace_period(case: &Case<'_>) {
    let mut probe = Probe::new("forever", STUBBORN);
    probe.attempt.job.grace = Duration::from_millis(700);
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    probe.first_line(case, &mut *running).await;
    let asked = Instant::now();
    case.stop(&mut *running, Stop::Polite).await;
    case.end(&mut *running).await;
    let (took, grace) = (asked.elapsed(), probe.attempt.job.grace);
    case.holds(took >= grace, format_args!("one that ignores the signal was killed after {took:?} of {grace:?}"));
}

async fn the_kill_does_not_ask(case: &Case<'_>) {
    let mut probe = Probe::new("forever", POLITE);
    probe.attempt.job.grace = FOR_EVER;
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    probe.first_line(case, &mut *running).await;
    case.stop(&mut *running, Stop::Kill).await;
    case.same(case.end(&mut *running).await.end, End::Cancelled, "the end is");
    case.same(probe.mark(), Mark::Absent, "what it leaves when it is asked to end is");
}

async fn the_kill_cuts_a_grace_period_short(case: &Case<'_>) {
    let mut probe = Probe::new("forever", STUBBORN);
    probe.attempt.job.grace = FOR_EVER;
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    probe.first_line(case, &mut *running).await;
    case.stop(&mut *running, Stop::Polite).await;
    case.stop(&mut *running, Stop::Kill).await;
    case.same(case.end(&mut *running).await.end, End::Cancelled, "the end is");
}
