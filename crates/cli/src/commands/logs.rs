//! `dayfly logs`: what an attempt printed, and the commands that judged it.

use std::io::Write as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AttemptId, AttemptLine, State, attempts};
use dayfly_runner::{StateLock, attempt_dir, gates_dir, read_all};
use tokio::io::AsyncReadExt as _;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::plain::PlainStream;

/// How often a growing log is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// The output of a command that judged an attempt.
struct GateLog {
    name: String,
    path: Utf8PathBuf,
}

pub(crate) async fn run(output: &Output, context: &Context, named: &str, follow: bool) -> Result<Exit, CliError> {
    if output.json && follow {
        return Err(CliError::usage("`--json` and `--follow` cannot be used together: JSON is written whole")
            .hint("leave one of them out"));
    }
    let Some(store) = context.read_store()? else {
        return Err(CliError::usage("there was no run yet").hint("`dayfly run` makes one"));
    };
    let records = read_all(&store).await?;
    let lines =
        attempts(&records).map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    let line = find(context, &lines, named).await?;
    let id = &line.attempt;
    let dir = attempt_dir(&context.config.portfolio, id);
    let gates = gates_dir(&context.config.portfolio, id);
    let path = dir.join("output.log");
    if output.json {
        let read = |path: &Utf8Path| std::fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).ok();
        let gates: Vec<_> = gate_logs(&gates)?
            .into_iter()
            .map(|gate| serde_json::json!({ "gate": gate.name, "log": read(&gate.path) }))
            .collect();
        output.data(&serde_json::json!({ "attempt": line, "log": read(&path), "gates": gates }), String::new)?;
        return Ok(Exit::Good);
    }
    if !print(context, id, &path, follow).await? {
        output.say(&format!("{id} ran no agent: {}", line.detail));
    }
    for gate in gate_logs(&gates)? {
        output.say(&format!("-- the command `{}` on the change:", gate.name));
        print(context, id, &gate.path, false).await?;
    }
    Ok(Exit::Good)
}

/// The attempt of that name, or the last one of the issue of that name.
async fn find<'a>(context: &Context, lines: &'a [AttemptLine], named: &str) -> Result<&'a AttemptLine, CliError> {
    let id = AttemptId::from_text(named);
    if let Some(line) = lines.iter().find(|a| a.attempt == id) {
        return Ok(line);
    }
    let issue = context.issue(named).await.ok();
    if let Some(line) = lines.iter().rev().find(|a| issue.as_ref().is_some_and(|i| *i == a.issue)) {
        return Ok(line);
    }
    let err = CliError::usage(match &issue {
        Some(issue) => format!("{issue} has had no attempt"),
        None => format!("there is no attempt `{named}`"),
    });
    let last: Vec<String> = lines.iter().rev().take(5).map(|a| a.attempt.to_string()).collect();
    Err(err.hint(format!("the last ones are {}", last.join(", "))))
}

fn gate_logs(dir: &Utf8Path) -> Result<Vec<GateLog>, CliError> {
    let entries = match dir.read_dir_utf8() {
        Ok(entries) => entries,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(CliError::files(dir, err)),
    };
    let mut logs: Vec<GateLog> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path().join("output.log");
            let name = entry.file_name().to_owned();
            path.metadata().is_ok_and(|m| m.len() > 0).then_some(GateLog { name, path })
        })
        .collect();
    // In the order in which they ran.
    logs.sort_by_key(|log| log.path.metadata().and_then(|m| m.modified()).ok());
    Ok(logs)
}

/// Prints a file, as long as the attempt runs if asked to follow. `false` if there is none.
async fn print(context: &Context, id: &AttemptId, path: &Utf8Path, follow: bool) -> Result<bool, CliError> {
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(err) => return Err(CliError::files(path, err)),
    };
    let mut stream = PlainStream::default();
    let mut buffer = vec![0; 1 << 16];
    let mut last = !follow;
    loop {
        let read = file.read(&mut buffer).await.map_err(|err| CliError::files(path, err))?;
        // The raw log may hold terminal codes: they are taken out here, as `cat` would not.
        let ends = read == 0 && last;
        let text = if ends { stream.finish() } else { stream.take(&buffer[..read]) };
        let mut stdout = std::io::stdout();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        if ends {
            return Ok(true);
        }
        if read > 0 {
            continue;
        }
        // What it wrote just before its end is still to be read.
        last = !is_live(context, id).await?;
        if !last {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Whether the attempt runs, with an engine to follow it.
async fn is_live(context: &Context, id: &AttemptId) -> Result<bool, CliError> {
    if StateLock::holder(&context.config.portfolio.state_dir).is_none() {
        return Ok(false);
    }
    let Some(store) = context.read_store()? else { return Ok(false) };
    let records = read_all(&store).await?;
    let state = State::fold(&records).map_err(dayfly_core::StoreError::from)?;
    Ok(state.live.contains_key(id))
}
