//! What the engine knows, what happens to it, and what it is to do: plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{
    AgentName, AttemptId, Awaited, Commit, Condition, EffectEntry, EffectId, Event, Filter, Issue, IssueId, IssueRef,
    JobSpec, LimitNotice, Next, Outcome, Phase, PlanInput, Portfolio, ProcessIdentity, ProjectName, ProjectView, Ready,
    Service, State, Stop, Using,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::decide::services::Heard;

/// How long what is put off waits for its next try, at most.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How old the view may be that a job is started from.
const VIEW_AGE: SignedDuration = SignedDuration::from_secs(10);
/// How old a view may become while nothing but pull requests of others is waited for.
const GLANCE_AGE: SignedDuration = SignedDuration::from_mins(5);
/// How often it is tried whether the store has room again.
pub(super) const ROOM: SignedDuration = SignedDuration::from_secs(4);
/// The shortest pause between two looks at pull requests.
const LOOK: SignedDuration = SignedDuration::from_secs(1);

/// How long an engine works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Until {
    /// Take in what people did, keep the issues in order, write what is to be written, and start nothing.
    Triage,
    /// Plan, admit, run and settle once: every issue has at most one turn.
    #[default]
    OneCycle,
    /// Until nothing is ready and nothing becomes ready by itself within `patience`.
    Idle {
        /// How long a spaced try is waited for, counted from the last attempt with a result or landing.
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
    /// The zone in which days begin, and in which vendors' programs print times.
    pub(super) zone: TimeZone,
    /// Agents with which it can be tried for next to nothing whether their vendor takes work.
    pub(super) can_probe: BTreeSet<AgentName>,
    /// What is being tried now, and since when.
    pub(super) probing: BTreeMap<Using, Timestamp>,
    /// When this engine began.
    pub(super) began: Option<Timestamp>,
    /// Whether anything new may be started.
    pub(super) admitting: bool,
    /// Whether the store has only the room left that was kept for how things end: nothing is begun.
    pub(super) tight: bool,
    /// Whether the operator will not even wait for writes under way.
    pub(super) killing: bool,
    /// Whether what runs is to end by itself.
    pub(super) draining: bool,
    /// Whether a person stopped everything.
    pub(super) halted: bool,
    /// Projects whose view must be read anew before anything is planned for them.
    pub(super) stale: BTreeSet<ProjectName>,
    /// Projects whose view is being read.
    pub(super) syncing: BTreeSet<ProjectName>,
    /// When each project's view was read.
    pub(super) read_at: BTreeMap<ProjectName, Timestamp>,
    /// Where something may be seen in the views that the ledger does not know.
    pub(super) look: Look,
    /// How many writes triage has asked for in this run, by project.
    pub(super) triaged: BTreeMap<ProjectName, usize>,
    /// Effects being applied.
    pub(super) applying: BTreeSet<EffectId>,
    /// Attempts whose tasks run.
    pub(super) working: BTreeSet<AttemptId>,
    /// Ended attempts whose files are being removed.
    pub(super) cleaning: BTreeSet<AttemptId>,
    /// Whether the views were read after the last change.
    pub(super) fresh: bool,
    /// Whether the next wake is for pull requests alone.
    pub(super) glance: bool,
    /// How often in a row each service failed, where it is not left alone yet.
    pub(super) failures: BTreeMap<Service, u32>,
    /// Effects that were put off in this run.
    pub(super) put_off: BTreeSet<EffectId>,
    /// Effects that an earlier engine put off, and that this one tries without waiting. The state stays what the ledger folds to.
    pub(super) anew: BTreeSet<EffectId>,
    /// Attempts that an earlier engine started.
    pub(super) inherited: BTreeSet<AttemptId>,
    /// When an attempt last had a result or a change landed.
    pub(super) progress: Option<Timestamp>,
    /// The time that the operator has been told is waited for.
    pub(super) told: Option<Timestamp>,
    /// When to look again.
    pub(super) wake: Option<Timestamp>,
}

