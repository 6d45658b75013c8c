//! What a simulation is told.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{Access, AgentName, AnswerRule, JobSpec, StageName};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::{Spread, Staged};

/// What is simulated, beside the portfolio.
#[derive(Debug, Clone)]
pub struct Settings {
    /// All chance comes from this number: the same gives the same.
    pub seed: u64,
    /// How many days issues arrive and people work.
    pub days: u32,
    /// When the first day begins, in the time zone of the portfolio.
    pub start: DateTime,
    /// How often an engine is started, as by cron, where none runs.
    pub every: Duration,
    /// How many issues arrive on a working day in each project.
    pub issues_per_day: f64,
    /// Issues that are there at the start, in each project.
    pub backlog: u32,
    /// The people.
    pub people: People,
    /// How agents work, by agent and stage; `None` stands for any. The closest entry counts.
    pub habits: BTreeMap<(Option<AgentName>, Option<StageName>), Habit>,
    /// What tokens cost, by agent and the model that is asked for; before what the portfolio says of prices.
    pub prices: BTreeMap<(AgentName, Option<String>), Paid>,
    /// What vendors give each account.
    pub quota: Quota,
    /// What goes wrong.
    pub faults: Faults,
    /// What happens at a time, counted from the start.
    pub staged: Vec<(Duration, Staged)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            days: 14,
            // A Monday.
            start: jiff::civil::datetime(2026, 3, 2, 8, 0, 0, 0),
            every: Duration::from_secs(15 * 60),
            issues_per_day: 4.0,
            backlog: 5,
            people: People::default(),
            habits: BTreeMap::new(),
            prices: BTreeMap::new(),
            quota: Quota::default(),
            faults: Faults::none(),
            staged: Vec::new(),
        }
    }
}

impl Settings {
    /// When a day begins, the first of them being 0: each at the same time of day, whatever is done to clocks there.
    pub fn day(&self, zone: &TimeZone, number: u32) -> Timestamp {
        let begins = self.start.checked_add(i64::from(number).days()).unwrap_or(self.start);
        zone.to_ambiguous_timestamp(begins).compatible().unwrap_or_default()
    }

    /// How an agent works at a stage.
    pub(super) fn habit(&self, agent: Option<&AgentName>, stage: &StageName, kind: Kind) -> Habit {
        let (agent, stage) = (agent.cloned(), Some(stage.clone()));
        let keys = [(agent.clone(), stage.clone()), (None, stage), (agent, None), (None, None)];
        keys.iter().find_map(|key| self.habits.get(key)).cloned().unwrap_or_else(|| Habit::usual(kind))
    }
}

/// The people who write issues, answer questions and merge.
#[derive(Debug, Clone)]
pub struct People {
    /// The hours of a working day, Monday to Friday, in which they do anything.
    pub hours: (i8, i8),
    /// How long a question waits for its answer, in hours.
    pub answer: Spread,
    /// How long a change waits to be looked at and merged, in hours.
    pub merge: Spread,
    /// How long what needs a person waits for one, in hours.
    pub help: Spread,
    /// How often somebody asks for changes in a pull request.
    pub refuse: f64,
}

impl Default for People {
    fn default() -> Self {
        Self {
            hours: (8, 18),
            answer: Spread::new(0.2, 2.0, 12.0, 48.0),
            merge: Spread::new(0.5, 4.0, 24.0, 72.0),
            help: Spread::new(0.5, 4.0, 24.0, 72.0),
            refuse: 0.05,
        }
    }
}

/// What a stage is for, as far as its agent's habits are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It reads and says what is to be done.
    Read,
    /// It changes and commits.
    Write,
    /// It judges.
    Judge,
}

impl Kind {
    pub(super) fn of(job: &JobSpec) -> Self {
        match (job.access, job.answer) {
            (Access::Write, _) => Self::Write,
            (_, AnswerRule::Verdict) => Self::Judge,
            _ => Self::Read,
        }
    }
}

/// What attempts in a ledger cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Paid {
    /// How many attempts said so.
    pub attempts: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Their money, in US dollars.
    pub usd: f64,
}

