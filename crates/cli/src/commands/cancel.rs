//! `dayfly cancel`: ends what runs for an issue, and leaves the issue alone.

use std::time::Instant;

use dayfly_core::{Ask, AttemptId, IssueRef, State};
use dayfly_runner::StateLock;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::orders::{Given, LOOK, attempt, give, known, recorded};
use crate::output::Output;

/// What became of it.
#[derive(Debug, Serialize)]
struct Cancelled {
    issue: IssueRef,
    /// The attempt that ran.
    attempt: Option<AttemptId>,
    /// Whether it has ended.
    ended: bool,
}

pub(crate) async fn run(output: &Output, context: &Context, what: &str, reason: &str) -> Result<Exit, CliError> {
    let (issue, named) = match attempt(context, what) {
        Some((issue, attempt)) => (issue, Some(attempt)),
        None => {
            let issue = context.issue(what).await?;
            known(output, context, &issue).await?;
            (issue, None)
        }
    };
    let ask = Ask::Cancel { issue: issue.clone(), attempt: named.clone() };
    // A quick engine has ended it before anybody looks again.
    let before = running(&recorded(context).await?, &issue);
    let Given { state, taken } = give(context, reason, ask).await?;
    if !taken {
        return Err(CliError::trouble(format!("{what} does not run")).hint(format!(
            "`dayfly why {issue}` says where it stands; `dayfly cancel {issue}` leaves the issue alone"
        )));
    }
    let attempt = running(&state, &issue).or(before);
    let ended = match &attempt {
        Some(attempt) => has_ended(output, context, attempt).await?,
        None => true,
    };
    output.data(&Cancelled { issue: issue.clone(), attempt: attempt.clone(), ended }, || {
        let did = match (&attempt, ended) {
            (Some(attempt), true) => format!("{attempt} was ended, charged to nobody"),
            (Some(attempt), false) => format!("{attempt} is ended by the next `dayfly run`"),
            (None, _) => "nothing ran for it".to_owned(),
        };
        format!("{issue}: cancelled; {did}. `dayfly resume {issue}` lets it go on.")
    })?;
    Ok(Exit::Good)
}

/// What runs for an issue.
fn running(state: &State, issue: &IssueRef) -> Option<AttemptId> {
    state.live.iter().find(|(_, live)| live.issue == *issue).map(|(id, _)| id.clone())
}

/// Waits for the end of an attempt as long as an engine sees to it.
async fn has_ended(output: &Output, context: &Context, attempt: &AttemptId) -> Result<bool, CliError> {
    let (start, mut said) = (Instant::now(), false);
    loop {
        // Asked first: an engine that ends has recorded all before.
        let engine = StateLock::engine(&context.config.portfolio.state_dir);
        if !recorded(context).await?.live.contains_key(attempt) {
            return Ok(true);
        }
        if engine.is_none() {
            return Ok(false);
        }
        if !said && start.elapsed().as_secs() >= 1 {
            output.say(&format!("waiting for the end of {attempt}"));
            said = true;
        }
        tokio::time::sleep(LOOK).await;
    }
}
