//! A repository's name on GitHub.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::GitHubError;

/// A repository's name, `owner/name`. Names compare without regard to case, as GitHub's do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoName {
    owner: String,
    name: String,
}

impl RepoName {
    /// Checks and takes the two parts.
    ///
    /// # Errors
    /// If a part is empty or holds what GitHub does not allow there.
    pub fn new(owner: impl Into<String>, name: impl Into<String>) -> Result<Self, GitHubError> {
        let (owner, name) = (owner.into(), name.into());
        let fits = |part: &str, more: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !part.is_empty() && part.len() <= 100 && part.chars().all(known)
        };
        // A name of dots alone would lead elsewhere in a path.
        if fits(&owner, "-_") && fits(&name, "-_.") && name != "." && name != ".." {
            return Ok(Self { owner, name });
        }
        let what = format!("`{owner}/{name}` is not the name of a repository; write `owner/name`");
        Err(GitHubError::Setup { what, source: None })
    }

    /// Who it belongs to.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name there.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of its API, without a slash at the end.
    pub(crate) fn path(&self) -> String {
        format!("/repos/{}/{}", self.owner, self.name)
    }

    /// The name in the one form in which it is a key.
    pub(crate) fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl PartialEq for RepoName {
    fn eq(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for RepoName {}

impl std::hash::Hash for RepoName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl FromStr for RepoName {
    type Err = GitHubError;
    fn from_str(text: &str) -> Result<Self, GitHubError> {
        let (owner, name) = text.split_once('/').unwrap_or((text, ""));
        Self::new(owner, name)
    }
}

impl TryFrom<String> for RepoName {
    type Error = GitHubError;
    fn try_from(text: String) -> Result<Self, GitHubError> {
        text.parse()
    }
}

impl From<RepoName> for String {
    fn from(name: RepoName) -> Self {
        name.to_string()
    }
}
