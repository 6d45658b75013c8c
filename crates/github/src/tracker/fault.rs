//! From what went wrong on GitHub to what core is told.

use dayfly_core::{ForgeRepo, IssueId, ProjectName, TrackerError};
use jiff::Timestamp;

use crate::GitHubError;

/// What went wrong with a repository, for everybody who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A person must mend it.
    Mend {
        /// What it is about.
        place: String,
        /// What is wrong, with the remedy.
        problem: String,
    },
    /// It will not take that.
    Refused(String),
    /// Not before then.
    Limited {
        /// When.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// It does not answer.
    Unavailable(String),
    /// There is no such issue.
    NoIssue(IssueId),
}

/// A text as the source of an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Why(String);

impl Fault {
    /// The repository is not there, or hidden. It is never taken for one without issues.
    pub(crate) fn hidden(repo: &ForgeRepo, said: &str) -> Self {
        let problem = format!(
            "it is not there, or the token may not see it: {said}; check its name in dayfly.toml, and what the token has \
             access to"
        );
        Fault::Mend { place: format!("{repo} on GitHub"), problem }
    }

    /// Another repository has the name now.
    pub(crate) fn replaced(repo: &ForgeRepo, known: u64, now: u64, file: &camino::Utf8Path) -> Self {
        let problem = format!(
            "it is repository {now} of GitHub, and was {known}: another one has its name now; correct the name in \
             dayfly.toml, or remove {file} if it is meant"
        );
        Fault::Mend { place: format!("{repo} on GitHub"), problem }
    }

    pub(crate) fn into_error(self, project: &ProjectName) -> TrackerError {
        let project = project.clone();
        match self {
            Fault::Mend { place, problem } => TrackerError::Malformed { place, problem },
            Fault::Refused(reason) => TrackerError::Refused { project, reason },
            Fault::Limited { until, reason } => TrackerError::Limited { project, reason, until },
            Fault::Unavailable(why) => TrackerError::Unavailable { project, source: Box::new(Why(why)) },
            Fault::NoIssue(issue) => TrackerError::NotFound { project, issue },
        }
    }
}

impl From<GitHubError> for Fault {
    fn from(error: GitHubError) -> Self {
        let said = chain(&error);
        let mend = |problem: String| Fault::Mend { place: "GitHub".into(), problem };
        match error {
            GitHubError::Limited { until, what, .. } => Fault::Limited { until, reason: what.to_string() },
            GitHubError::Unauthorised { .. } | GitHubError::Credentials { .. } => mend(said),
            GitHubError::NotFoundOrNoAccess { .. } | GitHubError::Forbidden { .. } => {
                mend(format!("{said}; see what the token may do in the repository"))
            }
            GitHubError::Gone { .. } => mend(format!("{said}; see that the repository has its issues turned on")),
            GitHubError::Unprocessable { .. } | GitHubError::Rejected { .. } | GitHubError::NotNow { .. } => {
                Fault::Refused(said)
            }
            _ => Fault::Unavailable(said),
        }
    }
}

/// The error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}
