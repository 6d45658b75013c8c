//! What a person told dayfly to do or to leave: to stop, to pause, to go on, to cancel.
//!
//! An order is a [`Request`] until the ledger holds it as an event. Its id makes it count once: whoever takes a request
//! in asks [`Request::event`] for what is to be recorded, and one that the ledger holds already gives nothing.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AttemptId, Baseline, DriftLook, Event, IssueRef, OrderId, ProcessIdentity, ProjectName, State};

/// The format of requests that this program writes. It reads this one and all older ones.
pub const REQUEST_VERSION: u32 = 1;

/// How many orders are remembered. A request is removed as soon as it was taken in: only the last few can come again.
const REMEMBERED: usize = 512;

/// Who ordered something, why and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Tells it from all others.
    pub id: OrderId,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What an order is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Target {
    /// All projects.
    Everything,
    /// A project.
    Project(ProjectName),
    /// An issue.
    Issue(IssueRef),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Everything => f.pad("everything"),
            Target::Project(project) => project.fmt(f),
            Target::Issue(issue) => issue.fmt(f),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ask {
    /// End all that runs, and start and write nothing until that is lifted.
    Halt,
    /// Lift the halt.
    Lift,
    /// Begin nothing new for these.
    Pause {
        /// Which.
        what: Vec<Target>,
    },
    /// Go on with these.
    Resume {
        /// Which.
        what: Vec<Target>,
    },
    /// End what runs for an issue, and leave the issue alone.
    Cancel {
        /// The issue.
        issue: IssueRef,
        /// Only if it is this attempt that runs.
        attempt: Option<AttemptId>,
    },
    /// Accept how projects stand.
    AcceptDrift {
        /// How they stand.
        baselines: BTreeMap<ProjectName, Baseline>,
        /// Only those of which nothing was accepted yet.
        first: bool,
    },
    /// Keep what was found by looking for drift.
    KeepDrift {
        /// What was found.
        looks: BTreeMap<ProjectName, DriftLook>,
    },
    /// End one engine. The ledger holds nothing of it: the next engine knows nothing of it.
    End {
        /// Which.
        engine: ProcessIdentity,
        /// How.
        how: Quit,
    },
}

/// How an engine is to end. The later, the sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quit {
    /// What runs ends by itself, and what follows is written.
    Drain,
    /// What runs is stopped politely.
    Polite,
    /// What runs is killed.
    Kill,
}

/// An order that the ledger does not hold yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`REQUEST_VERSION`]; a newer one is refused.
    pub version: u32,
    /// Who, why and when.
    pub order: Order,
    /// What.
    pub ask: Ask,
}

impl Request {
    /// A request of this format.
    pub fn new(order: Order, ask: Ask) -> Self {
        Self { version: REQUEST_VERSION, order, ask }
    }

    /// What is to be recorded; `None` if the ledger holds it already, or if there is nothing to do.
    pub fn event(&self, state: &State) -> Option<Event> {
        let control = &state.control;
        if control.has_taken(&self.order.id) {
            return None;
        }
        let order = self.order.clone();
        match &self.ask {
            Ask::Halt => Some(Event::Halted { order }),
            Ask::Lift => control.halt.as_ref().map(|_| Event::Lifted { order }),
            Ask::Pause { what } => Some(Event::Paused { order, what: what.clone() }),
            Ask::Resume { what } => {
                let paused = |what: &Target| control.paused.iter().any(|pause| pause.what == *what);
                let goes_on = what.iter().any(|what| paused(what) || state.unlabelled(what).is_some());
                goes_on.then(|| Event::Resumed { order, what: what.clone() })
            }
            Ask::Cancel { issue, attempt } => {
                let running = state.live.iter().find(|(_, live)| live.issue == *issue).map(|(id, _)| id.clone());
                if attempt.is_some() && *attempt != running {
                    return None;
                }
                Some(Event::Cancelled { order, issue: issue.clone(), attempt: running })
            }
            Ask::AcceptDrift { baselines, first } => {
                let mut baselines = baselines.clone();
                baselines.retain(|project, _| !(*first && state.drift.contains_key(project)));
                (!baselines.is_empty()).then_some(Event::DriftAccepted { order, baselines })
            }
            Ask::KeepDrift { looks } => Some(Event::DriftSeen { order, looks: looks.clone() }),
            Ask::End { .. } => None,
        }
    }
}

/// Something that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What.
    pub what: Target,
    /// Who, why and since when.
    pub order: Order,
    /// Whether its attempt was ended, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

impl Pause {
    /// What lets it go on.
    pub fn remedy(&self) -> String {
        match &self.what {
            Target::Everything => "`dayfly resume`".to_owned(),
            what => format!("`dayfly resume {what}`"),
        }
    }
}

/// The orders in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Set while everything is stopped.
    #[serde(default)]
    pub halt: Option<Order>,
    /// What is left alone, the oldest first.
    #[serde(default)]
    pub paused: Vec<Pause>,
    /// The last orders that the ledger holds.
    #[serde(default)]
    taken: VecDeque<OrderId>,
}

impl Control {
    /// What lifts a halt.
    pub const LIFT: &str = "`dayfly resume --all --reason TEXT`";

    /// Whether nobody has ordered anything yet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the ledger holds the order.
    pub fn has_taken(&self, id: &OrderId) -> bool {
        self.taken.contains(id)
    }

    /// What keeps a whole project from being worked on.
    pub fn holds_project(&self, project: &ProjectName) -> Option<&Pause> {
        self.paused.iter().find(|pause| match &pause.what {
            Target::Everything => true,
            Target::Project(paused) => paused == project,
            Target::Issue(_) => false,
        })
    }

    /// What keeps an issue from being worked on; the pause of the issue itself before one of all.
    pub fn holds(&self, issue: &IssueRef) -> Option<&Pause> {
        let own = self.paused.iter().find(|pause| matches!(&pause.what, Target::Issue(paused) if paused == issue));
        own.or_else(|| self.holds_project(&issue.project))
    }

    /// Folds an order that was taken in.
    pub(crate) fn fold(&mut self, event: Event) {
        match event {
            Event::Halted { order } => {
                self.take(&order);
                self.halt = Some(order);
            }
            Event::Lifted { order } => {
                self.take(&order);
                self.halt = None;
            }
            Event::Paused { order, what } => self.pause(&order, what, false),
            Event::Resumed { order, what } => {
                self.take(&order);
                self.paused.retain(|pause| !what.contains(&pause.what));
            }
            Event::Cancelled { order, issue, .. } => self.pause(&order, vec![Target::Issue(issue)], true),
            _ => {}
        }
    }

    fn pause(&mut self, order: &Order, what: Vec<Target>, cancelled: bool) {
        self.take(order);
        for what in what {
            // What was cancelled is to end, also when it is paused after that.
            let cancelled = cancelled || self.paused.iter().any(|pause| pause.what == what && pause.cancelled);
            self.paused.retain(|pause| pause.what != what);
            self.paused.push(Pause { what, order: order.clone(), cancelled });
        }
    }

    /// Notes that the ledger holds an order.
    pub(crate) fn take(&mut self, order: &Order) {
        self.taken.push_back(order.id.clone());
        while self.taken.len() > REMEMBERED {
            self.taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
