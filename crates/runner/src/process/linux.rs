//! What Linux tells of processes, in `/proc`.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::time::Duration;

use dayfly_core::{AttemptId, ProcessIdentity};

use super::{ATTEMPT_VARIABLE, Marked, Stat, TAG_VARIABLE};

pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// How long ago this boot began; the time for which the machine slept counts.
pub(super) fn uptime() -> Option<Duration> {
    let text = fs::read_to_string("/proc/uptime").ok()?;
    let seconds = text.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = parse_stat(pid, &String::from_utf8_lossy(&text))?;
    // Its first thread may have ended, and another may go on.
    let ended = stat.ended && other_thread(pid).is_none();
    Some(Stat { ended, ..stat })
}

/// A thread of a process that lives, besides its first one.
fn other_thread(pid: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let threads = threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    threads.filter(|thread| *thread != pid).find(|thread| {
        let text = fs::read(format!("/proc/{pid}/task/{thread}/stat")).unwrap_or_default();
        parse_stat(*thread, &String::from_utf8_lossy(&text)).is_some_and(|stat| !stat.ended)
    })
}

/// Reads the fields after the name, which is in brackets and may itself hold brackets and spaces.
pub(super) fn parse_stat(pid: u32, text: &str) -> Option<Stat> {
    let (name, rest) = text.rsplit_once(')')?;
    let mut hasher = DefaultHasher::new();
    name.split_once('(')?.1.hash(&mut hasher);
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Field 3, the state, is the first one here.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        parent: u32::try_from(number(4)?).ok()?,
        group: u32::try_from(number(5)?).ok()?,
        ended: matches!(*fields.first()?, "Z" | "X" | "x"),
        start_ticks: number(22)?,
        name: hasher.finish(),
        cpu_ticks: (14..=17).filter_map(number).sum(),
    })
}

/// The bytes that a process caused to be written to disks; what others may not see counts as nothing.
pub(super) fn written_bytes(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or_default()
}

pub(super) fn all() -> Vec<Stat> {
    pids().into_iter().filter_map(stat).collect()
}

/// The processes whose environment carries the mark of an attempt, those of the commands that judge it included. That of
/// other users' processes, and of ended ones, reads as nothing.
///
/// With the attempt's `leader` only numbers given out after the leader's are looked at, as long as the leader is
/// young: looking into every process of the machine costs more than a short job does.
pub(super) fn marked(tag: &str, attempt: &AttemptId, leader: Option<&ProcessIdentity>) -> Marked {
    let attempt = format!("{ATTEMPT_VARIABLE}={attempt}");
    // The commands that judge an attempt carry its mark with their own name behind it.
    let gates = format!("{attempt}.gate-");
    let is_of = |entry: &[u8]| entry == attempt.as_bytes() || entry.starts_with(gates.as_bytes());
    carrying(tag, is_of, leader.and_then(given_out_since))
}

/// The processes whose environment carries the mark of any attempt of an installation.
pub(super) fn installed(tag: &str) -> Marked {
    let any = format!("{ATTEMPT_VARIABLE}=");
    carrying(tag, |entry| entry.starts_with(any.as_bytes()), None)
}

/// The processes whose environment carries a tag and an attempt's mark, among those whose numbers were given out `later`.
fn carrying(tag: &str, is_of: impl Fn(&[u8]) -> bool, later: Option<(u32, u32)>) -> Marked {
    let tag = format!("{TAG_VARIABLE}={tag}");
    let me = std::process::id();
    let mut found = Marked::default();
    for pid in pids() {
        if pid == me || pid <= 1 || later.is_some_and(|(from, to)| !between(pid, from, to)) {
            continue;
        }
        let environ = match environment(pid) {
            Environment::Told(environ) => environ,
            Environment::Untold => {
                found.untold = true;
                continue;
            }
        };
        let mut entries = environ.split(|b| *b == 0);
        if entries.clone().any(|entry| entry == tag.as_bytes()) && entries.any(&is_of) {
            found.pids.push(pid);
        }
    }
    found
}

