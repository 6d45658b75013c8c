//! What would be done now, in order, and why; and why everything else waits.

mod admit;
mod choose;
mod evaluate;
mod follow;
mod observe;
mod order;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    AccountName, AgentName, Event, Finding, IssueId, IssueRef, Order, Pause, Portfolio, Priority, ProjectName,
    StageName, State, TriageInput, Using, triage,
};

pub(crate) use order::priority;
pub use view::ProjectView;

/// What a plan is made from. All of it is an argument: the same input gives the same plan.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// The configuration.
    pub portfolio: &'a Portfolio,
    /// What is known.
    pub state: &'a State,
    /// The projects' issues, as last seen.
    pub views: &'a BTreeMap<ProjectName, ProjectView>,
    /// The wall time.
    pub now: Timestamp,
    /// The zone in which days and months begin.
    pub zone: &'a TimeZone,
    /// What is asked for.
    pub filter: &'a Filter,
}

/// Narrows a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Only this project.
    pub project: Option<ProjectName>,
    /// Only this issue.
    pub issue: Option<IssueRef>,
    /// Issues left alone in this run: they have had their turn.
    pub had_turn: BTreeSet<IssueRef>,
    /// Issues that were held back before their job started: why, and until when.
    pub held: BTreeMap<IssueRef, (String, Option<Timestamp>)>,
    /// Projects whose view is being read anew: nothing is planned for them until it is there.
    pub unsettled: BTreeSet<ProjectName>,
    /// Jobs about to start: they take slots already.
    pub starting: Vec<Ready>,
}

/// What would be done now, in order, and what waits.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// What would be started now, in order.
    pub ready: Vec<Ready>,
    /// What waits, and why.
    pub waiting: Vec<Waiting>,
    /// What would be used if its vendor took work, with an agent that can use it: it may be tried whether it does.
    pub awaited: Vec<Awaited>,
}

/// Capacity that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Awaited {
    /// An agent that would use it.
    pub agent: AgentName,
    /// What it would use.
    pub using: Using,
}

/// A job that would be started now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ready {
    /// The issue.
    pub issue: IssueRef,
    /// Its title.
    pub title: String,
    /// The stage.
    pub stage: StageName,
    /// The agent; none for the engine's own landing.
    pub agent: Option<AgentName>,
    /// The account it works with, if it has one configured.
    pub account: Option<AccountName>,
    /// The model.
    pub model: Option<String>,
    /// Why the agent is not the stage's first choice, if it is not.
    pub substitution: Option<String>,
    /// Why it is its turn.
    pub why: Why,
    /// Its priority, which comes before that.
    pub priority: Priority,
}

/// Why it is an issue's turn, in the order of the cascade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Work in progress is finished first.
    InProgress,
    /// A person answered.
    Answered,
    /// A label sends it straight to a stage; the later the stage the earlier its turn.
    Labelled,
    /// It is labelled as too large.
    NeedsDecompose,
    /// Nobody has looked at it.
    Untriaged,
}

/// An issue that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiting {
    /// The issue; none where a whole project waits.
    pub issue: Option<IssueRef>,
    /// The project.
    pub project: ProjectName,
    /// The issue's title.
    pub title: String,
    /// The stage it is at.
    pub stage: Option<StageName>,
    /// Why.
    pub why: Wait,
    /// When it is looked at again; `None` means when something changes.
    pub until: Option<Timestamp>,
    /// What helps, if a person can do something.
    pub remedy: Option<String>,
}

