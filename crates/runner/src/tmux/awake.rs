//! For how long an attempt has run, as a later engine finds it out.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::process;

/// A reading of the clock that stands still while the machine is suspended and that nobody can set, with the start of
/// the machine since which it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Awake {
    /// Empty on a system that does not tell its starts apart.
    boot: String,
    at: Duration,
}

impl Awake {
    /// The reading at this moment.
    pub(super) fn now() -> Self {
        let boot = process::identity(std::process::id()).map_or_else(String::new, |own| own.boot_id);
        let at = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
        Self { boot, at }
    }

    /// For how long what began at `start` has run, the machine's sleep left out.
    ///
    /// Where that cannot be known it is nothing: its limits begin anew. An attempt that is charged for time it did not
    /// have would lose its work, and one that is given more of it still has limits.
    pub(super) fn since(&self, start: Option<&Self>) -> Duration {
        let start = start.filter(|start| start.boot == self.boot);
        start.and_then(|start| self.at.checked_sub(start.at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awake(boot: &str, seconds: u64) -> Awake {
        Awake { boot: boot.into(), at: Duration::from_secs(seconds) }
    }

    #[test]
    fn only_the_time_awake_since_the_same_start_of_the_machine_is_charged() {
        let now = awake("one", 1000);
        assert_eq!(now.since(Some(&awake("one", 700))), Duration::from_secs(300));
        assert_eq!(now.since(Some(&awake("another", 700))), Duration::ZERO, "the machine was started anew");
        assert_eq!(now.since(Some(&awake("one", 2000))), Duration::ZERO, "no time goes backwards");
        assert_eq!(now.since(None), Duration::ZERO, "nobody knows when it began");
    }

    #[test]
    fn readings_are_of_this_start_and_come_one_after_the_other() {
        let (first, second) = (Awake::now(), Awake::now());
        assert_eq!(first.boot, second.boot);
        assert!(first.at > Duration::ZERO && second.at >= first.at, "{first:?} {second:?}");
        #[cfg(target_os = "linux")]
        assert!(!first.boot.is_empty());
    }
}
