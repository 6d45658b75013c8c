//! Merging, now.

use super::{Mergeable, sync};
use crate::github::deeds::{At, By};
use crate::github::git::{GitFailure, MergeMethod, Merged, Merging, Signature};
use crate::github::state::{Happened, State};

/// How somebody wants a pull request to be merged.
#[derive(Debug, Clone, Default)]
pub(crate) struct MergeWish {
    /// The head that they saw.
    pub(crate) sha: Option<String>,
    pub(crate) method: Option<MergeMethod>,
    pub(crate) title: Option<String>,
    pub(crate) message: Option<String>,
}

/// Why a merge is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It cannot be merged as it is.
    No(String),
    /// The head is no longer the one that was seen.
    HeadMoved,
    /// git itself failed.
    Broken(String),
}

impl Refused {
    pub(crate) fn message(&self) -> String {
        match self {
            Self::No(message) | Self::Broken(message) => message.clone(),
            Self::HeadMoved => "Head branch was modified. Review and try the merge again.".to_owned(),
        }
    }
}

impl From<GitFailure> for Refused {
    fn from(failure: GitFailure) -> Self {
        Self::Broken(failure.to_string())
    }
}

/// Who merges: somebody who asks for it, or the queue, which has asked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    Rules,
    QueueToo,
}

impl State {
    /// Merges a pull request into its base, and gives the base's new commit.
    pub(crate) fn merge_pull(&mut self, at: At, by: By, wish: &MergeWish) -> Result<String, Refused> {
        sync(self, at.repo, Some(by.user));
        self.may_merge(at, wish, Past::Rules)?;
        let commit = self.merge_commit(at, by, wish, None)?;
        let pull = self.pull(at).ok_or_else(not_mergeable)?;
        let reference = format!("refs/heads/{}", pull.base);
        let Some((base, _)) = self.tips(at) else { return Err(not_mergeable()) };
        if !self.git(at.repo).move_ref(&reference, &commit, &base) {
            return Err(Refused::No("Base branch was modified. Review and try the merge again.".to_owned()));
        }
        self.landed(at, by, &commit);
        Ok(commit)
    }

    /// Says everything that follows when the base has come to hold a pull request.
    pub(super) fn landed(&mut self, at: At, by: By, commit: &str) {
        self.mark_merged(at, by, commit);
        sync(self, at.repo, Some(by.user));
    }

    /// Whether it may be merged as somebody wants it.
    pub(super) fn may_merge(&mut self, at: At, wish: &MergeWish, past: Past) -> Result<(), Refused> {
        let no = |message: &str| Err(Refused::No(message.to_owned()));
        let repo = self.repos.get(&at.repo).ok_or_else(not_mergeable)?;
        let issue = repo.issues.get(&at.number).ok_or_else(not_mergeable)?;
        let Some(pull) = issue.open_pull() else { return Err(not_mergeable()) };
        if wish.sha.as_ref().is_some_and(|sha| *sha != pull.head_sha) {
            return Err(Refused::HeadMoved);
        }
        if pull.draft {
            return no("Pull Request is still a draft");
        }
        let rules = self.rules_of(repo, &pull.base);
        if rules.merge_queue && past == Past::Rules {
            return no("Changes must be made through the merge queue");
        }
        let method = wish.method.unwrap_or(MergeMethod::Merge).name();
        if !rules.methods.is_empty() && !rules.methods.contains(&method) {
            let what = if method == "merge" { "Merge commits".to_owned() } else { format!("{method} merges") };
            return no(&format!("{what} are not allowed on this repository."));
        }
        if let [first, ..] = self.obstacles(repo, issue, pull).as_slice() {
            return no(first);
        }
        match self.mergeability(at) {
            Mergeable::Clean => Ok(()),
            Mergeable::Conflict | Mergeable::Unknown => Err(not_mergeable()),
        }
    }