/// How an agent works.
#[derive(Debug, Clone, PartialEq)]
pub struct Habit {
    /// How many attempts in a ledger tell so; 0 if it is a guess.
    pub seen: u64,
    /// How many of them are of which model; `None` where none was asked for.
    pub models: BTreeMap<Option<String>, u64>,
    /// How long an attempt takes, in minutes.
    pub minutes: Spread,
    /// The tokens it reads, in thousands; those it writes are a twentieth.
    pub kilotokens: Spread,
    /// How often it gives up.
    pub fails: f64,
    /// How often it does nothing and says that it is done.
    pub idle: f64,
    /// How often what it commits does not pass the project's commands.
    pub bad: f64,
    /// How often it sends the work back, where it judges.
    pub rejects: f64,
    /// How often it asks a person, where it may.
    pub asks: f64,
    /// How often it splits an issue, where it may.
    pub splits: f64,
}

impl Habit {
    /// What is taken for usual where nothing is known.
    pub(super) fn usual(kind: Kind) -> Self {
        let read = Habit {
            seen: 0,
            models: BTreeMap::new(),
            minutes: Spread::new(1.0, 3.0, 8.0, 20.0),
            kilotokens: Spread::new(40.0, 120.0, 400.0, 1200.0),
            fails: 0.02,
            idle: 0.0,
            bad: 0.0,
            rejects: 0.0,
            asks: 0.08,
            splits: 0.04,
        };
        match kind {
            Kind::Read => read,
            Kind::Write => Habit {
                minutes: Spread::new(4.0, 12.0, 30.0, 70.0),
                kilotokens: Spread::new(300.0, 1200.0, 4000.0, 12_000.0),
                fails: 0.05,
                idle: 0.02,
                bad: 0.2,
                ..read
            },
            Kind::Judge => Habit {
                minutes: Spread::new(2.0, 5.0, 12.0, 30.0),
                kilotokens: Spread::new(80.0, 250.0, 800.0, 2400.0),
                rejects: 0.2,
                ..read
            },
        }
    }
}

/// What a vendor gives each of its accounts that is no key: after the tokens of a window nothing, until it is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Tokens in five hours, counted from the first use after the last window.
    pub five_hours: u64,
    /// Tokens in a week.
    pub week: u64,
    /// How often a window opens earlier than was said.
    pub early: f64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { five_hours: 20_000_000, week: 250_000_000, early: 0.1 }
    }
}

/// How often something goes wrong: chances for each occasion, but for what is counted by the day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// The engine dies at an append: before it is durable or after.
    pub crash: f64,
    /// A second engine takes the store over at an append.
    pub usurp: f64,
    /// An append arrives at the store twice.
    pub twice: f64,
    /// The store takes nothing for some minutes, and can be read.
    pub full: f64,
    /// The store does nothing for some minutes.
    pub locked: f64,
    /// The store takes an append and says that it could not.
    pub unsure: f64,
    /// A service does a write, and its answer is lost.
    pub lost: f64,
    /// A write is under way for so long that its sender may be gone when it arrives.
    pub slow: f64,
    /// A service does not answer.
    pub down: f64,
    /// An agent hangs.
    pub hang: f64,
    /// An agent's process dies.
    pub die: f64,
    /// An agent leaves a process behind that writes into its working copy when all seems over.
    pub late: f64,
    /// How often a day the clock is set, forwards or back.
    pub clock: f64,
    /// How often a day the machine sleeps.
    pub suspend: f64,
    /// How often a day a vendor takes nothing.
    pub outage: f64,
    /// How often a day the services of a project do not answer for hours.
    pub away: f64,
}

impl Faults {
    /// Nothing goes wrong but the work itself.
    pub fn none() -> Self {
        Self::default()
    }

    /// What may go wrong in some weeks.
    pub fn some() -> Self {
        Self {
            crash: 0.002,
            usurp: 0.0,
            twice: 0.0,
            full: 0.0005,
            locked: 0.0005,
            unsure: 0.0005,
            lost: 0.005,
            slow: 0.005,
            down: 0.01,
            hang: 0.01,
            die: 0.01,
            late: 0.01,
            clock: 0.1,
            suspend: 0.3,
            outage: 0.2,
            away: 0.0,
        }
    }

    /// More than anybody should ever see.
    pub fn many() -> Self {
        Self {
            crash: 0.1,
            usurp: 0.01,
            twice: 0.02,
            full: 0.01,
            locked: 0.005,
            unsure: 0.02,
            lost: 0.15,
            slow: 0.1,
            down: 0.1,
            hang: 0.05,
            die: 0.05,
            late: 0.1,
            clock: 6.0,
            suspend: 6.0,
            outage: 2.0,
            away: 1.0,
        }
    }
}
