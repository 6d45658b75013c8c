//! `dayfly-triage`: keeps the issues of one repository in order, once. It is made for a job of a CI, and composes what the
//! library has: GitHub as a tracker, the rules of triage, and an engine that starts nothing.

mod args;
#[path = "../../github.rs"]
mod github;
mod portfolio;
mod shown;

use std::process::ExitCode;
use std::sync::Arc;

use camino::Utf8PathBuf;
use clap::Parser as _;
use dayfly_core::{Clock as _, Filter, MemoryStore, Portfolio};
use dayfly_runner::{Engine, RunOptions, Sources, SystemClock, Until, overview};
use tokio::sync::mpsc;

use args::Args;
use dayfly_github::GitHubTracker;
use github::Access;
use portfolio::Bad;
use shown::{Report, error};

const TROUBLE: u8 = 1;
const USAGE: u8 = 2;
const ENVIRONMENT: u8 = 3;
const NOTHING: u8 = 4;
const BUG: u8 = 70;
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(err) => {
            let _ = err.print();
            return ExitCode::from(if err.use_stderr() { USAGE } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => return error(ENVIRONMENT, &format!("cannot start the runtime: {err}")),
    };
    runtime.block_on(async {
        tokio::select! {
            code = triage(&args) => code,
            // What was begun is looked up by the next one before it is done again.
            _ = tokio::signal::ctrl_c() => error(INTERRUPTED, "interrupted; what is left is done by the next one"),
        }
    })
}

async fn triage(args: &Args) -> ExitCode {
    let state = match tempfile::tempdir().map(|dir| (Utf8PathBuf::from_path_buf(dir.path().to_owned()), dir)) {
        Ok((Ok(path), dir)) => (path, dir),
        Ok((Err(path), _)) => return error(ENVIRONMENT, &format!("{} is not UTF-8", path.display())),
        Err(err) => return error(ENVIRONMENT, &format!("no folder for the time of this run can be made: {err}")),
    };
    let portfolio = match portfolio::portfolio(args, &state.0) {
        Ok(portfolio) => portfolio,
        Err(Bad::Config(err)) => {
            let lines = err.problems.iter().map(|p| format!("{} ({})", p.message, p.help));
            return error(USAGE, &format!("{}: {}", err.source.path, lines.collect::<Vec<_>>().join("; ")));
        }
        Err(Bad::File(path, err)) => return error(USAGE, &format!("{path} cannot be read: {err}")),
    };
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let tracker = match github::connect(&portfolio, access).await {
        Ok(client) => Arc::new(github::tracker(&portfolio, client)),
        Err(why) => return error(ENVIRONMENT, &why.to_string()),
    };
    match if args.dry_run { look(portfolio, &tracker).await } else { work(portfolio, &tracker).await } {
        Ok(report) => finish(args, &report),
        Err(why) => error(BUG, &why),
    }
}

/// What would be written.
async fn look(portfolio: Portfolio, tracker: &Arc<GitHubTracker>) -> Result<Report, String> {
    let from = Sources { store: None, tracker: &**tracker, forge: None };
    let seen = overview(portfolio, from, Filter::default(), SystemClock.now()).await.map_err(|err| err.to_string())?;
    Ok(Report::planned(&seen))
}

async fn work(portfolio: Portfolio, tracker: &Arc<GitHubTracker>) -> Result<Report, String> {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::builder(portfolio.clone()).store(store).tracker(tracker.clone()).build();
    let (_asks_nothing, mut shutdown) = mpsc::channel(1);
    let options = RunOptions { until: Until::Triage, filter: Filter::default() };
    let summary = engine.run(options, &mut shutdown).await.map_err(|err| err.to_string())?;
    let mut report = look(portfolio, tracker).await?;
    report.did(&summary);
    Ok(report)
}

fn finish(args: &Args, report: &Report) -> ExitCode {
    if let Err(err) = report.show(args.json) {
        return error(ENVIRONMENT, &format!("cannot write the output: {err}"));
    }
    ExitCode::from(match report {
        report if report.is_unread() => ENVIRONMENT,
        report if report.has_trouble() => TROUBLE,
        report if args.fail_if_idle && report.is_idle() => NOTHING,
        _ => 0,
    })
}
