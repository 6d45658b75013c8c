//! `dayfly logs`: what an attempt printed, and the commands that judged it.

use std::io::Write as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AttemptId, AttemptLine, Record, Seq, Store as _, attempts};
use dayfly_runner::{LogPart, LogReader, SqliteStore, StateLock, attempt_dir, gates_dir, is_kept};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::plain::PlainStream;

/// How often a growing log is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// What is printed on each stream.
const LOGS: [&str; 2] = ["output.log", "errors.log"];

/// Among how many of the last records those attempts are looked for that are proposed instead of an unknown one.
const LATE: u64 = 200;

/// A command that judged an attempt, and the folder with its output.
struct GateLog {
    name: String,
    dir: Utf8PathBuf,
}

pub(crate) async fn run(output: &Output, context: &Context, named: &str, follow: bool) -> Result<Exit, CliError> {
    if output.json && follow {
        return Err(CliError::usage("`--json` and `--follow` cannot be used together: JSON is written whole")
            .hint("leave one of them out"));
    }
    let Some(store) = context.read_store()? else {
        return Err(CliError::usage("there was no run yet").hint("`dayfly run` makes one"));
    };
    let line = &find(context, &store, named).await?;
    let id = &line.attempt;
    let dir = attempt_dir(&context.config.portfolio, id);
    let gates = gates_dir(&context.config.portfolio, id);
    if output.json {
        let gates: Vec<_> = gate_logs(&gates)?
            .into_iter()
            .map(|gate| serde_json::json!({ "gate": gate.name, "log": whole(&gate.dir) }))
            .collect();
        output.data(&serde_json::json!({ "attempt": line, "log": whole(&dir), "gates": gates }), String::new)?;
        return Ok(Exit::Good);
    }
    if !dir.join("prompt.txt").exists() {
        output.say(&format!("{id} ran no agent: {}", line.detail));
    }
    print(&dir, follow.then_some((context, id))).await?;
    for gate in gate_logs(&gates)? {
        writeln!(std::io::stdout(), "-- the command `{}` on the change:", gate.name)?;
        print(&gate.dir, None).await?;
    }
    Ok(Exit::Good)
}

/// The attempt of that name, or the last one of the issue of that name that ran an agent.
async fn find(context: &Context, store: &SqliteStore, named: &str) -> Result<AttemptLine, CliError> {
    let id = AttemptId::from_text(named);
    if let Some(issue) = id.issue()
        && let Some(line) = lines(&store.about(&issue).await?)?.into_iter().find(|line| line.attempt == id)
    {
        return Ok(line);
    }
    let issue = context.issue(named).await.ok();
    if let Some(issue) = &issue {
        let mut of_issue = lines(&store.about(issue).await?)?;
        of_issue.retain(|line| line.issue == *issue);
        let ran = |a: &AttemptLine| attempt_dir(&context.config.portfolio, &a.attempt).join("prompt.txt").exists();
        let at = of_issue.iter().rposition(ran).or(of_issue.len().checked_sub(1));
        if let Some(at) = at {
            return Ok(of_issue.swap_remove(at));
        }
    }
    let err = CliError::usage(match &issue {
        Some(issue) => format!("{issue} has had no attempt"),
        None => format!("there is no attempt `{named}`"),
    });
    let head = store.load().await?.head;
    let late = lines(&store.read(Seq(head.0.saturating_sub(LATE)), usize::MAX).await?)?;
    let last: Vec<String> = late.iter().rev().take(5).map(|a| a.attempt.to_string()).collect();
    Err(err.hint(format!("the last ones are {}", last.join(", "))))
}

fn lines(records: &[Record]) -> Result<Vec<AttemptLine>, CliError> {
    attempts(records).map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))
}

fn gate_logs(dir: &Utf8Path) -> Result<Vec<GateLog>, CliError> {
    let entries = match dir.read_dir_utf8() {
        Ok(entries) => entries,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(CliError::files(dir, err)),
    };
    let mut logs: Vec<GateLog> = entries
        .flatten()
        .map(|entry| GateLog { name: entry.file_name().to_owned(), dir: entry.path().to_owned() })
        .filter(|gate| LOGS.iter().any(|log| gate.dir.join(log).metadata().is_ok_and(|m| m.len() > 0)))
        .collect();
    // In the order in which they ran.
    logs.sort_by_key(|log| log.dir.join("prompt.txt").metadata().and_then(|m| m.modified()).ok());
    Ok(logs)
}

/// All that was kept of what was printed in a folder; `None` if nothing was.
fn whole(dir: &Utf8Path) -> Option<String> {
    let mut text = String::new();
    for log in LOGS {
        let mut printing = Printing::new(dir, log);
        while let Ok(Some(more)) = printing.next() {
            text.push_str(&more);
        }
        text.push_str(&printing.plain.finish());
    }
    (!text.is_empty()).then_some(text)
}

/// A log on its way to a terminal.
struct Printing {
    path: Utf8PathBuf,
    log: LogReader,
    buffer: Vec<u8>,
    plain: PlainStream,
}

impl Printing {
    fn new(dir: &Utf8Path, log: &str) -> Self {
        let path = dir.join(log);
        Self { log: LogReader::new(&path), path, buffer: vec![0; 1 << 16], plain: PlainStream::default() }
    }

    /// What comes next; `None` if there is nothing more now.
    fn next(&mut self) -> Result<Option<String>, CliError> {
        match self.log.read(&mut self.buffer).map_err(|err| CliError::files(&self.path, err))? {
            // The raw log may hold terminal codes: they are taken out here, as `cat` would not.
            LogPart::Bytes(read) => Ok(Some(self.plain.take(&self.buffer[..read]))),
            LogPart::Cut(bytes) => Ok(Some(format!("\n[cut {bytes} bytes]\n"))),
            LogPart::End => Ok(None),
        }
    }
}

/// Prints the logs in a folder: one after the other, or as they grow as long as the attempt of `follow` runs.
async fn print(dir: &Utf8Path, follow: Option<(&Context, &AttemptId)>) -> Result<(), CliError> {
    let mut stdout = std::io::stdout();
    let mut logs = LOGS.map(|log| Printing::new(dir, log));
    let mut last = follow.is_none();
    loop {
        let mut idle = true;
        for (number, log) in logs.iter_mut().enumerate() {
            let mut first = true;
            while let Some(text) = log.next()? {
                if first && number > 0 && follow.is_none() {
                    // Among the output, so that it also stands there in a file.
                    writeln!(stdout, "-- on standard error:")?;
                }
                (idle, first) = (false, false);
                stdout.write_all(text.as_bytes())?;
            }
            if last {
                stdout.write_all(log.plain.finish().as_bytes())?;
            }
        }
        stdout.flush()?;
        if last {
            return Ok(());
        }
        // What it wrote just before its end is still to be read.
        if let Some((context, id)) = follow
            && idle
        {
            last = !is_live(context, id).await?;
            if !last {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// Whether the attempt runs, with an engine to follow it or without.
async fn is_live(context: &Context, id: &AttemptId) -> Result<bool, CliError> {
    if is_kept(&attempt_dir(&context.config.portfolio, id)) {
        return Ok(true);
    }
    if StateLock::holder(&context.config.portfolio.state_dir).is_none() {
        return Ok(false);
    }
    let Some(store) = context.read_store()? else { return Ok(false) };
    let state = store.load().await?;
    Ok(state.live.contains_key(id))
}
