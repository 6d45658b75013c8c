//! Ending all that runs for an installation, without asking its engine, which may be wedged or dead.
//!
//! Each keeper is told to end what it keeps. One that does not answer is ended with all that is below it. At last
//! whatever carries the installation's mark is ended, wherever it is. Nothing else is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::ProcessIdentity;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::keeper::{Identity, KEEPER_FILE, STATUS_FILE, read_json};
use crate::process;
use crate::sandbox::Cgroup;
use crate::subprocess::is_kept;

/// How long a keeper has to act before it is taken for wedged.
const ANSWER: Duration = Duration::from_millis(400);
/// How long is waited between two looks, in milliseconds.
const LOOK: u8 = 5;

/// What was ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// Attempts and commands of gates that a keeper held.
    pub kept: usize,
    /// Keepers that did not answer, and were ended themselves.
    pub wedged: usize,
    /// Other processes with the mark of the installation.
    pub marked: usize,
    /// Whether nothing was left at the last look.
    pub clean: bool,
    /// How long it took.
    pub took: Duration,
}

/// A keeper that was told to end what it keeps.
#[derive(Debug, Default)]
struct Told {
    since: Option<Instant>,
    wedged: bool,
}

/// Ends every attempt and every command of a gate that runs for a state directory, and returns when nothing of them is
/// left, or when `patience` is over. `tag` is the installation's mark, as [`StateLock::tag_of`](crate::StateLock::tag_of) gives it.
///
/// It blocks. To be sure that nothing is started behind its back, write the file that stops everything first:
/// [`OrderFolder::stop`](crate::OrderFolder::stop).
pub fn end_all(state_dir: &Utf8Path, tag: &str, patience: Duration) -> Ended {
    let start = Instant::now();
    let mut told: BTreeMap<Utf8PathBuf, Told> = BTreeMap::new();
    let (mut marked, mut clean) = (0, false);
    let mut kept = running(state_dir);
    while !clean && start.elapsed() <= patience {
        for dir in &kept {
            press(dir, told.entry(dir.clone()).or_default());
        }
        if !kept.is_empty() {
            let _ = nix::poll::poll(&mut [], LOOK);
            kept.retain(|dir| is_kept(dir));
            continue;
        }
        // Not before the keepers are gone: they carry the mark too, and leave nothing behind when they end by themselves.
        let (killed, left) = process::kill_installation(tag);
        marked += killed;
        kept = running(state_dir);
        clean = !left && kept.is_empty();
    }
    let wedged = told.values().filter(|told| told.wedged).count();
    Ended { kept: told.len(), wedged, marked, clean, took: start.elapsed() }
}

/// Ends an engine at once, where nothing can be written that it would obey. What it was doing is what the next one recovers.
pub fn end_engine(engine: &ProcessIdentity) {
    if process::is_alive(engine) {
        signal(engine, Signal::SIGKILL);
    }
}

/// The ids of the attempts that a keeper holds for a state directory, with or without an engine.
pub fn kept_attempts(state_dir: &Utf8Path) -> BTreeSet<String> {
    let dirs = running(state_dir).into_iter().filter(|dir| dir.parent().is_some_and(|of| of.ends_with("attempts")));
    dirs.filter_map(|dir| dir.file_name().map(str::to_owned)).collect()
}

/// Tells a keeper to end what it keeps; ends it with all that is below it if it has been told long enough.
fn press(dir: &Utf8Path, told: &mut Told) {
    // Without it the keeper has started nothing yet, and will not: it looks for the file that stops everything.
    let Some(Identity { keeper, child, cgroup, .. }) = read_json(&dir.join(KEEPER_FILE)).ok().flatten() else { return };
    if !process::is_alive(&keeper) {
        return;
    }
    match told.since {
        None => {
            told.since = Some(Instant::now());
            // Before its child is killed: it is not to take that for an end which the child came to by itself.
            signal(&keeper, Signal::SIGUSR1);
            if let Some(group) = cgroup {
                let _ = Cgroup::at(&group).kill();
            }
            // One that was paused could not act on it.
            signal(&keeper, Signal::SIGCONT);
        }
        Some(since) if since.elapsed() >= ANSWER => {
            told.wedged = true;
            process::kill_below(&keeper);
            if let Some(child) = child {
                process::kill_group(&child);
            }
            signal(&keeper, Signal::SIGKILL);
        }
        Some(_) => {}
    }
}

fn signal(process: &ProcessIdentity, signal: Signal) {
    if let Ok(pid) = i32::try_from(process.pid) {
        // An error means that it has ended.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// The folders of attempts and of commands of gates in which a keeper is at work.
fn running(state_dir: &Utf8Path) -> Vec<Utf8PathBuf> {
    let folders = |dir: &Utf8Path| {
        let entries = dir.read_dir_utf8().into_iter().flatten().flatten();
        entries.map(|entry| entry.path().to_owned()).collect::<Vec<_>>()
    };
    let of = |dir: Utf8PathBuf| if dir.extension() == Some("gates") { folders(&dir) } else { vec![dir] };
    let runs = |dir: &Utf8PathBuf| !dir.join(STATUS_FILE).exists() && is_kept(dir);
    folders(&state_dir.join("attempts")).into_iter().flat_map(of).filter(runs).collect()
}
