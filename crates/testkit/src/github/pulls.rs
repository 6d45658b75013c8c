//! Pull requests: what makes an issue one, and what can be done to them.

mod by_hand;
mod checks;
mod closing;
mod gate;
mod merging;
mod open;
mod queue;
mod requests;
mod reviews;
mod rules;
mod settle;
mod sync;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::{Issue, Repo};
use super::wire::View;

pub(crate) use checks::{CheckRun, Rollup, Status, Verdict, rollup};
pub(crate) use closing::closing_references;
pub(crate) use gate::{Decision, Mergeable};
pub(crate) use merging::{MergeWish, Refused};
pub(crate) use open::{NewPull, PullChange};
pub(crate) use queue::QueueEntry;
pub(crate) use requests::{Attempt, MergeAction, Outcome};
pub(crate) use reviews::{NewThread, Review, ReviewState, Thread, ThreadComment};
pub(crate) use sync::sync;

pub use by_hand::PullNow;
pub use checks::{Annotation, CheckState, StatusState};
pub use rules::BranchRules;

/// The side of a pull request that is no issue.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) draft: bool,
    /// The branch that is to be merged, and its commit when it was last pushed.
    pub(crate) head: String,
    pub(crate) head_sha: String,
    /// The branch into which, and its commit when the head was last pushed.
    pub(crate) base: String,
    pub(crate) base_sha: String,
    pub(crate) merged: Option<Merge>,
    /// Whether its present commits merge: the commits of base and head, and the answer.
    pub(crate) tried: Option<((String, String), bool)>,
    /// The commits of base and head of which somebody asked already whether they merge.
    pub(crate) asked: Option<(String, String)>,
    pub(crate) auto_merge: Option<AutoMerge>,
    pub(crate) reviewers: Vec<u64>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) attempts: Vec<Attempt>,
}

/// A merge that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merge {
    pub(crate) at: Timestamp,
    pub(crate) by: u64,
    pub(crate) commit: String,
}

/// A merge that is to be done as soon as the rules allow it.
#[derive(Debug, Clone)]
pub(crate) struct AutoMerge {
    pub(crate) by: super::deeds::By,
    pub(crate) at: Timestamp,
    pub(crate) wish: MergeWish,
}

/// What a repository keeps for its pull requests.
#[derive(Debug, Clone)]
pub(crate) struct Pulls {
    /// The branches and their commits, as they were when last looked at.
    pub(crate) refs: BTreeMap<String, String>,
    pub(crate) rules: BTreeMap<String, BranchRules>,
    pub(crate) checks: BTreeMap<u64, CheckRun>,
    pub(crate) statuses: Vec<Status>,
    /// The run of Actions and the suite of each commit.
    pub(crate) suites: BTreeMap<String, (u64, u64)>,
    /// Merge queues by branch, the first to be merged first.
    pub(crate) queues: BTreeMap<String, Vec<QueueEntry>>,
    /// How often a merge that was asked for is told as pending before it is done.
    pub(crate) looks: u32,
    pub(crate) auto_merge_allowed: bool,
    pub(crate) delete_merged_branches: bool,
}

impl Default for Pulls {
    fn default() -> Self {
        Self {
            refs: BTreeMap::new(),
            rules: BTreeMap::new(),
            checks: BTreeMap::new(),
            statuses: Vec::new(),
            suites: BTreeMap::new(),
            queues: BTreeMap::new(),
            looks: 1,
            auto_merge_allowed: true,
            delete_merged_branches: false,
        }
    }
}

impl Issue {
    /// Its side as a pull request, if it is an open one.
    pub(crate) fn open_pull(&self) -> Option<&Pull> {
        self.pull.as_ref().filter(|_| self.open)
    }
}

/// What an issue says beyond an issue if it is a pull request.
pub(crate) fn issue_side(view: View<'_>, repo: &Repo, issue: &Issue, pull: &Pull) -> Value {
    let page = format!("{}/pull/{}", view.page_url(repo), issue.number);
    json!({
        "draft": pull.draft,
        "pull_request": {
            "url": format!("{}/pulls/{}", view.repo_url(repo), issue.number),
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "merged_at": pull.merged.as_ref().map(|merge| merge.at.to_string()),
        },
    })
}

impl Pull {
    /// Whether it was merged.
    pub(crate) fn is_merged(&self) -> bool {
        self.merged.is_some()
    }

    /// Whether it is among those that a GraphQL list is narrowed to.
    pub(crate) fn fits(&self, field: &super::graphql::Selected) -> bool {
        let fits = |name: &str, known: &str| field.argument(name).as_str().is_none_or(|wanted| wanted == known);
        fits("headRefName", &self.head) && fits("baseRefName", &self.base)
    }
}
