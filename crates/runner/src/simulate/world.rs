//! The world around a simulated engine: what goes on whether an engine lives or not.
//!
//! Nothing in it runs by itself. Whatever looks at the world first lets all happen that was due by then, in its order.

mod fault;
mod people;
mod place;
mod pulls;
mod repo;
mod runs;
mod vendors;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dayfly_core::{AfterCrash, AttemptId, End, IssueId, Portfolio, ProjectName, PullWrite, TrackerWrite};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::Notify;

use super::dice::Dice;
use super::mutation::Mutation;
use super::settings::Settings;
use super::time::{Time, later};

pub use fault::FaultKind;
pub(super) use place::{Answer, Place};
pub(super) use repo::Tree;
pub(super) use runs::Run;
pub use vendors::UsedUp;
pub(super) use vendors::Vendors;

/// The most lines of a story that are kept.
const STORY: usize = 4000;

/// What is to happen at a time.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    /// An issue is written.
    Arrives(ProjectName),
    /// Somebody answers a question.
    Answers(ProjectName, IssueId),
    /// Somebody takes a label away that holds an issue.
    Helps(ProjectName, IssueId),
    /// Somebody looks at a branch or a pull request, and merges it if nothing is in the way.
    Looks(ProjectName, String),
    /// A merge that was asked for is done.
    Merges(ProjectName, String),
    /// A write reaches its service.
    Lands(u64, Request),
    /// What an attempt left behind writes into its working copy.
    LateChild(AttemptId),
}

/// A write on its way to a service, and whether it adds something that was not there when it was sent.
#[derive(Debug, Clone)]
pub(super) enum Request {
    Tracker(ProjectName, String, TrackerWrite, bool),
    Pull(ProjectName, String, PullWrite, bool),
}

/// The world.
pub(super) struct World {
    pub(super) portfolio: Arc<Portfolio>,
    pub(super) settings: Arc<Settings>,
    pub(super) zone: TimeZone,
    pub(super) time: Arc<Time>,
    pub(super) mutation: Option<Mutation>,
    /// Whether adapters wait themselves for a write of theirs that may be under way; else the engine does.
    pub(super) guards: bool,
    /// Told when the engine is to die, or another is to come.
    pub(super) struck: Notify,
    /// Whether an engine is being killed: it drops nothing.
    dying: AtomicBool,
    inner: Mutex<Inner>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

/// What strikes an engine from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// It dies.
    Dies,
    /// Another is started beside it.
    Usurped,
}

/// What a store does not do that does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// It takes nothing, and can be read: its disk is full.
    Full,
    /// It does nothing at all: somebody keeps it locked, or its disk does not answer.
    Locked,
}

/// What is in the world.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) places: BTreeMap<ProjectName, Place>,
    agenda: BTreeMap<(Timestamp, u64), Happening>,
    number: u64,
    pub(super) answers: BTreeMap<u64, Answer>,
    /// Writes that were begun and whose answer nobody has, with the time by which they have arrived, if they ever do.
    pub(super) begun: BTreeMap<String, Timestamp>,
    pub(super) runs: BTreeMap<AttemptId, Run>,
    pub(super) vendors: Vendors,
    /// How often each write was done that must be done once.
    pub(super) done: BTreeMap<String, u32>,
    /// The writes that a service has done, or has shown to be done already.
    pub(super) seen: BTreeSet<String>,
    /// Until when each project's services do not answer.
    pub(super) away: BTreeMap<ProjectName, Timestamp>,
    pub(super) faults: BTreeMap<FaultKind, u64>,
    pub(super) dice: Dice,
    pub(super) people: Dice,
    /// Whether anything may still go wrong, and issues arrive.
    pub(super) open: bool,
    pub(super) strike: Option<Strike>,
    /// Until when the store does not serve, and whether it can be read meanwhile.
    pub(super) shut: Option<(Timestamp, Shut)>,
    pub(super) story: Vec<Told>,
    pub(super) violations: BTreeSet<String>,
    pub(super) arrived: BTreeMap<(ProjectName, IssueId), Timestamp>,
}

/// Something that happened, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

impl World {
    /// A world in which nothing has happened yet. It must be made in the runtime of the simulation.
    pub(super) fn new(portfolio: Arc<Portfolio>, settings: Arc<Settings>, mutation: Option<Mutation>) -> Self {
        let zone = portfolio.zone().unwrap_or(TimeZone::UTC);
        let places = portfolio.projects.values().map(|project| {
            let dice = Dice::new(settings.seed, &format!("repository/{}", project.name));
            (project.name.clone(), Place::new(project, dice))
        });
        let inner = Inner {
            places: places.collect(),
            agenda: BTreeMap::new(),
            number: 0,
            answers: BTreeMap::new(),
            begun: BTreeMap::new(),
            runs: BTreeMap::new(),
            vendors: Vendors::new(settings.seed, settings.quota),
            done: BTreeMap::new(),
            seen: BTreeSet::new(),
            away: BTreeMap::new(),
            faults: BTreeMap::new(),
            dice: Dice::new(settings.seed, "faults"),
            people: Dice::new(settings.seed, "people"),
            open: true,
            strike: None,
            shut: None,
            story: Vec::new(),
            violations: BTreeSet::new(),
            arrived: BTreeMap::new(),
        };
        let time = Arc::new(Time::new(settings.day(&zone, 0)));
        let guards = Dice::new(settings.seed, "guards").falls(0.5);
        let world = Self {
            portfolio,
            settings,
            zone,
            time,
            mutation,
            guards,
            struck: Notify::new(),
            dying: AtomicBool::new(false),
            inner: Mutex::new(inner),
        };
        world.arrivals();
        world
    }

