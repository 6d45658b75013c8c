//! Pull requests: found by their branches, read whole, and written once.

mod checks;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod listed;
mod log;
mod merge;
mod open;
mod plain;
mod review;
mod say;
mod status;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dayfly_core::{Checks, Commit, ForgeRepo, Mergeable, Pull, PullApplied, PullState, PullWrite, Review};

use crate::call::repo_path;
use crate::{Call, GitHub, GitHubError, Priority, segment};
use listed::Listed;

/// The pull requests of one repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pulls<'a> {
    pub(crate) github: &'a GitHub,
    pub(crate) repo: &'a ForgeRepo,
    pub(crate) memory: &'a Memory,
}

/// What is worth remembering from one look to the next. Losing it costs calls, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Merges that were asked for, by repository and number.
    asked: Mutex<BTreeMap<(String, u64), Asked>>,
    /// The last lines of logs, by job.
    tails: Mutex<BTreeMap<u64, String>>,
}

/// A merge that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    uuid: String,
    head: String,
    failed: Option<String>,
}

/// What is only known of an open pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    head: String,
    draft: bool,
    mergeable: Mergeable,
    checks: Checks,
    review: Review,
    unresolved: u32,
    merging: bool,
}

impl Pulls<'_> {
    /// The pull request of each branch that has one.
    pub(crate) async fn of_branches(&self, branches: &[String]) -> Result<Vec<Pull>, GitHubError> {
        let mut pulls = Vec::new();
        for branch in branches {
            if let Some(listed) = self.of_branch(branch).await? {
                pulls.push(self.whole(listed).await?);
            }
        }
        Ok(pulls)
    }

    /// Does one write, once.
    pub(crate) async fn apply(&self, key: &str, write: &PullWrite) -> Result<PullApplied, GitHubError> {
        let applied = match write {
            PullWrite::Open(new) => self.open(key, new).await,
            PullWrite::Ready { branch } => self.ready(branch).await,
            PullWrite::Say { branch, topic, body } => self.say(key, branch, topic, body).await,
            PullWrite::Merge { branch, head, method } => self.merge(branch, head, *method).await,
            PullWrite::RemoveBranch { branch } => self.remove_branch(branch).await,
        }?;
        // It was found, or done another way: an earlier try is of no interest any more.
        if self.github.unsettled(key).is_some() && !matches!(applied, PullApplied::NotNow(_)) {
            self.github.settle(key).await?;
        }
        Ok(applied)
    }

    async fn whole(&self, listed: Listed) -> Result<Pull, GitHubError> {
        let mut pull = listed.as_pull();
        if pull.state != PullState::Open {
            return Ok(pull);
        }
        let standing = match self.standing(&listed).await {
            // A token may be kept from GraphQL's checks, and an older server may not know a field.
            Err(GitHubError::GraphQl { .. } | GitHubError::TooLarge { .. }) => self.plain_standing(&listed).await?,
            other => other?,
        };
        let (merging, failed) = self.asked(pull.number, &standing.head).await?;
        pull.head = Commit(standing.head);
        pull.draft = standing.draft;
        pull.mergeable = standing.mergeable;
        pull.checks = standing.checks;
        pull.review = standing.review;
        pull.unresolved = standing.unresolved;
        pull.merging = standing.merging || merging;
        pull.failed = failed;
        Ok(pull)
    }

    async fn remove_branch(&self, branch: &str) -> Result<PullApplied, GitHubError> {
        let Some(pull) = self.of_branch(branch).await? else {
            return Ok(PullApplied::NotNow("there is no pull request of that branch".into()));
        };
        if pull.is_open() {
            return Ok(PullApplied::NotNow("its pull request is open".into()));
        }
        let path: Vec<String> = branch.split('/').map(segment).collect();
        let path = path.join("/");
        match self.github.get::<listed::Reference>(self.path(&format!("/git/ref/heads/{path}"))).await {
            Ok(reference) if reference.object.sha == pull.head.sha => {}
            Ok(_) => return Ok(PullApplied::NotNow("somebody pushed to it since".into())),
            Err(error) if error.is_absent() => return Ok(PullApplied::Already(Some(pull.number))),
            Err(error) => return Err(error),
        }
        let call = Call::delete(self.path(&format!("/git/refs/heads/{path}"))).priority(Priority::Merge);
        match self.github.run(call).await {
            Ok(()) => Ok(PullApplied::Done(Some(pull.number))),
            // Another one was faster, or GitHub itself.
            Err(GitHubError::Unprocessable { .. } | GitHubError::NotFoundOrNoAccess { .. }) => {
                Ok(PullApplied::Already(Some(pull.number)))
            }
            Err(error) => Err(error),
        }
    }

    fn path(&self, below: &str) -> String {
        format!("{}{below}", repo_path(self.repo))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
