//! The real command lines of the vendors, run by `dayfly` against a scripted model server on loopback.
//!
//! Each [case](cases) is a thing that a vendor's servers do. It is played to each command line, and what comes of it is
//! held against what must come of it: the commit, the end, the capacity, the receipt, the number of requests. The
//! [hostile repository](hostile) looks at what a checkout can have them do.
//!
//! `cargo xtask contract` installs the command lines and runs this. With `DAYFLY_CONTRACT_SHOW=1` in the environment all
//! that was printed is shown, also of what went as it must. Without the command lines there is nothing to run, and that is no
//! failure: this is no unit test.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test with a main of its own")]

mod cases;
mod clis;
mod expected;
mod hostile;
mod inside;
mod seen;
mod table;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8PathBuf;

use cases::{CASES, Case};
use clis::Cli;
use hostile::{Hostile, STARTS, Start};
use seen::Seen;

/// How many command lines run at a time. Most of their time they wait.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if std::env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let Ok(cache) = std::env::var("DAYFLY_CONTRACT") else {
        println!("contract: nothing was run; `cargo xtask contract` installs the command lines and runs it");
        return ExitCode::SUCCESS;
    };
    if let Some(code) = inside::run() {
        return code;
    }
    let clis = clis::installed(&Utf8PathBuf::from(cache));
    let wanted = |cli: &Cli, part: &str| {
        let whole = format!("{}/{part}", cli.name);
        args.is_empty() || args.iter().any(|arg| *arg == cli.name || *arg == whole || arg == part)
    };
    let runs: Vec<(&Cli, &Case)> = clis
        .iter()
        .flat_map(|cli| CASES.iter().map(move |case| (cli, case)))
        .filter(|(cli, case)| case.is_for(cli) && wanted(cli, case.name))
        .collect();
    let starts: Vec<(&Cli, Start)> = clis
        .iter()
        .filter(|cli| wanted(cli, "hostile"))
        .flat_map(|cli| STARTS.iter().map(move |start| (cli, *start)))
        .collect();
    let seen = run_all(&runs, |(cli, case)| world::run(cli, case), Seen::line);
    let hostile = run_all(&starts, |(cli, start)| hostile::run(cli, *start), Hostile::line);
    let reports = seen.iter().map(|seen| (seen.problems.is_empty(), seen.report()));
    let reports: Vec<(bool, String)> =
        reports.chain(hostile.iter().map(|seen| (seen.problems().is_empty(), seen.report()))).collect();
    let all = std::env::var_os("DAYFLY_CONTRACT_SHOW").is_some();
    for (_, report) in reports.iter().filter(|(good, _)| all || !good) {
        println!("\n{report}");
    }
    let bad = reports.iter().filter(|(good, _)| !good).count();
    println!("contract: {} runs, {bad} not as they must be", seen.len() + hostile.len());
    if let Ok(path) = std::env::var("DAYFLY_CONTRACT_TABLE") {
        std::fs::write(&path, table::page(&clis, &seen, &hostile)).unwrap();
        println!("contract: {path} is written");
    }
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs everything, a few at a time, and gives what was seen in the order of `runs`.
fn run_all<R: Sync, S: Send>(runs: &[R], run: impl Fn(&R) -> S + Sync, line: impl Fn(&S) -> String + Sync) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let mut seen: Vec<(usize, S)> = std::thread::scope(|scope| {
        let worker = || {
            let mut mine = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(one) = runs.get(at) else { return mine };
                let seen = run(one);
                println!("{}", line(&seen));
                mine.push((at, seen));
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    seen.sort_by_key(|(at, _)| *at);
    seen.into_iter().map(|(_, seen)| seen).collect()
}
