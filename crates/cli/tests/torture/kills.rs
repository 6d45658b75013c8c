//! The run of worlds whose engines are killed.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use camino::Utf8PathBuf;
use tempfile::TempDir;

use crate::dice::Dice;
use crate::portfolio::{self, AfterCrash};
use crate::trial::{Tally, Treatment, World};

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) kills: u64,
    /// In each world at most.
    pub(crate) each: u64,
    pub(crate) seed: u64,
    pub(crate) workers: u64,
    /// Whether one project of each world is on GitHub.
    pub(crate) forge: bool,
}

/// The treatment of a world: each of three kinds in turn.
fn treatment(world: u64, kills: u64, forge: bool) -> Treatment {
    let (after_crash, keepers) = match world % 3 {
        0 => (AfterCrash::Adopt, false),
        1 => (AfterCrash::Adopt, true),
        _ => (AfterCrash::End, true),
    };
    Treatment { after_crash, keepers, forge, kills, lack: None }
}

/// What an undisturbed world comes to.
pub(crate) struct Calm {
    folder: TempDir,
    pub(crate) facts: Vec<String>,
}

impl Calm {
    /// Makes the template of all worlds, and lets one of them come to its end without a disturbance.
    pub(crate) fn new(forge: bool) -> Self {
        let folder = portfolio::folder();
        let mut calm = Self { folder, facts: Vec::new() };
        portfolio::template(&calm.template());
        let treatment = treatment(0, 0, forge);
        let facts = World::new(&calm.template(), calm.root().join("calm"), treatment).undisturbed();
        calm.facts = facts.unwrap_or_else(|why| panic!("an undisturbed world: {why}"));
        calm
    }

    /// The folder of everything; that of the undisturbed world lies in it as `calm`.
    pub(crate) fn root(&self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.path().to_owned()).unwrap()
    }

    pub(crate) fn template(&self) -> Utf8PathBuf {
        self.root().join("template")
    }

    fn keep(self) -> Utf8PathBuf {
        Utf8PathBuf::from_path_buf(self.folder.keep()).unwrap()
    }
}

pub(crate) fn run(run: Run, calm: Calm) -> ExitCode {
    println!("torture: {} kills, --seed {}", run.kills, run.seed);
    let began = Instant::now();
    let (root, template) = (calm.root(), calm.template());
    let (left, next) = (Mutex::new(run.kills), AtomicU64::new(0));
    let (sum, failures) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let kills = {
                let mut left = left.lock().unwrap();
                let kills = run.each.min(*left);
                *left -= kills;
                kills
            };
            if kills == 0 || failures.lock().unwrap().len() >= 5 {
                return;
            }
            let world = next.fetch_add(1, Ordering::Relaxed);
            let treatment = treatment(world, kills, run.forge);
            let mut dice = Dice::new(run.seed, world);
            match World::new(&template, root.join(format!("world-{world}")), treatment).torture(&mut dice, &calm.facts)
            {
                Ok(tally) => {
                    // A world that was done early leaves its kills to others.
                    *left.lock().unwrap() += kills - tally.kills;
                    let mut sum = sum.lock().unwrap();
                    sum.add(tally);
                    let seconds = began.elapsed().as_secs();
                    println!("  {} of {} kills, world {world} is as it should be, {seconds} s", sum.kills, run.kills);
                }
                Err(failure) => {
                    println!("world {world}: {failure}");
                    failures.lock().unwrap().push(world);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        (0..run.workers).for_each(|_| drop(scope.spawn(worker)));
    });
    let (sum, failures) = (sum.into_inner().unwrap(), failures.into_inner().unwrap());
    println!(
        "torture: {} kills of engines ({} in the midst of work), {} of keepers, {} pauses, {} worlds, {} attempts, {} of \
         them lost with their keepers, {} records, {} s; {} worlds failed {failures:?}; --seed {}",
        sum.kills,
        sum.busy,
        sum.keepers,
        sum.pauses,
        next.load(Ordering::Relaxed),
        sum.attempts,
        sum.lost,
        sum.records,
        began.elapsed().as_secs(),
        failures.len(),
        run.seed
    );
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("the failed worlds stay in {}", calm.keep());
    ExitCode::FAILURE
}
