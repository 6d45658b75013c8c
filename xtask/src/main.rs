//! The project's own chores. `cargo xtask tidy` proves the rules that can be proved; `cargo xtask
//! bench dispatch` runs the benchmark of the engine; `cargo xtask contract` tries the vendors' command lines; `cargo xtask
//! fuzz` tries the parsers of foreign bytes. It depends on nothing but the standard library.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the terminal")]

mod contract;
mod fuzz;
mod rust;
mod tidy;
mod torture;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

commands:
  tidy                  check the rules of this repository that a program can check
  bench dispatch [ARG]  run the benchmark of the engine's dispatch; with `printing`, of jobs that print
  bench ledger [JOBS]   measure a ledger of so many jobs (1,000,000) against one of 1,000
  torture [ARG..]       kill engines with --kills N and --seed N; or `power`, `recovery`, `mutants`, --simulated FAULTS
  bench outage [JOBS]   measure appends to the ledger with a service that answers, and with one that hangs
  contract [CLI..]      install the pinned command lines and check the contract with them; --table writes its page
  fuzz [TARGET..]       try the parsers of foreign bytes with any bytes; --time SECONDS for each, 60 if not said
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy(),
        ["bench", "dispatch", rest @ ..] => bench_dispatch(rest),
        ["bench", "ledger", rest @ ..] => run_bench("ledger", rest, None),
        ["bench", "outage", rest @ ..] => run_bench("outage", rest, None),
        ["contract", rest @ ..] => contract::contract(rest),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["torture", rest @ ..] => torture::torture(rest),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    let tree = match tree::Tree::read(&tree::root()) {
        Ok(tree) => tree,
        Err(err) => {
            eprintln!("tidy: cannot read the repository: {err}");
            return ExitCode::from(3);
        }
    };
    let problems = tidy::check(&tree);
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("tidy: {} files, no problems", tree.files.len());
        return ExitCode::SUCCESS;
    }
    let plural = if problems.len() == 1 { "" } else { "s" };
    println!("tidy: {} files, {} problem{plural}", tree.files.len(), problems.len());
    ExitCode::FAILURE
}

fn bench_dispatch(rest: &[&str]) -> ExitCode {
    // The keeper as it is shipped: its memory is measured, too.
    let built = tree::cargo().args(["build", "--release", "-p", "dayfly-cli", "--bin", "dayfly-job"]).status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("bench: cannot build dayfly-job");
        return ExitCode::FAILURE;
    }
    run_bench("dispatch", rest, Some(tree::root().join("target/release/dayfly-job")))
}

/// Runs a benchmark of the runner, with the keeper that it is to use.
fn run_bench(name: &str, rest: &[&str], keeper: Option<PathBuf>) -> ExitCode {
    let status = tree::cargo()
        .envs(keeper.map(|keeper| ("DAYFLY_JOB", keeper)))
        .args(["bench", "-p", "dayfly-runner", "--bench", name])
        .args(if rest.is_empty() { None } else { Some("--") })
        .args(rest)
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("bench: cannot run cargo: {err}");
            ExitCode::from(3)
        }
    }
}
