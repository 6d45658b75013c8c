//! What every executor keeps to.

mod attempts;
mod case;
mod contract;
mod escapes;
mod limits;
mod probe;
mod processes;
mod stopping;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use dayfly_core::{Containment, Runner};

use self::case::Case;
use super::report::Report;
use super::watchdog::within;

/// More than an executor needs to notice anything, on a machine that is busy.
const A_MOMENT: Duration = Duration::from_secs(20);

/// Checks that the executors which `make` gives keep the contracts of [`Runner`] and of
/// [`Running`](dayfly_core::Running), sentence by sentence.
///
/// `make` is called for a new executor again and again; they all must be able to find each other's attempts if they claim
/// [`reattach`](dayfly_core::Capabilities::reattach). Executors that run processes are given scripts of `/bin/sh`. One
/// that runs none, or cannot hold them (its containment is [`Containment::None`]), is told by the stage's name how an
/// attempt is to go: `quick` succeeds by itself, `forever` says nothing and ends only when it is stopped.
///
/// The report says which sentences were skipped, because the executor does not claim what they are about.
///
/// # Panics
/// With the sentence of the contract that is broken, and what was seen.
pub async fn runner<R: Runner>(make: impl AsyncFn() -> R) -> Report {
    runner_within(A_MOMENT, make).await
}

/// As [`runner`], for executors that are much faster or slower than others: `moment` is how long they may take to notice
/// anything.
///
/// # Panics
/// With the sentence of the contract that is broken, and what was seen.
pub async fn runner_within<R: Runner>(moment: Duration, make: impl AsyncFn() -> R) -> Report {
    let first = make().await;
    let can = first.capabilities();
    let name = first.name().to_owned();
    drop(first);
    assert!(!name.is_empty(), "an executor has a name, for receipts");
    let mut suite = Suite { make: &Wrap(make), moment, report: Report::new(name) };

    attempts::check(&mut suite, can.reattach).await;
    let has_processes = can.containment != Containment::None;
    if has_processes {
        processes::check(&mut suite, can).await;
        stopping::check(&mut suite).await;
        escapes::check(&mut suite, can.containment).await;
    } else {
        let why = "it runs no processes, or cannot hold them";
        for sentences in [processes::SENTENCES, stopping::SENTENCES, escapes::SENTENCES, &[contract::EXIT_STATUS]] {
            suite.report.skip(sentences, why);
        }
    }
    limits::check(&mut suite, can.limits, has_processes).await;
    let mut seen = suite.report.checked.clone();
    seen.extend(suite.report.skipped.iter().map(|skipped| skipped.sentence));
    let forgotten: Vec<_> = contract::ALL.iter().filter(|sentence| !seen.contains(sentence)).collect();
    assert!(forgotten.is_empty(), "the suite itself forgot {forgotten:?}");
    suite.report
}

/// Makes executors, whatever their type.
trait Make {
    fn make(&self) -> Pin<Box<dyn Future<Output = Box<dyn Runner>> + '_>>;
}

struct Wrap<F>(F);

impl<R: Runner, F: AsyncFn() -> R> Make for Wrap<F> {
    fn make(&self) -> Pin<Box<dyn Future<Output = Box<dyn Runner>> + '_>> {
        Box::pin(async { Box::new((self.0)().await) as Box<dyn Runner> })
    }
}

/// A run of the suite.
struct Suite<'a> {
    make: &'a dyn Make,
    moment: Duration,
    report: Report,
}

impl Suite<'_> {
    /// Checks a sentence. A check that does not come to its end is one that fails: whatever an executor keeps to, it
    /// comes to an end.
    async fn check(&mut self, sentence: &'static str, check: impl AsyncFn(&Case<'_>)) {
        let case = Case { make: self.make, moment: self.moment, name: &self.report.name, sentence };
        if within(self.moment * 6, check(&case)).await.is_none() {
            case.broken("it goes on for ever");
        }
        if !self.report.checked.contains(&sentence) {
            self.report.checked.push(sentence);
        }
    }
}

#[cfg(test)]
mod broken;
#[cfg(test)]
mod tests;
