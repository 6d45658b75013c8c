//! Pull requests as REST lists them.

use dayfly_core::{Checks, Commit, Mergeable, Pull, PullState, Review};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Pulls;
use crate::{Call, GitHubError, Priority, segment};

/// A pull request: the fields that are read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Listed {
    pub(super) number: u64,
    pub(super) node_id: String,
    pub(super) html_url: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default)]
    merged_at: Option<IgnoredAny>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    pub(super) head: End,
    pub(super) base: End,
    #[serde(default)]
    labels: Vec<Label>,
    /// Told of one alone, not in lists.
    #[serde(default)]
    pub(super) mergeable: Option<bool>,
    #[serde(default)]
    pub(super) mergeable_state: Option<String>,
    #[serde(default)]
    pub(super) auto_merge: Option<IgnoredAny>,
}

/// One of the two branches.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct End {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
    #[serde(default)]
    repo: Option<Repo>,
}

#[derive(Debug, Clone, Deserialize)]
struct Repo {
    id: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl User {
    /// Whether it is no program's account.
    pub(super) fn is_person(&self) -> bool {
        self.kind.as_deref() != Some("Bot")
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Label {
    name: String,
}

/// A branch as git's part of the API tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) object: Object,
}

#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) sha: String,
}

impl Listed {
    pub(super) fn is_open(&self) -> bool {
        self.state == "open"
    }

    pub(super) fn is_merged(&self) -> bool {
        self.merged_at.is_some()
    }

    /// Whether its branch is in the repository itself. Anybody can open one from a copy, with a branch of any name.
    fn is_from_here(&self) -> bool {
        match (&self.head.repo, &self.base.repo) {
            (Some(head), Some(base)) => head.id == base.id,
            _ => false,
        }
    }

    /// What is known from the list alone.
    pub(super) fn as_pull(&self) -> Pull {
        let state = match (self.is_open(), self.is_merged()) {
            (true, _) => PullState::Open,
            (false, true) => PullState::Merged(self.merge_commit_sha.clone().map(Commit)),
            (false, false) => PullState::Closed,
        };
        Pull {
            number: self.number,
            url: self.html_url.clone(),
            branch: self.head.branch.clone(),
            head: Commit(self.head.sha.clone()),
            base: self.base.branch.clone(),
            state,
            draft: self.draft,
            mergeable: Mergeable::Unknown,
            checks: Checks::None,
            review: Review::None,
            unresolved: 0,
            labels: self.labels.iter().map(|label| label.name.clone()).collect(),
            merging: false,
            failed: None,
        }
    }
}

impl Pulls<'_> {
    /// The open pull request of a branch, or else the last one there was.
    pub(super) async fn of_branch(&self, branch: &str) -> Result<Option<Listed>, GitHubError> {
        let head = format!("{}:{}", segment(self.repo.owner()), segment(branch));
        let query = format!("/pulls?state=all&head={head}&sort=created&direction=desc&per_page=30");
        // Whatever brings a finished change home begins with this.
        let list: Vec<Listed> = self.github.send(Call::get(self.path(&query)).priority(Priority::Merge)).await?;
        Ok(chosen(list, branch))
    }

    /// The open pull request of a branch, looked for among all: where the repository has another owner by now, its old
    /// name leads there, but finds no branches.
    pub(super) async fn among_all(&self, branch: &str) -> Result<Option<Listed>, GitHubError> {
        let list: Vec<Listed> = self.github.pages(Call::get(self.path("/pulls?state=open"))).await?;
        Ok(chosen(list, branch))
    }

    /// One by its number.
    pub(super) async fn numbered(&self, number: u64) -> Result<Listed, GitHubError> {
        self.github.send(Call::get(self.path(&format!("/pulls/{number}"))).priority(Priority::Merge)).await
    }
}

fn chosen(list: Vec<Listed>, branch: &str) -> Option<Listed> {
    let of_branch = list.into_iter().filter(|pull| pull.is_from_here() && pull.head.branch == branch);
    of_branch.max_by_key(|pull| (pull.is_open(), pull.number))
}
