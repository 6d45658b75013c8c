//! A pull request as its forge shows it.

use serde::{Deserialize, Serialize};

use crate::Commit;

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Where a person reads it.
    pub url: String,
    /// The branch that is to be merged.
    pub branch: String,
    /// The commit that branch stands at there.
    pub head: Commit,
    /// The branch it is to be merged into.
    pub base: String,
    /// Where it stands.
    pub state: PullState,
    /// Whether it says of itself that it is not ready.
    pub draft: bool,
    /// Whether it could be merged.
    pub mergeable: Mergeable,
    /// What its checks say.
    pub checks: Checks,
    /// What its reviewers say.
    pub review: Review,
    /// Conversations that are not resolved and must be.
    pub unresolved: u32,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether a merge is asked for and under way: in a queue, or when its checks are done.
    pub merging: bool,
    /// Why the last merge that was asked for failed, if it did.
    pub failed: Option<String>,
}

/// Where a pull request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullState {
    /// It can be reviewed and merged.
    Open,
    /// It was merged, as this commit if the forge says so.
    Merged(Option<Commit>),
    /// It was closed without merging.
    Closed,
}

/// Whether a pull request could be merged, as far as git and the rules of its base are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mergeable {
    /// The forge has not found out.
    Unknown,
    /// Nothing is in the way.
    Clean,
    /// Its base has moved on, and a rule asks for its newest commit.
    Behind,
    /// It and its base touch the same lines.
    Conflict,
    /// A rule is not met.
    Blocked,
}

/// What the checks of a commit say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checks {
    /// There are none.
    None,
    /// These have not ended.
    Pending(Vec<String>),
    /// All that count passed.
    Passed,
    /// These failed.
    Failed(Vec<FailedCheck>),
}

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Its name.
    pub name: String,
    /// Whether a rule of the base asks for it.
    pub required: bool,
    /// Where a person reads it.
    pub url: Option<String>,
    /// What it found, and the last lines of its log.
    pub tail: String,
}

/// What the reviewers of a pull request say. Only those with write permission count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Review {
    /// No rule asks for one, and nobody wrote one.
    None,
    /// A rule asks for one that is not there.
    Wanted,
    /// It is approved.
    Approved,
    /// Somebody asks for changes.
    ChangesRequested {
        /// Who.
        by: String,
        /// What they say, with their remarks on lines.
        body: String,
    },
}
