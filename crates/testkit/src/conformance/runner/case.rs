//! One sentence that is checked.

use std::fmt::{Debug, Display};
use std::future::Future;
use std::time::Duration;

use dayfly_core::{Outcome, Runner, Running, Stop};

use super::super::watchdog::within;
use super::Make;
use super::probe::Probe;

/// One sentence that is checked, and the executors for it.
pub(super) struct Case<'a> {
    pub(super) make: &'a dyn Make,
    /// How long an executor may take to notice anything.
    pub(super) moment: Duration,
    pub(super) name: &'a str,
    pub(super) sentence: &'static str,
}

impl Case<'_> {
    /// Says that the sentence does not hold.
    #[track_caller]
    pub(super) fn broken(&self, seen: impl Display) -> ! {
        panic!("the executor `{}` breaks its contract: {}\nseen: {seen}", self.name, self.sentence)
    }

    #[track_caller]
    pub(super) fn holds(&self, holds: bool, seen: impl Display) {
        if !holds {
            self.broken(seen);
        }
    }

    #[track_caller]
    pub(super) fn same<T: PartialEq + Debug>(&self, seen: T, wanted: T, what: &str) {
        if seen != wanted {
            self.broken(format_args!("{what}: {seen:?}, and not {wanted:?}"));
        }
    }

    pub(super) async fn runner(&self) -> Box<dyn Runner> {
        self.make.make().await
    }

    /// Starts the attempt, which can be started.
    pub(super) async fn start(&self, runner: &dyn Runner, probe: &Probe) -> Box<dyn Running> {
        match self.soon("`start` does not return", runner.start(&probe.attempt)).await {
            Ok(running) => running,
            Err(error) => self.broken(format_args!("`start` of /bin/sh: {}", chain(&error))),
        }
    }

    /// Starts the attempt in an executor of its own, and waits for its end.
    pub(super) async fn run(&self, probe: &Probe) -> Outcome {
        let runner = self.runner().await;
        self.end(&mut *self.start(&*runner, probe).await).await
    }

    /// Waits for the end, which is near.
    pub(super) async fn end(&self, running: &mut dyn Running) -> Outcome {
        self.soon("`wait` does not return", self.outcome(running)).await
    }

    /// Waits for the end.
    pub(super) async fn outcome(&self, running: &mut dyn Running) -> Outcome {
        match running.wait().await {
            Ok(outcome) => outcome,
            Err(error) => self.broken(format_args!("`wait`, where an end is a value: {}", chain(&error))),
        }
    }

    pub(super) async fn stop(&self, running: &mut dyn Running, how: Stop) {
        if let Err(error) = self.soon("`stop` does not return", running.stop(how)).await {
            self.broken(format_args!("`stop`: {}", chain(&error)));
        }
    }

    /// What the future gives within a moment and the time a probe itself may need.
    pub(super) async fn soon<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let limit = self.moment + Probe::LASTS;
        match within(limit, future).await {
            Some(value) => value,
            None => self.broken(format_args!("{what} within {limit:?}")),
        }
    }
}

/// The error with all that led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
