//! Opening a pull request, and changing it.

use super::Pull;
use super::sync::sync;
use crate::github::deeds::{At, By, NewIssue};
use crate::github::reply::Reply;
use crate::github::state::{Happened, State};

/// A pull request to be opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewPull {
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    /// The branch, with or without its owner before a colon.
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) draft: bool,
}

/// What is to be changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct PullChange {
    pub(crate) title: Option<String>,
    pub(crate) body: Option<Option<String>>,
    pub(crate) open: Option<bool>,
    pub(crate) base: Option<String>,
}

impl State {
    /// Opens a pull request.
    pub(crate) fn open_pull(&mut self, repo: u64, by: By, new: NewPull) -> Result<At, Reply> {
        sync(self, repo, Some(by.user));
        let home = &self.repos[&repo];
        let owner = self.users[&home.owner].login.clone();
        let (of, head) = new.head.split_once(':').unwrap_or((&owner, &new.head));
        // Branches of forks are not known here.
        let here = of.eq_ignore_ascii_case(&owner);
        let head_sha = home.pulls.refs.get(head).filter(|_| here).cloned();
        let head_sha = head_sha.ok_or_else(|| Reply::invalid("PullRequest", "head", "invalid"))?;
        let base_sha = home.pulls.refs.get(&new.base).cloned();
        let base_sha = base_sha.ok_or_else(|| Reply::invalid("PullRequest", "base", "invalid"))?;
        let same = home
            .issues
            .values()
            .find(|issue| issue.open_pull().is_some_and(|pull| pull.head == head && pull.base == new.base));
        if same.is_some() {
            let message = format!("A pull request already exists for {owner}:{head}.");
            return Err(Reply::said("PullRequest", &message));
        }
        let git = self.git(repo);
        let parted = git.merge_base(&base_sha, &head_sha);
        if parted.is_none() {
            let message = format!("The {head} branch has no history in common with {}", new.base);
            return Err(Reply::said("PullRequest", &message));
        }
        if parted.as_ref() == Some(&head_sha) {
            return Err(Reply::said("PullRequest", &format!("No commits between {} and {head}", new.base)));
        }
        let pull = Pull {
            draft: new.draft,
            head: head.to_owned(),
            head_sha,
            base: new.base,
            base_sha,
            merged: None,
            tried: None,
            asked: None,
            auto_merge: None,
            reviewers: Vec::new(),
            reviews: Vec::new(),
            threads: Vec::new(),
            attempts: Vec::new(),
        };
        let sha = pull.head_sha.clone();
        let at = self.open_issue(repo, by, NewIssue { title: new.title, body: new.body });
        self.at_mut(at)?.pull = Some(pull);
        // A failure would show as a missing reference, and to nobody but a test that asks for it.
        let _ = git.set_ref(&format!("refs/pull/{}/head", at.number), &sha);
        self.announce_issue("opened", at, by, serde_json::json!({}));
        Ok(at)
    }

    /// Changes a pull request.
    pub(crate) fn change_pull(&mut self, at: At, by: By, change: PullChange) -> Result<(), Reply> {
        sync(self, at.repo, Some(by.user));
        self.edit_issue(at, by, change.title, change.body)?;
        if let Some(base) = change.base {
            let tip = self.repos[&at.repo].pulls.refs.get(&base).cloned();
            let tip = tip.ok_or_else(|| Reply::invalid("PullRequest", "base", "invalid"))?;
            if let Some(pull) = self.pull_mut(at) {
                (pull.base, pull.base_sha) = (base, tip);
            }
            self.happened(at, by, Happened::Other("base_ref_changed"));
        }
        match change.open {
            Some(true) => self.reopen_pull(at, by),
            Some(false) => self.close_pull(at, by),
            None => Ok(()),
        }
    }

    /// Closes a pull request without merging it.
    pub(crate) fn close_pull(&mut self, at: At, by: By) -> Result<(), Reply> {
        self.set_open(at, by, false, None)?;
        self.leave_queue(at, by);
        if let Some(pull) = self.pull_mut(at) {
            pull.auto_merge = None;
        }
        Ok(())
    }

    /// Opens a pull request again.
    pub(crate) fn reopen_pull(&mut self, at: At, by: By) -> Result<(), Reply> {
        let Some(pull) = self.pull(at) else { return Err(Reply::not_found()) };
        if pull.merged.is_some() {
            return Err(Reply::custom(
                "PullRequest",
                "state",
                "state cannot be changed. The pull request cannot be reopened.",
            ));
        }
        if !self.repos[&at.repo].pulls.refs.contains_key(&pull.head) {
            let message = format!("state cannot be changed. The {} branch has been deleted.", pull.head);
            return Err(Reply::custom("PullRequest", "state", &message));
        }
        self.set_open(at, by, true, None)?;
        sync(self, at.repo, Some(by.user));
        Ok(())
    }

    /// Says that a pull request is ready, or that it is not.
    pub(crate) fn set_draft(&mut self, at: At, by: By, draft: bool) {
        let Some(pull) = self.pull_mut(at).filter(|pull| pull.draft != draft) else { return };
        pull.draft = draft;
        if draft {
            pull.auto_merge = None;
        }
        self.happened(at, by, Happened::Other(if draft { "convert_to_draft" } else { "ready_for_review" }));
        let action = if draft { "converted_to_draft" } else { "ready_for_review" };
        self.announce_issue(action, at, by, serde_json::json!({}));
        self.settle(at.repo);
    }
}
