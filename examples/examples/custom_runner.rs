//! An executor of one's own: attempts run below `nice`.
//!
//! The executor is [`dayfly_examples::Nice`], in `examples/src/nice.rs`; `examples/tests/runner.rs` holds it against
//! the contract of `Runner`. Here an engine uses it: its agent, a shell script, writes down the niceness it runs
//! with, and that lands as a commit.
//!
//! ```text
//! cargo run -p dayfly-examples --example custom_runner
//! cargo test -p dayfly-examples
//! ```
//!
//! It prints, on a machine where it is not itself run below `nice`:
//!
//! ```text
//! executor: nice, containment: Group, limits: true
//! app.1.exec.1: succeeded, exit code Some(0)
//! niceness here: 0, of the agent: 10
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::process::Command;
use std::sync::Arc;

use dayfly_core::{MemoryStore, Runner as _, attempts};
use dayfly_examples::{Failure, Nice, Scratch, run_until_idle};
use dayfly_runner::{Engine, read_all};

/// Without a command, `nice` prints the niceness it runs with.
const AGENT: &str = r#"
set -eu
nice > niceness.txt
git add niceness.txt
git commit --quiet --message 'Write down the niceness'
"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
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
    scratch.issue(&portfolio, "Write down the niceness", "In niceness.txt.").await?;

    let runner = Nice::new(10)?;
    let can = runner.capabilities();
    println!("executor: {}, containment: {:?}, limits: {}", runner.name(), can.containment, can.limits);

    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder(portfolio).store(store.clone()).runner(Arc::new(runner)).build();
    let summary = run_until_idle(&engine).await?;
    assert_eq!((summary.done.len(), summary.has_trouble()), (1, false), "{summary:?}");

    let tries = attempts(&read_all(&*store).await?)?;
    let outcome = tries.first().and_then(|first| first.outcome.as_ref()).ok_or("there was no attempt")?;
    println!("{}: {}, exit code {:?}", tries[0].attempt, outcome.end, outcome.receipt.exit_code);

    let here: i32 = String::from_utf8(Command::new("nice").output()?.stdout)?.trim().parse()?;
    let agents: i32 = scratch.git(&["show", "main:niceness.txt"])?.trim().parse()?;
    println!("niceness here: {here}, of the agent: {agents}");
    assert_eq!(agents, (here + 10).min(19));
    Ok(())
}
