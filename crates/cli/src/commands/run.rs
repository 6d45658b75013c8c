//! `dayfly run`: does the work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::Stop;
use dayfly_runner::{BELL, Engine, OrderFolder, RunOptions, SqliteStore, StateLock, Summary, Until, Withheld};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::args::Scope;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::github::Access;
use crate::output::Output;
use crate::tables::{one_line, sentence, time};

use super::progress::Reporter;

/// How long is waited for a ring before the orders is looked at all the same.
const LISTEN: Duration = Duration::from_secs(10);

/// What was asked for.
pub(crate) struct Settings {
    pub(crate) scope: Scope,
    pub(crate) until_idle: bool,
    pub(crate) patience: Duration,
    pub(crate) verbose: bool,
    pub(crate) fail_if_idle: bool,
}

pub(crate) async fn run(output: &Output, context: &Context, settings: Settings) -> Result<Exit, CliError> {
    let until = if settings.until_idle { Until::Idle { patience: settings.patience } } else { Until::OneCycle };
    let options = RunOptions { until, filter: context.filter(&settings.scope).await? };
    let summary = work(output, context, options, settings.verbose).await?;
    output.data(&summary, || text(&summary))?;
    Ok(if summary.stopped {
        Exit::Interrupted
    } else if summary.has_trouble() {
        Exit::Trouble
    } else if settings.fail_if_idle && summary.ends.is_empty() {
        Exit::Nothing
    } else {
        Exit::Good
    })
}

/// Runs an engine on the context's portfolio, with progress, until it ends or is interrupted.
pub(crate) async fn work(
    output: &Output,
    context: &Context,
    options: RunOptions,
    verbose: bool,
) -> Result<Summary, CliError> {
    let portfolio = &context.config.portfolio;
    let lock = StateLock::take(&portfolio.state_dir)?;
    let store = SqliteStore::open_for_engine(&context.ledger())?;
    let reporter = Reporter::new(output, verbose);
    let outside = context.outside(Access::Write).await;
    let mut engine = Engine::builder(portfolio.clone())
        .store(Arc::new(store))
        .tracker(Arc::new(outside.tracker))
        .tag(lock.tag())
        .keeper(crate::keeper::keeper()?)
        .progress(reporter.progress());
    if let Some(forge) = outside.forge {
        engine = engine.forge(forge);
    }
    let orders = OrderFolder::of(&portfolio.state_dir);
    let engine = engine.orders(orders.clone()).build();
    let (asked, mut shutdown) = mpsc::channel(4);
    let interrupts = interrupts(asked);
    let summary = tokio::select! {
        summary = engine.run(options, &mut shutdown) => summary?,
        // The third interrupt leaves at once; the next run settles what was left.
        () = bell(orders) => return Err(CliError::environment("cannot listen for orders")),
        () = interrupts => return Err(CliError::interrupted("left at once; the next `dayfly run` settles what ran")),
    };
    reporter.finish();
    Ok(summary)
}

/// Rings when another process does, and now and then: it may have been killed before it could. Ends if it cannot listen.
async fn bell(orders: OrderFolder) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut signals) = signal(SignalKind::from_raw(BELL)) else { return };
    loop {
        let _ = tokio::time::timeout(LISTEN, signals.recv()).await;
        orders.ring();
    }
}

/// Passes the operator's interrupts on: the first stops politely, the second kills. Ends at the third.
async fn interrupts(asked: mpsc::Sender<Stop>) {
    use tokio::signal::unix::{SignalKind, signal};
    // A terminal that is closed, or a lost connection, sends a hangup.
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let (mut signals, got) = (tokio::task::JoinSet::new(), Arc::new(tokio::sync::Notify::new()));
    for mut kind in kinds.into_iter().filter_map(|kind| signal(kind).ok()) {
        let got = Arc::clone(&got);
        signals.spawn(async move {
            while kind.recv().await.is_some() {
                got.notify_one();
            }
        });
    }
    for how in [Stop::Polite, Stop::Kill] {
        got.notified().await;
        // The engine is gone when nobody listens; it ends by itself then.
        let _ = asked.send(how).await;
    }
    got.notified().await;
}

/// What a run did, in a few lines.
pub(crate) fn text(summary: &Summary) -> String {
    let quiet = summary.ends.is_empty() && summary.done.is_empty() && summary.person.is_empty();
    let withheld = withheld(summary);
    if quiet && summary.held.is_empty() && summary.put_off.is_empty() && summary.unread.is_empty() {
        let why = summary.unprepared.as_ref().map(|backlog| format!("{}\n", sentence(&backlog.to_string())));
        return format!("There was nothing to do. `dayfly plan` shows why.\n{}{withheld}", why.unwrap_or_default());
    }
    let ends: Vec<String> = summary.ends.iter().map(|(end, n)| format!("{n} {end}")).collect();
    let mut text = format!("attempts: {}\n", if ends.is_empty() { "none".into() } else { ends.join(", ") });
    let list = |issues: &[dayfly_core::IssueRef]| {
        let mut names: Vec<String> = issues.iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        names.join(", ")
    };
    if !summary.done.is_empty() {
        text.push_str(&format!("done: {}\n", list(&summary.done)));
    }
    if !summary.person.is_empty() {
        text.push_str(&format!("needs you: {}   (`dayfly status` says what helps)\n", list(&summary.person)));
    }
    for (project, reason) in &summary.unread {
        text.push_str(&format!("nothing done for project {project}: {reason}\n"));
    }
    for (issue, reason) in &summary.put_off {
        text.push_str(&format!("put off: {issue}: {reason}\n"));
    }
    let mut held: BTreeMap<&str, Vec<dayfly_core::IssueRef>> = BTreeMap::new();
    for (issue, reason) in &summary.held {
        held.entry(reason).or_default().push(issue.clone());
    }
    for (reason, issues) in &held {
        text.push_str(&format!("not started: {}: {reason}\n", list(issues)));
    }
    text + &withheld
}

/// What waits for what it would use, a line for each reason.
fn withheld(summary: &Summary) -> String {
    let now = Timestamp::now();
    let line = |w: &Withheld| {
        let issues: Vec<String> = w.issues.iter().map(ToString::to_string).collect();
        let until = w.until.map(|at| format!(" until {}", time(at, now))).unwrap_or_default();
        let helps = w.remedy.as_ref().map(|remedy| format!("\n  what helps: {remedy}")).unwrap_or_default();
        format!("waits: {}{until}: {}{helps}\n", issues.join(", "), one_line(&w.reason))
    };
    summary.withheld.iter().map(line).collect()
}
