//! Giving an order, and seeing to it that the ledger holds it: by the engine that runs, or without one.

use std::time::{Duration, Instant};

use camino::Utf8Path;
use dayfly_core::{
    Ask, AttemptId, Clock as _, Epoch, IssueId, IssueRef, Order, Phase, ProjectName, Request, State, Store as _,
    Target, Tracker as _, TrackerState,
};
use dayfly_runner::{LockError, OrderFolder, SqliteStore, StateLock, SystemClock, new_order_id, ring_at};

use crate::context::{Context, no_issue};
use crate::error::{CliError, causes};
use crate::github::Access;
use crate::output::Output;

/// How long an engine may take to take an order in.
const ANSWER: Duration = Duration::from_secs(15);
/// How often is looked whether it has.
pub(crate) const LOOK: Duration = Duration::from_millis(20);
/// How often it is told again.
const AGAIN: Duration = Duration::from_secs(1);

/// The name under which a person works here.
pub(crate) fn person() -> String {
    ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "you".into())
}

/// An order of whoever runs this.
pub(crate) fn order(reason: &str) -> Order {
    Order { id: new_order_id(), by: person(), reason: reason.to_owned(), at: SystemClock.now() }
}

/// How things stand when an order was taken in.
pub(crate) struct Given {
    pub(crate) state: State,
    /// Whether anything came of it that the ledger holds.
    pub(crate) taken: bool,
}

/// Gives an order.
pub(crate) async fn give(context: &Context, reason: &str, ask: Ask) -> Result<Given, CliError> {
    give_request(context, &Request::new(order(reason), ask)).await
}

/// Gives an order that is made already.
pub(crate) async fn give_request(context: &Context, request: &Request) -> Result<Given, CliError> {
    let dir = &context.config.portfolio.state_dir;
    let orders = OrderFolder::of(dir);
    put(&orders, dir, request)?;
    let given = |state: State| Given { taken: state.control.has_taken(&request.order.id), state };
    let (start, mut told) = (Instant::now(), None::<Instant>);
    loop {
        if let Some(state) = take_in(context, &orders).await? {
            return Ok(given(state));
        }
        if !orders.has(&request.order.id) {
            return recorded(context).await.map(given);
        }
        if start.elapsed() > ANSWER {
            let engine = StateLock::holder(dir).map_or_else(|| "the engine".into(), |pid| format!("process {pid}"));
            return Err(CliError::trouble(format!("{engine} works on {dir} and has not answered"))
                .hint("the order stays, and is taken in by it or by the next one; `dayfly status` shows when it was"));
        }
        if told.is_none_or(|at| at.elapsed() > AGAIN) {
            StateLock::engine(dir).as_ref().into_iter().for_each(ring_at);
            told = Some(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Puts an order where the engine finds it.
pub(crate) fn put(orders: &OrderFolder, dir: &Utf8Path, request: &Request) -> Result<(), CliError> {
    orders.put(request).map_err(|err| {
        let hint = match err.kind() {
            std::io::ErrorKind::StorageFull => "free some space and give the order again",
            _ => "make the folder writable and give the order again",
        };
        CliError::files(dir, err).hint(hint).hint("in an emergency `dayfly stop --all --reason TEXT` needs no room")
    })
}

/// The ledger, for who has the state directory to themselves and has taken all in that waited.
pub(crate) struct Desk {
    pub(crate) store: SqliteStore,
    pub(crate) epoch: Epoch,
    pub(crate) state: State,
    _lock: StateLock,
}

impl Desk {
    /// Takes all in that waits.
    pub(crate) async fn open(context: &Context, orders: &OrderFolder, lock: StateLock) -> Result<Self, CliError> {
        let store = SqliteStore::open(&context.ledger())?;
        let mut state = store.load().await?;
        let epoch = store.take_over().await?;
        orders.take_in(&store, epoch, &mut state, SystemClock.now()).await?;
        Ok(Self { store, epoch, state, _lock: lock })
    }
}

/// Takes all in that waits, if no engine works on the state directory.
pub(crate) async fn take_in(context: &Context, orders: &OrderFolder) -> Result<Option<State>, CliError> {
    match StateLock::take(&context.config.portfolio.state_dir) {
        Ok(lock) => Ok(Some(Desk::open(context, orders, lock).await?.state)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(err) => Err(err.into()),
    }
}

/// How things stand, as the ledger holds it.
pub(crate) async fn recorded(context: &Context) -> Result<State, CliError> {
    let Some(store) = context.read_store()? else { return Ok(State::default()) };
    Ok(store.load().await?)
}

/// The projects and issues that are named; none means everything.
pub(crate) async fn targets(context: &Context, names: &[String]) -> Result<Vec<Target>, CliError> {
    let mut targets = Vec::new();
    for name in names {
        let project = context.config.portfolio.projects.keys().find(|project| project.as_str() == name);
        targets.push(match project {
            Some(project) => Target::Project(project.clone()),
            None => Target::Issue(context.issue(name).await?),
        });
    }
    if targets.is_empty() {
        targets.push(Target::Everything);
    }
    Ok(targets)
}

/// Refuses an issue that nobody knows, or that is over: who mistypes a name in an emergency is to hear of it.
pub(crate) async fn known(output: &Output, context: &Context, issue: &IssueRef) -> Result<(), CliError> {
    let store = context.read_store()?;
    let recorded = match &store {
        Some(store) => store.recall(std::slice::from_ref(issue)).await?.pop().map(|(_, known)| known),
        None => None,
    };
    let phase = recorded.map(|known| known.phase);
    // What runs is known, and is not to wait for a tracker.
    if matches!(phase, Some(Phase::Running { .. })) {
        return Ok(());
    }
    let seen = match context.outside(Access::Read).await.tracker.issues(&issue.project).await {
        Ok(issues) => issues.into_iter().find(|seen| seen.id == issue.issue).map(|seen| seen.state),
        Err(err) => {
            output.say(&format!("whether there is an issue {issue} is not known: {}", causes(&err)));
            return Ok(());
        }
    };
    match (seen, phase) {
        (Some(TrackerState::Open), _) => Ok(()),
        (_, Some(phase)) if !phase.is_final() => Ok(()),
        (Some(_), _) | (None, Some(_)) => {
            Err(CliError::usage(format!("{issue} is closed: nothing is done for it"))
                .hint(format!("`dayfly why {issue}`")))
        }
        (None, None) => Err(no_issue(issue)),
    }
}

/// The attempt that a name is of, with its issue: `PROJECT.ISSUE.STAGE.N`.
pub(crate) fn attempt(context: &Context, name: &str) -> Option<(IssueRef, AttemptId)> {
    let (rest, number) = name.rsplit_once('.')?;
    number.parse::<u32>().ok()?;
    let (issue, _stage) = rest.rsplit_once('.')?;
    let (project, issue) = issue.split_once('.')?;
    let project = ProjectName::new(project).ok().filter(|p| context.config.portfolio.projects.contains_key(p))?;
    Some((IssueRef::new(project, IssueId::new(issue).ok()?), AttemptId::from_text(name)))
}

/// Several of them, in words.
pub(crate) fn names(what: &[Target]) -> String {
    what.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
