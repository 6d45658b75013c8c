//! What every executor keeps to.

mod probe;
mod processes;

use dayfly_core::{Containment, End, Outcome, Runner, Running, Stop};

use self::probe::{Mark, Probe};
use super::start_and_drop;

/// Checks that the executors which `make` gives keep the contract of [`Runner`] and [`Running`].
///
/// `make` is called for a new executor several times. Executors that run processes are given scripts of
/// `/bin/sh`. One that runs none (its containment is [`Containment::None`]) is told by the stage's name
/// how an attempt is to go: `quick` succeeds by itself, `forever` ends only when it is stopped.
///
/// Returns what was skipped because the executor does not claim it, each with the reason.
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn runner<R: Runner>(make: impl AsyncFn() -> R) -> Vec<String> {
    let can = make().await.capabilities();
    assert!(!make().await.name().is_empty(), "an executor has a name, for receipts");
    let mut skipped = Vec::new();

    waiting_may_be_given_up_and_repeated(&make().await).await;
    the_end_is_a_claim(&make().await).await;
    a_stopped_attempt_ends(&make().await, Stop::Polite).await;
    a_stopped_attempt_ends(&make().await, Stop::Kill).await;
    stopping_what_has_ended_is_no_error(&make().await).await;
    an_attempt_that_never_was_is_not_found(&make().await).await;

    if can.containment == Containment::None {
        skipped.push("processes: it runs none".to_owned());
    } else {
        processes::check(&make, can, &mut skipped).await;
    }
    if can.reattach {
        an_attempt_is_taken_up_again(&make).await;
    } else {
        skipped.push("reattach: it takes no attempt up again".to_owned());
    }
    if !can.limits {
        skipped.push("limits: it enforces none".to_owned());
    }
    if !can.exit_status {
        skipped.push("exit status: it reports none".to_owned());
    }
    skipped
}

async fn waiting_may_be_given_up_and_repeated(runner: &impl Runner) {
    let probe = Probe::new("quick", "exit 0");
    let mut running = probe.start(runner).await;
    start_and_drop(running.wait()).await;
    start_and_drop(running.wait()).await;
    let first = ended(&mut *running).await;
    assert_eq!(first.end, End::Succeeded, "`wait` may be dropped and called again");
    assert_eq!(ended(&mut *running).await, first, "after the end `wait` gives the same outcome each time");
}

async fn the_end_is_a_claim(runner: &impl Runner) {
    let probe = Probe::new("quick", "exit 0");
    let mut running = probe.start(runner).await;
    let outcome = ended(&mut *running).await;
    let sentence = "the end is the agent's claim and the runner's facts; no gate has been asked";
    assert!(outcome.receipt.gates.is_empty(), "{sentence}");
    assert!(outcome.proposal.is_none() && outcome.commit.is_none(), "{sentence}: the engine reads what was left");
}

async fn a_stopped_attempt_ends(runner: &impl Runner, how: Stop) {
    // The line tells that the signal is ignored from now on.
    let probe = Probe::new("forever", "trap '' TERM; echo ready; while :; do sleep 1; done");
    let mut running = probe.start(runner).await;
    if runner.capabilities().containment != Containment::None {
        probe.first_line(&mut *running).await;
    }
    let asked = std::time::Instant::now();
    running.stop(how).await.expect("`stop` on a running attempt is no error");
    running.stop(how).await.expect("`stop` may be asked twice");
    let outcome = ended(&mut *running).await;
    assert_eq!(outcome.end, End::Cancelled, "an attempt that was stopped was cancelled");
    let most = probe.attempt.job.grace + probe::A_MOMENT;
    assert!(asked.elapsed() < most, "after `stop`, `wait` ends within the grace period and a moment: {outcome:?}");
}

async fn stopping_what_has_ended_is_no_error(runner: &impl Runner) {
    let probe = Probe::new("quick", "exit 0");
    let mut running = probe.start(runner).await;
    let outcome = ended(&mut *running).await;
    for how in [Stop::Polite, Stop::Kill] {
        running.stop(how).await.expect("`stop` on an attempt that has ended is no error");
    }
    assert_eq!(ended(&mut *running).await, outcome, "`stop` after the end changes nothing");
}

async fn an_attempt_that_never_was_is_not_found(runner: &impl Runner) {
    let probe = Probe::new("quick", "echo x > mark");
    let found = runner.reattach(&probe.attempt).await.expect("looking for an attempt that never was is no error");
    assert!(found.is_none(), "`reattach` gives `None` where the attempt cannot be found");
    assert_eq!(probe.mark(), Mark::Absent, "`reattach` never starts anything");
}

async fn an_attempt_is_taken_up_again<R: Runner>(make: &impl AsyncFn() -> R) {
    let probe = Probe::new("quick", "exit 0");
    let first = make().await;
    let mut running = probe.start(&first).await;
    let again = make().await.reattach(&probe.attempt).await.expect("a running attempt can be looked for");
    let mut again = again.expect("an executor that says so takes up a running attempt again");
    assert_eq!(ended(&mut *again).await.end, End::Succeeded, "an attempt taken up again ends as it would have");
    assert_eq!(ended(&mut *running).await.end, End::Succeeded, "being taken up again disturbs nobody");
}

async fn ended(running: &mut dyn Running) -> Outcome {
    running.wait().await.expect("`wait` gives an outcome: an ending is a value, no error")
}
