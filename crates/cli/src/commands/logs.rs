//! `dayfly logs`: what an attempt printed.

use std::io::Write as _;
use std::time::Duration;

use dayfly_core::{AttemptId, State, attempts};
use dayfly_runner::{attempt_dir, read_all};
use tokio::io::AsyncReadExt as _;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;

/// How often a growing log is looked at.
const LOOK: Duration = Duration::from_millis(300);

pub(crate) async fn run(output: &Output, context: &Context, attempt: &str, follow: bool) -> Result<Exit, CliError> {
    let Some(store) = context.read_store()? else {
        return Err(CliError::usage("there was no run yet").hint("`dayfly run` makes one"));
    };
    let records = read_all(&store).await?;
    let lines =
        attempts(&records).map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    let id = AttemptId::from_text(attempt);
    let Some(line) = lines.iter().find(|a| a.attempt == id) else {
        let last: Vec<String> = lines.iter().rev().take(5).map(|a| a.attempt.to_string()).collect();
        return Err(CliError::usage(format!("there is no attempt `{attempt}`"))
            .hint(format!("the last ones are {}", last.join(", "))));
    };
    let path = attempt_dir(&context.config.portfolio, &id).join("output.log");
    if output.json {
        let log = std::fs::read(&path).map(|b| String::from_utf8_lossy(&b).into_owned()).ok();
        output.data(&serde_json::json!({ "attempt": line, "log": log }), String::new)?;
        return Ok(Exit::Good);
    }
    let mut file = match tokio::fs::File::open(&path).await {
        Ok(file) => file,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
            output.say(&format!("{id} ran no agent: {}", line.detail));
            return Ok(Exit::Good);
        }
        Err(err) => return Err(CliError::files(&path, err)),
    };
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).await.map_err(|err| CliError::files(&path, err))?;
        // The raw log may hold terminal codes: they are taken out here, as `cat` would not.
        if read > 0 {
            anstream::stdout().write_all(&buffer[..read])?;
            continue;
        }
        if !follow || !is_live(context, &id).await? {
            return Ok(Exit::Good);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn is_live(context: &Context, id: &AttemptId) -> Result<bool, CliError> {
    let Some(store) = context.read_store()? else { return Ok(false) };
    let records = read_all(&store).await?;
    let state = State::fold(&records).map_err(dayfly_core::StoreError::from)?;
    Ok(state.live.contains_key(id))
}
