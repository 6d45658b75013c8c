//! Merging: always the commit that was judged, or nothing.

use dayfly_core::{Commit, MergeMethod, PullApplied};
use serde::Deserialize;
use serde_json::json;

use super::listed::Listed;
use super::{Asked, Pulls, locked};
use crate::{Call, Feature, GitHubError, Priority};

const ENQUEUE: &str = include_str!("../gql/enqueue.graphql");
/// The most merges that are remembered.
const REMEMBERED: usize = 1000;

/// What GitHub says of a merge that was asked for.
#[derive(Debug, Deserialize)]
struct Told {
    status: String,
    #[serde(default)]
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    message: String,
    uuid: Option<String>,
    expected_head_sha: Option<String>,
}

impl Pulls<'_> {
    pub(super) async fn merge(
        &self,
        branch: &str,
        head: &Commit,
        method: MergeMethod,
    ) -> Result<PullApplied, GitHubError> {
        let not_now = |why: String| Ok(PullApplied::NotNow(why));
        let Some(pull) = self.of_branch(branch).await? else {
            return not_now("there is no pull request of that branch".into());
        };
        if pull.is_merged() {
            return Ok(PullApplied::Already(Some(pull.number)));
        }
        if !pull.is_open() {
            return not_now("it is closed".into());
        }
        if pull.head.sha != head.0 {
            return not_now(format!("its branch stands at {}", Commit(pull.head.sha).short()));
        }
        if self.github.capabilities().await?.merge_async {
            match self.ask(&pull, head, method).await {
                Err(error) if error.is_absent() => {
                    if !self.github.lacks(Feature::MergeAsync, self.repo).await? {
                        return Err(error);
                    }
                }
                other => return other,
            }
        }
        self.merge_now(&pull, head, method).await
    }

    /// Asks for the merge. GitHub does it when its rules allow it, by way of a queue if the base has one.
    async fn ask(&self, pull: &Listed, head: &Commit, method: MergeMethod) -> Result<PullApplied, GitHubError> {
        let wish = json!({ "sha": head.0, "merge_method": name(method) });
        let path = self.path(&format!("/pulls/{}/merge-async", pull.number));
        let call = Call::put(path).json(&wish)?.priority(Priority::Merge);
        match self.github.send::<Told>(call).await {
            Ok(told) => Ok(match (told.status.as_str(), told.details.uuid) {
                ("failed", _) => PullApplied::NotNow(told.details.message),
                (_, Some(uuid)) => {
                    self.remember(pull.number, uuid, head);
                    PullApplied::Done(Some(pull.number))
                }
                (_, None) => PullApplied::Done(Some(pull.number)),
            }),
            // It was asked for before: by us, if it names the same commit.
            Err(GitHubError::Conflict { message, body, .. }) => {
                let told = body.and_then(|body| serde_json::from_value::<Told>(*body).ok());
                let details = told.map(|told| told.details).unwrap_or_default();
                match (details.uuid, details.expected_head_sha) {
                    (Some(uuid), Some(sha)) if sha == head.0 => {
                        self.remember(pull.number, uuid, head);
                        Ok(PullApplied::Already(Some(pull.number)))
                    }
                    _ => Ok(PullApplied::NotNow(message)),
                }
            }
            Err(error) => refused(error),
        }
    }

    /// Merges at once, or by the queue of the base, where a merge cannot be asked for.
    async fn merge_now(&self, pull: &Listed, head: &Commit, method: MergeMethod) -> Result<PullApplied, GitHubError> {
        let queue = match self.node(pull.number).await {
            Ok((node, _)) => node.is_merge_queue_enabled.then_some(node.id),
            Err(GitHubError::GraphQl { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(id) = queue {
            let variables = json!({ "id": id, "head": head.0 });
            let asked =
                self.github.graphql_with::<serde_json::Value>(ENQUEUE, &variables, Some(self.repo), Priority::Merge);
            return match asked.await {
                Ok(_) => Ok(PullApplied::Done(Some(pull.number))),
                Err(error) => refused(error),
            };
        }
        let wish = json!({ "sha": head.0, "merge_method": name(method) });
        let path = self.path(&format!("/pulls/{}/merge", pull.number));
        match self.github.run(Call::put(path).json(&wish)?.priority(Priority::Merge)).await {
            Ok(()) => Ok(PullApplied::Done(Some(pull.number))),
            Err(error) => refused(error),
        }
    }

    /// Whether a merge that was asked for is under way, and why it failed if it did.
    pub(super) async fn asked(&self, number: u64, head: &str) -> Result<(bool, Option<String>), GitHubError> {
        let place = self.place(number);
        let asked = locked(&self.memory.asked).get(&place).cloned();
        let Some(asked) = asked.filter(|asked| asked.head == head) else {
            return Ok((false, None));
        };
        if asked.failed.is_some() {
            return Ok((false, asked.failed));
        }
        let path = self.path(&format!("/pulls/{number}/merge-async/{}", asked.uuid));
        let told = match self.github.send::<Told>(Call::get(path).priority(Priority::Merge)).await {
            Ok(told) => told,
            // It is kept for a day.
            Err(error) if error.is_absent() => {
                locked(&self.memory.asked).remove(&place);
                return Ok((false, None));
            }
            Err(error) => return Err(error),
        };
        match told.status.as_str() {
            "failed" => {
                let failed = Some(told.details.message);
                locked(&self.memory.asked).insert(place, Asked { failed: failed.clone(), ..asked });
                Ok((false, failed))
            }
            // Whether it is still in the queue is told by the pull request itself.
            "enqueued" => {
                locked(&self.memory.asked).remove(&place);
                Ok((true, None))
            }
            _ => Ok((true, None)),
        }
    }

    fn remember(&self, number: u64, uuid: String, head: &Commit) {
        let mut asked = locked(&self.memory.asked);
        if asked.len() >= REMEMBERED {
            asked.pop_first();
        }
        asked.insert(self.place(number), Asked { uuid, head: head.0.clone(), failed: None });
    }

    fn place(&self, number: u64) -> (String, u64) {
        (self.repo.to_string().to_ascii_lowercase(), number)
    }
}

/// What GitHub will not do as things stand is no error: what is seen next says more.
fn refused(error: GitHubError) -> Result<PullApplied, GitHubError> {
    match error {
        GitHubError::NotNow { message, .. }
        | GitHubError::Conflict { message, .. }
        | GitHubError::Unprocessable { message, .. }
        | GitHubError::Rejected { status: 400, message, .. } => Ok(PullApplied::NotNow(message)),
        GitHubError::GraphQl { problems, .. } => {
            let said: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            Ok(PullApplied::NotNow(said.join("; ")))
        }
        error => Err(error),
    }
}

fn name(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}
