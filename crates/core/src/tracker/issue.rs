//! Issues, and what people say on them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::IssueId;

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
    /// What else the tracker knows of it.
    #[serde(default)]
    pub facts: IssueFacts,
}

/// What a tracker knows of an issue besides its text. A tracker that does not know leaves it empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueFacts {
    /// Where a person reads it.
    pub url: Option<String>,
    /// The key of the effect that created it, if dayfly did.
    pub key: Option<String>,
    /// Its key among the children of its parent, or among what its scout found.
    pub part: Option<String>,
    /// When it was opened.
    pub opened: Option<Timestamp>,
    /// When a person last did something to it. What programs do does not count.
    pub active: Option<Timestamp>,
    /// When a person last changed its title or text.
    pub edited: Option<Timestamp>,
    /// Who that was.
    pub edited_by: Option<Author>,
    /// The open issues that block it: `7`, or `owner/name#7` of another repository.
    pub blocked_by: Vec<String>,
    /// Who, with write permission, asked for work on it by a label, since its text was last changed.
    pub approved_by: Option<String>,
    /// Labels that ask for work, or say how soon, and count for nothing, because nobody with write permission put them on.
    pub unproven: Vec<String>,
    /// Who it is assigned to.
    pub assignees: Vec<String>,
}

impl Issue {
    /// Whether the issue carries the label, without regard to case.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l.eq_ignore_ascii_case(label))
    }

    /// Whether it carries the label, but nobody with write permission put it on.
    pub fn is_unproven(&self, label: &str) -> bool {
        self.facts.unproven.iter().any(|l| l.eq_ignore_ascii_case(label))
    }

    /// Whether the label asks for work on it: it is there, and somebody with write permission put it on.
    pub fn asks_by(&self, label: &str) -> bool {
        self.has_label(label) && !self.is_unproven(label)
    }

    /// The least trust among those whose text is in the issue: a prompt holds the comments too. What dayfly itself wrote
    /// is nobody's.
    pub fn least_trust(&self) -> Trust {
        let comments = self.comments.iter().filter(|c| !c.is_own()).map(|c| c.author.trust);
        comments.fold(self.author.trust, Trust::min)
    }
}

/// Whether an issue is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueState {
    /// There is something left to do.
    #[default]
    Open,
    /// Done or given up.
    Closed,
}

/// Somebody who writes in a tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The name.
    pub name: String,
    /// What they may do.
    pub trust: Trust,
    /// Whether it is a program: what it says answers nothing and shows no activity.
    #[serde(default)]
    pub bot: bool,
}

impl Author {
    /// A person of that name and trust.
    pub fn person(name: impl Into<String>, trust: Trust) -> Self {
        Self { name: name.into(), trust, bot: false }
    }
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who wrote it.
    pub author: Author,
    /// When, if the tracker knows.
    pub at: Option<Timestamp>,
    /// The key of the effect that wrote it, if this installation did.
    pub key: Option<String>,
    /// What it is the only comment about, if dayfly keeps it up to date in place.
    #[serde(default)]
    pub topic: Option<String>,
    /// When its text was last changed, if it was.
    #[serde(default)]
    pub edited: Option<Timestamp>,
    /// Whether it was hidden by somebody: then it says nothing any more.
    #[serde(default)]
    pub hidden: bool,
    /// The text, in Markdown.
    pub body: String,
}

impl Comment {
    /// Whether dayfly wrote it.
    pub fn is_own(&self) -> bool {
        self.key.is_some() || self.topic.is_some()
    }
}
