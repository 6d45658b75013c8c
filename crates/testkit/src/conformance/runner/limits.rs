//! What an executor keeps to that enforces the limits of time.

use std::time::Duration;

use dayfly_core::{AttemptEvent, End};

use super::probe::Probe;
use super::{Case, Suite, contract};

pub(super) async fn check(suite: &mut Suite<'_>, claimed: bool, has_processes: bool) {
    if !claimed {
        suite.report.skip(&[contract::WALL, contract::SILENCE], "it enforces no limits");
        return;
    }
    suite.check(contract::WALL, the_wall_limit_holds).await;
    if has_processes {
        suite.check(contract::WALL, the_wall_limit_holds_for_one_that_is_stubborn).await;
    }
    suite.check(contract::SILENCE, silence_is_told_before_it_is_stopped).await;
}

async fn the_wall_limit_holds(case: &Case<'_>) {
    let mut probe = Probe::new("forever", "while [ -d \"$PWD\" ]; do echo x; sleep 0.05; done");
    probe.attempt.job.wall = Duration::from_millis(300);
    case.same(case.run(&probe).await.end, End::TimedOutWall { limit: probe.attempt.job.wall }, "the end is");
}

async fn the_wall_limit_holds_for_one_that_is_stubborn(case: &Case<'_>) {
    let mut probe = Probe::new("forever", "trap '' TERM; while [ -d \"$PWD\" ]; do sleep 0.05; done");
    probe.attempt.job.wall = Duration::from_millis(300);
    case.same(case.run(&probe).await.end, End::TimedOutWall { limit: probe.attempt.job.wall }, "the end is");
}

async fn silence_is_told_before_it_is_stopped(case: &Case<'_>) {
    let mut probe = Probe::new("forever", "exec sleep 600");
    probe.attempt.job.silence_report = Duration::from_millis(200);
    probe.attempt.job.silence = Duration::from_millis(600);
    let outcome = case.run(&probe).await;
    case.same(outcome.end, End::TimedOutSilence { limit: probe.attempt.job.silence }, "the end is");
    let events = probe.heard.events();
    let told = events.iter().position(|event| matches!(event, AttemptEvent::Silent(_)));
    let stopped = events.iter().position(|event| matches!(event, AttemptEvent::Stopping(_)));
    case.holds(told.is_some_and(|told| stopped.is_none_or(|stopped| told < stopped)), format_args!("{events:?}"));
}
