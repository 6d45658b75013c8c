//! Power cuts. A process that keeps a ledger is recorded with all its writes and syncs; then the power is cut at a place
//! in that record, and the ledger is opened as the disk may hold it then: what was synced is there, and of the rest any
//! part, in any order, torn where a disk tears.

mod disk;
mod orders;
mod shutdown;
mod writer;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{State, Store as _};
use dayfly_runner::{SqliteStore, read_all};

use crate::dice::Dice;
use crate::facts::ledger;
use crate::portfolio::output;
use disk::{Recording, Trust};

pub(crate) use orders::put;
pub(crate) use writer::write;

const RECORDER: &str = include_str!("power/recorder.c");
/// How many further batches follow a portfolio's events, so that the log is moved into the ledger several times.
const FURTHER: u64 = 600;
/// How many cuts of a disk that lies are enough to see that it is found out.
const CONTROLS: u64 = 100;

/// What cuts led to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Cuts {
    cuts: u64,
    /// Those after which something was not there that had been acknowledged, and the most that was missing.
    lost: u64,
    worst: u64,
    /// Those after which the ledger could not be opened, did not fold, or held something else than what was appended.
    broken: u64,
}

impl std::fmt::Display for Cuts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cuts, lost, worst, broken } = self;
        write!(f, "{cuts} cuts, {lost} that lost acknowledged events (at worst {worst}), {broken} broken ledgers")
    }
}

/// Cuts the power so often in a recording, and so often under a file system, over the ledger of the undisturbed world in
/// `root`.
pub(crate) fn power(root: &Utf8Path, (cuts, shutdowns): (u64, u64), seed: u64) -> ExitCode {
    let dir = root.join("power");
    std::fs::create_dir_all(&dir).unwrap();
    let events = dir.join("events");
    writer::save(&ledger(&root.join("calm")).unwrap(), &events);
    println!("power: {cuts} cuts of a recording, {shutdowns} shutdowns of a file system, --seed {seed}");
    let both = recorded(&dir, &events, cuts, seed)
        .and_then(|ledger| Ok(ledger & orders::recorded(&dir.join("orders"), cuts, seed)?));
    let recorded = match both {
        Ok(good) => good,
        Err(why) => {
            println!("power: {why}");
            return ExitCode::from(3);
        }
    };
    let shut = if shutdowns == 0 { Ok(true) } else { shutdown::shutdowns(&dir, &events, shutdowns, seed) };
    match shut {
        Ok(shut) if shut && recorded => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            println!("power: no file system was shut down here: {why}");
            ExitCode::from(3)
        }
    }
}

/// What is done inside the mount namespace of [`shutdown::shutdowns`].
pub(crate) fn inside(dir: &Utf8Path, events: &Utf8Path, much: (u64, u64)) -> ExitCode {
    match shutdown::inside(dir, events, &writer::bodies(events), much) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            println!("power: {why}");
            ExitCode::from(3)
        }
    }
}

/// A true disk loses nothing; one that lies must be seen to lose, or else the test would see nothing.
fn recorded(dir: &Utf8Path, events: &Utf8Path, times: u64, seed: u64) -> Result<bool, String> {
    let recording = record(dir, &["writer", events.as_str(), &FURTHER.to_string()])?;
    let whole = writer::bodies(events);
    println!("power: recorded {} deeds, {} of them syncs", recording.len(), recording.syncs());
    let cuts = |times, trust, stream| cut(&recording, &whole, times, &mut Dice::new(seed, stream), trust);
    let honest = cuts(times, Trust::Syncs, 0);
    println!("power: as it is: {honest}");
    let late = cuts(times.min(CONTROLS), Trust::LateLog, 1);
    println!("power: were the log synced late, which must lose: {late}");
    let none = cuts(times.min(CONTROLS), Trust::Nothing, 2);
    println!("power: were nothing synced, which must break: {none}");
    let seen = late.lost > 0 && none.lost + none.broken > 0;
    Ok(honest.lost + honest.broken == 0 && seen)
}

/// Records a process of this program with these words, which writes below `disk` in `dir`.
fn record(dir: &Utf8Path, words: &[&str]) -> Result<Recording, String> {
    std::fs::create_dir_all(dir).unwrap();
    let (source, library) = (dir.join("recorder.c"), dir.join("recorder.so"));
    std::fs::write(&source, RECORDER).unwrap();
    let flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library.as_str(), source.as_str()];
    let (code, text) = output(Command::new("cc").args(flags));
    if code != Some(0) {
        return Err(format!("the recorder cannot be compiled; is `cc` there?\n{text}"));
    }
    let (root, log) = (dir.join("disk"), dir.join("recording"));
    std::fs::create_dir(&root).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(words[0]).arg(&root).args(&words[1..]);
    command.env("LD_PRELOAD", &library).env("TORTURE_ROOT", &root).env("TORTURE_LOG", &log).stdout(Stdio::null());
    let (code, text) = output(&mut command);
    if code != Some(0) {
        return Err(format!("the writer failed: {text}"));
    }
    Recording::read(&log, &root)
}

/// Cuts the power so often, each time at a place of its own, and looks at what is left.
fn cut(recording: &Recording, whole: &[String], times: u64, dice: &mut Dice, trust: Trust) -> Cuts {
    let folder = crate::portfolio::folder();
    let dir = Utf8PathBuf::from_path_buf(folder.path().join("after")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut cuts = Cuts::default();
    for _ in 0..times {
        let at = usize::try_from(dice.below(recording.len() as u64 + 1)).unwrap();
        let (files, acknowledged) = recording.cut(at, dice, trust);
        restore(&dir, &files);
        cuts.cuts += 1;
        match runtime.block_on(held(&dir, whole)) {
            Ok(records) if records < acknowledged => {
                cuts.lost += 1;
                cuts.worst = cuts.worst.max(acknowledged - records);
            }
            Ok(_) => {}
            Err(why) => {
                cuts.broken += 1;
                if trust == Trust::Syncs {
                    println!("power: cut at {at} of {}: {why}", recording.len());
                }
            }
        }
    }
    cuts
}

fn restore(dir: &Utf8Path, files: &BTreeMap<String, Vec<u8>>) {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir(dir).unwrap();
    for (name, bytes) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// How many records a ledger holds after the power came back. They are the first that were appended, and it takes more.
async fn held(dir: &Utf8Path, whole: &[String]) -> Result<u64, String> {
    let told = |err: &dyn std::error::Error| {
        let source = err.source().map(|source| format!(": {source}")).unwrap_or_default();
        format!("{err}{source}")
    };
    let store = SqliteStore::open(&writer::path(dir)).map_err(|err| told(&err))?;
    let records = read_all(&store).await.map_err(|err| told(&err))?;
    State::fold(&records).map_err(|err| told(&err))?;
    let same = records.iter().zip(whole).all(|(found, written)| &found.body == written);
    if !same || records.len() > whole.len() {
        return Err("it holds something else than what was appended".into());
    }
    let epoch = store.take_over().await.map_err(|err| told(&err))?;
    store.append(&writer::further(epoch, 0)).await.map_err(|err| told(&err))?;
    Ok(records.len() as u64)
}
