//! An agent that was turned against its user, in each rung of the ladder: what it can still do.
//!
//! This binary is the test, and the agent, the engine and the launcher that take part in it. It prints the table that
//! `docs/sandbox.md` shows, and compares the two. A rung that is not there is passed over, and said so; with
//! `DAYFLY_REQUIRE_SANDBOX=1` it is a failure.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a test with a main of its own")]

#[cfg(target_os = "linux")]
mod attack;
#[cfg(target_os = "linux")]
mod bridge;
#[cfg(target_os = "linux")]
mod checks;
#[cfg(target_os = "linux")]
mod gates;
#[cfg(target_os = "linux")]
mod kept;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
#[path = "../../examples/hostile/tree.rs"]
mod tree;
#[cfg(target_os = "linux")]
mod trees;
#[cfg(target_os = "linux")]
mod world;

use std::process::ExitCode;
use std::time::Duration;

/// The longest one check may take, as it is run by default.
const PATIENCE: Duration = Duration::from_secs(300);
/// The same, where somebody asks for many trials.
const LONG_PATIENCE: Duration = Duration::from_secs(3600);

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("not tried: the rungs of the ladder are Linux's");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["keep"] => return dayfly_runner::keeper::main(),
        ["@launch" | "launch", ..] => {
            let err = dayfly_runner::launch(std::env::args_os().skip(2));
            eprintln!("launch: {err}: {:?}", std::error::Error::source(&err).map(ToString::to_string));
            return ExitCode::from(dayfly_runner::LAUNCH_FAILED);
        }
        ["@call", port, word, other @ ..] => return bridge::call(port, word, other.first().copied()),
        ["@daemon", path] => {
            world::be_daemon(path);
            return ExitCode::SUCCESS;
        }
        ["@gate", root, rung] => return gates::judge(root, rung),
        ["@attacks", ..] => {
            attack::all(&args[1..]);
            return ExitCode::SUCCESS;
        }
        ["@attack", name, ..] => {
            return if attack::one(name, &args[2..]) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        ["hostile", _, ..] => return tree::run(&args[1..]),
        _ => {}
    }
    // `cargo test FILTER` and `--list` reach this binary too.
    let filters: Vec<&str> = words.iter().copied().filter(|a| !a.starts_with('-')).collect();
    if words.contains(&"--list") {
        return ExitCode::SUCCESS;
    }
    let patience = if std::env::var_os("DAYFLY_HOSTILE_RUNS").is_some() { LONG_PATIENCE } else { PATIENCE };
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| format!("sandbox {name}").contains(f));
    let any = checks::CHECKS.iter().any(|(name, _)| wanted(name));
    let missing = if any { checks::missing() } else { Vec::new() };
    for rung in &missing {
        println!("NOT TRIED: {rung}");
    }
    if !missing.is_empty() && std::env::var("DAYFLY_REQUIRE_SANDBOX").is_ok_and(|value| value == "1") {
        println!("DAYFLY_REQUIRE_SANDBOX is set: a rung that is not there is a failure");
        return ExitCode::FAILURE;
    }
    for (name, check) in checks::CHECKS {
        if wanted(name) {
            println!("sandbox: {name}");
            let (done, ended) = std::sync::mpsc::channel();
            let check = std::thread::spawn(move || {
                check();
                done.send(())
            });
            if ended.recv_timeout(patience) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                println!("this check did not end within {patience:?}");
                return ExitCode::FAILURE;
            }
            if check.join().is_err() {
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
