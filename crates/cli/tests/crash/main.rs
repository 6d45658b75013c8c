//! The engine is killed with SIGKILL at every append of a run of the demo's portfolio; then the program runs again.
//! Nothing may be lost, nothing done twice, nothing left working.
//!
//! It dies before one append and after the next, in turns, so that each stretch between two appends is met once.
//! With `DAYFLY_CRASH=both` in the environment it dies before and after each.
//!
//! This binary is both the test and, started with `engine`, the engine that is killed.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test with a main of its own")]

mod engine;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::Utf8PathBuf;

use engine::{Moment, run_engine};
use world::World;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, dir, moment, at] = args.as_slice()
        && word == "engine"
    {
        println!("{}", run_engine(&Utf8PathBuf::from(dir), Moment::read(moment), at.parse().unwrap()));
        return ExitCode::SUCCESS;
    }
    // `cargo test FILTER` and `--list` reach this binary too.
    if args.iter().any(|a| a == "--list") || args.iter().any(|a| !a.starts_with('-') && !"crash".contains(a.as_str())) {
        return ExitCode::SUCCESS;
    }
    let world = World::new();
    let appends = world.appends();
    assert!(appends > 60, "the portfolio causes {appends} appends");
    let both = std::env::var("DAYFLY_CRASH").is_ok_and(|word| word == "both");
    let moments = |at: u64| {
        [(Moment::Before, at), (Moment::After, at)]
            .into_iter()
            .filter(move |(moment, _)| both || (*moment == Moment::Before) == at.is_multiple_of(2))
    };
    let trials: Vec<(Moment, u64)> = (1..=appends).flat_map(moments).collect();
    let next = AtomicU64::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let worker = || {
            let mut failures = Vec::new();
            loop {
                let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                let Some((moment, append)) = trials.get(at) else { return failures };
                if let Err(failure) = world.trial(*moment, *append) {
                    failures.push(format!("killed {moment} append {append}: {failure}"));
                }
            }
        };
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    for failure in &failures {
        println!("{failure}");
    }
    println!("killed at {} places of {appends} appends", trials.len());
    println!("crash: {} passed, {} failed", trials.len() - failures.len(), failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
