//! What tests do to pull requests without HTTP, and what they ask of them.

use super::checks::Status;
use super::{Annotation, BranchRules, CheckState, MergeWish, NewPull, NewThread, ReviewState, StatusState, sync};
use crate::github::deeds::At;
use crate::github::git::{GitRepo, Signature};
use crate::github::person::{Person, at, repo_id};
use crate::github::reply::Reply;
use crate::github::repository::Repository;

/// A pull request as it stands, for a test to look at. Its issue side is told by
/// [`Repository::issue`](crate::github::Repository::issue).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullNow {
    /// Its number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The body, empty if it has none.
    pub body: String,
    /// Whether it is open.
    pub open: bool,
    /// Whether it is a draft.
    pub draft: bool,
    /// The branch that is to be merged.
    pub head: String,
    /// The commit of that branch.
    pub head_sha: String,
    /// The branch into which.
    pub base: String,
    /// The commit by which it was merged.
    pub merged: Option<String>,
    /// Whether it is merged as soon as the rules allow it.
    pub auto_merge: bool,
    /// Where it is in the merge queue, from 1.
    pub queued: Option<usize>,
}

impl Repository {
    /// The bare repository, to be looked into.
    pub fn git(&self) -> GitRepo {
        self.world().lock().git(self.id())
    }

    /// Commits files onto a branch as if its owner had pushed them, and gives the commit's id. A new branch begins where
    /// the default branch is.
    pub fn commit(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        let mut state = self.world().lock();
        let (git, now) = (state.git(self.id()), state.now());
        let repo = &state.repos[&self.id()];
        let owner = repo.owner;
        if git.head(branch).is_none()
            && let Some(start) = git.head(&repo.default_branch)
        {
            git.set_branch(branch, &start);
        }
        let by = Signature::of(&state.users[&owner].login, now);
        let commit = git.commit_as(&by, branch, message, files);
        sync(&mut state, self.id(), Some(owner));
        commit
    }

    /// Deletes a branch, as its owner.
    pub fn delete_branch(&self, branch: &str) {
        let mut state = self.world().lock();
        state.git(self.id()).delete_ref(&format!("refs/heads/{branch}"));
        sync(&mut state, self.id(), None);
    }

    /// Sets the rules of a branch.
    pub fn protect(&self, branch: &str, rules: BranchRules) {
        self.change(|repo| {
            repo.pulls.rules.insert(branch.to_owned(), rules);
        });
    }

    /// Says where a check of a commit is. One that has ended begins anew.
    pub fn check(&self, commit: &str, name: &str, check: CheckState) {
        let mut state = self.world().lock();
        let id = state.check_of(self.id(), commit, name);
        state.set_check(self.id(), id, check, |_| {});
    }

    /// Lets a check of a commit fail, with what its job printed and what it says of lines.
    pub fn failing_check(&self, commit: &str, name: &str, log: &str, said: Vec<Annotation>) {
        let mut state = self.world().lock();
        let id = state.check_of(self.id(), commit, name);
        state.set_check(self.id(), id, CheckState::Failure, |run| {
            run.log = Some(log.to_owned());
            run.annotations = said;
        });
    }

    /// Sets a status of a commit.
    pub fn status(&self, commit: &str, context: &str, status: StatusState) {
        let mut state = self.world().lock();
        let status = Status {
            id: state.next_id(),
            sha: commit.to_owned(),
            context: context.to_owned(),
            state: status,
            description: None,
            target_url: None,
            creator: None,
            at: state.now(),
        };
        state.add_status(self.id(), status);
    }

    /// The commits that merge queues have made to be checked, the first to be merged first.
    pub fn merge_groups(&self) -> Vec<String> {
        let state = self.world().lock();
        let queues = state.repos[&self.id()].pulls.queues.values();
        queues.flatten().map(|entry| entry.group.clone()).collect()
    }

    /// How often a merge that was asked for is told as pending before it is done; once, if nothing is said.
    pub fn merges_after(&self, looks: u32) {
        self.change(|repo| repo.pulls.looks = looks);
    }

    /// Says that pull requests are never merged by themselves.
    pub fn without_auto_merge(&self) {
        self.change(|repo| repo.pulls.auto_merge_allowed = false);
    }

    /// Says that a branch is deleted when it has been merged.
    pub fn deletes_merged_branches(&self) {
        self.change(|repo| repo.pulls.delete_merged_branches = true);
    }

    /// A pull request.
    ///
    /// # Panics
    /// If there is none of that number.
    pub fn pull(&self, number: u64) -> PullNow {
        let found = self.pulls().into_iter().find(|pull| pull.number == number);
        found.unwrap_or_else(|| panic!("{} has no pull request {number}", self.full_name()))
    }

