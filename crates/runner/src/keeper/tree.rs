//! The processes below this one, on Linux.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::liveness::Signs;
use crate::process;
use crate::sandbox::BRIDGE;

/// The longest the kernel may take to bury a killed process before the sweep says that it would not end.
const LONGEST_SWEEP: Duration = Duration::from_secs(10);

/// From now on what a descendant leaves behind becomes a child of this process.
pub(super) fn become_reaper() -> bool {
    nix::sys::prctl::set_child_subreaper(true).is_ok()
}

/// Hides this process's memory and environment from others of the same user.
pub(super) fn become_private() {
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// The children of this process that have not been waited for.
fn children() -> Vec<i32> {
    let me = std::process::id();
    match fs::read_to_string(format!("/proc/{me}/task/{me}/children")) {
        Ok(list) => list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
        // A kernel without that list: all processes are looked at.
        Err(_) => process::children_of(me).into_iter().filter_map(|pid| i32::try_from(pid).ok()).collect(),
    }
}

/// All that descends from this process, with how deep it lies below it.
fn descendants() -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let mut queue: VecDeque<(u32, u32)> =
        children().into_iter().filter_map(|pid| Some((u32::try_from(pid).ok()?, 0))).collect();
    while let Some((pid, depth)) = queue.pop_front() {
        found.push((pid, depth));
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            queue.extend(list.split_ascii_whitespace().filter_map(|pid| Some((pid.parse().ok()?, depth + 1))));
        }
    }
    found
}

/// What is seen of all processes below this one.
pub(super) fn signs() -> Signs {
    let all: Vec<u32> = descendants().into_iter().map(|(pid, _)| pid).collect();
    process::signs_of(&all)
}

/// Sends a polite signal to the attempt: to the group of `child`, or, where `wrappers` programs stand before the agent,
/// to the agent below them, because a wrapper that is ended takes the agent with it at once.
pub(super) fn signal(child: Pid, wrappers: u32, signal: Signal) {
    if wrappers == 0 {
        let _ = nix::sys::signal::killpg(child, signal);
        return;
    }
    for (pid, _) in descendants().into_iter().filter(|(_, depth)| *depth == wrappers) {
        if let Ok(pid) = i32::try_from(pid) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

/// Whether this is a bridge, by its program and its arguments; or has ended but for its burial, and would say nothing
/// any more.
fn is_bridge(pid: i32) -> bool {
    let program = match fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(program) => program,
        Err(err) => return err.kind() == io::ErrorKind::NotFound,
    };
    let own = fs::read_link("/proc/self/exe").is_ok_and(|own| own == program);
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    own && words.split(|byte| *byte == 0).any(|word| word == BRIDGE.as_bytes())
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// Processes that were killed.
    pub(super) killed: u64,
    /// Processes that would not end.
    pub(super) left: u64,
}

/// Kills what is below this process until nothing is left. Only children are killed, which cannot have handed their
/// number on before they are waited for; what a killed one leaves behind becomes a child in turn.
pub(super) fn sweep(mut reaped: impl FnMut(WaitStatus)) -> Swept {
    let end = Instant::now() + LONGEST_SWEEP;
    let (mut killed, mut uncounted, mut last) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    loop {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Err(Errno::ECHILD) => return Swept { killed: killed.len() as u64, left: 0 },
                Ok(WaitStatus::StillAlive) => break,
                Ok(status) => reaped(status),
                Err(_) => {}
            }
        }
        let found = children();
        // The bridge ends with the program, and may be on its way: it is nothing that the attempt left behind.
        if last.is_empty() {
            uncounted.extend(found.iter().copied().filter(|pid| is_bridge(*pid)));
        }
        for pid in &found {
            if kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok() && !uncounted.contains(pid) {
                killed.insert(*pid);
            }
        }
        if Instant::now() > end {
            return Swept { killed: killed.len() as u64, left: found.len() as u64 };
        }
        // Against one that forks all the time only speed helps. The rest is buried in microseconds, but for one in the
        // middle of a read from a disk.
        if found == last {
            let _ = nix::poll::poll(&mut [], 1_u8);
        }
        last = found;
    }
}
