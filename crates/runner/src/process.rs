//! Our own processes: recognised beyond reuse of their number, found again by their mark, and killed.
//!
//! On Linux a process is identified by its number, its start time and the boot it runs in, and an
//! attempt's processes are found by the two variables every one of them inherits. Elsewhere neither
//! can be read without unsafe code: there a process counts as the same while its number is in use as
//! the leader of its own group, and only that group is killed.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::collections::{BTreeMap, BTreeSet};

use dayfly_core::{AttemptId, Boot, ProcessIdentity};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::liveness::{Seen, Signs};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

/// The variable that carries an installation's tag.
pub(crate) const TAG_VARIABLE: &str = "DAYFLY_TAG";
/// The variable that carries an attempt's id.
pub(crate) const ATTEMPT_VARIABLE: &str = "DAYFLY_ATTEMPT";

/// How often the sweep looks again: a process may fork while its parent is being killed.
const SWEEP_ROUNDS: usize = 40;
/// How long it waits for a process that is changing its program.
const UNTOLD_PAUSE_MILLIS: u8 = 20;

/// What the kernel tells of a process.
#[derive(Debug, Clone, Copy)]
struct Stat {
    pid: u32,
    parent: u32,
    group: u32,
    ended: bool,
    start_ticks: u64,
    /// Stands for the name of the program it runs.
    name: u64,
    /// Processor time in clock ticks, that of children it has waited for included.
    cpu_ticks: u64,
}

impl Stat {
    fn seen(&self) -> Seen {
        Seen { program: self.name, cpu_ticks: self.cpu_ticks, written_bytes: system::written_bytes(self.pid) }
    }
}

/// The identity of the process that has this number now, or `None` if there is none.
pub fn identity(pid: u32) -> Option<ProcessIdentity> {
    let stat = system::stat(pid)?;
    Some(ProcessIdentity { pid, start_ticks: stat.start_ticks, boot_id: system::boot_id() })
}

/// The boot of this machine, as of `now`; `None` where the system does not tell.
pub(crate) fn boot(now: jiff::Timestamp) -> Option<Boot> {
    let (id, lasted) = (system::boot_id(), system::uptime()?);
    let began = now.checked_sub(jiff::SignedDuration::try_from(lasted).ok()?).ok()?;
    (!id.is_empty()).then_some(Boot { id, began })
}

/// Whether exactly this process still runs. A process that has ended and was not yet waited for does not.
pub fn is_alive(process: &ProcessIdentity) -> bool {
    matching(process).is_some_and(|stat| !stat.ended)
}

/// Kills what is left of an attempt that an earlier engine started: its process group, if `process` is
/// still the same process, and everything that carries the attempt's mark. Returns how many processes
/// were killed.
pub fn kill_attempt(tag: &str, attempt: &AttemptId, process: Option<&ProcessIdentity>) -> usize {
    end(tag, attempt, process).killed.len()
}

/// The same; gives whether the last look found nothing.
pub(crate) fn end_attempt(tag: &str, attempt: &AttemptId, process: Option<&ProcessIdentity>) -> bool {
    end(tag, attempt, process).clean
}

/// The same for many attempts, with one look for all of them. Returns how many processes were killed.
pub(crate) fn kill_attempts(tag: &str, attempts: &[(AttemptId, Option<ProcessIdentity>)]) -> usize {
    for leader in attempts.iter().filter_map(|(_, process)| process.as_ref().and_then(matching)) {
        signal_group(leader.pid, Signal::SIGKILL);
    }
    let ids: BTreeSet<&str> = attempts.iter().map(|(id, _)| id.as_str()).collect();
    sweep_tagged(tag, |attempt| ids.contains(attempt)).len()
}

/// Kills everything that carries the installation's mark and that of an attempt which is not among these. Returns the
/// attempts of what was killed.
pub(crate) fn kill_strangers(tag: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    sweep_tagged(tag, |attempt| !known.contains(attempt)).into_values().collect()
}

/// Kills every process of an installation that carries the mark of one of these attempts. Gives their numbers, each with
/// its attempt. The commands that judge an attempt count as its own.
fn sweep_tagged(tag: &str, is: impl Fn(&str) -> bool) -> BTreeMap<u32, String> {
    let mut killed = BTreeMap::new();
    for _ in 0..SWEEP_ROUNDS {
        let (tagged, untold) = system::tagged(tag);
        let of = |attempt: &str| attempt.split_once(".gate-").map_or(attempt, |(of, _)| of).to_owned();
        let found: Vec<(u32, String)> = tagged.iter().map(|(pid, attempt)| (*pid, of(attempt))).collect();
        let found: Vec<_> = found.into_iter().filter(|(_, attempt)| is(attempt)).collect();
        if found.is_empty() && !untold {
            break;
        }
        for (pid, attempt) in found {
            if let Ok(raw) = i32::try_from(pid)
                && kill(Pid::from_raw(raw), Signal::SIGKILL).is_ok()
            {
                killed.insert(pid, attempt);
            }
        }
        pause(untold);
    }
    killed
}

fn end(tag: &str, attempt: &AttemptId, process: Option<&ProcessIdentity>) -> Swept {
    let mut killed = BTreeSet::new();
    if let Some(leader) = process.and_then(matching) {
        killed.extend(system::all().iter().filter(|s| s.group == leader.pid && !s.ended).map(|s| s.pid));
        signal_group(leader.pid, Signal::SIGKILL);
    }
    let swept = sweep(tag, attempt, None);
    killed.extend(swept.killed);
    Swept { killed, clean: swept.clean }
}

