//! What a keeper waits for, and small readings of what it found.

use std::time::Duration;

use nix::poll::PollFlags;
use nix::sys::wait::WaitStatus;

/// What a keeper waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Signals,
    Control,
    Stdout,
    Stderr,
    PassStdout,
    PassStderr,
}

impl Source {
    pub(super) const ALL: [Source; 6] =
        [Source::Stdout, Source::Stderr, Source::PassStdout, Source::PassStderr, Source::Control, Source::Signals];

    pub(super) fn wanted(self) -> PollFlags {
        match self {
            Source::PassStdout | Source::PassStderr => PollFlags::POLLOUT,
            _ => PollFlags::POLLIN,
        }
    }
}

pub(super) fn code(exit: Option<WaitStatus>) -> Option<i32> {
    match exit {
        Some(WaitStatus::Exited(_, code)) => Some(code),
        _ => None,
    }
}

pub(super) fn signal(exit: Option<WaitStatus>) -> Option<i32> {
    match exit {
        Some(WaitStatus::Signaled(_, signal, _)) => Some(signal as i32),
        _ => None,
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
