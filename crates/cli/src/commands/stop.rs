//! `dayfly stop`: everything at once, or one engine; and `dayfly resume --all`, which lifts the first.

use std::time::{Duration, Instant};

use dayfly_core::{Ask, Batch, Clock as _, Order, ProcessIdentity, Quit, Request, Store as _};
use dayfly_runner::{
    Ended, Inbox, Session, SqliteStore, StateLock, SystemClock, end_all, end_engine, is_alive, ring_at,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::orders::{LOOK, order, recorded, take_in};
use crate::output::Output;
use crate::tables::{count, span, time};

/// How long processes may take to be gone before it is said that they are not.
const GONE: Duration = Duration::from_secs(10);
/// How long an engine may take to end once all is stopped.
const ENGINE: Duration = Duration::from_secs(10);
/// How long who follows an attempt in a session has to interrupt it.
const SESSION: Duration = Duration::from_millis(400);
/// How long an engine may take to answer before that is said.
const ANSWER: Duration = Duration::from_secs(5);
/// How often it is told again, and what runs is counted.
const AGAIN: Duration = Duration::from_secs(1);

/// What was asked for.
pub(crate) struct Settings {
    pub(crate) drain: bool,
    pub(crate) now: bool,
    pub(crate) timeout: Option<Duration>,
}

/// What stopping everything did.
#[derive(Debug, Serialize)]
struct Stopped {
    /// The order in force.
    order: Order,
    /// Attempts and commands of gates that were ended.
    ended: usize,
    /// How long that took.
    took_ms: u128,
    /// Whether nothing of them is left.
    clean: bool,
    /// Whether the ledger holds the order.
    recorded: bool,
}

/// Stops everything: the file first, then all that runs, then the ledger.
pub(crate) async fn all(output: &Output, context: &Context, reason: &str) -> Result<Exit, CliError> {
    let dir = &context.config.portfolio.state_dir;
    std::fs::create_dir_all(dir).map_err(|err| CliError::files(dir, err))?;
    let inbox = Inbox::of(dir);
    let engine = StateLock::engine(dir);
    let order = match inbox.stop(order(reason)) {
        Ok(order) => order,
        Err(err) => return Err(unwritten(context, engine, CliError::files(inbox.stop_file(), err)).await),
    };
    engine.iter().for_each(ring_at);
    let (ended, sessions) = tokio::join!(end_processes(context), end_sessions(context));
    for problem in &sessions.problems {
        output.say(problem);
    }
    let recorded = record(context, &inbox, &order).await.map_err(|err| {
        let file = inbox.stop_file();
        err.hint(format!(
            "what ran has ended, and {file} keeps anything from being started; the next engine records it"
        ))
    })?;
    let stopped = Stopped {
        ended: ended.kept + ended.marked + sessions.interrupted,
        took_ms: ended.took.as_millis(),
        clean: ended.clean && sessions.problems.is_empty(),
        recorded,
        order,
    };
    output.data(&stopped, || text(&stopped))?;
    if !stopped.clean {
        return Err(CliError::trouble("something of what ran may still run")
            .hint("run `dayfly stop --all` again; nothing new is started meanwhile"));
    }
    if let Some(engine) = engine.filter(|engine| !recorded && is_alive(engine)) {
        return Err(CliError::trouble(format!("the engine (process {}) does not answer", engine.pid))
            .hint(format!("what it ran has ended, and it starts nothing; `kill -9 {}` ends the engine", engine.pid)));
    }
    Ok(Exit::Good)
}

/// Ends all that runs though nothing can say that it is to stay so: its engine as well, which would start it again.
async fn unwritten(context: &Context, engine: Option<ProcessIdentity>, err: CliError) -> CliError {
    engine.iter().for_each(end_engine);
    let (ended, sessions) = tokio::join!(end_processes(context), end_sessions(context));
    let gone = if ended.clean && sessions.problems.is_empty() { "all that ran has ended" } else { "not all has ended" };
    err.hint(format!("{gone}, and the engine too, but nothing keeps it from being started again"))
        .hint("free some space or make the folder writable, and give the order again")
}

fn text(stopped: &Stopped) -> String {
    let Order { by, reason, at, .. } = &stopped.order;
    let took = span(Duration::from_millis(u64::try_from(stopped.took_ms).unwrap_or(u64::MAX)));
    format!(
        "Everything is stopped since {}, by {by}: {reason}\n{} ended in {took}. Nothing is started or written until\n  \
         dayfly resume --all --reason TEXT",
        time(*at, Timestamp::now()),
        count(stopped.ended, "process"),
    )
}

async fn end_processes(context: &Context) -> Ended {
    let dir = context.config.portfolio.state_dir.clone();
    // Without a mark nothing was ever started.
    let Some(tag) = StateLock::tag_of(&dir) else { return Ended { clean: true, ..Ended::default() } };
    let ended = tokio::task::spawn_blocking(move || end_all(&dir, &tag, GONE)).await;
    ended.unwrap_or_default()
}

/// What became of the attempts in sessions.
#[derive(Debug, Default)]
struct Sessions {
    interrupted: usize,
    problems: Vec<String>,
}

async fn end_sessions(context: &Context) -> Sessions {
    let portfolio = &context.config.portfolio;
    let mut done = Sessions::default();
    for project in portfolio.projects.values() {
        let Some(session) = Session::of(&portfolio.state_dir, project) else { continue };
        match session.interrupt(SESSION).await {
            Ok(attempt) => done.interrupted += usize::from(attempt.is_some()),
            Err(err) => done.problems.push(format!("the session of {} cannot be interrupted: {err}", project.name)),
        }
    }
    done
}

/// Sees to it that the ledger holds the order, by the engine or without it.
async fn record(context: &Context, inbox: &Inbox, order: &Order) -> Result<bool, CliError> {
    let start = Instant::now();
    loop {
        if let Some(state) = take_in(context, inbox).await? {
            return Ok(state.control.has_taken(&order.id));
        }
        if start.elapsed() > ENGINE {
            return Ok(recorded(context).await?.control.has_taken(&order.id));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Lifts what stops everything.
pub(crate) async fn lift(output: &Output, context: &Context, reason: &str) -> Result<Exit, CliError> {
    let dir = &context.config.portfolio.state_dir;
    let inbox = Inbox::of(dir);
    let start = Instant::now();
    let state = loop {
        match take_in(context, &inbox).await? {
            Some(state) => break state,
            None if start.elapsed() < ENGINE => tokio::time::sleep(LOOK).await,
            // It takes the lock, and says who holds it.
            None => drop(StateLock::take(dir)?),
        }
    };
    let Some(halt) = state.control.halt.clone() else {
        output.data(&serde_json::json!({ "lifted": null }), || "Nothing is stopped.".into())?;
        return Ok(Exit::Good);
    };
    let lock = StateLock::take(dir)?;
    let store = SqliteStore::open(&context.ledger())?;
    let event = Request::new(order(reason), Ask::Lift).event(&state);
    let epoch = store.take_over().await?;
    let events = event.into_iter().collect();
    store.append(&Batch { epoch, at: SystemClock.now(), events, conditions: Vec::new() }).await?;
    // After the row: who is killed in between leaves a file that the ledger knows to be over.
    inbox.lift().map_err(|err| CliError::files(inbox.stop_file(), err))?;
    drop(lock);
    output.data(&serde_json::json!({ "lifted": halt }), || {
        format!(
            "Lifted. {} had stopped everything: {}\nThe next `dayfly run` goes on where it was.",
            halt.by, halt.reason
        )
    })?;
    Ok(Exit::Good)
}

/// Asks the engine to end, and waits until it has.
pub(crate) async fn engine(output: &Output, context: &Context, settings: Settings) -> Result<Exit, CliError> {
    let dir = &context.config.portfolio.state_dir;
    let Some(engine) = StateLock::engine(dir) else {
        output.data(&serde_json::json!({ "engine": null }), || format!("No engine works on {dir}."))?;
        return Ok(Exit::Good);
    };
    let how = match settings {
        Settings { drain: true, .. } => Quit::Drain,
        Settings { now: true, .. } => Quit::Kill,
        _ => Quit::Polite,
    };
    let inbox = Inbox::of(dir);
    let request = Request::new(order("it was asked to end"), Ask::End { engine: engine.clone(), how });
    inbox.put(&request).map_err(|err| CliError::files(dir, err))?;
    let ended = wait(output, context, &engine, (&inbox, &request, settings.timeout)).await;
    // It was for this engine alone.
    let _ = inbox.remove(&request.order.id);
    ended?;
    output.data(&serde_json::json!({ "engine": engine.pid }), || {
        format!("The engine (process {}) has ended.", engine.pid)
    })?;
    Ok(Exit::Good)
}

async fn wait(
    output: &Output,
    context: &Context,
    engine: &ProcessIdentity,
    (inbox, request, timeout): (&Inbox, &Request, Option<Duration>),
) -> Result<(), CliError> {
    let dir = &context.config.portfolio.state_dir;
    let (start, mut told, mut said) = (Instant::now(), None::<Instant>, None);
    let mut silent = false;
    while StateLock::engine(dir).as_ref() == Some(engine) {
        let left = || async { recorded(context).await.map_or(0, |state| state.live.len()) };
        if timeout.is_some_and(|most| start.elapsed() >= most) {
            return Err(CliError::trouble(format!("the engine (process {}) has not ended", engine.pid))
                .hint(format!("{} still run; `dayfly stop --now` kills what runs", count(left().await, "attempt"))));
        }
        if told.is_none_or(|at| at.elapsed() > AGAIN) {
            told = Some(Instant::now());
            let waits = inbox.has(&request.order.id);
            if waits {
                ring_at(engine);
            }
            if waits && start.elapsed() > ANSWER && !silent {
                silent = true;
                output.say(&format!("the engine (process {}) does not answer; `kill -9` ends it", engine.pid));
            }
            let live = left().await;
            if said != Some(live) {
                output.say(&format!("waiting for the engine (process {}): {}", engine.pid, count(live, "attempt")));
                said = Some(live);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
