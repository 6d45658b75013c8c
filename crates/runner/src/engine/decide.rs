//! What the engine does next: pure functions over a model, without I/O, clock or randomness.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{
    AttemptId, CapacityKey, Condition, Effect, EffectEntry, EffectId, Event, Filter, IssueRef, JobSpec, Next, Outcome,
    Phase, Plan, PlanInput, Portfolio, ProcessIdentity, ProjectName, ProjectView, Ready, State, Stop, plan,
};
use jiff::{SignedDuration, Timestamp};

/// The most effects being applied at once.
const MOST_EFFECTS: usize = 8;
/// How old the view may be that a job is started from.
const VIEW_AGE: SignedDuration = SignedDuration::from_secs(10);

/// How long an engine works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Plan, admit, run and settle once: every issue has at most one turn.
    OneCycle,
    /// Until nothing is ready and nothing becomes ready by itself within `patience`.
    Idle {
        /// How long a spaced try is waited for.
        patience: Duration,
    },
}

/// All that the engine knows; changed by the loop alone.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) portfolio: Arc<Portfolio>,
    pub(super) state: State,
    pub(super) views: BTreeMap<ProjectName, ProjectView>,
    pub(super) filter: Filter,
    pub(super) until: Until,
    /// Whether anything new may be started.
    pub(super) admitting: bool,
    /// Projects whose view must be read anew before anything is planned for them.
    pub(super) stale: BTreeSet<ProjectName>,
    /// Projects whose view is being read.
    pub(super) syncing: BTreeSet<ProjectName>,
    /// When each project's view was read.
    pub(super) read_at: BTreeMap<ProjectName, Timestamp>,
    /// Where something may be seen in the views that the ledger does not know.
    pub(super) look: Look,
    /// Effects being applied.
    pub(super) applying: BTreeSet<EffectId>,
    /// Attempts whose tasks run.
    pub(super) working: BTreeSet<AttemptId>,
    /// Whether the views were read after the last change.
    pub(super) fresh: bool,
    /// When to look again.
    pub(super) wake: Option<Timestamp>,
}

/// Where to look for what people did.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// At every issue: a view is new.
    pub(super) everywhere: bool,
    /// At these: something of them has changed.
    pub(super) issues: BTreeSet<IssueRef>,
}

/// Something that happened to the engine.
#[derive(Debug)]
pub(super) enum Input {
    /// A project's view was read.
    Synced(ProjectName, ProjectView),
    /// A job was frozen, or could not be.
    Frozen(Ready, Result<Box<Frozen>, Held>),
    /// An attempt's process runs.
    Spawned(AttemptId, ProcessIdentity),
    /// An attempt ended.
    Ended(AttemptId, Box<Ended>),
    /// An effect was tried.
    Applied(EffectEntry, Tried),
    /// The time to look again has come.
    Woke,
    /// The operator asked for the end.
    Stop(Stop),
}

/// A frozen job with all that its attempt needs.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) job: JobSpec,
    pub(super) issue: dayfly_core::Issue,
}

/// Why a job was not frozen.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) reason: String,
    pub(super) until: Option<Timestamp>,
}

/// An ended attempt with all that follows.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) next: Next,
    pub(super) effects: Vec<EffectEntry>,
    pub(super) limited: Option<(CapacityKey, Timestamp)>,
}

/// What became of trying an effect.
#[derive(Debug)]
pub(super) enum Tried {
    Done { adopted: bool, created: Option<dayfly_core::IssueId>, landed: Option<dayfly_core::Commit> },
    Refused { reason: String, again: bool },
    Delayed { reason: String },
}

/// What the loop is to do, in order.
#[derive(Debug)]
pub(super) enum Command {
    Append(Vec<Event>, Vec<Condition>),
    Sync(ProjectName),
    Freeze(Ready),
    Launch(AttemptId, Box<Frozen>),
    Apply(EffectEntry),
    StopAll(Stop),
    Report(Report),
    Finish,
}

/// What the operator is told besides the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Report {
    Held(Ready, String),
    Waiting(Timestamp),
}

impl Model {
    pub(super) fn new(portfolio: Arc<Portfolio>, state: State, filter: Filter, until: Until) -> Self {
        let stale = portfolio.projects.keys().filter(|p| filter.project.as_ref().is_none_or(|f| f == *p)).cloned();
        Self {
            stale: stale.collect(),
            portfolio,
            state,
            views: BTreeMap::new(),
            filter,
            until,
            admitting: true,
            syncing: BTreeSet::new(),
            read_at: BTreeMap::new(),
            look: Look::default(),
            applying: BTreeSet::new(),
            working: BTreeSet::new(),
            fresh: true,
            wake: None,
        }
    }

