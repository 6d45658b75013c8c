//! `dayfly session`: the lasting sessions of projects that run in tmux.

use std::os::unix::process::CommandExt as _;

use dayfly_runner::{Session, SessionState, SessionStatus, TmuxError};
use jiff::Timestamp;

use crate::args::SessionCommand;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, time};

pub(crate) async fn run(output: &Output, context: &Context, command: SessionCommand) -> Result<Exit, CliError> {
    match command {
        SessionCommand::List => list(output, context).await,
        SessionCommand::Attach { project } => attach(output, context, project.as_deref()).await,
        SessionCommand::End { project, force } => end(output, context, project.as_deref(), force).await,
    }
}

async fn list(output: &Output, context: &Context) -> Result<Exit, CliError> {
    let mut all = Vec::new();
    for session in sessions(context) {
        all.push(session.status().await);
    }
    output.data(&all, || text(&all))?;
    Ok(Exit::Good)
}

fn text(all: &[SessionStatus]) -> String {
    if all.is_empty() {
        return "No project has a session. `runner = \"tmux\"` of a project gives it one.".into();
    }
    let now = Timestamp::now();
    let rows = all.iter().map(|status| {
        let attempt = status.attempt.as_ref().map(ToString::to_string).unwrap_or_default();
        let since = status.since.map(|since| format!("since {}", time(since, now))).unwrap_or_default();
        let people = match status.people {
            0 => String::new(),
            1 => "1 person looks on".into(),
            n => format!("{n} people look on"),
        };
        let pid = status.pid.map(|pid| format!("process {pid}")).unwrap_or_default();
        vec![
            status.project.to_string(),
            status.state.word().into(),
            attempt,
            pid,
            since,
            people,
            status.socket.to_string(),
        ]
    });
    let mut text = columns(&rows.collect::<Vec<_>>());
    for (status, problem) in all.iter().filter_map(|status| Some((status, status.problem.as_ref()?))) {
        text.push_str(&format!("{}: {problem}\n", status.project));
    }
    text
}

async fn attach(output: &Output, context: &Context, project: Option<&str>) -> Result<Exit, CliError> {
    use std::io::IsTerminal as _;
    if output.json {
        return Err(CliError::usage("`session attach` writes no JSON").hint("`dayfly session list --json` does"));
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CliError::usage("a session can be attached to from a terminal alone"));
    }
    let session = find(context, project)?;
    if session.start().await.map_err(unusable)? {
        output.say("the session was started; detach with Ctrl-b d");
    }
    let mut command = session.attach().map_err(unusable)?;
    // From here on this process is tmux.
    let err = command.exec();
    Err(CliError::environment("cannot start tmux").with_source(err))
}

async fn end(output: &Output, context: &Context, project: Option<&str>, force: bool) -> Result<Exit, CliError> {
    let session = find(context, project)?;
    let status = session.status().await;
    let busy = status.state == SessionState::Busy;
    if let Some(attempt) = status.attempt.as_ref().filter(|_| busy && !force) {
        return Err(CliError::environment(format!("attempt {attempt} runs in the session of {}", status.project))
            .hint("wait for it, interrupt `dayfly run`, or add `--force`"));
    }
    let ended = session.end().await.map_err(unusable)?;
    let said = if ended { "was ended" } else { "was not there" };
    let json = serde_json::json!({ "project": status.project, "ended": ended });
    output.data(&json, || format!("The session of {} {said}.", status.project))?;
    Ok(Exit::Good)
}

fn sessions(context: &Context) -> Vec<Session> {
    let portfolio = &context.config.portfolio;
    portfolio.projects.values().filter_map(|project| Session::of(&portfolio.state_dir, project)).collect()
}

/// The session of the project of that name, or the only one.
fn find(context: &Context, project: Option<&str>) -> Result<Session, CliError> {
    let portfolio = &context.config.portfolio;
    let with: Vec<&str> =
        portfolio.projects.values().filter(|p| p.runner.session().is_some()).map(|p| p.name.as_str()).collect();
    let there = || match with.as_slice() {
        [] => "`runner = \"tmux\"` of a project gives it one".to_owned(),
        with => format!("there are sessions of {}", with.join(", ")),
    };
    let name = match (project, with.as_slice()) {
        (Some(name), _) => context.project(Some(name))?,
        (None, [only]) => context.project(Some(only))?,
        (None, []) => return Err(CliError::usage("no project has a session").hint(there())),
        (None, _) => return Err(CliError::usage("the session of which project?").hint(there())),
    };
    let session = portfolio.projects.get(&name).and_then(|project| Session::of(&portfolio.state_dir, project));
    session.ok_or_else(|| CliError::usage(format!("project `{name}` has no session")).hint(there()))
}

fn unusable(err: TmuxError) -> CliError {
    CliError::environment("the session cannot be used").with_source(err)
}
