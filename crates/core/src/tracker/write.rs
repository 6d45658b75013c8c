//! Writes to a tracker.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::IssueId;

use super::IssueState;

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
    /// Its key among the children of its parent, or among what its scout found: no second one is made with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The keys of those children of its parent that must be closed before it is begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
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
    /// Say something in a comment that is the only one about its topic: it is made once, and its text changed in place.
    Sticky {
        /// The issue.
        issue: IssueId,
        /// The topic: letters, digits and `-`.
        topic: String,
        /// The text.
        body: String,
    },
    /// Close the issue because another says the same.
    Duplicate {
        /// The issue.
        issue: IssueId,
        /// The other.
        of: IssueId,
    },
    /// Note that an issue cannot be begun before others are closed.
    BlockedBy {
        /// The issue.
        issue: IssueId,
        /// The others.
        by: Vec<IssueId>,
    },
    /// Put an issue under a milestone, or under none.
    SetMilestone {
        /// The issue.
        issue: IssueId,
        /// The milestone's title.
        milestone: Option<String>,
    },
    /// Let there be a milestone that stands so.
    Milestone {
        /// Its title.
        title: String,
        /// The day it is due; `None` leaves what is there.
        due: Option<Date>,
        /// Open or closed.
        state: IssueState,
    },
}

impl TrackerWrite {
    /// The issue it changes, if it changes one that is there.
    pub fn issue(&self) -> Option<&IssueId> {
        match self {
            TrackerWrite::Comment { issue, .. }
            | TrackerWrite::Labels { issue, .. }
            | TrackerWrite::State { issue, .. }
            | TrackerWrite::Sticky { issue, .. }
            | TrackerWrite::Duplicate { issue, .. }
            | TrackerWrite::BlockedBy { issue, .. }
            | TrackerWrite::SetMilestone { issue, .. } => Some(issue),
            TrackerWrite::Create(_) | TrackerWrite::Milestone { .. } => None,
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was done now; for a creation, with the new issue's id.
    Done(Option<IssueId>),
    /// A write with the same key had been done before, or the state was already as asked.
    Already(Option<IssueId>),
}
