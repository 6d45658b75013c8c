//! What follows from a push: pull requests move, are closed or are merged by it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Merge, ReviewState, closing_references};
use crate::github::deeds::{At, By};
use crate::github::state::{Happened, State};

/// Branches and their commits.
type Refs = BTreeMap<String, String>;

/// Looks at the branches of a repository, and lets everything follow from what changed since they were last looked at.
pub(crate) fn sync(state: &mut State, repo: u64, pusher: Option<u64>) {
    let Some(home) = state.repos.get(&repo) else { return };
    let before = home.pulls.refs.clone();
    let after = state.git(repo).branches();
    if before == after {
        return;
    }
    let by = By { user: pusher.unwrap_or(home.owner), app: None };
    let now = state.now();
    if let Some(home) = state.repos.get_mut(&repo) {
        home.pulls.refs.clone_from(&after);
        home.pushed_at = now;
    }
    let arrived = arrived(state, repo, &before, &after);
    for number in open_pulls(state, repo) {
        let at = At { repo, number };
        head_moved(state, at, by, &after);
        base_moved(state, at, by, (&arrived, &after));
    }
    pushed_to_default(state, repo, by, (&before, &after));
    state.settle(repo);
}

/// The numbers of open pull requests.
pub(super) fn open_pulls(state: &State, repo: u64) -> BTreeSet<u64> {
    let Some(home) = state.repos.get(&repo) else { return BTreeSet::new() };
    home.issues.values().filter(|issue| issue.open_pull().is_some()).map(|issue| issue.number).collect()
}

fn head_moved(state: &mut State, at: At, by: By, after: &Refs) {
    let dismisses = state.pull(at).is_some_and(|pull| state.rules_of(&state.repos[&at.repo], &pull.base).dismiss_stale);
    let git = state.git(at.repo);
    let Some(pull) = state.pull_mut(at) else { return };
    let Some(tip) = after.get(&pull.head) else {
        state.happened(at, by, Happened::Other("head_ref_deleted"));
        // It is open, or it would not have been asked about.
        let _ = state.close_pull(at, by);
        return;
    };
    if *tip == pull.head_sha {
        return;
    }
    let forced = !git.is_ancestor(&pull.head_sha, tip);
    for thread in pull.threads.iter_mut().filter(|thread| !thread.outdated) {
        let blob = |rev: &str| git.file(rev, &thread.path);
        thread.outdated = blob(&thread.commit) != blob(tip);
    }
    let old = std::mem::replace(&mut pull.head_sha, tip.clone());
    if let Some(base) = after.get(&pull.base) {
        pull.base_sha.clone_from(base);
    }
    if dismisses {
        let approvals = pull.reviews.iter_mut().filter(|review| review.state == ReviewState::Approved);
        approvals.for_each(|review| review.state = ReviewState::Dismissed);
    }
    let _ = git.set_ref(&format!("refs/pull/{}/head", at.number), tip);
    state.leave_queue(at, by);
    if forced {
        state.happened(at, by, Happened::Other("head_ref_force_pushed"));
    }
    state.touch(at);
    state.announce_issue("synchronize", at, by, serde_json::json!({ "before": old, "after": tip }));
}

/// The commits that each branch has come to hold.
fn arrived(state: &State, repo: u64, before: &Refs, after: &Refs) -> BTreeMap<String, BTreeSet<String>> {
    let git = state.git(repo);
    let moved = after.iter().filter_map(|(branch, new)| Some((branch, before.get(branch)?, new)));
    let moved = moved.filter(|(_, old, new)| old != new);
    moved.map(|(branch, old, new)| (branch.clone(), git.new_commits(old, new))).collect()
}

/// A base that has come to hold the head has merged it, whoever pushed it there.
fn base_moved(state: &mut State, at: At, by: By, (arrived, after): (&BTreeMap<String, BTreeSet<String>>, &Refs)) {
    let Some(pull) = state.repos[&at.repo].issues.get(&at.number).and_then(|issue| issue.open_pull()) else { return };
    let holds = arrived.get(&pull.base).is_some_and(|commits| commits.contains(&pull.head_sha));
    let Some(tip) = after.get(&pull.base).filter(|_| holds).cloned() else { return };
    state.mark_merged(at, by, &tip);
}

/// Commits that are pushed to the default branch close the issues that their messages say.
fn pushed_to_default(state: &mut State, repo: u64, by: By, (before, after): (&Refs, &Refs)) {
    let branch = state.repos[&repo].default_branch.clone();
    let (Some(old), Some(new)) = (before.get(&branch), after.get(&branch)) else { return };
    if old != new {
        let commits = state.git(repo).commits_between(old, new).unwrap_or_default();
        let said: Vec<String> = commits.into_iter().map(|commit| commit.message).collect();
        state.close_as_said(repo, by, &said.join("\n"));
    }
}

impl State {
    /// Says that a pull request is merged, and closes what it closes.
    pub(super) fn mark_merged(&mut self, at: At, by: By, commit: &str) {
        let now = self.now();
        let Some(pull) = self.pull_mut(at) else { return };
        pull.merged = Some(Merge { at: now, by: by.user, commit: commit.to_owned() });
        pull.auto_merge = None;
        let (base, head) = (pull.base.clone(), pull.head.clone());
        self.happened(at, by, Happened::Merged(commit.to_owned()));
        // It is there, and closing what is there cannot be refused.
        let _ = self.set_open(at, by, false, None);
        let home = &self.repos[&at.repo];
        if home.default_branch == base {
            let said = home.issues.get(&at.number).and_then(|issue| issue.body.clone()).unwrap_or_default();
            self.close_as_said(at.repo, by, &said);
        }
        if self.repos[&at.repo].pulls.delete_merged_branches {
            self.git(at.repo).delete_ref(&format!("refs/heads/{head}"));
            if let Some(home) = self.repos.get_mut(&at.repo) {
                home.pulls.refs.remove(&head);
            }
        }
    }

    /// Says that something about it is new, which is no event of its issue.
    pub(super) fn touch(&mut self, at: At) {
        let now = self.now();
        if let Ok(issue) = self.at_mut(at) {
            issue.updated_at = now;
        }
    }

    fn close_as_said(&mut self, repo: u64, by: By, text: &str) {
        let full_name = self.full_name(&self.repos[&repo]);
        for number in closing_references(text, &full_name) {
            let open = self.repos[&repo].issues.get(&number).filter(|issue| issue.open && issue.pull.is_none());
            if open.is_some() {
                let _ = self.set_open(At { repo, number }, by, false, Some("completed"));
            }
        }
    }
}