    fn plan_input(&self, now: Timestamp) -> PlanInput<'_> {
        PlanInput { portfolio: &self.portfolio, state: &self.state, views: &self.views, now, filter: &self.filter }
    }

    fn spread(&mut self) {
        self.fresh = false;
    }

    /// Whether a project's view is so old that people may have changed what it shows.
    fn is_aged(&self, project: &ProjectName, now: Timestamp) -> bool {
        let age = |at: &Timestamp| now.duration_since(*at).abs();
        self.read_at.get(project).is_none_or(|at| age(at) > VIEW_AGE)
    }

    /// Whether the host has a slot left.
    fn has_slot(&self) -> bool {
        self.state.live.len() + self.filter.starting.len() < self.portfolio.concurrency as usize
    }
}

/// The issue that an input is about.
pub(super) fn concerns(model: &Model, input: &Input) -> Option<IssueRef> {
    match input {
        Input::Frozen(ready, _) => Some(ready.issue.clone()),
        Input::Spawned(attempt, _) | Input::Ended(attempt, _) => {
            model.state.live.get(attempt).map(|live| live.issue.clone())
        }
        Input::Applied(entry, _) => Some(entry.issue.clone()),
        Input::Synced(..) | Input::Woke | Input::Stop(_) => None,
    }
}

/// Takes what happened. The commands are to be carried out in order; an append first.
pub(super) fn take(model: &mut Model, input: Input, now: Timestamp) -> Vec<Command> {
    match input {
        Input::Synced(project, view) => {
            model.syncing.remove(&project);
            model.look.everywhere = true;
            model.read_at.insert(project.clone(), now);
            model.views.insert(project, view);
            Vec::new()
        }
        Input::Frozen(ready, result) => frozen(model, ready, result),
        Input::Spawned(attempt, process) if model.state.live.contains_key(&attempt) => {
            vec![Command::Append(vec![Event::AttemptSpawned { attempt, process }], Vec::new())]
        }
        Input::Spawned(..) => Vec::new(),
        Input::Ended(attempt, ended) => {
            model.working.remove(&attempt);
            model.spread();
            let Some(live) = model.state.live.get(&attempt) else { return Vec::new() };
            model.look.issues.insert(live.issue.clone());
            if model.until == Until::OneCycle {
                model.filter.had_turn.insert(live.issue.clone());
            }
            let (token, condition) = (live.token, Condition::Holder(attempt.clone(), live.token));
            let Ended { outcome, next, effects, limited } = *ended;
            let event = Event::AttemptEnded { attempt, token, outcome: Box::new(outcome), next, effects, limited };
            vec![Command::Append(vec![event], vec![condition])]
        }
        Input::Applied(entry, tried) => applied(model, entry, tried, now),
        Input::Woke => {
            model.wake = None;
            model.stale.extend(model.views.keys().cloned());
            Vec::new()
        }
        Input::Stop(how) => {
            model.admitting = false;
            vec![Command::StopAll(how)]
        }
    }
}

fn frozen(model: &mut Model, ready: Ready, result: Result<Box<Frozen>, Held>) -> Vec<Command> {
    model.filter.starting.retain(|r| r.issue != ready.issue);
    match result {
        Ok(frozen) if model.admitting => {
            let number = model.state.issues.get(&ready.issue).map_or(0, |k| k.attempts) + 1;
            let attempt = AttemptId::new(&ready.issue, &ready.stage, number);
            let event = Event::AttemptStarted {
                attempt: attempt.clone(),
                job: Box::new(frozen.job.clone()),
                substitution: ready.substitution,
            };
            model.working.insert(attempt.clone());
            vec![Command::Append(vec![event], vec![Condition::Idle(ready.issue)]), Command::Launch(attempt, frozen)]
        }
        Ok(_) => Vec::new(),
        Err(held) => {
            model.filter.held.insert(ready.issue.clone(), (held.reason.clone(), held.until));
            vec![Command::Report(Report::Held(ready, held.reason))]
        }
    }
}

fn applied(model: &mut Model, entry: EffectEntry, tried: Tried, now: Timestamp) -> Vec<Command> {
    model.applying.remove(&entry.id);
    model.spread();
    if shown(model, &entry, &tried) {
        let split = model.state.issues.iter().filter(|(_, known)| matches!(known.phase, Phase::Split { .. }));
        let parents = split.map(|(issue, _)| issue).filter(|issue| issue.project == entry.issue.project);
        model.look.issues.extend(parents.chain([&entry.issue]).cloned());
    } else {
        model.stale.insert(entry.issue.project.clone());
    }
    let EffectEntry { id: effect, issue, .. } = entry;
    let event = match tried {
        Tried::Done { adopted, created, landed } => Event::EffectDone { effect, issue, adopted, created, landed },
        Tried::Refused { reason, again } => Event::EffectRefused { effect, issue, reason, again },
        Tried::Delayed { reason } => {
            let wait = SignedDuration::try_from(model.portfolio.retry.max).unwrap_or(SignedDuration::from_mins(5));
            let until = now.checked_add(wait).unwrap_or(now);
            Event::EffectDelayed { effect, issue, reason, until }
        }
    };
    vec![Command::Append(vec![event], Vec::new())]
}

