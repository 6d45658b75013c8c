//! What is outside: each service is served for itself, so that one which hangs keeps no other waiting.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Effect, Portfolio, ProjectName, TrackerKind};

/// How often in a row a service may fail before it is left alone.
pub const SERVICE_FAILURES: u32 = 3;

/// The first pause of a service that is left alone; each further one is twice as long.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The longest.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// How long one call may take.
const CALL: Duration = Duration::from_secs(120);
/// How long what git does for one effect may take: a push of a large change, or a checkout of a large tree.
const GIT: Duration = Duration::from_secs(600);
/// How long a forge may take to show a project: the first look at a large one takes thousands of calls.
const READING: Duration = Duration::from_secs(600);

/// What effects are written to, and views are read from.
///
/// As text: `repository:PROJECT`, `tracker:PROJECT`, or the name of a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Service {
    /// The repository of a project, on this machine.
    Repository(ProjectName),
    /// Where the issues of a project are written down, if that is no forge: its folder of Markdown files, or the tracker
    /// of an embedding program.
    Tracker(ProjectName),
    /// The host of a forge, with all projects there.
    Host(String),
}

impl From<String> for Service {
    fn from(text: String) -> Self {
        let project = |prefix: &str| text.strip_prefix(prefix).and_then(|name| ProjectName::new(name).ok());
        match (project("repository:"), project("tracker:")) {
            (Some(project), _) => Service::Repository(project),
            (_, Some(project)) => Service::Tracker(project),
            _ => Service::Host(text),
        }
    }
}

impl From<Service> for String {
    fn from(service: Service) -> Self {
        match service {
            Service::Repository(project) => format!("repository:{project}"),
            Service::Tracker(project) => format!("tracker:{project}"),
            Service::Host(host) => host,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Service::Repository(project) => write!(f, "the repository of project `{project}`"),
            Service::Tracker(project) => write!(f, "the tracker of project `{project}`"),
            Service::Host(host) => f.write_str(host),
        }
    }
}

impl Service {
    /// What an effect is written to.
    pub fn of(effect: &Effect, portfolio: &Portfolio) -> Self {
        let project = effect.project();
        let known = portfolio.projects.get(project);
        match effect {
            Effect::Tracker { .. } => Self::of_issues(project, portfolio),
            Effect::Branch { .. } => Service::Repository(project.clone()),
            // It lands on the forge, if the project has one.
            Effect::Land { .. } if known.is_none_or(|project| project.forge.is_none()) => {
                Service::Repository(project.clone())
            }
            Effect::Land { .. } | Effect::Push { .. } | Effect::Pull { .. } => Service::Host(portfolio.github.host()),
        }
    }

    /// What the issues of a project are read from.
    pub fn of_issues(project: &ProjectName, portfolio: &Portfolio) -> Self {
        match portfolio.projects.get(project).map(|project| project.tracker) {
            Some(TrackerKind::GitHub) => Service::Host(portfolio.github.host()),
            Some(TrackerKind::Markdown) | None => Service::Tracker(project.clone()),
        }
    }

    /// How many effects may be under way there at once.
    pub fn slots(&self) -> usize {
        match self {
            // Two that land at once would only race.
            Service::Repository(_) => 1,
            Service::Tracker(_) => 2,
            Service::Host(_) => 8,
        }
    }

    /// How many effects may be under way at once at all services of its kind.
    pub fn slots_of_kind(&self) -> usize {
        match self {
            Service::Repository(_) | Service::Tracker(_) => 32,
            Service::Host(_) => usize::MAX,
        }
    }

    /// Whether they are services of one kind.
    pub fn is_like(&self, other: &Service) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// How long the reading of a project's view may take.
    pub fn reading_deadline(&self) -> Duration {
        match self {
            Service::Host(_) => READING,
            Service::Repository(_) | Service::Tracker(_) => CALL,
        }
    }
}

impl Effect {
    /// How long it may take. One that took longer is in doubt: it is looked up before it is done again.
    pub fn deadline(&self) -> Duration {
        match self {
            Effect::Land { .. } | Effect::Branch { .. } | Effect::Push { .. } => GIT,
            Effect::Tracker { .. } | Effect::Pull { .. } => CALL,
        }
    }
}

/// A service that failed so often in a row that it is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Why, as it was last heard.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when it is left alone. Then a call is let through: it closes the outage, or makes it longer.
    pub until: Timestamp,
    /// How often it was left alone in this outage.
    pub pauses: u32,
}

impl Outage {
    /// Until when a service is left alone that was left alone so often before in the same outage.
    pub fn next(pauses: u32, now: Timestamp) -> Timestamp {
        let mut pause = FIRST_PAUSE;
        for _ in 0..pauses.min(8) {
            pause = pause.checked_mul(2).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
        }
        now.checked_add(pause).unwrap_or(now)
    }

    /// Whether the service is left alone now. Until a time further off than any pause only a clock said that was ahead.
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.until > now && self.until.duration_since(now) <= LONGEST_PAUSE
    }

    /// Why what needs the service waits, in words.
    pub fn told(&self, service: &Service) -> String {
        format!("{service} is left alone for a while, because it does not serve: {}", self.reason)
    }
}

#[cfg(test)]
mod tests;
