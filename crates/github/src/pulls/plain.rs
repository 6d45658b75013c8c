//! What REST tells of an open pull request, for tokens and servers that GraphQL does not serve.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::checks::{Check, End, await_required, cut, judged};
use super::listed::{Listed, User};
use super::review::{Decision, Opinion, OpinionState, reviewed};
use super::status::mergeable;
use super::{Pulls, Standing};
use crate::{Call, GitHubError, Priority, segment};

/// What the rules of a branch ask for, as far as those without power over them may know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) approvals: u32,
    pub(super) resolve_threads: bool,
    pub(super) checks: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    required_approving_review_count: u32,
    #[serde(default)]
    required_review_thread_resolution: bool,
    #[serde(default)]
    required_status_checks: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    context: String,
}

#[derive(Debug, Deserialize)]
struct Runs {
    check_runs: Vec<Run>,
}

#[derive(Debug, Deserialize)]
struct Run {
    name: String,
    status: String,
    conclusion: Option<String>,
    details_url: Option<String>,
    #[serde(default)]
    output: Output,
}

#[derive(Debug, Default, Deserialize)]
struct Output {
    title: Option<String>,
    summary: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Combined {
    #[serde(default)]
    statuses: Vec<Status>,
}

#[derive(Debug, Deserialize)]
struct Status {
    context: String,
    state: String,
    description: Option<String>,
    target_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reviewed {
    user: Option<User>,
    state: String,
    #[serde(default)]
    body: Option<String>,
    commit_id: Option<String>,
}

impl Pulls<'_> {
    /// What REST tells of it. Which conversations are resolved it does not tell.
    pub(super) async fn plain_standing(&self, listed: &Listed) -> Result<Standing, GitHubError> {
        let pull = self.numbered(listed.number).await?;
        let rules = self.rules(&pull.base.branch).await?;
        let checks = self.plain_checks(&pull.head.sha, &rules).await?;
        let opinions = self.opinions(pull.number).await?;
        let approvals = opinions.iter().filter(|o| o.state == OpinionState::Approved).count();
        let decision = match usize::try_from(rules.approvals).unwrap_or(usize::MAX) {
            0 => Decision::Free,
            wanted if approvals >= wanted => Decision::Approved,
            _ => Decision::Wanted,
        };
        let merges = match pull.mergeable {
            None => "UNKNOWN",
            Some(true) => "MERGEABLE",
            Some(false) => "CONFLICTING",
        };
        Ok(Standing {
            mergeable: mergeable(pull.mergeable_state.as_deref().unwrap_or("unknown"), merges),
            checks: self.with_logs(judged(&checks)).await?,
            review: reviewed(&opinions, decision, &pull.head.sha),
            unresolved: 0,
            merging: pull.auto_merge.is_some(),
            draft: pull.draft,
            head: pull.head.sha,
        })
    }

    /// What the rules of a branch ask for.
    pub(super) async fn rules(&self, branch: &str) -> Result<Rules, GitHubError> {
        let path: Vec<String> = branch.split('/').map(segment).collect();
        let path = self.path(&format!("/rules/branches/{}", path.join("/")));
        let list: Vec<Rule> = match self.github.pages(Call::get(path).priority(Priority::Merge)).await {
            Ok(list) => list,
            // A server without rules, or a token that may not know them: GitHub still holds to them.
            Err(GitHubError::NotFoundOrNoAccess { .. } | GitHubError::Forbidden { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut rules = Rules::default();
        for Rule { kind, parameters } in list {
            match kind.as_str() {
                "pull_request" => {
                    rules.approvals = rules.approvals.max(parameters.required_approving_review_count);
                    rules.resolve_threads |= parameters.required_review_thread_resolution;
                }
                "required_status_checks" => {
                    rules.checks.extend(parameters.required_status_checks.into_iter().map(|named| named.context));
                }
                _ => {}
            }
        }
        Ok(rules)
    }

    /// Check runs and statuses: what a commit is checked by may be either.
    async fn plain_checks(&self, head: &str, rules: &Rules) -> Result<Vec<Check>, GitHubError> {
        let runs = Call::get(self.path(&format!("/commits/{head}/check-runs"))).priority(Priority::Merge);
        let runs = self.github.pages_of(runs, |page: Runs| page.check_runs).await;
        let runs = runs.or_else(|error| if is_refusal(&error) { Ok(Vec::new()) } else { Err(error) })?;
        let statuses = Call::get(self.path(&format!("/commits/{head}/status"))).priority(Priority::Merge);
        // The state that it sums up is "pending" where there is none at all, so it is not read.
        let statuses = self.github.pages_of(statuses, |page: Combined| page.statuses).await?;
        let required = |name: &str| rules.checks.iter().any(|wanted| wanted == name);
        let of_run = |run: Run| Check {
            end: End::of_run(&run.status, run.conclusion.as_deref()),
            required: required(&run.name),
            url: run.details_url,
            found: [run.output.title, run.output.summary.as_deref().map(cut)].into_iter().flatten().collect(),
            name: run.name,
        };
        let of_status = |status: Status| Check {
            end: End::of_status(&status.state),
            required: required(&status.context),
            url: status.target_url,
            found: status.description.into_iter().collect(),
            name: status.context,
        };
        let mut checks: Vec<Check> = runs.into_iter().map(of_run).chain(statuses.into_iter().map(of_status)).collect();
        await_required(&mut checks, &rules.checks);
        Ok(checks)
    }

    /// The last opinion of each reviewer with write permission.
    async fn opinions(&self, number: u64) -> Result<Vec<Opinion>, GitHubError> {
        let call = Call::get(self.path(&format!("/pulls/{number}/reviews"))).priority(Priority::Merge);
        let mut last = BTreeMap::new();
        for review in self.github.pages::<Reviewed>(call).await? {
            let Some(user) = review.user.filter(User::is_person) else { continue };
            if matches!(review.state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED") {
                let opinion = Opinion {
                    by: user.login.clone(),
                    state: OpinionState::of(&review.state),
                    commit: review.commit_id,
                    body: review.body.unwrap_or_default(),
                    remarks: vec![],
                };
                last.insert(user.login, opinion);
            }
        }
        let mut opinions = Vec::new();
        for (login, opinion) in last {
            if opinion.state != OpinionState::Other && self.may_write(&login).await? {
                opinions.push(opinion);
            }
        }
        Ok(opinions)
    }

    async fn may_write(&self, login: &str) -> Result<bool, GitHubError> {
        #[derive(Deserialize)]
        struct Permission {
            permission: String,
        }
        let path = self.path(&format!("/collaborators/{}/permission", segment(login)));
        match self.github.send::<Permission>(Call::get(path).priority(Priority::Merge)).await {
            Ok(told) => Ok(matches!(told.permission.as_str(), "admin" | "write" | "maintain")),
            Err(error) if error.is_absent() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_refusal(error: &GitHubError) -> bool {
    matches!(error, GitHubError::Forbidden { .. } | GitHubError::NotFoundOrNoAccess { .. })
}