/// Shows a write to a tracker that was done in the project's view.
fn shown(model: &mut Model, entry: &EffectEntry, tried: &Tried) -> bool {
    let (Effect::Tracker { project, write }, Tried::Done { .. }) = (&entry.effect, tried) else { return false };
    model.views.get_mut(project).is_some_and(|view| view.show(&entry.id.0, write))
}

/// Says what to do now that nothing more has happened. Called again after every append.
pub(super) fn turn(model: &mut Model, now: Timestamp) -> Vec<Command> {
    let mut commands = effects(model, now);
    commands.extend(syncs(model));
    model.filter.unsettled = model.stale.union(&model.syncing).cloned().collect();
    if model.admitting {
        let events = observations(model, now);
        if !events.is_empty() {
            commands.insert(0, Command::Append(events, Vec::new()));
            return commands;
        }
        if !model.has_slot() {
            return commands;
        }
        let plan = plan(&model.plan_input(now));
        commands.extend(admit(model, &plan, now));
        if commands.is_empty() && is_quiet(model) {
            commands.extend(idle(model, &plan, now));
        }
    } else if commands.is_empty() && is_quiet(model) {
        commands.push(Command::Finish);
    }
    commands
}

/// What people did, where something has changed since the last look.
fn observations(model: &mut Model, now: Timestamp) -> Vec<Event> {
    let look = std::mem::take(&mut model.look);
    let input = model.plan_input(now);
    let events = if look.everywhere { input.observations() } else { input.observations_of(&look.issues) };
    if !events.is_empty() {
        // What follows from these is looked for once they are recorded.
        model.look = look;
    }
    events
}

/// Starts what is ready; but where the view is old, it is read anew first: a person may have closed the issue or
/// changed its text since.
fn admit(model: &mut Model, plan: &Plan, now: Timestamp) -> Vec<Command> {
    let mut commands = Vec::new();
    for ready in &plan.ready {
        if model.is_aged(&ready.issue.project, now) {
            model.stale.insert(ready.issue.project.clone());
        } else {
            model.filter.starting.push(ready.clone());
            commands.push(Command::Freeze(ready.clone()));
        }
    }
    commands.extend(syncs(model));
    commands
}

fn effects(model: &mut Model, now: Timestamp) -> Vec<Command> {
    let slots = MOST_EFFECTS.saturating_sub(model.applying.len());
    let due = model.state.due_effects(now).into_iter().filter(|e| !model.applying.contains(&e.id));
    let due: Vec<EffectEntry> = due.take(slots).cloned().collect();
    model.applying.extend(due.iter().map(|e| e.id.clone()));
    due.into_iter().map(Command::Apply).collect()
}

/// A view is read when no write to its tracker is under way, so that it shows all of our own writes.
fn syncs(model: &mut Model) -> Vec<Command> {
    let busy = |p: &ProjectName| {
        model.syncing.contains(p)
            || model.state.outbox.iter().any(|e| e.entry.issue.project == *p && e.delayed.is_none())
    };
    let wanted: Vec<ProjectName> = model.stale.iter().filter(|p| !busy(p)).cloned().collect();
    for project in &wanted {
        model.stale.remove(project);
        model.syncing.insert(project.clone());
    }
    wanted.into_iter().map(Command::Sync).collect()
}

fn is_quiet(model: &Model) -> bool {
    model.syncing.is_empty()
        && model.stale.is_empty()
        && model.applying.is_empty()
        && model.working.is_empty()
        && model.filter.starting.is_empty()
}

/// Nothing is ready and nothing runs: look once more, wait for a spaced try, or end.
fn idle(model: &mut Model, plan: &Plan, now: Timestamp) -> Vec<Command> {
    let Until::Idle { patience } = model.until else { return vec![Command::Finish] };
    if !model.fresh {
        // People may have written meanwhile.
        model.fresh = true;
        model.stale.extend(model.views.keys().cloned());
        return syncs(model);
    }
    let next = [plan.next_look(), model.state.next_effect()].into_iter().flatten().min();
    let within = |at: &Timestamp| at.duration_since(now) <= SignedDuration::try_from(patience).unwrap_or_default();
    match next.filter(within) {
        Some(at) if model.wake == Some(at) => Vec::new(),
        Some(at) => {
            model.wake = Some(at);
            vec![Command::Report(Report::Waiting(at))]
        }
        None => vec![Command::Finish],
    }
}

/// The issues an engine holds back in this run, for a report.
pub(super) fn held(model: &Model) -> Vec<(IssueRef, String)> {
    model.filter.held.iter().map(|(issue, (reason, _))| (issue.clone(), reason.clone())).collect()
}

#[cfg(test)]
mod tests;
