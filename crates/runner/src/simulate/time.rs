//! Two times: that of the world, and that which the engine's clock shows.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dayfly_core::{Boot, Clock};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The time of a simulated world. It goes as the runtime's does, which stands still while there is work and leaps when there
/// is none.
#[derive(Debug)]
pub(super) struct Time {
    start: Timestamp,
    began: Instant,
    set: Mutex<Set>,
}

#[derive(Debug, Default)]
struct Set {
    /// How long the machine slept, in all.
    slept: Duration,
    /// How wrong the machine's clock is.
    wrong: SignedDuration,
}

impl Time {
    /// A time that begins now. It must be made in the runtime of the simulation.
    pub(super) fn new(start: Timestamp) -> Self {
        Self { start, began: Instant::now(), set: Mutex::default() }
    }

    /// The world's time.
    pub(super) fn true_now(&self) -> Timestamp {
        let slept = self.set.lock().unwrap_or_else(PoisonError::into_inner).slept;
        let passed = self.began.elapsed() + slept;
        self.start.checked_add(SignedDuration::try_from(passed).unwrap_or_default()).unwrap_or(self.start)
    }

    /// How long it is until then, while the machine is awake.
    pub(super) fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.true_now())).unwrap_or_default()
    }

    /// Lets the machine sleep.
    pub(super) fn sleep(&self, long: Duration) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).slept += long;
    }

    /// Sets the machine's clock forwards or back.
    pub(super) fn jump(&self, by: SignedDuration) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).wrong += by;
    }

    /// Sets the machine's clock right.
    pub(super) fn set_right(&self) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).wrong = SignedDuration::ZERO;
    }
}

impl Clock for Time {
    fn boot(&self) -> Option<Boot> {
        let wrong = self.set.lock().unwrap_or_else(PoisonError::into_inner).wrong;
        let began = self.start.checked_add(wrong).unwrap_or(self.start);
        Some(Boot { id: "simulated".into(), began })
    }

    fn now(&self) -> Timestamp {
        let now = self.true_now();
        now.checked_add(self.set.lock().unwrap_or_else(PoisonError::into_inner).wrong).unwrap_or(now)
    }
}

/// That much later.
pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(at)
}
