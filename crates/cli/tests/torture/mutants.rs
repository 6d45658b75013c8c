//! The proof of the proof: with a defence taken out, the test must fail.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Epoch;
use dayfly_runner::SqliteStore;
use dayfly_testkit::conformance;
use nix::sys::signal::Signal;

use crate::dice::Dice;
use crate::facts::ledger;
use crate::kills::Calm;
use crate::lacking::{Lack, LackingStore};
use crate::portfolio::{self, AfterCrash, copy};
use crate::processes::{rest, signal};
use crate::trial::{Treatment, World};

/// How many worlds are tried before a mutant counts as not caught.
const WORLDS: u64 = 8;

/// What found a mutant, or that nothing did.
type Caught = Result<String, ()>;

/// Takes out one defence after the other, and prints a table.
pub(crate) fn mutants(seed: u64) -> ExitCode {
    let calm = Calm::new(false);
    let rows: [(&str, bool, Caught); 8] = [
        ("nothing, in the store", false, contract(&calm.root(), Lack::Nothing)),
        ("the fencing token", true, contract(&calm.root(), Lack::Tokens)),
        ("compare-and-set (epoch)", true, contract(&calm.root(), Lack::Epochs)),
        ("nothing but the lock, two engines", false, two_engines(&calm, Lack::Lock)),
        ("compare-and-set (epoch), two engines", true, two_engines(&calm, Lack::LockAndEpochs)),
        ("nothing, under kills", false, kills(&calm, Lack::Nothing, seed, 2)),
        ("read-back", true, kills(&calm, Lack::ReadBack, seed, WORLDS)),
        ("taking up what runs", true, kills(&calm, Lack::Adoption, seed, WORLDS)),
    ];
    println!("{:<40} {:<10} found by", "taken out", "caught");
    let mut good = true;
    for (name, must, caught) in rows {
        let word = if caught.is_ok() { "yes" } else { "no" };
        println!("{name:<40} {word:<10} {}", caught.as_deref().unwrap_or("-").lines().next().unwrap_or_default());
        good &= must == caught.is_ok();
    }
    println!("mutants: {}", if good { "each was caught, and nothing else" } else { "not all as it should be" });
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The conformance suite of stores, with a store that lacks something. It ends by a panic, with the broken sentence.
fn contract(root: &Utf8Path, lack: Lack) -> Caught {
    let folder = root.join(format!("contract-{}", lack.word()));
    let count = std::sync::atomic::AtomicU64::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let make = || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        LackingStore { inner: SqliteStore::open(&folder.join(format!("{n}.sqlite"))).unwrap(), lack }
    };
    let run = std::panic::AssertUnwindSafe(|| runtime.block_on(conformance::store(async || make())));
    // What it says goes into the table.
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let told = std::panic::catch_unwind(run);
    std::panic::set_hook(loud);
    let told = told.err().ok_or(())?;
    let text = told.downcast_ref::<String>().cloned();
    let sentence = text.as_deref().and_then(|text| text.split(", got ").next()).unwrap_or("it panicked");
    Ok(format!("the contract of stores: {sentence}"))
}

/// Worlds whose engine lacks something, and is killed.
fn kills(calm: &Calm, lack: Lack, seed: u64, worlds: u64) -> Caught {
    let treatment =
        Treatment { after_crash: AfterCrash::Adopt, keepers: false, forge: false, kills: 30, lack: Some(lack) };
    for world in 0..worlds {
        let dir = calm.root().join(format!("{}-{world}", lack.word()));
        let tortured = World::new(&calm.template(), dir, treatment).torture(&mut Dice::new(seed, world), &calm.facts);
        if let Err(why) = tortured {
            let reason = why.lines().nth(1).unwrap_or_default().trim().to_owned();
            return Ok(format!("kills, in world {world}: {reason}"));
        }
    }
    Err(())
}

/// One engine is paused in the midst of its work, a second takes over and does all that is left, then the first wakes.
fn two_engines(calm: &Calm, lack: Lack) -> Caught {
    let dir = calm.root().join(format!("two-{}", lack.word()));
    copy(&calm.template(), &dir);
    std::fs::write(dir.join("dayfly.toml"), portfolio::config(&dir, None, AfterCrash::Adopt)).unwrap();
    let engine = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["engine", dir.as_str(), &lack.word()]).current_dir(&dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first = engine();
    wait_for(&dir, 12);
    signal(first.id(), Signal::SIGSTOP);
    let second = engine().wait_with_output().unwrap();
    let taken = ledger(&dir).unwrap();
    signal(first.id(), Signal::SIGCONT);
    let woken = first.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&woken.stderr).into_owned();
    if !second.status.success() {
        return Ok(format!("the second engine failed: {}", String::from_utf8_lossy(&second.stderr).trim()));
    }
    let after = ledger(&dir).map_err(drop)?;
    let newer: Vec<Epoch> = after[taken.len()..].iter().map(|record| record.epoch).collect();
    if !newer.is_empty() || woken.status.success() || !said.contains("another engine took over") {
        return Ok(format!(
            "two engines: the first one woke, and wrote {} records; it said {:?}",
            newer.len(),
            said.trim()
        ));
    }
    Err(())
}

/// Until so many records are in the ledger.
fn wait_for(dir: &Utf8PathBuf, records: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let seen = ledger(dir).map_or(0, |records| records.len());
        if seen >= records {
            return;
        }
        assert!(Instant::now() < end, "{seen} of {records} records");
        rest(Duration::from_millis(5));
    }
}
