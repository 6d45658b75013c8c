//! What a host can do: github.com has everything, a GitHub Enterprise Server what its version has.

use std::sync::Mutex;

use serde::Deserialize;

use crate::call::repo_path;
use crate::place::Place;
use crate::{Call, GitHub, GitHubError, Priority};
use dayfly_core::ForgeRepo;

/// What a host can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Issues have sub-issues, over REST.
    pub sub_issues: bool,
    /// Issues have dependencies: blocked by, blocking.
    pub dependencies: bool,
    /// A merge can be asked for, and looked after.
    pub merge_async: bool,
    /// Issues have types.
    pub issue_types: bool,
}

/// One of the capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// See [`Capabilities::sub_issues`].
    SubIssues,
    /// See [`Capabilities::dependencies`].
    Dependencies,
    /// See [`Capabilities::merge_async`].
    MergeAsync,
    /// See [`Capabilities::issue_types`].
    IssueTypes,
}

const ALL: Capabilities = Capabilities { sub_issues: true, dependencies: true, merge_async: true, issue_types: true };

/// What is known of the host so far.
#[derive(Debug)]
pub(crate) struct Known(Mutex<Option<Capabilities>>);

impl Known {
    pub(crate) fn new(place: &Place) -> Self {
        Self(Mutex::new(place.is_cloud().then_some(ALL)))
    }

    fn get(&self) -> Option<Capabilities> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn set(&self, capabilities: Capabilities) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(capabilities);
    }
}

impl GitHub {
    /// What the host can do, as far as it is known. A server is asked for its version once.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn capabilities(&self) -> Result<Capabilities, GitHubError> {
        #[derive(Deserialize)]
        struct Meta {
            #[serde(default)]
            installed_version: Option<String>,
        }
        if let Some(known) = self.known().get() {
            return Ok(known);
        }
        let version = match self.transport().enterprise() {
            Some(version) => Some(version),
            None => match self.send::<Meta>(asked("/meta".into())).await {
                Ok(meta) => meta.installed_version.or_else(|| self.transport().enterprise()),
                Err(error) if error.is_absent() => None,
                Err(error) => return Err(error),
            },
        };
        let found = version.as_deref().map_or(ALL, of_version);
        self.known().set(found);
        Ok(found)
    }

    /// Learns from a call of a feature that was answered "not found": if the repository itself can be read, the host
    /// lacks the feature, and is not asked for it again. Says whether it does.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub async fn lacks(&self, feature: Feature, repository: &ForgeRepo) -> Result<bool, GitHubError> {
        let mut known = self.capabilities().await?;
        // What github.com does not find is missing, and the feature is there.
        if self.transport().place.is_cloud() {
            return Ok(false);
        }
        match self.run(asked(repo_path(repository))).await {
            Ok(()) => {}
            Err(error) if error.is_absent() => return Ok(false),
            Err(error) => return Err(error),
        }
        match feature {
            Feature::SubIssues => known.sub_issues = false,
            Feature::Dependencies => known.dependencies = false,
            Feature::MergeAsync => known.merge_async = false,
            Feature::IssueTypes => known.issue_types = false,
        }
        self.known().set(known);
        Ok(true)
    }
}

/// Asked once, and by merges too.
fn asked(path: String) -> Call {
    Call::get(path).priority(Priority::Merge)
}

/// What this version of GitHub Enterprise Server can do. A later one than those known is taken to have everything, until
/// it answers that it has not.
fn of_version(version: &str) -> Capabilities {
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match version {
        _ if version < (3, 19) => {
            Capabilities { sub_issues: false, dependencies: false, merge_async: false, issue_types: false }
        }
        (3, 19) => Capabilities { dependencies: true, ..of_version("3.18") },
        _ => ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, of_version};

    #[test]
    fn a_server_has_what_its_version_has() {
        assert!(!of_version("3.17.2").dependencies);
        assert!(of_version("3.19.0").dependencies && !of_version("3.19.0").merge_async);
        assert_eq!(of_version("3.21.0"), ALL);
        assert!(!of_version("unreadable").sub_issues);
    }
}