fn matching(process: &ProcessIdentity) -> Option<Stat> {
    let same_boot = process.boot_id == system::boot_id();
    system::stat(process.pid).filter(|stat| same_boot && stat.start_ticks == process.start_ticks)
}

/// The processes whose parent is this one.
#[cfg(target_os = "linux")]
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    system::all().into_iter().filter(|stat| stat.parent == parent).map(|stat| stat.pid).collect()
}

/// What is seen of these processes.
#[cfg(target_os = "linux")]
pub(crate) fn signs_of(processes: &[u32]) -> Signs {
    Signs::of(processes.iter().filter_map(|pid| Some(system::stat(*pid)?.seen())))
}

/// The processes of a running attempt.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) leader: ProcessIdentity,
    pub(crate) tag: String,
    pub(crate) attempt: AttemptId,
}

impl Group {
    /// Sends a signal to the process group.
    pub(crate) fn signal(&self, signal: Signal) {
        // The leader may be gone while others of its group remain; but if its number now belongs to
        // another process, so does the group's.
        if system::stat(self.leader.pid).is_none_or(|stat| stat.start_ticks == self.leader.start_ticks) {
            signal_group(self.leader.pid, signal);
        }
    }

    /// Kills the group and everything that left it with the attempt's mark. `false` if something was still there at the
    /// last look.
    pub(crate) fn kill_all(&self) -> bool {
        self.signal(Signal::SIGKILL);
        sweep(&self.tag, &self.attempt, Some(&self.leader)).clean
    }

    /// What is seen of the group and of the leader's descendants.
    pub(crate) fn signs(&self) -> Signs {
        let all = system::all();
        let mut ours: BTreeSet<u32> = all.iter().filter(|s| s.group == self.leader.pid).map(|s| s.pid).collect();
        ours.insert(self.leader.pid);
        loop {
            let before = ours.len();
            ours.extend(all.iter().filter(|s| ours.contains(&s.parent)).map(|s| s.pid).collect::<Vec<_>>());
            if ours.len() == before {
                break;
            }
        }
        let of_ours = all.iter().filter(|s| ours.contains(&s.pid));
        Signs::of(of_ours.map(|s| s.seen()))
    }
}

fn signal_group(pid: u32, signal: Signal) {
    let Ok(pid) = i32::try_from(pid) else { return };
    // Group 1 or 0 would be init's or our own.
    if pid > 1 {
        // An error means that nobody is left in it.
        let _ = killpg(Pid::from_raw(pid), signal);
    }
}

/// What a look for the processes of an attempt found.
#[derive(Debug, Default)]
struct Marked {
    pids: Vec<u32>,
    /// Whether there was one of which it could not be told.
    untold: bool,
}

/// What a sweep did.
struct Swept {
    killed: BTreeSet<u32>,
    /// Whether the last look found nothing.
    clean: bool,
}

/// Kills every process that carries the mark of any attempt of an installation. Tells how many, and whether something was
/// still there at the last look.
pub(crate) fn kill_installation(tag: &str) -> (usize, bool) {
    let swept = sweep_all(|| system::installed(tag));
    (swept.killed.len(), !swept.clean)
}

/// Kills all that descends from a process, as long as the process itself does not reap it.
pub(crate) fn kill_below(process: &ProcessIdentity) {
    for _ in 0..SWEEP_ROUNDS {
        let all = system::all();
        let mut below = BTreeSet::from([process.pid]);
        loop {
            let before = below.len();
            below.extend(all.iter().filter(|s| below.contains(&s.parent)).map(|s| s.pid).collect::<Vec<_>>());
            if below.len() == before {
                break;
            }
        }
        let live = |s: &&Stat| s.pid != process.pid && !s.ended && below.contains(&s.pid);
        let live: Vec<u32> = all.iter().filter(live).map(|s| s.pid).collect();
        if live.is_empty() {
            return;
        }
        for pid in live.into_iter().filter_map(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        std::thread::yield_now();
    }
}

/// Kills the group that a process leads, if it is still the same process.
pub(crate) fn kill_group(leader: &ProcessIdentity) {
    if matching(leader).is_some() {
        signal_group(leader.pid, Signal::SIGKILL);
    }
}

/// Kills every process that carries the mark of the attempt, until a look finds none or it has looked often enough.
fn sweep(tag: &str, attempt: &AttemptId, leader: Option<&ProcessIdentity>) -> Swept {
    sweep_all(|| system::marked(tag, attempt, leader))
}

fn sweep_all(look: impl Fn() -> Marked) -> Swept {
    let mut killed = BTreeSet::new();
    for _ in 0..SWEEP_ROUNDS {
        let found = look();
        if found.pids.is_empty() && !found.untold {
            return Swept { killed, clean: true };
        }
        for pid in found.pids {
            if let Ok(raw) = i32::try_from(pid)
                && kill(Pid::from_raw(raw), Signal::SIGKILL).is_ok()
            {
                killed.insert(pid);
            }
        }
        pause(found.untold);
    }
    Swept { killed, clean: false }
}

/// Gives others a turn before the next look.
fn pause(untold: bool) {
    if untold {
        // It is over in microseconds, but for a program that has to be read from a disk first.
        let _ = nix::poll::poll(&mut [], UNTOLD_PAUSE_MILLIS);
    } else {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests;
