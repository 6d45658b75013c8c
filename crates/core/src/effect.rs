//! Typed writes to the outside world.

mod again;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Commit, IssueRef, ProjectName, PullWrite, TrackerWrite};

pub use again::{Again, Boot, IN_FLIGHT, quarantine_until};

/// The key of one effect; doing it twice with the same key does it once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub String);

impl EffectId {
    /// Whether it tells of attempts that were in doubt when the ledger was put back from a backup.
    pub fn is_of_restore(&self) -> bool {
        // The key of an attempt's effect names no issue.
        self.0.split_once('#').is_some_and(|(_, rest)| rest.contains(".restored."))
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A write to the outside world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Effect {
    /// Write to a project's tracker.
    Tracker {
        /// The project.
        project: ProjectName,
        /// What.
        write: TrackerWrite,
    },
    /// Move the base branch from one commit to the next, never by force. If the branch stands
    /// elsewhere by then, the effect is refused and the landing is done again.
    Land {
        /// The project.
        project: ProjectName,
        /// The branch.
        branch: String,
        /// Where it must stand.
        from: Commit,
        /// Where it is to stand: a descendant of `from`.
        to: Commit,
    },
    /// Leave a branch for a person to merge.
    Branch {
        /// The project.
        project: ProjectName,
        /// The branch, within dayfly's own prefix.
        branch: String,
        /// Where it is to stand.
        commit: Commit,
    },
    /// Put a commit on a branch of the project's forge, within dayfly's own prefix.
    Push {
        /// The project.
        project: ProjectName,
        /// The branch.
        branch: String,
        /// Where it is to stand. If it stands at a commit that no attempt made, somebody else has pushed, and it is left
        /// alone.
        commit: Commit,
    },
    /// Write to a pull request.
    Pull {
        /// The project.
        project: ProjectName,
        /// What.
        write: PullWrite,
    },
}

impl Effect {
    /// The kind, for tables and statistics.
    pub fn kind(&self) -> EffectKind {
        match self {
            Effect::Tracker { write, .. } => match write {
                TrackerWrite::Comment { .. } | TrackerWrite::Sticky { .. } => EffectKind::Comment,
                TrackerWrite::Labels { .. } => EffectKind::Labels,
                TrackerWrite::State { .. } | TrackerWrite::Duplicate { .. } => EffectKind::State,
                TrackerWrite::Create(_) => EffectKind::Create,
                TrackerWrite::BlockedBy { .. } => EffectKind::Order,
                TrackerWrite::SetMilestone { .. } | TrackerWrite::Milestone { .. } => EffectKind::Milestone,
            },
            Effect::Land { .. } => EffectKind::Land,
            Effect::Branch { .. } => EffectKind::Branch,
            Effect::Push { .. } => EffectKind::Push,
            Effect::Pull { write, .. } => match write {
                PullWrite::Say { .. } => EffectKind::Comment,
                PullWrite::Merge { .. } => EffectKind::Merge,
                PullWrite::Open(_) | PullWrite::Ready { .. } | PullWrite::RemoveBranch { .. } => EffectKind::Pull,
            },
        }
    }

    /// Whether the issue goes on without it: if it is refused, that is told, and nothing else follows.
    pub fn is_aside(&self) -> bool {
        match self {
            Effect::Tracker { write, .. } => matches!(
                write,
                TrackerWrite::Sticky { .. }
                    | TrackerWrite::Duplicate { .. }
                    | TrackerWrite::BlockedBy { .. }
                    | TrackerWrite::SetMilestone { .. }
                    | TrackerWrite::Milestone { .. }
            ),
            Effect::Pull { write, .. } => matches!(write, PullWrite::Say { .. } | PullWrite::RemoveBranch { .. }),
            _ => false,
        }
    }

    /// Whether it makes a part of an issue that is split.
    pub fn is_part(&self) -> bool {
        matches!(self, Effect::Tracker { write: TrackerWrite::Create(new), .. } if new.parent.is_some())
    }

    /// Whether it puts a change on the base branch.
    pub fn lands(&self) -> bool {
        matches!(self, Effect::Land { .. } | Effect::Pull { write: PullWrite::Merge { .. }, .. })
    }

    /// The project it is for.
    pub fn project(&self) -> &ProjectName {
        match self {
            Effect::Tracker { project, .. }
            | Effect::Land { project, .. }
            | Effect::Branch { project, .. }
            | Effect::Push { project, .. }
            | Effect::Pull { project, .. } => project,
        }
    }
}

/// The kind of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// A comment.
    Comment,
    /// Labels set.
    Labels,
    /// An issue opened or closed.
    State,
    /// An issue created.
    Create,
    /// A landing on the base branch.
    Land,
    /// A branch left for a person.
    Branch,
    /// What must come before an issue.
    Order,
    /// A milestone, or what is under it.
    Milestone,
    /// A branch pushed to a forge.
    Push,
    /// A pull request opened or made ready.
    Pull,
    /// A merge asked for.
    Merge,
}

/// An effect in the outbox. Those of one issue are applied in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectEntry {
    /// Its key.
    pub id: EffectId,
    /// The issue it serves.
    pub issue: IssueRef,
    /// What is to be done.
    pub effect: Effect,
}
