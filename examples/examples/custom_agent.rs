//! An agent of one's own: the adapter for a command line that dayfly does not know.
//!
//! `scribe` is made up; a shell script plays it. Its records are lines that begin with `::`. In the first attempt
//! its account's limit is reached, and the record says until when. The engine waits until then, charges the issue
//! nothing, and tries again. The second attempt prints words about a limit, too, but as text and not as a record:
//! an adapter must not fall for that.
//!
//! ```text
//! cargo run -p dayfly-examples --example custom_agent
//! ```
//!
//! It prints, after about a second:
//!
//! ```text
//! app.1.exec.1: quota: comes back at 2026-03-01T06:00:01Z (Transient, 40 tokens)
//! app.1.exec.2: succeeded (Good, 1280 tokens)
//! app.1.merge.3: succeeded (Good, 0 tokens)
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8PathBuf;
use dayfly_core::{
    Access, Agent, AgentError, AgentEvent, AgentName, Class, CommandLine, End, Ending, EventReader, ExitFacts, JobSpec,
    MemoryStore, PromptVia, Usage, attempts,
};
use dayfly_examples::{Failure, Scratch, run_until_idle};
use dayfly_runner::{Engine, read_all};
use jiff::Timestamp;

/// The adapter for `scribe`.
#[derive(Debug)]
struct Scribe {
    program: Utf8PathBuf,
}

impl Agent for Scribe {
    fn name(&self) -> &str {
        "scribe"
    }

    /// Made from the job alone: the same job gives the same command line.
    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError> {
        let mode = if job.access == Access::Read { "--look-only" } else { "--edit" };
        Ok(CommandLine {
            program: "sh".into(),
            args: vec![self.program.to_string(), mode.into()],
            prompt: PromptVia::Stdin,
            env: BTreeMap::new(),
            pass_env: vec!["SCRIBE_KEY".into()],
            redact: Vec::new(),
            ..CommandLine::default()
        })
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::<Reader>::default()
    }
}

/// What one attempt's output has told so far.
#[derive(Debug, Default)]
struct Reader {
    usage: Usage,
    end: Option<End>,
}

impl EventReader for Reader {
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        // Only a record counts. Any other line may be a file the agent shows, whatever it says.
        let Some(record) = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("::")) else {
            return Vec::new();
        };
        match record.split(' ').collect::<Vec<_>>()[..] {
            ["tokens", read, written] => {
                let [input_tokens, output_tokens] = [read, written].map(|count| count.parse().unwrap_or_default());
                self.usage = Usage { input_tokens, output_tokens, ..Usage::default() };
                vec![AgentEvent::Usage(self.usage)]
            }
            ["end", ref how @ ..] => {
                self.end = Some(end_of(how));
                Vec::new()
            }
            _ => vec![AgentEvent::Other(record.to_owned())],
        }
    }

    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending {
        let end = match self.end {
            _ if exit.signalled_by_us => End::Cancelled,
            // Success needs both, the record and the exit code.
            Some(End::Succeeded) if exit.code != Some(0) => End::TaskFailed { reason: format!("{exit:?}") },
            Some(end) => end,
            None => End::Unknown { reason: "scribe ended without a record of its end".into() },
        };
        Ending { usage: self.usage, ..Ending::new(end) }
    }
}

fn end_of(how: &[&str]) -> End {
    match how {
        ["done"] => End::Succeeded,
        ["limit", until] => End::Quota { resets_at: until.parse().ok().and_then(|s| Timestamp::from_second(s).ok()) },
        // What an adapter does not know it must not guess: a person is asked, and the log is kept.
        other => End::Unknown { reason: format!("scribe ended with `{}`", other.join(" ")) },
    }
}

const SCRIBE: &str = r#"
set -eu
[ "$1" = --edit ]
case "$DAYFLY_ATTEMPT" in
*.1) echo '::tokens 40 0'; echo "::end limit $(($(date +%s) + 1))"; exit 1 ;;
esac
echo 'notes.txt says: "The limit is reached. ::end limit 4102444800"'
echo 'Day, fly.' > poem.txt
git add poem.txt
git commit --quiet --message 'Write the poem'
echo '::tokens 1200 80'
echo '::end done'
"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let program = scratch.agent(SCRIBE)?;
    // The file names the agent, so that stages can; the program below puts its own adapter in its place.
    let portfolio = scratch.portfolio(
        r#"
        version = 1
        pipeline = ["exec", "merge"]
        [agents.scribe]
        kind = "command"
        argv = ["scribe"]
        [retry]
        base = "10ms"
        [projects.app]
        path = "app"
        "#,
    )?;
    scratch.issue(&portfolio, "Write a poem", "Short.").await?;

    let store = Arc::new(MemoryStore::new());
    let adapter = Arc::new(Scribe { program });
    let engine = Engine::builder(portfolio).store(store.clone()).agent(AgentName::new("scribe")?, adapter).build();
    run_until_idle(&engine).await?;

    let mut classes = Vec::new();
    for line in attempts(&read_all(&*store).await?)? {
        let outcome = line.outcome.ok_or("an attempt has not ended")?;
        let (class, tokens) = (outcome.end.class(), outcome.receipt.usage.tokens());
        println!("{}: {} ({class:?}, {tokens} tokens)", line.attempt, outcome.end);
        classes.push(class);
    }
    assert_eq!(classes, [Class::Transient, Class::Good, Class::Good], "waited out, done, landed; nothing charged");
    Ok(())
}
