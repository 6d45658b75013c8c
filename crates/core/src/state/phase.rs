//! Where an issue stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AttemptId, Choices, Commit, IssueId};

/// Where an issue stands. The transition table says what leads where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It waits for its turn, at the earliest at a time.
    Queued {
        /// Not before.
        not_before: Option<Timestamp>,
    },
    /// An attempt runs.
    Running {
        /// Which.
        attempt: AttemptId,
    },
    /// It waits for a person's answer.
    Asked {
        /// The attempt that asked.
        attempt: AttemptId,
        /// The question.
        question: String,
        /// What it offers to answer with.
        #[serde(default, skip_serializing_if = "Choices::is_empty")]
        choices: Choices,
    },
    /// It waits for its children.
    Split {
        /// Those created so far.
        children: Vec<IssueId>,
    },
    /// Its change is on the way to the base branch.
    Landing {
        /// The commit.
        to: Commit,
    },
    /// Its change waits on a branch for a person to merge it.
    Handed {
        /// The branch.
        branch: String,
        /// The commit.
        commit: Commit,
    },
    /// A person must act.
    Blocked {
        /// Why.
        reason: String,
        /// What helps.
        remedy: String,
    },
    /// It is done.
    Done,
    /// Somebody else closed it.
    Closed,
}

impl Phase {
    /// The word for it in tables and diagrams.
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Queued { .. } => "queued",
            Phase::Running { .. } => "running",
            Phase::Asked { .. } => "asked",
            Phase::Split { .. } => "split",
            Phase::Landing { .. } => "landing",
            Phase::Handed { .. } => "handed",
            Phase::Blocked { .. } => "blocked",
            Phase::Done => "done",
            Phase::Closed => "closed",
        }
    }

    /// Whether a person must do something before anything goes on.
    pub fn needs_person(&self) -> bool {
        matches!(self, Phase::Asked { .. } | Phase::Handed { .. } | Phase::Blocked { .. })
    }

    /// Whether nothing will happen to the issue any more unless it is opened again.
    pub fn is_final(&self) -> bool {
        matches!(self, Phase::Done | Phase::Closed)
    }
}
