//! Where changes are reviewed and merged: the pull requests of a forge.

mod pull;
mod write;

use std::fmt;
use std::fmt::Debug;

use async_trait::async_trait;

use crate::{ProjectName, TrackerError};

pub use pull::{Checks, FailedCheck, Mergeable, Pull, PullState, Review};
pub use write::{MergeMethod, NewPull, PullApplied, PullWrite};

/// A repository on a forge, as `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ForgeRepo {
    owner: String,
    name: String,
}

/// A text that names no repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no repository; write it as `owner/name`")]
pub struct ForgeRepoError(String);

impl ForgeRepo {
    /// Reads `owner/name`.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn new(text: &str) -> Result<Self, ForgeRepoError> {
        let plain = |part: &str| {
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            (1..=100).contains(&part.len()) && part.chars().all(fine) && !matches!(part, "." | "..")
        };
        match text.split_once('/') {
            Some((owner, name)) if plain(owner) && plain(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(ForgeRepoError(text.to_owned())),
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name there.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ForgeRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl TryFrom<String> for ForgeRepo {
    type Error = ForgeRepoError;
    fn try_from(text: String) -> Result<Self, ForgeRepoError> {
        Self::new(&text)
    }
}

impl From<ForgeRepo> for String {
    fn from(repo: ForgeRepo) -> String {
        repo.to_string()
    }
}

/// A text that is shown to nobody: neither its `Debug` nor its `Display` holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that must send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where the engine's git reads and writes the branches of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The address for git.
    pub url: String,
    /// The value of the header `Authorization` with which it is asked; good for some minutes at least.
    pub authorization: Option<Secret>,
}

/// Where the changes of projects are reviewed and merged.
///
/// # Contract
/// - `pulls` gives, for each of the branches, the open pull request whose head it is, or else the last one there was.
/// - After `apply` has returned, `pulls` shows its effect, but for a merge: that is asked for, and seen when it is done.
/// - `apply` twice with the same key does it once, also across restarts; the second answers with the same pull request.
/// - A merge names the commit that was judged. If the branch stands elsewhere by then, nothing is merged.
/// - A failed `apply` has either happened whole or not at all.
///
/// # Cancellation
/// Dropping the future of `apply` leaves the write done or not done; the next with the same key finds out which.
///
/// # Errors
/// Those of a [tracker](crate::Tracker), with the same meaning.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Forge: Debug + Send + Sync + 'static {
    /// The pull requests whose heads are these branches.
    async fn pulls(&self, project: &ProjectName, branches: &[String]) -> Result<Vec<Pull>, TrackerError>;
    /// Does one write, once.
    async fn apply(&self, project: &ProjectName, key: &str, write: &PullWrite) -> Result<PullApplied, TrackerError>;
    /// Where the branches of the project are.
    async fn remote(&self, project: &ProjectName) -> Result<Remote, TrackerError>;
    /// As [`Tracker::guards_writes`](crate::Tracker::guards_writes).
    fn guards_writes(&self, project: &ProjectName) -> bool {
        let _ = project;
        false
    }
}
