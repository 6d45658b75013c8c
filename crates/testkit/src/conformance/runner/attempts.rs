//! What every executor keeps to, whether it runs processes or not.

use dayfly_core::{End, Stop};

use super::super::start_and_drop;
use super::probe::{Mark, Probe};
use super::{Case, Suite, contract};

pub(super) async fn check(suite: &mut Suite<'_>, reattach: bool) {
    suite.check(contract::CAN_START, what_can_run_is_not_refused).await;
    suite.check(contract::WAIT, waiting_may_be_given_up_and_repeated).await;
    suite.check(contract::CLAIM, the_end_is_a_claim).await;
    suite.check(contract::STOPS, async |case| a_stopped_attempt_ends(case, Stop::Polite).await).await;
    suite.check(contract::STOPS, async |case| a_stopped_attempt_ends(case, Stop::Kill).await).await;
    suite.check(contract::STOP_AGAIN, stopping_again_is_no_error).await;
    suite.check(contract::QUIET_AFTER, nothing_is_told_after_the_end).await;
    suite.check(contract::NOT_FOUND, an_attempt_that_never_was_is_not_found).await;
    if reattach {
        suite.check(contract::REATTACH, a_running_attempt_is_taken_up_again).await;
        suite.check(contract::REATTACH, an_attempt_taken_up_again_can_be_stopped).await;
        suite.check(contract::REATTACH_ENDED, an_ended_attempt_is_found).await;
    } else {
        suite.report.skip(&[contract::REATTACH, contract::REATTACH_ENDED], "it takes no attempt up again");
    }
}

async fn what_can_run_is_not_refused(case: &Case<'_>) {
    let refused = case.runner().await.can_start(&Probe::new("quick", "exit 0").attempt.command);
    case.same(refused, Ok(()), "for /bin/sh it gives");
}

async fn waiting_may_be_given_up_and_repeated(case: &Case<'_>) {
    let probe = Probe::new("quick", "echo one; exit 0");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    start_and_drop(running.wait()).await;
    start_and_drop(running.wait()).await;
    let first = case.end(&mut *running).await;
    case.same(&first.end, &End::Succeeded, "after two calls that were dropped it gives");
    let again = case.end(&mut *running).await;
    case.same(&again, &first, "after the end it gives");
}

async fn the_end_is_a_claim(case: &Case<'_>) {
    let outcome = case.run(&Probe::new("quick", "exit 0")).await;
    let untouched = outcome.receipt.gates.is_empty() && outcome.proposal.is_none() && outcome.commit.is_none();
    case.holds(untouched, format_args!("{outcome:?}"));
}

async fn a_stopped_attempt_ends(case: &Case<'_>, how: Stop) {
    let probe = Probe::new("forever", "while [ -d \"$PWD\" ]; do sleep 1; done");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    case.stop(&mut *running, how).await;
    let outcome = case.end(&mut *running).await;
    case.same(outcome.end, End::Cancelled, &format!("after {how:?} the end is"));
}

async fn stopping_again_is_no_error(case: &Case<'_>) {
    let probe = Probe::new("forever", "while [ -d \"$PWD\" ]; do sleep 1; done");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    case.stop(&mut *running, Stop::Polite).await;
    case.stop(&mut *running, Stop::Polite).await;
    case.same(case.end(&mut *running).await.end, End::Cancelled, "after two polite stops the end is");

    let probe = Probe::new("quick", "exit 0");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    let outcome = case.end(&mut *running).await;
    for how in [Stop::Polite, Stop::Kill] {
        case.stop(&mut *running, how).await;
    }
    case.same(case.end(&mut *running).await, outcome, "after the end and two stops it gives");
}

async fn nothing_is_told_after_the_end(case: &Case<'_>) {
    let probe = Probe::new("quick", "echo one; exit 0");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    case.end(&mut *running).await;
    let told = probe.heard.events();
    case.stop(&mut *running, Stop::Polite).await;
    case.end(&mut *running).await;
    drop(running);
    // It takes its time, in which what comes late would come.
    case.end(&mut *case.start(&*runner, &Probe::new("quick", "exit 0")).await).await;
    case.same(probe.heard.events(), told, "after the end these events were told");
}

async fn an_attempt_that_never_was_is_not_found(case: &Case<'_>) {
    let probe = Probe::new("quick", "echo x > mark");
    match case.runner().await.reattach(&probe.attempt).await {
        Ok(found) => case.holds(found.is_none(), "an attempt that never was is found"),
        Err(error) => case.broken(format_args!("to look for an attempt that never was is an error: {error}")),
    }
    case.same(probe.mark(), Mark::Absent, "what it would have left is");
}

async fn a_running_attempt_is_taken_up_again(case: &Case<'_>) {
    let probe = Probe::new("quick", "sleep 0.3; exit 0");
    let (runner, other) = (case.runner().await, case.runner().await);
    let mut running = case.start(&*runner, &probe).await;
    let mut again = probe.taken_up(case, &*other).await;
    case.same(case.end(&mut *again).await.end, End::Succeeded, "who took it up sees the end");
    case.same(case.end(&mut *running).await.end, End::Succeeded, "who started it sees the end");
}

async fn an_attempt_taken_up_again_can_be_stopped(case: &Case<'_>) {
    let probe = Probe::new("forever", "while [ -d \"$PWD\" ]; do sleep 1; done");
    let (runner, other) = (case.runner().await, case.runner().await);
    // It is kept until the end, as dropping it would be a stop too.
    let running = case.start(&*runner, &probe).await;
    let mut again = probe.taken_up(case, &*other).await;
    case.stop(&mut *again, Stop::Polite).await;
    case.same(case.end(&mut *again).await.end, End::Cancelled, "after its stop the end is");
    drop(running);
}

async fn an_ended_attempt_is_found(case: &Case<'_>) {
    let probe = Probe::new("quick", "exit 0");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    let outcome = case.end(&mut *running).await;
    for _ in 0..2 {
        let other = case.runner().await;
        let found = case.end(&mut *probe.taken_up(case, &*other).await).await;
        case.same(found.end, outcome.end.clone(), "its end is");
    }
}
