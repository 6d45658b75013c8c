//! Where work is written down: issues, comments, milestones.

mod issue;
mod labels;
mod milestone;
mod write;

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{IssueId, ProjectName};

pub use issue::{Author, Comment, Issue, IssueFacts, IssueState, Trust};
pub use labels::{Labels, Priority};
pub use milestone::{Counts, Milestone};
pub use write::{Applied, NewIssue, TrackerWrite};

/// Why a tracker could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// There is no such issue.
    #[error("there is no issue {issue} in project `{project}`")]
    NotFound {
        /// The project.
        project: ProjectName,
        /// The issue.
        issue: IssueId,
    },
    /// Something in the tracker cannot be read; a person must mend it.
    #[error("{place}: {problem}")]
    Malformed {
        /// The file and line, or the address.
        place: String,
        /// What is wrong, with the remedy.
        problem: String,
    },
    /// The tracker takes nothing for a while; trying again at that time may help.
    #[error("the tracker of project `{project}` takes nothing until {until}: {reason}")]
    Limited {
        /// The project.
        project: ProjectName,
        /// Why.
        reason: String,
        /// When to try again.
        until: Timestamp,
    },
    /// A write may have been done or not, and the tracker cannot find out which: a person must look.
    #[error("project `{project}`: it cannot be found out whether this was written: {reason}")]
    InDoubt {
        /// The project.
        project: ProjectName,
        /// Why, and where to look.
        reason: String,
    },
    /// The tracker refuses, and will refuse again.
    #[error("the tracker of project `{project}` refuses: {reason}")]
    Refused {
        /// The project.
        project: ProjectName,
        /// Why, with the remedy.
        reason: String,
    },
    /// The tracker does not answer; trying again later may help.
    #[error("the tracker of project `{project}` does not answer")]
    Unavailable {
        /// The project.
        project: ProjectName,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TrackerError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        matches!(self, TrackerError::Unavailable { .. } | TrackerError::Limited { .. })
    }

    /// The time before which trying again is of no use, where the tracker named one.
    pub fn not_before(&self) -> Option<Timestamp> {
        match self {
            TrackerError::Limited { until, .. } => Some(*until),
            _ => None,
        }
    }
}

/// Where the issues of projects are written down.
///
/// # Contract
/// - `issues` gives every issue of the project, open and closed, ordered by id: numbers by value. Of issues that were
///   closed long before the tracker was first read it may leave some out.
/// - After `apply` has returned, `issues` shows its effect.
/// - `apply` twice with the same key writes once, also across restarts; the second answers
///   [`Applied::Already`] with the same id. For labels and state the key is not needed: they are
///   set, so a repetition changes nothing. The same holds for milestones, blockers and duplicates.
/// - A [`TrackerWrite::Sticky`] comment is one for each issue and topic, whatever its key; a new text replaces the old.
/// - Of two [`TrackerWrite::Create`] with the same parent and part, the second writes nothing and answers
///   [`Applied::Already`] with the first one's id.
/// - A failed `apply` has either happened whole or not at all. One that cannot find out whether an earlier one with its key
///   was done answers [`TrackerError::InDoubt`] and writes nothing.
///
/// # Cancellation
/// Dropping the future of `apply` leaves the write done or not done, never half done. The engine drops one that takes longer
/// than [`Effect::deadline`](crate::Effect::deadline), and asks for it again later with the same key.
///
/// # Errors
/// [`TrackerError::Unavailable`] and [`TrackerError::Limited`] only where trying again may help.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Tracker: Debug + Send + Sync + 'static {
    /// All issues of the project, ordered by id.
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError>;
    /// All milestones of the project.
    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError>;
    /// Does one write, once.
    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError>;
    /// Whether `apply` itself waits out a write with its key that may still be under way, also one of an earlier process.
    /// Where it does not, the engine waits before it asks for such a write again.
    fn guards_writes(&self, project: &ProjectName) -> bool {
        let _ = project;
        false
    }
}
