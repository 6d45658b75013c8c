//! `dayfly stop`: everything at once, or one engine; and `dayfly resume --all`, which lifts the first.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::time::{Duration, Instant};

use dayfly_core::{Ask, Batch, Clock as _, Order, ProcessIdentity, Quit, Request, State, Store as _};
use dayfly_runner::{
    Ended, LockError, OrderFolder, Session, StateLock, SystemClock, end_all, end_engine, is_alive, kept_attempts,
    ring_at,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::orders::{Desk, LOOK, order, put, recorded, take_in};
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

/// How often an earlier stop may be lifted while it is found in force.
const LIFTED: usize = 8;

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
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|err| CliError::files(dir, err))?;
    let orders = OrderFolder::of(dir);
    let (start, mut ended) = (Instant::now(), 0);
    for _ in 0..LIFTED {
        let engine = StateLock::engine(dir);
        let order = match orders.stop(order(reason)) {
            Ok(order) => order,
            Err(err) => return Err(unwritten(context, engine, CliError::files(orders.stop_file(), err)).await),
        };
        engine.iter().for_each(ring_at);
        let (processes, sessions) = tokio::join!(end_processes(context), end_sessions(context));
        let took_ms = start.elapsed().as_millis();
        for problem in &sessions.problems {
            output.say(problem);
        }
        ended += processes.kept + processes.marked + sessions.interrupted;
        let clean = processes.clean && sessions.problems.is_empty();
        let standing = record(context, &orders).await;
        if matches!(standing, Ok(Standing::Lifted)) {
            continue;
        }
        let recorded = matches!(standing, Ok(Standing::Recorded));
        let stopped = Stopped { order, ended, took_ms, clean, recorded };
        output.data(&stopped, || text(&stopped))?;
        return verdict(&orders, engine, clean, standing);
    }
    Err(CliError::trouble("everything was stopped, and each time somebody lifted it at once")
        .hint("`dayfly audit show --kind lifted` says who"))
}

/// What is to be said of a stop that is in force.
fn verdict(
    orders: &OrderFolder,
    engine: Option<ProcessIdentity>,
    clean: bool,
    standing: Result<Standing, CliError>,
) -> Result<Exit, CliError> {
    let standing = standing.map_err(|err| {
        let file = orders.stop_file();
        err.hint(format!("the stop is in force: {file} keeps anything from being started; the next engine records it"))
    })?;
    if !clean {
        return Err(CliError::trouble("something of what ran may still run")
            .hint("run `dayfly stop --all` again; nothing new is started meanwhile"));
    }
    match engine.filter(is_alive) {
        Some(engine) if standing != Standing::Recorded => Err(CliError::trouble(format!(
            "the engine (process {}) does not answer",
            engine.pid
        ))
        .hint(format!("what it ran has ended, and it starts nothing; `kill -9 {}` ends the engine", engine.pid))),
        _ => Ok(Exit::Good),
    }
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

/// How a stop stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The ledger holds it.
    Recorded,
    /// It is in force, and nobody has recorded it yet.
    Unanswered,
    /// What was found in force was lifted meanwhile.
    Lifted,
}

impl Standing {
    fn of(orders: &OrderFolder, state: &State) -> Self {
        match state.control.halt {
            _ if !orders.is_halted() => Self::Lifted,
            Some(_) => Self::Recorded,
            None => Self::Unanswered,
        }
    }
}

/// Sees to it that the ledger holds the order, by the engine or without it.
async fn record(context: &Context, orders: &OrderFolder) -> Result<Standing, CliError> {
    let start = Instant::now();
    while orders.is_halted() {
        if let Some(state) = take_in(context, orders).await? {
            return Ok(Standing::of(orders, &state));
        }
        if start.elapsed() > ENGINE {
            return Ok(Standing::of(orders, &recorded(context).await?));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(Standing::Lifted)
}

/// Lifts what stops everything.
pub(crate) async fn lift(output: &Output, context: &Context, reason: &str) -> Result<Exit, CliError> {
    let dir = &context.config.portfolio.state_dir;
    let orders = OrderFolder::of(dir);
    let start = Instant::now();
    let lock = loop {
        match StateLock::take(dir) {
            Err(LockError::Held { .. }) if start.elapsed() < ENGINE => tokio::time::sleep(LOOK).await,
            lock => break lock?,
        }
    };
    // Under one lock: nobody is to stop everything again between what is looked at and what is lifted.
    let Desk { store, epoch, state, .. } = &Desk::open(context, &orders, lock).await?;
    let Some(halt) = state.control.halt.clone() else {
        output.data(&serde_json::json!({ "lifted": null }), || "Nothing is stopped.".into())?;
        return Ok(Exit::Good);
    };
    let events = Request::new(order(reason), Ask::Lift).event(state).into_iter().collect();
    store.append(&Batch { epoch: *epoch, at: SystemClock.now(), events, conditions: Vec::new() }).await?;
    // After the row: who is killed in between leaves a file that the ledger knows to be over.
    orders.lift().map_err(|err| CliError::files(orders.stop_file(), err))?;
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
        let left = kept_attempts(dir);
        output.data(&serde_json::json!({ "engine": null, "left": left }), || {
            let go = if left.len() == 1 { "goes" } else { "go" };
            match left.len() {
                0 => format!("No engine works on {dir}."),
                left => format!(
                    "No engine works on {dir}.\n{} {go} on without an engine; `dayfly stop --all --reason TEXT` ends what runs.",
                    count(left, "attempt")
                ),
            }
        })?;
        return Ok(Exit::Good);
    };
    let how = match settings {
        Settings { drain: true, .. } => Quit::Drain,
        Settings { now: true, .. } => Quit::Kill,
        _ => Quit::Polite,
    };
    let orders = OrderFolder::of(dir);
    let request = Request::new(order("it was asked to end"), Ask::End { engine: engine.clone(), how });
    put(&orders, dir, &request)?;
    // One that has not ended in time is to hear it yet.
    wait(output, context, &engine, (&orders, &request, settings.timeout)).await?;
    let _ = orders.remove(&request.order.id);
    output.data(&serde_json::json!({ "engine": engine.pid }), || {
        format!("The engine (process {}) has ended.", engine.pid)
    })?;
    Ok(Exit::Good)
}

fn still(live: usize) -> String {
    format!("{} still {}", count(live, "attempt"), if live == 1 { "runs" } else { "run" })
}

async fn wait(
    output: &Output,
    context: &Context,
    engine: &ProcessIdentity,
    (orders, request, timeout): (&OrderFolder, &Request, Option<Duration>),
) -> Result<(), CliError> {
    let dir = &context.config.portfolio.state_dir;
    let (start, mut told, mut said) = (Instant::now(), None::<Instant>, None);
    let mut silent = false;
    while StateLock::engine(dir).as_ref() == Some(engine) {
        let left = || async { recorded(context).await.map_or(0, |state| state.live.len()) };
        if timeout.is_some_and(|most| start.elapsed() >= most) {
            return Err(CliError::trouble(format!("the engine (process {}) has not ended", engine.pid))
                .hint(format!("{}; `dayfly stop --now` kills what runs", still(left().await))));
        }
        if told.is_none_or(|at| at.elapsed() > AGAIN) {
            told = Some(Instant::now());
            let waits = orders.has(&request.order.id);
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