/// The processes that carry an installation's mark, each with the attempt whose mark it carries, and whether there was one of
/// which it could not be told.
pub(super) fn tagged(tag: &str) -> (Vec<(u32, String)>, bool) {
    let tag = format!("{TAG_VARIABLE}={tag}");
    let name = format!("{ATTEMPT_VARIABLE}=");
    let (mut found, mut untold) = (Vec::new(), false);
    for pid in pids().into_iter().filter(|pid| *pid > 1 && *pid != std::process::id()) {
        let environ = match environment(pid) {
            Environment::Told(environ) => environ,
            Environment::Untold => {
                untold = true;
                continue;
            }
        };
        let mut entries = environ.split(|b| *b == 0);
        if entries.clone().any(|entry| entry == tag.as_bytes())
            && let Some(attempt) = entries.find_map(|entry| entry.strip_prefix(name.as_bytes()))
        {
            found.push((pid, String::from_utf8_lossy(attempt).into_owned()));
        }
    }
    (found, untold)
}

/// How often a process is looked at that is changing its program, a millisecond apart.
const UNTOLD_ROUNDS: usize = 200;
/// After how many of them one that does not sleep was given no environment at all.
const EMPTY_ROUNDS: usize = 20;

/// Longer than nearly every environment.
const ENVIRONMENT: usize = 64 * 1024;

/// What is to be read of a process's environment.
enum Environment {
    Told(Vec<u8>),
    /// The process is changing its program this moment: the old environment is gone, and the new one not yet in place.
    Untold,
}

fn environment(pid: u32) -> Environment {
    for round in 0..UNTOLD_ROUNDS {
        match read_at_once(&format!("/proc/{pid}/environ")) {
            Ok(environ) if environ.is_empty() => {}
            Ok(environ) => return Environment::Told(environ),
            Err(err) if err.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32) => {
                let Some(thread) = other_thread(pid) else { return Environment::Told(Vec::new()) };
                let environ = read_at_once(&format!("/proc/{pid}/task/{thread}/environ"));
                return Environment::Told(environ.unwrap_or_default());
            }
            Err(_) => return Environment::Told(Vec::new()),
        }
        let text = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        match environment_place(&String::from_utf8_lossy(&text)) {
            // It came into place between the two looks.
            Some((from, to)) if from != to => {}
            // It is over in microseconds, but for a program that has to be read from a disk first.
            Some(place) if place == (0, 0) || round < EMPTY_ROUNDS => drop(nix::poll::poll(&mut [], 1_u8)),
            _ => return Environment::Told(Vec::new()),
        }
    }
    Environment::Untold
}

/// Reads a file with one call, however long it is. Of a process that changes its program between two calls the second
/// gives nothing, and what the first gave would be taken for all.
fn read_at_once(path: &str) -> io::Result<Vec<u8>> {
    let mut room = ENVIRONMENT;
    loop {
        let mut text = vec![0; room];
        let length = File::open(path)?.read(&mut text)?;
        if length < room {
            text.truncate(length);
            return Ok(text);
        }
        room = room.saturating_mul(4);
    }
}

/// Where a process's environment begins and ends: at zero as long as it is not in place, and for a moment then it ends where
/// it begins. `None` where there is none: the process has ended, or is one of the kernel's own, or was given none. That last
/// is known of one that sleeps, which nobody does while changing their program.
pub(super) fn environment_place(stat: &str) -> Option<(u64, u64)> {
    const OF_THE_KERNEL: u64 = 0x0020_0000;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    if matches!(*fields.first()?, "Z" | "X" | "x") || number(9)? & OF_THE_KERNEL != 0 {
        return None;
    }
    let (from, to) = (number(50)?, number(51)?);
    let given_none = from == to && from != 0 && matches!(*fields.first()?, "S" | "T" | "t");
    (!given_none).then_some((from, to))
}

/// The first and last number that were given out since the leader started. `None` if the leader is so old that the
/// numbers may have come round: that takes more than five seconds of doing nothing but forking.
fn given_out_since(leader: &ProcessIdentity) -> Option<(u32, u32)> {
    const YOUNG_TICKS: u64 = 300;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, rest) = uptime.split_once('.')?;
    let hundredths = rest.get(..2)?.parse::<u64>().ok()?;
    let now = seconds.parse::<u64>().ok()?.checked_mul(100)? + hundredths;
    if now.saturating_sub(leader.start_ticks) > YOUNG_TICKS {
        return None;
    }
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    let last = load.split_ascii_whitespace().last()?.parse().ok()?;
    Some((leader.pid, last))
}

/// Whether a number lies from `from` to `to`, counted upwards and round.
fn between(pid: u32, from: u32, to: u32) -> bool {
    if from <= to { (from..=to).contains(&pid) } else { pid >= from || pid <= to }
}

fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}