/// Where to look for what people did.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// At every issue: a view is new.
    pub(super) everywhere: bool,
    /// At the order of all issues: a view is new.
    pub(super) order: bool,
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
    Applied(EffectEntry, Tried, Heard),
    /// The time to look again has come.
    Woke,
    /// What an ended attempt left was removed, or could not be.
    Cleaned(AttemptId, Result<(), String>),
    /// An attempt's vendor answers it.
    Answers(AttemptId),
    /// An attempt's vendor refuses it, for now.
    Refuses(AttemptId, Box<LimitNotice>),
    /// It was tried whether a vendor takes work again.
    Probed(Awaited, Option<Box<Outcome>>),
    /// The operator asked for the end.
    Stop(Stop),
}

/// A frozen job with all that its attempt needs.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) job: JobSpec,
    pub(super) issue: Issue,
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
}

/// What became of trying an effect.
#[derive(Debug)]
pub(super) enum Tried {
    Done {
        adopted: bool,
        created: Option<IssueId>,
        landed: Option<Commit>,
    },
    Refused {
        reason: String,
        again: bool,
    },
    Delayed {
        reason: String,
        until: Option<Timestamp>,
    },
    /// It was not: everything is stopped.
    Withheld,
}

/// What the loop is to do, in order.
#[derive(Debug)]
pub(super) enum Command {
    Append(Vec<Event>, Vec<Condition>),
    Sync(ProjectName),
    Freeze(Ready),
    Launch(AttemptId, Box<Frozen>),
    Apply(EffectEntry),
    Clean(AttemptId, ProjectName),
    Probe(Awaited),
    StopAll(Stop),
    /// Politely.
    StopOne(AttemptId),
    Report(Report),
    Finish,
}

/// What the operator is told besides the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Report {
    Held(Ready, String),
    NotCleaned(AttemptId, String),
    Waiting(Timestamp),
    Draining,
}

impl Model {
    pub(super) fn new(portfolio: Arc<Portfolio>, state: State, filter: Filter, until: Until) -> Self {
        let stale = portfolio.projects.keys().filter(|p| filter.project.as_ref().is_none_or(|f| f == *p)).cloned();
        Self {
            stale: stale.collect(),
            state,
            views: BTreeMap::new(),
            filter,
            until,
            zone: portfolio.zone().unwrap_or(TimeZone::UTC),
            can_probe: BTreeSet::new(),
            probing: BTreeMap::new(),
            began: None,
            admitting: true,
            tight: false,
            killing: false,
            draining: false,
            halted: false,
            syncing: BTreeSet::new(),
            read_at: BTreeMap::new(),
            look: Look::default(),
            triaged: BTreeMap::new(),
            applying: BTreeSet::new(),
            working: BTreeSet::new(),
            cleaning: BTreeSet::new(),
            fresh: true,
            glance: false,
            failures: BTreeMap::new(),
            put_off: BTreeSet::new(),
            anew: BTreeSet::new(),
            inherited: BTreeSet::new(),
            progress: None,
            told: None,
            wake: None,
            portfolio,
        }
    }

