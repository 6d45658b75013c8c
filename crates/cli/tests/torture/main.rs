//! Real engines are killed with SIGKILL at random moments, their keepers too, or paused, over a busy portfolio with real
//! git. Nothing may be lost, nothing done twice, nothing left working.
//!
//! `cargo test` kills a few times. `cargo xtask torture` does it at length, and has the other chores, which are here too
//! because they need the store: see `USAGE`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test with a main of its own")]

mod dice;
mod facts;
mod people;
mod portfolio;
mod processes;
mod trial;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use camino::Utf8Path;

use dice::Dice;
use portfolio::AfterCrash;
use trial::{Tally, Treatment, World};

const USAGE: &str = "usage: torture run [--kills N] [--seed N] [--workers N]";

/// What `cargo test` does.
const FEW: Run = Run { kills: 24, each: 8, seed: 1, workers: 3 };

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Run {
    kills: u64,
    /// In each world at most.
    each: u64,
    seed: u64,
    workers: u64,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", rest @ ..] => run(Run {
            kills: option(rest, "--kills").unwrap_or(1000),
            each: 30,
            seed: option(rest, "--seed").unwrap_or_else(|| u64::from(std::process::id())),
            workers: option(rest, "--workers").unwrap_or(3),
        }),
        // `cargo test FILTER` and `--list` reach this binary too.
        words if words.contains(&"--list") => ExitCode::SUCCESS,
        words if words.iter().any(|word| !word.starts_with('-') && !"torture".contains(word)) => ExitCode::SUCCESS,
        _ => run(FEW),
    }
}

fn option(args: &[&str], name: &str) -> Option<u64> {
    let at = args.iter().position(|arg| *arg == name)?;
    Some(args.get(at + 1).and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{name} wants a number\n{USAGE}")))
}

/// The treatment of a world: each of three kinds in turn.
fn treatment(world: u64, kills: u64) -> Treatment {
    let (after_crash, keepers) = match world % 3 {
        0 => (AfterCrash::Adopt, false),
        1 => (AfterCrash::Adopt, true),
        _ => (AfterCrash::End, true),
    };
    Treatment { after_crash, keepers, forge: true, kills }
}

fn run(run: Run) -> ExitCode {
    println!("torture: {} kills, --seed {}", run.kills, run.seed);
    let began = Instant::now();
    let folder = portfolio::folder();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let template = root.join("template");
    portfolio::template(&template);
    let calm = World::new(&template, root.join("calm"), treatment(0, 0)).undisturbed();
    let calm = calm.unwrap_or_else(|why| panic!("an undisturbed world: {why}"));
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
            let treatment = treatment(world, kills);
            let mut dice = Dice::new(run.seed, world);
            match World::new(&template, root.join(format!("world-{world}")), treatment).torture(&mut dice, &calm) {
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
    println!("the failed worlds stay in {}", folder.keep().display());
    ExitCode::FAILURE
}