    /// Makes the commit that merges it onto a commit, or onto the base as it is.
    pub(super) fn merge_commit(&self, at: At, by: By, wish: &MergeWish, onto: Option<&str>) -> Result<String, Refused> {
        let (base, head) = self.tips(at).ok_or_else(not_mergeable)?;
        let issue = self.at(at).map_err(|_| not_mergeable())?;
        let pull = self.pull(at).ok_or_else(not_mergeable)?;
        let method = wish.method.unwrap_or(MergeMethod::Merge);
        let (title, text) = match method {
            MergeMethod::Merge => {
                let owner = &self.users[&self.repos[&at.repo].owner].login;
                (format!("Merge pull request #{} from {owner}/{}", at.number, pull.head), issue.title.clone())
            }
            _ => (format!("{} (#{})", issue.title, at.number), String::new()),
        };
        let title = wish.title.clone().unwrap_or(title);
        let text = wish.message.clone().unwrap_or(text);
        let message = if text.is_empty() { title } else { format!("{title}\n\n{text}") };
        let login = &self.users[&by.user].login;
        let signature = Signature::of(login, self.now());
        let merging = Merging { base: onto.unwrap_or(&base), head: &head, method, message: &message, by: &signature };
        match self.git(at.repo).merge(&merging)? {
            Merged::Commit(commit) => Ok(commit),
            Merged::Conflict => Err(not_mergeable()),
        }
    }

    /// Merges the base into the head, so that the head is up to date.
    pub(crate) fn update_branch(&mut self, at: At, by: By, expected: Option<&str>) -> Result<(), Refused> {
        sync(self, at.repo, Some(by.user));
        let (base, head) = self.tips(at).ok_or_else(not_mergeable)?;
        if expected.is_some_and(|expected| expected != head) {
            return Err(Refused::No("expected head sha didn't match current head ref.".to_owned()));
        }
        let git = self.git(at.repo);
        if git.is_ancestor(&base, &head) {
            return Err(Refused::No("There are no new commits on the base branch.".to_owned()));
        }
        let pull = self.pull(at).ok_or_else(not_mergeable)?;
        let (reference, message) =
            (format!("refs/heads/{}", pull.head), format!("Merge branch '{}' into {}", pull.base, pull.head));
        let signature = Signature::of(&self.users[&by.user].login, self.now());
        let method = MergeMethod::Merge;
        let merging = Merging { base: &head, head: &base, method, message: &message, by: &signature };
        match git.merge(&merging)? {
            Merged::Commit(commit) if git.move_ref(&reference, &commit, &head) => {}
            Merged::Commit(_) => return Err(Refused::HeadMoved),
            Merged::Conflict => return Err(Refused::No("merge conflict between base and head".to_owned())),
        }
        sync(self, at.repo, Some(by.user));
        Ok(())
    }

    /// Says that a pull request is to be merged as soon as it may.
    pub(crate) fn enable_auto_merge(&mut self, at: At, by: By, wish: MergeWish) -> Result<(), String> {
        sync(self, at.repo, Some(by.user));
        let repo = &self.repos[&at.repo];
        if !repo.pulls.auto_merge_allowed {
            return Err("Auto merge is not allowed for this repository".to_owned());
        }
        let Some(pull) = repo.issues.get(&at.number).and_then(|issue| issue.open_pull()) else {
            return Err("Pull request is closed".to_owned());
        };
        if pull.draft {
            return Err("Pull request is in draft state".to_owned());
        }
        if wish.sha.as_ref().is_some_and(|sha| *sha != pull.head_sha) {
            return Err("Head sha does not match the expected head oid".to_owned());
        }
        let queued = self.rules_of(repo, &pull.base).merge_queue;
        let mergeable = self.mergeability(at);
        match self.merge_state(at, mergeable) {
            "clean" if !queued => return Err("Pull request is in clean status".to_owned()),
            "unstable" if !queued => return Err("Pull request is in unstable status".to_owned()),
            "dirty" => return Err("Pull request is in dirty status".to_owned()),
            _ => {}
        }
        let now = self.now();
        if let Some(pull) = self.pull_mut(at) {
            pull.auto_merge = Some(super::AutoMerge { by, at: now, wish });
        }
        self.happened(at, by, Happened::Other("auto_merge_enabled"));
        self.settle(at.repo);
        Ok(())
    }

    pub(crate) fn disable_auto_merge(&mut self, at: At, by: By) -> Result<(), String> {
        let pull = self.pull_mut(at).filter(|pull| pull.auto_merge.is_some());
        let Some(pull) = pull else { return Err("Pull request does not have auto merge enabled".to_owned()) };
        pull.auto_merge = None;
        self.happened(at, by, Happened::Other("auto_merge_disabled"));
        Ok(())
    }
}

pub(super) fn not_mergeable() -> Refused {
    Refused::No("Pull Request is not mergeable".to_owned())
}
