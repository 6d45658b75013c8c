//! Wall time as an argument.

use std::fmt::Debug;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use crate::Boot;

/// Tells the wall time.
///
/// # Contract
/// `now` never blocks. It is used for display, for times that people or vendors state, and for
/// back-off; liveness of a process is measured on a monotonic clock by its runner, not here.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present wall time.
    fn now(&self) -> Timestamp;

    /// The boot of the machine, as far as this clock knows of it. It tells whether the wall clock was set between two looks;
    /// one that never is needs none.
    fn boot(&self) -> Option<Boot> {
        None
    }
}

/// A clock that stands still until it is moved; for tests and simulations.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves the clock, forwards or backwards.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.checked_add(by).unwrap_or(*now);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
