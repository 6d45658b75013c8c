//! What was seen: issues, comments, and who did what to them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::wire::{self, Association, Reason, State, User};

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenIssue {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) author: Seen,
    pub(crate) labels: Vec<String>,
    pub(crate) milestone: Option<String>,
    pub(crate) state: State,
    pub(crate) reason: Option<Reason>,
    pub(crate) opened: Option<Timestamp>,
    pub(crate) updated: Option<Timestamp>,
    /// How many comments GitHub says there are.
    pub(crate) count: u64,
    pub(crate) url: Option<String>,
    pub(crate) assignees: Vec<String>,
    pub(crate) parent: Option<u64>,
    /// How many issues block it, closed ones among them.
    pub(crate) blocked: u32,
    pub(crate) blockers: Option<Blockers>,
    pub(crate) comments: BTreeMap<u64, SeenComment>,
    /// Whether the comments were read so long after the last change that nothing more can have happened in that same second.
    pub(crate) sure: bool,
    pub(crate) details: Option<Details>,
}

/// Who wrote something, and how they are said to stand to the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// None if the account was deleted.
    pub(crate) user: Option<User>,
    /// Whether a program did it in their name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) program: bool,
    #[serde(default)]
    pub(crate) association: Association,
}

impl Seen {
    pub(crate) fn is_program(&self) -> bool {
        self.program || self.user.as_ref().is_some_and(User::is_program)
    }

    pub(crate) fn login(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.login.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenComment {
    pub(crate) id: u64,
    pub(crate) author: Seen,
    pub(crate) at: Option<Timestamp>,
    pub(crate) updated: Option<Timestamp>,
    pub(crate) hidden: bool,
    pub(crate) body: String,
}

/// The issues that block an issue, as they were when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blockers {
    /// The state of the blocked issue that they were read with.
    pub(crate) of: Option<Timestamp>,
    /// When they were read.
    pub(crate) at: Timestamp,
    /// See [`Print::sure`].
    pub(crate) sure: bool,
    pub(crate) list: Vec<Blocker>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocker {
    /// `owner/name`, if it is another repository's.
    pub(crate) repository: Option<String>,
    pub(crate) number: u64,
    pub(crate) state: State,
}

impl Blockers {
    /// None, not read yet.
    pub(crate) fn none(at: Timestamp) -> Self {
        Self { of: None, at, sure: false, list: Vec::new() }
    }
}

/// What is read of an issue only if it matters who did what to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    /// The state of the issue that they were read with.
    pub(crate) of: Option<Timestamp>,
    /// See [`Print::sure`].
    pub(crate) sure: bool,
    /// When its text was last changed, and by whom.
    pub(crate) edited: Option<(Timestamp, Seen)>,
    pub(crate) events: Vec<SeenEvent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenEvent {
    pub(crate) at: Timestamp,
    pub(crate) actor: Seen,
    pub(crate) what: Doing,
}

/// What somebody did to an issue, besides writing on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Doing {
    Labelled(String),
    Unlabelled(String),
    Renamed,
    Other,
}

impl Doing {
    pub(crate) fn is_same(&self, other: &Doing) -> bool {
        match (self, other) {
            (Doing::Labelled(a), Doing::Labelled(b)) | (Doing::Unlabelled(a), Doing::Unlabelled(b)) => {
                a.eq_ignore_ascii_case(b)
            }
            _ => self == other,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenMilestone {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) due: Option<Date>,
    pub(crate) closed: bool,
    /// How many issues are open and closed, if that was asked.
    #[serde(default)]
    pub(crate) counts: Option<(u32, u32)>,
}

/// Whether somebody has write permission, and when that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permitted {
    pub(crate) writer: bool,
    pub(crate) asked: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnLabel {
    pub(crate) number: u64,
    /// Put on or taken off.
    pub(crate) doing: Doing,
    pub(crate) at: Timestamp,
}

impl SeenIssue {
    pub(crate) fn from_wire(issue: wire::Issue) -> Self {
        let of = issue.repository_url.as_deref().or(issue.html_url.as_deref());
        let here = of.and_then(wire::repository_in);
        let parent = issue.parent_issue_url.as_deref().filter(|url| {
            let there = wire::repository_in(url);
            here.is_none()
                || there.is_none()
                || there.map(|t| t.to_lowercase()) == here.as_deref().map(str::to_lowercase)
        });
        Self {
            id: issue.id,
            number: issue.number,
            title: issue.title,
            body: issue.body.unwrap_or_default(),
            author: Seen {
                user: issue.user,
                program: issue.performed_via_github_app.is_some(),
                association: issue.author_association.unwrap_or_default(),
            },
            labels: issue.labels.into_iter().filter_map(wire::Label::into_name).collect(),
            milestone: issue.milestone.map(|milestone| milestone.title),
            state: issue.state,
            reason: issue.state_reason,
            opened: issue.created_at,
            updated: issue.updated_at,
            count: issue.comments,
            url: issue.html_url,
            assignees: issue.assignees.unwrap_or_default().into_iter().map(|user| user.login).collect(),
            parent: parent.and_then(wire::number_in),
            blocked: issue.issue_dependencies_summary.map_or(0, |d| d.total_blocked_by.max(d.blocked_by)),
            blockers: None,
            comments: BTreeMap::new(),
            sure: false,
            details: None,
        }
    }

    pub(crate) fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l.eq_ignore_ascii_case(label))
    }

    pub(crate) fn take_comment(&mut self, comment: wire::Comment) {
        let mut new = SeenComment::from_wire(comment);
        let known = self.comments.get(&new.id);
        if known.is_none_or(|known| known.updated <= new.updated) {
            // REST may not tell what is hidden.
            new.hidden |= known.is_some_and(|known| known.hidden && known.updated == new.updated);
            self.comments.insert(new.id, new);
        }
    }
}

impl SeenComment {
    pub(crate) fn from_wire(comment: wire::Comment) -> Self {
        Self {
            id: comment.id,
            author: Seen {
                user: comment.user,
                program: comment.performed_via_github_app.is_some(),
                association: comment.author_association.unwrap_or_default(),
            },
            at: comment.created_at,
            updated: comment.updated_at,
            hidden: comment.minimized.is_some(),
            body: comment.body.unwrap_or_default(),
        }
    }
}
