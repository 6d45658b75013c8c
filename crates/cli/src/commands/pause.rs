//! `dayfly pause` and `dayfly resume`: what is left alone, and what goes on.

use dayfly_core::{Ask, State, Target};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::orders::{give, known, names, targets};
use crate::output::Output;

pub(crate) async fn pause(output: &Output, context: &Context, what: &[String], reason: &str) -> Result<Exit, CliError> {
    let what = targets(context, what).await?;
    for target in &what {
        if let Target::Issue(issue) = target {
            known(output, context, issue).await?;
        }
    }
    let state = give(context, reason, Ask::Pause { what: what.clone() }).await?.state;
    let live = state.live.iter().filter(|(_, live)| what.iter().any(|what| holds(what, &live.issue)));
    let live: Vec<String> = live.map(|(id, _)| id.to_string()).collect();
    output.data(&state.control.paused, || {
        let mut text = format!("{}: paused; nothing new is begun", names(&what));
        if !live.is_empty() {
            text.push_str(&format!("\nto its end goes {}", live.join(", ")));
        }
        text
    })?;
    Ok(Exit::Good)
}

pub(crate) async fn resume(
    output: &Output,
    context: &Context,
    what: &[String],
    reason: Option<&str>,
) -> Result<Exit, CliError> {
    let what = targets(context, what).await?;
    let state = give(context, reason.unwrap_or("it goes on"), Ask::Resume { what: what.clone() }).await?.state;
    output.data(&state.control.paused, || {
        let mut text = format!("{}: goes on{}", names(&what), when(&state));
        let left: Vec<Target> = state.control.paused.iter().map(|pause| pause.what.clone()).collect();
        if !left.is_empty() {
            text.push_str(&format!("\nstill paused: {}", names(&left)));
        }
        text
    })?;
    Ok(Exit::Good)
}

fn when(state: &State) -> &'static str {
    if state.control.halt.is_some() { " once `dayfly stop --all` is lifted" } else { "" }
}

fn holds(what: &Target, issue: &dayfly_core::IssueRef) -> bool {
    match what {
        Target::Everything => true,
        Target::Project(project) => *project == issue.project,
        Target::Issue(named) => named == issue,
        _ => false,
    }
}
