//! What GraphQL tells of an open pull request: checks with whether they are required, reviews, conversations, queues.

use std::collections::BTreeMap;

use dayfly_core::Mergeable;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::checks::{Check, End, await_required, cut, judged};
use super::listed::Listed;
use super::review::{Decision, Opinion, OpinionState, remark, reviewed};
use super::{Pulls, Standing};
use crate::{GitHubError, Priority};

const STATUS: &str = include_str!("../gql/pull_status.graphql");
/// The most pages of checks that are read, of a hundred each.
const MOST_PAGES: usize = 10;

#[derive(Debug, Deserialize)]
struct Answer {
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(rename = "pullRequest")]
    pull: Option<Node>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) id: String,
    is_draft: bool,
    head_ref_oid: String,
    mergeable: String,
    merge_state_status: String,
    #[serde(default)]
    review_decision: Option<String>,
    #[serde(default)]
    pub(super) is_merge_queue_enabled: bool,
    #[serde(default)]
    merge_queue_entry: Option<IgnoredAny>,
    #[serde(default)]
    auto_merge_request: Option<IgnoredAny>,
    review_threads: Nodes<Thread>,
    #[serde(default)]
    latest_opinionated_reviews: Option<Nodes<Reviewed>>,
    #[serde(default)]
    status_check_rollup: Option<Rollup>,
}

#[derive(Debug, Deserialize)]
struct Nodes<T> {
    #[serde(default = "Vec::new")]
    nodes: Vec<Option<T>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    is_resolved: bool,
}

#[derive(Debug, Deserialize)]
struct Reviewed {
    author: Option<Author>,
    state: String,
    #[serde(default)]
    body: String,
    commit: Option<Oid>,
    comments: Nodes<Remark>,
}

#[derive(Debug, Deserialize)]
struct Author {
    #[serde(rename = "__typename")]
    kind: String,
    login: String,
}

#[derive(Debug, Deserialize)]
struct Oid {
    oid: String,
}

#[derive(Debug, Deserialize)]
struct Remark {
    path: String,
    line: Option<u64>,
    body: String,
}

#[derive(Debug, Deserialize)]
struct Rollup {
    contexts: Contexts,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Contexts {
    page_info: PageInfo,
    #[serde(default)]
    nodes: Vec<Option<Context>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "__typename")]
enum Context {
    #[serde(rename = "CheckRun")]
    Run(Box<Run>),
    #[serde(rename = "StatusContext")]
    Status(Status),
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    #[serde(default)]
    database_id: Option<u64>,
    name: String,
    status: String,
    conclusion: Option<String>,
    title: Option<String>,
    summary: Option<String>,
    details_url: Option<String>,
    #[serde(default)]
    is_required: bool,
    annotations: Option<Nodes<Annotation>>,
    /// What tells it from others of the same name: whose it is, and what started it.
    #[serde(default)]
    check_suite: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Annotation {
    path: String,
    message: String,
    location: Option<Span>,
}

#[derive(Debug, Deserialize)]
struct Span {
    start: Start,
}

#[derive(Debug, Deserialize)]
struct Start {
    line: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    context: String,
    state: String,
    description: Option<String>,
    target_url: Option<String>,
    #[serde(default)]
    is_required: bool,
}

impl Pulls<'_> {
    /// What GraphQL tells of it.
    pub(super) async fn standing(&self, listed: &Listed) -> Result<Standing, GitHubError> {
        let (node, mut checks) = self.node(listed.number).await?;
        let opinions: Vec<Opinion> = node
            .latest_opinionated_reviews
            .iter()
            .flat_map(|reviews| reviews.nodes.iter().flatten())
            .filter(|review| review.author.as_ref().is_none_or(|author| author.kind != "Bot"))
            .map(Opinion::from)
            .collect();
        let decision = match node.review_decision.as_deref() {
            None => Decision::Free,
            Some("APPROVED") => Decision::Approved,
            Some(_) => Decision::Wanted,
        };
        let open = node.review_threads.nodes.iter().flatten().filter(|thread| !thread.is_resolved).count();
        let unresolved = match open {
            0 => 0,
            open if self.rules(&listed.base.branch).await?.resolve_threads => u32::try_from(open).unwrap_or(u32::MAX),
            _ => 0,
        };
        let mergeable = mergeable(&node.merge_state_status, &node.mergeable);
        if mergeable != Mergeable::Clean || node.is_draft {
            await_required(&mut checks, &self.rules(&listed.base.branch).await?.checks);
        }
        Ok(Standing {
            mergeable,
            checks: self.with_logs(judged(&checks)).await?,
            review: reviewed(&opinions, decision, &node.head_ref_oid),
            unresolved,
            merging: node.merge_queue_entry.is_some() || node.auto_merge_request.is_some(),
            draft: node.is_draft,
            head: node.head_ref_oid,
        })
    }

    /// The pull request with all of its checks.
    pub(super) async fn node(&self, number: u64) -> Result<(Node, Vec<Check>), GitHubError> {
        let (mut after, mut all) = (None::<String>, Vec::new());
        for page in 1.. {
            let variables =
                json!({ "owner": self.repo.owner(), "name": self.repo.name(), "number": number, "after": after });
            let answer: Answer = self.github.graphql_with(STATUS, &variables, Some(self.repo), Priority::Merge).await?;
            let mut node = answer.repository.and_then(|r| r.pull).ok_or_else(|| self.vanished(number))?;
            let contexts = node.status_check_rollup.take().map(|rollup| rollup.contexts);
            let Some(contexts) = contexts else { return Ok((node, latest(all))) };
            all.extend(contexts.nodes.into_iter().flatten());
            after = contexts.page_info.end_cursor.filter(|_| contexts.page_info.has_next_page);
            if after.is_none() || page == MOST_PAGES {
                return Ok((node, latest(all)));
            }
        }
        Err(self.vanished(number))
    }

