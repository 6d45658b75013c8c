//! The processes below this one, where nothing inherits orphans: only the process group is held.

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::liveness::Signs;

pub(super) fn become_reaper() -> bool {
    false
}

pub(super) fn become_private() {}

pub(super) fn signs() -> Signs {
    Signs::default()
}

pub(super) fn signal(child: Pid, _wrappers: u32, signal: Signal) {
    let _ = killpg(child, signal);
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// Processes that were killed.
    pub(super) killed: u64,
    /// Processes that would not end.
    pub(super) left: u64,
}

pub(super) fn sweep(mut reaped: impl FnMut(WaitStatus)) -> Swept {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            break;
        }
        reaped(status);
    }
    Swept::default()
}