    /// All pull requests, by their numbers.
    pub fn pulls(&self) -> Vec<PullNow> {
        let state = self.world().lock();
        let issues = state.repos[&self.id()].issues.values();
        let now = issues.filter_map(|issue| {
            let pull = issue.pull.as_ref()?;
            let at = At { repo: self.id(), number: issue.number };
            Some(PullNow {
                number: issue.number,
                title: issue.title.clone(),
                body: issue.body.clone().unwrap_or_default(),
                open: issue.open,
                draft: pull.draft,
                head: pull.head.clone(),
                head_sha: pull.head_sha.clone(),
                base: pull.base.clone(),
                merged: pull.merged.as_ref().map(|merge| merge.commit.clone()),
                auto_merge: pull.auto_merge.is_some(),
                queued: state.queue_entry(at).map(|(place, _)| place),
            })
        });
        now.collect()
    }
}

impl Person {
    /// Opens a pull request of a branch, and gives its number.
    pub fn open_pull(&self, repo: &str, (head, base): (&str, &str), title: &str, body: &str) -> u64 {
        let new = NewPull {
            title: title.to_owned(),
            body: Some(body.to_owned()),
            head: head.to_owned(),
            base: base.to_owned(),
            draft: false,
        };
        self.act(|state, by| Ok(state.open_pull(repo_id(state, repo), by, new)?.number))
    }

    /// Says that a pull request is no draft any more.
    pub fn mark_ready(&self, repo: &str, pull: u64) {
        self.act(|state, by| {
            state.set_draft(at(state, repo, pull), by, false);
            Ok(())
        });
    }

    /// Closes a pull request without merging it.
    pub fn close_pull(&self, repo: &str, pull: u64) {
        self.act(|state, by| state.close_pull(at(state, repo, pull), by));
    }

    /// Merges a pull request.
    pub fn merge_pull(&self, repo: &str, pull: u64) {
        self.act(|state, by| {
            let merged = state.merge_pull(at(state, repo, pull), by, &MergeWish::default());
            merged.map_err(|refused| Reply::refusal(405, &refused.message()))
        });
    }

    /// Approves a pull request.
    pub fn approve(&self, repo: &str, pull: u64) {
        self.review(repo, pull, ReviewState::Approved, "");
    }

    /// Requests changes to a pull request.
    pub fn request_changes(&self, repo: &str, pull: u64, body: &str) {
        self.review(repo, pull, ReviewState::ChangesRequested, body);
    }

    /// Reviews a pull request with a mere comment.
    pub fn review_with_comment(&self, repo: &str, pull: u64, body: &str) {
        self.review(repo, pull, ReviewState::Commented, body);
    }

    /// Takes back what somebody said in their reviews of a pull request.
    pub fn dismiss_reviews_of(&self, repo: &str, pull: u64, other: &Self) {
        self.act(|state, by| {
            let at = at(state, repo, pull);
            let reviews = &state.pull(at).ok_or_else(Reply::not_found)?.reviews;
            let theirs = reviews.iter().filter(|review| review.user == other.id());
            let counting = theirs.filter(|r| matches!(r.state, ReviewState::Approved | ReviewState::ChangesRequested));
            let ids: Vec<u64> = counting.map(|review| review.id).collect();
            ids.into_iter().try_for_each(|id| state.dismiss_review(at, by, id))
        });
    }

    /// Begins a thread about a line, and gives its id.
    pub fn remark(&self, repo: &str, pull: u64, (path, line): (&str, u64), body: &str) -> u64 {
        let new = NewThread { path: path.to_owned(), line: Some(line), body: body.to_owned(), review: None };
        self.act(|state, by| {
            let at = at(state, repo, pull);
            let comment = state.begin_thread(at, by, new)?;
            let threads = &state.pull(at).ok_or_else(Reply::not_found)?.threads;
            let holds = |comments: &[super::ThreadComment]| comments.iter().any(|known| known.id == comment);
            let thread = threads.iter().find(|thread| holds(&thread.comments));
            thread.map(|thread| thread.id).ok_or_else(Reply::not_found)
        })
    }

    /// Resolves a thread.
    pub fn resolve(&self, thread: u64) {
        self.act(|state, by| if state.set_resolved(thread, by, true) { Ok(()) } else { Err(Reply::not_found()) });
    }

    fn review(&self, repo: &str, pull: u64, what: ReviewState, body: &str) {
        self.act(|state, by| state.review(at(state, repo, pull), by, what, body));
    }
}