/// Why an issue waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Wait {
    /// All slots of the host, the project or the agent are taken.
    Slot {
        /// Whose.
        of: String,
    },
    /// An attempt runs.
    Running {
        /// Which.
        attempt: String,
    },
    /// Its effects are being written.
    Effects {
        /// How many.
        count: usize,
        /// Why the first is put off, if it is.
        delayed: Option<String>,
    },
    /// The next try is spaced.
    Backoff,
    /// The agents' capacity is used up, or their provider is down.
    Capacity {
        /// Whose, and why.
        of: String,
    },
    /// The agents' accounts wait for a person.
    Account {
        /// Whose, and why.
        of: String,
    },
    /// A budget is used up.
    Budget {
        /// Which.
        of: String,
    },
    /// A question waits for an answer.
    Answer {
        /// The question.
        question: String,
    },
    /// Children are still open.
    Children {
        /// Which.
        open: Vec<IssueId>,
    },
    /// Its branch waits for a person to merge it.
    Merge {
        /// The branch.
        branch: String,
    },
    /// Its pull request is not merged yet.
    Pull {
        /// Its number.
        number: u64,
        /// Where a person reads it.
        url: String,
        /// Why, in words.
        standing: String,
    },
    /// Its change is on the way to the base branch.
    Landing,
    /// A person must act.
    Person {
        /// Why.
        reason: String,
    },
    /// Its bounds are used up.
    Lifetime {
        /// Which.
        bound: String,
    },
    /// Its author may not trigger work.
    Author {
        /// Who.
        name: String,
        /// Why, in words.
        why: String,
    },
    /// Other issues must be closed before it is begun.
    Blocked {
        /// Which: `7`, or `owner/name#7` of another repository.
        by: Vec<String>,
    },
    /// It carries a label that holds it.
    Label {
        /// Which.
        label: String,
    },
    /// It has had its turn in this run.
    HadTurn,
    /// It was held back before its job started.
    Held {
        /// Why.
        reason: String,
    },
    /// The project is paused in the configuration.
    Paused,
    /// A person stopped everything.
    Halted {
        /// Who and why.
        order: Order,
    },
    /// A person paused it, or cancelled the work at it.
    Ordered {
        /// What was paused: the issue, its project, or everything.
        pause: Pause,
    },
    /// The project's tracker cannot be read.
    Tracker {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Slot { of } => write!(f, "all slots of {of} are taken"),
            Wait::Running { attempt } => write!(f, "attempt {attempt} runs"),
            Wait::Effects { count, delayed: None } => write!(f, "{count} of its writes are to be done"),
            Wait::Effects { delayed: Some(why), .. } => write!(f, "put off: {why}"),
            Wait::Backoff => f.write_str("the next try is spaced"),
            Wait::Capacity { of } | Wait::Account { of } => f.write_str(of),
            Wait::Budget { of } => write!(f, "the budget is used up: {of}"),
            Wait::Answer { question } => write!(f, "it waits for an answer to: {}", first_line(question)),
            Wait::Children { open } => {
                let open: Vec<String> = open.iter().map(|c| format!("#{c}")).collect();
                write!(f, "its children are open: {}", open.join(", "))
            }
            Wait::Merge { branch } => write!(f, "the branch {branch} waits to be merged"),
            Wait::Pull { number, standing, .. } => write!(f, "its pull request #{number}: {standing}"),
            Wait::Landing => f.write_str("its change is on the way to the base branch"),
            Wait::Person { reason } => write!(f, "a person must act: {}", first_line(reason)),
            Wait::Lifetime { bound } => write!(f, "its bounds are used up: {bound}"),
            Wait::Author { why, .. } => f.write_str(why),
            Wait::Blocked { by } => {
                let by: Vec<String> =
                    by.iter().map(|n| if n.contains('#') { n.clone() } else { format!("#{n}") }).collect();
                write!(f, "it is blocked by {}", by.join(", "))
            }
            Wait::Label { label } => write!(f, "it carries the label {label}"),
            Wait::HadTurn => f.write_str("it has had its turn in this cycle"),
            Wait::Held { reason } => f.write_str(reason),
            Wait::Paused => f.write_str("the project is paused"),
            Wait::Halted { order } => write!(f, "{} stopped everything: {}", order.by, first_line(&order.reason)),
            Wait::Ordered { pause: Pause { what, order: Order { by, reason, .. }, cancelled } } => {
                let did = if *cancelled { "cancelled" } else { "paused" };
                write!(f, "{by} {did} {what}: {}", first_line(reason))
            }
            Wait::Tracker { reason } => write!(f, "its tracker cannot be read: {reason}"),
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl Plan {
    /// The earliest time at which something that waits may be ready by itself.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.waiting.iter().filter_map(|w| w.until).min()
    }

    /// Why an issue waits, if it does.
    pub fn waiting_for(&self, issue: &IssueRef) -> Option<&Waiting> {
        self.waiting.iter().find(|w| w.issue.as_ref() == Some(issue))
    }
}

/// Makes the plan.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    evaluate::plan(input)
}

impl PlanInput<'_> {
    /// What people have done since the ledger was last written, as events: answers, merges, closed
    /// children, lifted blocks, closed and reopened issues. They are appended before a plan is made.
    pub fn observations(&self) -> Vec<Event> {
        observe::observations(self)
    }

    /// The same of some issues alone.
    pub fn observations_of(&self, issues: &BTreeSet<IssueRef>) -> Vec<Event> {
        observe::observations_of(self, issues)
    }

    /// What the rules of triage find, project by project. It is asked for when all observations are in the ledger.
    pub fn findings(&self) -> Vec<(ProjectName, Finding)> {
        let filter = self.filter;
        let wanted = |name: &ProjectName| filter.project.as_ref().is_none_or(|p| p == name);
        let mut found = Vec::new();
        for (name, project) in self.portfolio.projects.iter().filter(|(name, _)| wanted(name)) {
            let Some(view) = self.views.get(name).filter(|_| !filter.unsettled.contains(name)) else { continue };
            let Self { portfolio, state, now, zone, .. } = *self;
            let findings = triage(&TriageInput { portfolio, project, view, state, now, zone });
            let free = |f: &Finding| state.control.holds(&IssueRef::new(name.clone(), f.issue.clone())).is_none();
            let about = |f: &Finding| filter.issue.as_ref().is_none_or(|i| i.project == *name && i.issue == f.issue);
            found.extend(findings.into_iter().filter(about).filter(free).map(|finding| (name.clone(), finding)));
        }
        found
    }
}

#[cfg(test)]
mod tests;
