//! The two clocks of a keeper: one stands still while the machine is suspended, and one does not.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Measures from its making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: read(ClockId::CLOCK_MONOTONIC) }
    }

    /// The time since the start for which the machine was awake. Limits are measured by it: a suspend is charged to
    /// nobody.
    pub(super) fn awake(&self) -> Duration {
        read(ClockId::CLOCK_MONOTONIC).saturating_sub(self.start)
    }

    /// The time since the start, suspends included.
    pub(super) fn boot(&self) -> Duration {
        read(BOOT).saturating_sub(self.start)
    }
}

#[cfg(target_os = "linux")]
const BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
// The monotonic clock of macOS goes on while the machine sleeps, and there is none other here.
#[cfg(not(target_os = "linux"))]
const BOOT: ClockId = ClockId::CLOCK_MONOTONIC;

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map(Duration::from).unwrap_or_default()
}