    pub(super) fn plan_input(&self, now: Timestamp) -> PlanInput<'_> {
        PlanInput {
            portfolio: &self.portfolio,
            state: &self.state,
            views: &self.views,
            now,
            zone: &self.zone,
            filter: &self.filter,
        }
    }

    /// Sets the issues of a project aside to which nothing happens any more, and for which its view does not ask.
    pub(super) fn forget(&mut self, project: &ProjectName, asked: &BTreeSet<IssueRef>) {
        let of = self.state.issues.iter().filter(|(issue, known)| issue.project == *project && known.phase.is_final());
        let idle: Vec<IssueRef> = of.map(|(issue, _)| issue).filter(|issue| !asked.contains(issue)).cloned().collect();
        for issue in idle {
            self.state.set_aside(&issue);
        }
    }

    pub(super) fn spread(&mut self) {
        self.fresh = false;
    }

    /// Whether a project's view is so old that people may have changed what it shows.
    pub(super) fn is_aged(&self, project: &ProjectName, now: Timestamp) -> bool {
        let age = |at: &Timestamp| now.duration_since(*at).abs();
        self.read_at.get(project).is_none_or(|at| age(at) > VIEW_AGE)
    }

    /// Whether what is spaced until a time is waited for: what is put off again and again must not keep the engine
    /// going for ever.
    pub(super) fn is_patient(&self, at: Timestamp) -> bool {
        let Until::Idle { patience } = self.until else { return !self.working.is_empty() };
        let waited = at.duration_since(self.progress.unwrap_or(at));
        !self.working.is_empty() || waited <= SignedDuration::try_from(patience).unwrap_or_default()
    }

    /// The effects to be applied now: none whose service is left alone. One that was put off in this run is tried again as
    /// long as there is patience.
    pub(super) fn due_effects(&self, now: Timestamp) -> Vec<&EffectEntry> {
        let patient = self.is_patient(now);
        let due = |delayed: &Option<(String, Timestamp)>| delayed.as_ref().is_none_or(|(_, until)| *until <= now);
        let first = self.state.first_effects().filter(|p| due(&p.delayed) || self.anew.contains(&p.entry.id));
        let due = first.map(|p| &p.entry).filter(|entry| patient || !self.put_off.contains(&entry.id));
        due.filter(|entry| self.state.services.is_empty() || self.withheld_by(&entry.effect, now).is_none()).collect()
    }

    /// How long what is put off waits: well below the patience of a run, or it would never be tried again.
    pub(super) fn again(&self) -> SignedDuration {
        SignedDuration::try_from(self.portfolio.retry.max).map_or(AGAIN, |most| most.min(AGAIN))
    }

    /// The projects with a pull request whose checks or merge are waited for.
    fn moving(&self) -> BTreeSet<&ProjectName> {
        let handed = self.state.issues.iter().filter(|(_, known)| matches!(known.phase, Phase::Handed { .. }));
        let moving = handed.filter(|(_, known)| known.pull.as_ref().is_some_and(|pull| pull.moving));
        let of = moving.map(|(issue, _)| &issue.project);
        of.filter(|name| self.portfolio.projects.get(name).is_some_and(|project| !project.paused))
            .filter(|name| self.state.control.holds_project(name).is_none())
            .collect()
    }

    /// When a project's pull requests are looked at again.
    fn look_at(&self, project: &ProjectName) -> Option<Timestamp> {
        let poll = SignedDuration::try_from(self.portfolio.github.poll).unwrap_or(SignedDuration::MAX);
        self.read_at.get(project)?.checked_add(poll.max(LOOK)).ok()
    }

    /// When the next pull request is looked at whose checks or merge are waited for. Merging waits for no slot.
    pub(super) fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        let soon = now.checked_add(LOOK).ok()?;
        let idle = self.moving().into_iter().filter(|p| !self.syncing.contains(*p) && !self.stale.contains(*p));
        idle.filter_map(|project| self.look_at(project)).min().map(|at| at.max(soon))
    }

    /// What is read anew when the time to look again has come. While something runs, only what did not answer and what
    /// moves by itself; all else is read before a job starts.
    pub(super) fn overdue(&self, quiet: bool, now: Timestamp) -> Vec<ProjectName> {
        let moving = self.moving();
        let old = |project: &ProjectName| {
            let age = self.read_at.get(project).map(|at| now.duration_since(*at).abs());
            !self.glance || age.is_none_or(|age| age >= GLANCE_AGE)
        };
        let due = |project: &ProjectName| self.look_at(project).is_none_or(|at| at <= now);
        let again = self.views.iter().filter(|(project, view)| {
            view.passing || (quiet && old(project)) || (moving.contains(project) && due(project))
        });
        again.map(|(project, _)| project.clone()).collect()
    }

    /// Whether the host has a slot left.
    pub(super) fn has_slot(&self) -> bool {
        self.state.live.len() + self.filter.starting.len() < self.portfolio.concurrency as usize
    }
}