    fn vanished(&self, number: u64) -> GitHubError {
        let mut at = crate::Call::post("/graphql").site();
        at.path = format!("/graphql (pull request #{number} of {})", self.repo);
        GitHubError::NotFoundOrNoAccess { at, permissions: None }
    }
}

impl From<&Reviewed> for Opinion {
    fn from(review: &Reviewed) -> Self {
        Self {
            by: review.author.as_ref().map_or_else(|| "ghost".into(), |author| author.login.clone()),
            state: OpinionState::of(&review.state),
            commit: review.commit.as_ref().map(|commit| commit.oid.clone()),
            body: review.body.clone(),
            remarks: review.comments.nodes.iter().flatten().map(|r| remark(&r.path, r.line, &r.body)).collect(),
        }
    }
}

/// The checks, each as it was run last: one that was run again is told as often as it was run.
fn latest(mut contexts: Vec<Context>) -> Vec<Check> {
    contexts.sort_by_key(|context| match context {
        Context::Run(run) => run.database_id,
        _ => None,
    });
    let mut last = BTreeMap::new();
    for (n, context) in contexts.iter().enumerate() {
        if let Context::Run(run) = context {
            last.insert((run.name.clone(), run.check_suite.to_string()), n);
        }
    }
    let is_last = |n: usize, context: &Context| match context {
        Context::Run(run) => last.get(&(run.name.clone(), run.check_suite.to_string())) == Some(&n),
        _ => true,
    };
    let last: Vec<bool> = contexts.iter().enumerate().map(|(n, context)| is_last(n, context)).collect();
    contexts.into_iter().zip(last).filter_map(|(context, is_last)| check(context).filter(|_| is_last)).collect()
}

fn check(context: Context) -> Option<Check> {
    match context {
        Context::Run(run) => {
            let notes = run.annotations.iter().flat_map(|notes| notes.nodes.iter().flatten());
            let notes = notes.map(|n| remark(&n.path, n.location.as_ref().and_then(|l| l.start.line), &n.message));
            let said = [run.title.clone(), run.summary.as_deref().map(cut)];
            Some(Check {
                end: End::of_run(&run.status, run.conclusion.as_deref()),
                required: run.is_required,
                url: run.details_url.clone(),
                found: said.into_iter().flatten().chain(notes).filter(|text| !text.is_empty()).collect(),
                name: run.name,
            })
        }
        Context::Status(status) => Some(Check {
            name: status.context,
            end: End::of_status(&status.state),
            required: status.is_required,
            url: status.target_url,
            found: status.description.into_iter().collect(),
        }),
        Context::Other => None,
    }
}

/// Whether it could be merged. What GitHub adds in the future is taken for a rule that is not met.
pub(super) fn mergeable(state: &str, merges: &str) -> Mergeable {
    match (state.to_ascii_uppercase().as_str(), merges) {
        ("DIRTY", _) | (_, "CONFLICTING") => Mergeable::Conflict,
        ("UNKNOWN", _) | (_, "UNKNOWN") => Mergeable::Unknown,
        ("BEHIND", _) => Mergeable::Behind,
        // Checks that fail without being required do not keep it from being merged, and a draft says so itself.
        ("CLEAN" | "HAS_HOOKS" | "UNSTABLE" | "DRAFT", _) => Mergeable::Clean,
        _ => Mergeable::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: u64, conclusion: &str, workflow: &str) -> Context {
        let suite = json!({ "workflowRun": { "workflow": { "name": workflow } } });
        let run = json!({ "__typename": "CheckRun", "databaseId": id, "name": "build", "status": "COMPLETED",
            "conclusion": conclusion, "checkSuite": suite });
        serde_json::from_value(run).unwrap()
    }

    #[test]
    fn a_check_that_was_run_again_counts_as_it_ended_last() {
        let ends = |contexts| latest(contexts).iter().map(|check| check.end).collect::<Vec<_>>();
        assert_eq!(ends(vec![run(2, "SUCCESS", "ci"), run(1, "FAILURE", "ci")]), [End::Passed]);
        assert_eq!(ends(vec![run(1, "SUCCESS", "ci"), run(2, "FAILURE", "ci")]), [End::Failed]);
        let two = ends(vec![run(1, "FAILURE", "ci"), run(2, "SUCCESS", "nightly")]);
        assert_eq!(two, [End::Failed, End::Passed], "another workflow's of the same name is another one");
    }

    #[test]
    fn what_keeps_it_is_told_apart() {
        assert_eq!(mergeable("CLEAN", "MERGEABLE"), Mergeable::Clean);
        assert_eq!(mergeable("unstable", "MERGEABLE"), Mergeable::Clean);
        assert_eq!(mergeable("BLOCKED", "CONFLICTING"), Mergeable::Conflict);
        assert_eq!(mergeable("DIRTY", "CONFLICTING"), Mergeable::Conflict);
        assert_eq!(mergeable("BLOCKED", "MERGEABLE"), Mergeable::Blocked);
        assert_eq!(mergeable("BEHIND", "MERGEABLE"), Mergeable::Behind);
        assert_eq!(mergeable("DRAFT", "MERGEABLE"), Mergeable::Clean);
        assert_eq!(mergeable("UNKNOWN", "UNKNOWN"), Mergeable::Unknown);
        assert_eq!(mergeable("SOMETHING_NEW", "MERGEABLE"), Mergeable::Blocked);
    }
}
