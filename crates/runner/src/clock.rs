//! The system's wall clock.

use dayfly_core::{Boot, Clock};
use jiff::Timestamp;

/// The system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boot(&self) -> Option<Boot> {
        crate::process::boot(Timestamp::now())
    }
}
