//! Where work is written down: issues, comments, milestones.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{IssueId, ProjectName};

/// An issue as its tracker shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its id within the tracker.
    pub id: IssueId,
    /// One line.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// The labels, as written there.
    pub labels: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    /// Open or closed.
    pub state: IssueState,
    /// Who wrote it.
    pub author: Author,
    /// The issue it is a child of.
    pub parent: Option<IssueId>,
    /// The comments, oldest first.
    pub comments: Vec<Comment>,
}

impl Issue {
    /// Whether the issue carries the label, without regard to case.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l.eq_ignore_ascii_case(label))
    }

    /// The least trust among those whose text is in the issue: a prompt holds the comments too. What dayfly itself wrote
    /// is nobody's.
    pub fn least_trust(&self) -> Trust {
        let comments = self.comments.iter().filter(|c| !c.is_own()).map(|c| c.author.trust);
        comments.fold(self.author.trust, Trust::min)
    }
}

/// Whether an issue is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueState {
    /// There is something left to do.
    Open,
    /// Done or given up.
    Closed,
}

/// Somebody who writes in a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The name.
    pub name: String,
    /// What they may do.
    pub trust: Trust,
}

/// What the author of a text may do in the project; asked of the tracker, never read from the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// No write permission: the text is data, and triggers nothing.
    #[default]
    Stranger,
    /// Write permission.
    Writer,
}

impl Trust {
    /// Whether it is the least there is.
    pub(crate) fn is_least(&self) -> bool {
        *self == Trust::default()
    }
}

/// A comment on an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who wrote it.
    pub author: Author,
    /// When, if the tracker knows.
    pub at: Option<Timestamp>,
    /// The key of the effect that wrote it, if this installation did.
    pub key: Option<String>,
    /// The text, in Markdown.
    pub body: String,
}

impl Comment {
    /// Whether dayfly wrote it.
    pub fn is_own(&self) -> bool {
        self.key.is_some()
    }
}

/// A goal with a date, under which issues are gathered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Its title, which is its identity.
    pub title: String,
    /// The day it is due.
    pub due: Option<Date>,
    /// Open or closed.
    pub state: IssueState,
}

/// The labels that carry meaning, as the user named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Labels {
    /// The issue may be prepared.
    pub ready_for_prep: String,
    /// The issue may be worked on.
    pub ready_for_dev: String,
    /// A job works on it, or will again.
    pub in_progress: String,
    /// Its change is being reviewed.
    pub in_review: String,
    /// A question waits for a person's answer.
    pub needs_clarification: String,
    /// The issue is too large and is to be split.
    pub needs_decompose: String,
    /// It waits for something else.
    pub blocked: String,
    /// A person must look.
    pub human_needed: String,
    /// Nothing happened for a long time.
    pub stale: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            ready_for_prep: "ready-for-prep".into(),
            ready_for_dev: "ready-for-dev".into(),
            in_progress: "in-progress".into(),
            in_review: "in-review".into(),
            needs_clarification: "needs-clarification".into(),
            needs_decompose: "needs-decompose".into(),
            blocked: "blocked".into(),
            human_needed: "human-needed".into(),
            stale: "stale".into(),
        }
    }
}

impl Labels {
    /// The labels of which an issue carries at most one at a time: dayfly moves it from one to the next.
    pub fn exclusive(&self) -> Vec<&str> {
        vec![
            &self.ready_for_prep,
            &self.ready_for_dev,
            &self.in_progress,
            &self.in_review,
            &self.needs_clarification,
            &self.needs_decompose,
            &self.blocked,
            &self.human_needed,
        ]
    }

    /// The labels with which an issue waits until a person takes them away.
    pub fn holding(&self) -> [&str; 2] {
        [&self.blocked, &self.human_needed]
    }
}

/// A new issue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewIssue {
    /// One line.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    /// The issue it is a child of.
    pub parent: Option<IssueId>,
}

/// One write to a tracker. The key makes it happen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrackerWrite {
    /// Append a comment.
    Comment {
        /// The issue.
        issue: IssueId,
        /// The text.
        body: String,
    },
    /// Add and remove labels; the result has all of `add` and none of `remove`.
    Labels {
        /// The issue.
        issue: IssueId,
        /// Labels to add.
        add: Vec<String>,
        /// Labels to remove.
        remove: Vec<String>,
    },
    /// Open or close the issue.
    State {
        /// The issue.
        issue: IssueId,
        /// The state it is to have.
        state: IssueState,
    },
    /// Create an issue.
    Create(NewIssue),
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was done now; for a creation, with the new issue's id.
    Done(Option<IssueId>),
    /// A write with the same key had been done before, or the state was already as asked.
    Already(Option<IssueId>),
}

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
        matches!(self, TrackerError::Unavailable { .. })
    }
}

/// Where the issues of projects are written down.
///
/// # Contract
/// - `issues` gives every issue of the project, open and closed, ordered by id: numbers by value.
/// - After `apply` has returned, `issues` shows its effect.
/// - `apply` twice with the same key writes once, also across restarts; the second answers
///   [`Applied::Already`] with the same id. For labels and state the key is not needed: they are
///   set, so a repetition changes nothing.
/// - A failed `apply` has either happened whole or not at all.
///
/// # Cancellation
/// Dropping the future of `apply` leaves the write done or not done, never half done.
///
/// # Errors
/// [`TrackerError::Unavailable`] only where trying again may help.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Tracker: Debug + Send + Sync + 'static {
    /// All issues of the project, ordered by id.
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError>;
    /// All milestones of the project.
    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError>;
    /// Does one write, once.
    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError>;
}
