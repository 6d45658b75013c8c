//! Real engines are killed with SIGKILL at random moments, their keepers too, or paused, over a busy portfolio with real
//! git. Nothing may be lost, nothing done twice, nothing left working. Then the power is cut under a ledger.
//!
//! `cargo test` does a little of it. `cargo xtask torture` does it at length; all that needs the store is here.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a test with a main of its own")]

mod dice;
mod facts;
mod kills;
mod lacking;
mod mutants;
mod people;
mod portfolio;
mod power;
mod processes;
mod recovery;
mod trial;

use std::process::ExitCode;

use camino::Utf8Path;

use kills::{Calm, Run};
use lacking::Lack;

const USAGE: &str = "\
usage: torture run [--kills N] [--seed N] [--workers N]
       torture power [--cuts N] [--shutdowns N] [--seed N]
       torture recovery [--jobs N]
       torture mutants [--seed N]
";

/// What `cargo test` does. A GitHub's waits would make it long; `tests/github` kills there.
const FEW: Run = Run { kills: 24, each: 8, seed: 1, workers: 3, forge: false };
const FEW_CUTS: u64 = 20;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let seed = |rest: &[&str]| option(rest, "--seed").unwrap_or_else(|| u64::from(std::process::id()));
    match words.as_slice() {
        [what @ ("run" | "power" | "recovery" | "mutants"), rest @ ..] if !is_usage(what, rest) => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
        ["run", rest @ ..] => {
            let kills = option(rest, "--kills").unwrap_or(1000);
            let workers = option(rest, "--workers").unwrap_or(3);
            kills::run(Run { kills, each: 30, seed: seed(rest), workers, forge: true }, Calm::new(true))
        }
        ["power", rest @ ..] => {
            let (cuts, shutdowns) =
                (option(rest, "--cuts").unwrap_or(1000), option(rest, "--shutdowns").unwrap_or(100));
            power::power(&Calm::new(false).root(), (cuts, shutdowns), seed(rest))
        }
        ["recovery", rest @ ..] => recovery::recovery(option(rest, "--jobs").unwrap_or(500)),
        ["mutants", rest @ ..] => mutants::mutants(seed(rest)),
        ["engine", dir, lack] => match lacking::run_engine(Utf8Path::new(dir), Lack::read(lack)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::from(3)
            }
        },
        ["writer", dir, events, more] => {
            power::write(Utf8Path::new(dir), Utf8Path::new(events), more.parse().unwrap());
            ExitCode::SUCCESS
        }
        ["orders", dir] => {
            power::put(Utf8Path::new(dir));
            ExitCode::SUCCESS
        }
        ["inside", dir, events, cuts, seed] => {
            let (dir, events) = (Utf8Path::new(dir), Utf8Path::new(events));
            power::inside(dir, events, (cuts.parse().unwrap(), seed.parse().unwrap()))
        }
        // `cargo test FILTER` and `--list` reach this binary too.
        words if words.contains(&"--list") => ExitCode::SUCCESS,
        words if words.iter().any(|word| !word.starts_with('-') && !"torture".contains(word)) => ExitCode::SUCCESS,
        _ => few(),
    }
}

fn few() -> ExitCode {
    let calm = Calm::new(FEW.forge);
    let cut = power::power(&calm.root(), (FEW_CUTS, 0), FEW.seed);
    let killed = kills::run(FEW, calm);
    if cut == ExitCode::SUCCESS { killed } else { cut }
}

/// Whether the usage names all the options: a misspelt one must not be an hour of something else.
fn is_usage(what: &str, rest: &[&str]) -> bool {
    let line = USAGE.lines().find(|line| line.contains(&format!("torture {what}"))).unwrap_or_default();
    rest.chunks(2).all(|pair| line.contains(&format!("[{} N]", pair[0])))
}

fn option(args: &[&str], name: &str) -> Option<u64> {
    let at = args.iter().position(|arg| *arg == name)?;
    Some(args.get(at + 1).and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{name} wants a number\n{USAGE}")))
}
