//! What Linux tells of processes, in `/proc`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use dayfly_core::{AttemptId, ProcessIdentity};

use super::{ATTEMPT_VARIABLE, Stat, TAG_VARIABLE};

pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

pub(super) fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(pid, &String::from_utf8_lossy(&text))
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

/// The processes whose environment carries the mark of an attempt, those of the commands that judge it included. That of other users' processes, and
/// of ended ones, reads as nothing.
///
/// With the attempt's `leader` only numbers given out after the leader's are looked at, as long as the leader is
/// young: looking into every process of the machine costs more than a short job does.
pub(super) fn marked(tag: &str, attempt: &AttemptId, leader: Option<&ProcessIdentity>) -> Vec<u32> {
    let tag = format!("{TAG_VARIABLE}={tag}");
    let attempt = format!("{ATTEMPT_VARIABLE}={attempt}");
    // The commands that judge an attempt carry its mark with their own name behind it.
    let gates = format!("{attempt}.gate-");
    let is = |entry: &[u8], wanted: &str| entry == wanted.as_bytes();
    let me = std::process::id();
    let later = leader.and_then(given_out_since);
    pids()
        .into_iter()
        .filter(|pid| *pid != me && *pid > 1 && later.is_none_or(|(from, to)| between(*pid, from, to)))
        .filter(|pid| {
            let Ok(environ) = fs::read(format!("/proc/{pid}/environ")) else { return false };
            let mut entries = environ.split(|b| *b == 0);
            entries.clone().any(|entry| is(entry, &tag))
                && entries.any(|entry| is(entry, &attempt) || entry.starts_with(gates.as_bytes()))
        })
        .collect()
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
