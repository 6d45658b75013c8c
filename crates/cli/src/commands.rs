//! The commands, a file each.

mod agent;
mod audit;
mod brief;
mod cancel;
mod capacity;
mod completions;
mod config;
mod demo;
mod doctor;
mod drift;
mod init;
mod issue;
mod logs;
mod pause;
mod plan;
mod progress;
mod report;
mod run;
mod scenarios;
mod session;
mod simulate;
mod status;
mod stop;
mod store;
mod triage;
mod usage;
mod why;
mod worklog;

use camino::Utf8Path;

use crate::args::{Args, Cancel, Command, Pause, Resume, Stop};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;

pub(crate) use audit::event_kind;

/// Runs the command that was asked for.
pub(crate) async fn run(args: Args, output: &mut Output) -> Result<Exit, CliError> {
    let config = args.config.clone();
    let ran = command(args.command, config.as_deref(), output).await;
    // What leads to a copy is looked for only once it is needed.
    ran.map_err(|err| err.with_copy(|| copy(config.as_deref())))
}

fn copy(config: Option<&Utf8Path>) -> String {
    let any = || "`dayfly store restore FILE` puts a copy in its place".to_owned();
    Context::load(config).map_or_else(|_| any(), |context| context.put_back())
}

async fn command(command: Command, config: Option<&Utf8Path>, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        Command::Init { paths, force } => init::run(output, &paths, force).await,
        Command::Doctor => doctor::run(output, config).await,
        Command::Plan { scope } => plan::run(output, &Context::load(config)?, &scope).await,
        Command::Run { scope, until_idle, patience, verbose, fail_if_idle } => {
            let settings = run::Settings { scope, until_idle, patience, verbose, fail_if_idle };
            run::run(output, &Context::load(config)?, settings).await
        }
        Command::Stop(Stop { all: true, reason, .. }) => {
            stop::all(output, &Context::load(config)?, &reason.unwrap_or_default()).await
        }
        Command::Stop(Stop { drain, now, timeout, .. }) => {
            stop::engine(output, &Context::load(config)?, stop::Settings { drain, now, timeout }).await
        }
        Command::Pause(Pause { what, reason }) => pause::pause(output, &Context::load(config)?, &what, &reason).await,
        Command::Resume(Resume { all: true, reason, .. }) => {
            stop::lift(output, &Context::load(config)?, &reason.unwrap_or_default()).await
        }
        Command::Resume(Resume { what, reason, .. }) => {
            pause::resume(output, &Context::load(config)?, &what, reason.as_deref()).await
        }
        Command::Cancel(Cancel { what, reason }) => cancel::run(output, &Context::load(config)?, &what, &reason).await,
        Command::Status { scope } => status::run(output, &Context::load(config)?, &scope).await,
        Command::Triage { scope, dry_run } => triage::run(output, &Context::load(config)?, &scope, dry_run).await,
        Command::Why { issue } => why::run(output, &Context::load(config)?, &issue).await,
        Command::Logs { attempt, follow } => logs::run(output, &Context::load(config)?, &attempt, follow).await,
        Command::Issue(command) => issue::run(output, &Context::load(config)?, command).await,
        Command::Worklog { day, project } => {
            worklog::run(output, &Context::load(config)?, day, project.as_deref()).await
        }
        Command::Brief { since, project } => {
            brief::run(output, &Context::load(config)?, since, project.as_deref()).await
        }
        Command::Drift(asked) => drift::run(output, &Context::load(config)?, asked).await,
        Command::Audit(command) => audit::run(output, &Context::load(config)?, command).await,
        Command::Store(command) => store::run(output, &Context::load(config)?, command).await,
        Command::Agent(command) => agent::run(output, config, command).await,
        Command::Capacity { command } => capacity::run(output, &Context::load(config)?, command).await,
        Command::Usage { by, days, from, to, project } => {
            let settings = usage::Settings { by, days, from, to, project };
            usage::run(output, &Context::load(config)?, settings).await
        }
        Command::Report { since, until, project, html } => {
            let settings = report::Settings { since, until, project, html };
            report::run(output, &Context::load(config)?, settings).await
        }
        Command::Session(command) => session::run(output, &Context::load(config)?, command).await,
        Command::Config(command) => config::run(output, config, &command),
        Command::Demo { dir, fresh, no_run } => demo::run(output, dir, demo::Settings { fresh, no_run }).await,
        Command::Simulate(asked) => simulate::run(output, config, asked).await,
        Command::Completions { shell } => completions::run(shell),
    }
}
