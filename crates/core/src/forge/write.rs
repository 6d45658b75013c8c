//! Writes to pull requests.

use serde::{Deserialize, Serialize};

use crate::Commit;

/// A new pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPull {
    /// The branch that is to be merged; it is there already.
    pub branch: String,
    /// The commit it stands at.
    pub head: Commit,
    /// The branch it is to be merged into.
    pub base: String,
    /// One line.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Whether it is opened as a draft.
    pub draft: bool,
}

/// One write to a pull request, which is named by its branch. The key makes it happen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullWrite {
    /// Open one for a branch. If one is open already it is taken, and given this title and text.
    Open(NewPull),
    /// Say that it is no draft any more.
    Ready {
        /// Its branch.
        branch: String,
    },
    /// Say something in a comment that is the only one about its topic.
    Say {
        /// Its branch.
        branch: String,
        /// The topic.
        topic: String,
        /// The text, in Markdown.
        body: String,
    },
    /// Ask for its merge, if its branch still stands at that commit.
    Merge {
        /// Its branch.
        branch: String,
        /// The commit that was judged.
        head: Commit,
        /// How.
        method: MergeMethod,
    },
    /// Remove its branch, if it is merged or closed.
    RemoveBranch {
        /// Its branch.
        branch: String,
    },
}

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMethod {
    /// By a commit of two parents.
    Merge,
    /// By one commit that holds all of it.
    #[default]
    Squash,
    /// By its commits, put on top of the base.
    Rebase,
}

/// What became of a write to a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullApplied {
    /// It was done now, to the pull request of that number if there is one.
    Done(Option<u64>),
    /// It had been done before.
    Already(Option<u64>),
    /// It cannot be done as things stand: the branch moved, or a rule is not met. What is seen next says more.
    NotNow(String),
}
