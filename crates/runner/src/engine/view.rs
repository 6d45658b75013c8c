//! Everything a report is made from, read once, without starting anything.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{
    Anchor, Batch, Filter, Forge, IssueRef, Plan, PlanInput, Portfolio, ProjectName, ProjectView, Record, Service,
    State, Store, StoreError, Tracker, plan,
};
use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;

use crate::git::Git;
use crate::order_folder::OrderFolder;

use super::lock::StateLock;
use super::past::Past;
use super::reading::{self, At, Branches};
use super::recover::recall;

/// How long a report waits for a project that does not answer.
const LOOK: Duration = Duration::from_secs(120);

/// The most projects whose repositories are asked at once.
const MOST_GITS: usize = 8;

/// The state, what the trackers show, and the plan that follows.
#[derive(Debug)]
pub struct Overview {
    /// The portfolio.
    pub portfolio: Portfolio,
    /// The records that were asked for, in order.
    pub past: Vec<Record>,
    /// The head of the ledger: that of the state may be beyond it.
    pub head: Anchor,
    /// The state, with what people did and ordered since seen as if it had been recorded.
    pub state: State,
    /// What the trackers show.
    pub views: BTreeMap<ProjectName, ProjectView>,
    /// What would be done now.
    pub plan: Plan,
    /// What was asked for.
    pub filter: Filter,
    /// The wall time.
    pub now: Timestamp,
    /// The zone in which days begin.
    pub zone: TimeZone,
    /// Whether an engine works on the portfolio. Without one, attempts that seem to run are lost, and the next run
    /// settles them.
    pub engine: bool,
}

impl Overview {
    /// What a report is made from.
    pub fn input(&self) -> PlanInput<'_> {
        PlanInput {
            portfolio: &self.portfolio,
            state: &self.state,
            views: &self.views,
            now: self.now,
            zone: &self.zone,
            filter: &self.filter,
        }
    }
}

/// Where a report is read from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The ledger; `None` before the first run.
    pub store: Option<&'a dyn Store>,
    /// The issues.
    pub tracker: &'a dyn Tracker,
    /// The pull requests, where projects have a repository on a forge.
    pub forge: Option<&'a dyn Forge>,
}

/// Reads how things stand, and nothing of the past. Nothing is written.
///
/// # Errors
/// As [`overview_of`].
pub async fn overview(
    portfolio: Portfolio,
    from: Sources<'_>,
    filter: Filter,
    now: Timestamp,
) -> Result<Overview, StoreError> {
    overview_of(portfolio, from, filter, now, &Past::Nothing).await
}

/// Reads how things stand, and what is wanted of the past. Nothing is written.
///
/// # Errors
/// If the store does not serve. A tracker that cannot be read is a fault of its project's view.
pub async fn overview_of(
    portfolio: Portfolio,
    Sources { store, tracker, forge }: Sources<'_>,
    filter: Filter,
    now: Timestamp,
    past: &Past,
) -> Result<Overview, StoreError> {
    let (mut state, past) = match store {
        Some(store) => past.read(store).await?,
        None => (State::default(), Vec::new()),
    };
    let head = Anchor::new(state.head, &state.hash);
    let views = views(&portfolio, &state, tracker, forge).await;
    if let Some(store) = store {
        let asked: Vec<IssueRef> = views.iter().flat_map(|(project, view)| view.asks(project)).collect();
        recall(store, &mut state, asked).await?;
    }
    let zone = portfolio.zone().unwrap_or_else(TimeZone::system);
    let input = PlanInput { portfolio: &portfolio, state: &state, views: &views, now, zone: &zone, filter: &filter };
    let events = input.observations();
    // As the engine would record it, but without writing it.
    let seen = Batch { epoch: state.epoch, at: now, events, conditions: Vec::new() };
    for record in seen.records(state.head, &state.hash) {
        state.apply(&record)?;
    }
    for request in OrderFolder::of(&portfolio.state_dir).news(&state) {
        let events: Vec<_> = request.event(&state).into_iter().collect();
        let seen = Batch { epoch: state.epoch, at: now, events, conditions: Vec::new() };
        for record in seen.records(state.head, &state.hash) {
            state.apply(&record)?;
        }
    }
    let input = PlanInput { portfolio: &portfolio, state: &state, views: &views, now, zone: &zone, filter: &filter };
    let plan = plan(&input);
    let engine = StateLock::holder(&portfolio.state_dir).is_some();
    Ok(Overview { portfolio, past, head, state, views, plan, filter, now, zone, engine })
}

/// Reads all projects at once: a tracker with several of them can look at all that are asked for in one go.
async fn views(
    portfolio: &Portfolio,
    state: &State,
    tracker: &dyn Tracker,
    forge: Option<&dyn Forge>,
) -> BTreeMap<ProjectName, ProjectView> {
    let gits = Semaphore::new(MOST_GITS);
    let views = portfolio.projects.iter().map(|(name, project)| {
        let gits = &gits;
        async move {
            let handed = reading::handed(state, name);
            let asks_git = !handed.is_empty() && project.repository;
            let _turn = if asks_git { gits.acquire().await.ok() } else { None };
            let git = if asks_git { Git::open(&project.path).await.ok().map(Branches::Git) } else { None };
            let at = match forge.filter(|_| project.forge.is_some() && project.repository) {
                Some(forge) => At::Forge(forge, git),
                None => git.map_or(At::Nowhere, At::Here),
            };
            let limit = Service::of_issues(name, portfolio).reading_deadline().min(LOOK);
            (name.clone(), reading::within(limit, reading::view(tracker, project, handed, at)).await)
        }
    });
    join_all(views).await.into_iter().collect()
}
