//! A program that is its own keeper: what its attempts start cannot get away, and they outlive it.
//!
//! The keeper of an attempt is a process between the program and the attempt. `dayfly-job` is one; a program that does not
//! ship it starts itself again, as shown here, before it does anything else. The agent, a shell script, leaves a process
//! behind that left its session and cleared its environment. It is ended with the attempt.
//!
//! ```text
//! cargo run -p dayfly-examples --example own_keeper
//! ```
//!
//! On Linux it prints:
//!
//! ```text
//! app.1.exec.1: succeeded, 1 process it left behind was ended
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::process::ExitCode;
use std::sync::Arc;

use dayfly_core::{MemoryStore, attempts};
use dayfly_examples::{Failure, Scratch, run_until_idle};
use dayfly_runner::{Engine, Keeper, keeper, launch, read_all};

/// It does its work, and starts something on the side that nobody would find.
const AGENT: &str = r#"
set -eu
env -i setsid sleep 600 >/dev/null 2>&1 &
date > today.txt
git add today.txt
git commit --quiet --message 'Write down the day'
"#;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        // Both are small and have no runtime, so they come before everything else.
        Some(word) if word == "keep" => return keeper::main(),
        Some(word) if word == "launch" => {
            let err = launch(std::env::args_os().skip(2));
            println!("{err}");
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            println!("{err}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn embed() -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let agent = scratch.agent(AGENT)?;
    let portfolio = scratch.portfolio(&format!(
        r#"
        version = 1
        pipeline = ["exec", "merge"]
        [agents.script]
        kind = "command"
        argv = ["sh", '{agent}']
        [projects.app]
        path = "app"
        "#
    ))?;
    scratch.issue(&portfolio, "Write down the day", "In today.txt.").await?;
    let store = Arc::new(MemoryStore::new());
    let own = Keeper::new(std::env::current_exe()?);
    let engine = Engine::builder(portfolio).store(store.clone()).keeper(own).build();
    let summary = run_until_idle(&engine).await?;
    assert_eq!((summary.done.len(), summary.has_trouble()), (1, false), "{summary:?}");

    let tries = attempts(&read_all(&*store).await?)?;
    let outcome = tries.first().and_then(|first| first.outcome.as_ref()).ok_or("there was no attempt")?;
    let killed = outcome.receipt.killed;
    println!("{}: {}, {killed} process it left behind was ended", tries[0].attempt, outcome.end);
    if cfg!(target_os = "linux") {
        assert_eq!(killed, 1);
    }
    Ok(())
}