    /// The world as it is now.
    pub(super) fn look(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.time.true_now();
        while let Some(entry) = inner.agenda.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), what) = entry.remove_entry();
            self.happen(&mut inner, at, what);
        }
        inner.conclude(now);
        inner
    }

    fn happen(&self, inner: &mut Inner, at: Timestamp, what: Happening) {
        match what {
            Happening::Arrives(project) => self.issue_arrives(inner, &project, at),
            Happening::Answers(project, issue) => inner.answer(&project, &issue, at),
            Happening::Helps(project, issue) => self.help(inner, &project, &issue, at),
            Happening::Looks(project, branch) => self.somebody_looks(inner, &project, &branch, at),
            Happening::Merges(project, branch) => inner.merge_pull(&project, &branch, at),
            Happening::Lands(number, request) => {
                let answer = self.perform(inner, request, at);
                inner.answers.insert(number, answer);
            }
            Happening::LateChild(attempt) => inner.late_child(&attempt),
        }
    }

    fn perform(&self, inner: &mut Inner, request: Request, at: Timestamp) -> Answer {
        let (answer, key) = match request {
            Request::Tracker(project, key, write, adds) => (self.write(inner, (&project, &key, adds), &write, at), key),
            Request::Pull(project, key, write, adds) => {
                (Answer::Pull(self.write_pull(inner, (&project, &key, adds), &write, at)), key)
            }
        };
        if !matches!(answer, Answer::NotFound(_)) {
            inner.seen.insert(key);
        }
        answer
    }

    /// When something happens next by itself.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.look().agenda.keys().next().map(|(at, _)| *at)
    }

    /// An engine is killed.
    pub(super) fn dies(&self) {
        self.dying.store(true, Ordering::Relaxed);
    }

    /// It is dead. What its attempts do now is as the portfolio says.
    pub(super) fn dead(&self) {
        self.dying.store(false, Ordering::Relaxed);
        if self.portfolio.after_crash == AfterCrash::End {
            let running = self.look().runs.iter().filter(|(_, run)| !run.over).map(|(id, _)| id.clone()).collect();
            let running: Vec<AttemptId> = running;
            running.iter().for_each(|id| self.stop(id, End::Lost, Duration::ZERO));
        }
    }

    pub(super) fn is_dying(&self) -> bool {
        self.dying.load(Ordering::Relaxed)
    }

    /// Waits until a write has come to its service, and gives its number.
    pub(super) fn send(&self, request: Request, after: Duration) -> u64 {
        let at = later(self.time.true_now(), after);
        let mut inner = self.look();
        inner.number += 1;
        let number = inner.number;
        inner.agenda.insert((at, number), Happening::Lands(number, request));
        number
    }

    /// Counts something that went wrong.
    pub(super) fn count(&self, kind: FaultKind) {
        self.look().count(kind);
    }

    /// Tells something for the story.
    pub(super) fn tell(&self, what: impl Into<String>) {
        let at = self.time.true_now();
        self.look().tell(at, what);
    }

    /// Notes that something happened which must not.
    pub(super) fn violated(&self, what: impl Into<String>) {
        let at = self.time.true_now();
        self.look().violated(at, what);
    }
}

impl Inner {
    pub(super) fn plan(&mut self, at: Timestamp, what: Happening) {
        self.number += 1;
        self.agenda.insert((at, self.number), what);
    }

    pub(super) fn is_planned(&self, wanted: impl Fn(&Happening) -> bool) -> bool {
        self.agenda.values().any(wanted)
    }

    /// Takes what has not happened yet out of the world.
    pub(super) fn calm(&mut self) {
        self.open = false;
        self.away.clear();
        self.agenda.retain(|_, what| !matches!(what, Happening::Arrives(_)));
    }

    pub(super) fn count(&mut self, kind: FaultKind) {
        *self.faults.entry(kind).or_default() += 1;
    }

    pub(super) fn tell(&mut self, at: Timestamp, what: impl Into<String>) {
        if self.story.len() < STORY {
            self.story.push(Told { at, what: what.into() });
        }
    }

    pub(super) fn violated(&mut self, at: Timestamp, what: impl Into<String>) {
        let what = what.into();
        self.tell(at, format!("VIOLATION: {what}"));
        self.violations.insert(what);
    }

    /// Counts a write that must be done once.
    pub(super) fn done_once(&mut self, at: Timestamp, key: &str) {
        let count = self.done.entry(key.to_owned()).or_default();
        *count += 1;
        if *count > 1 {
            let what = format!("the write {key} was done {count} times");
            self.violated(at, what);
        }
    }
}
