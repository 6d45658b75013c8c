//! Whether a pull request may be merged, and what is in its way.

use std::collections::BTreeMap;

use super::checks::Verdict;
use super::{BranchRules, Pull, Review, ReviewState, rollup};
use crate::github::deeds::At;
use crate::github::state::{Issue, Repo, State};
use crate::github::users::Permission;

/// Whether the commits of base and head merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mergeable {
    /// It is being found out.
    Unknown,
    Clean,
    Conflict,
}

/// What the reviews come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Approved,
    ChangesRequested,
    ReviewRequired,
}

impl State {
    /// Whether an open pull request merges, as it is told: who asks first learns that it is not known yet.
    pub(crate) fn look_at_mergeability(&mut self, at: At) -> Mergeable {
        let Some(present) = self.tips(at) else { return Mergeable::Unknown };
        let pull = self.pull_mut(at).filter(|pull| pull.asked.as_ref() != Some(&present));
        match pull {
            Some(pull) => {
                pull.asked = Some(present);
                Mergeable::Unknown
            }
            None => self.mergeability(at),
        }
    }

    /// What was last told of it.
    pub(crate) fn told_mergeability(&self, at: At) -> Mergeable {
        let (tips, pull) = (self.tips(at), self.pull(at));
        let tried = pull.and_then(|pull| pull.tried.as_ref());
        match tried.filter(|(of, _)| Some(of) == tips.as_ref()) {
            Some((_, true)) => Mergeable::Clean,
            Some((_, false)) => Mergeable::Conflict,
            None => Mergeable::Unknown,
        }
    }

    /// Whether an open pull request merges, found out by git where it is not known.
    pub(crate) fn mergeability(&mut self, at: At) -> Mergeable {
        let Some(present) = self.tips(at) else { return Mergeable::Unknown };
        let known = self.pull(at).and_then(|pull| pull.tried.clone()).filter(|(of, _)| *of == present);
        let merges = match known {
            Some((_, merges)) => merges,
            None => self.git(at.repo).merges_cleanly(&present.0, &present.1).unwrap_or(false),
        };
        if let Some(pull) = self.pull_mut(at) {
            pull.tried = Some((present, merges));
        }
        if merges { Mergeable::Clean } else { Mergeable::Conflict }
    }

    /// The present commits of base and head, if it is open and both are there.
    pub(crate) fn tips(&self, at: At) -> Option<(String, String)> {
        let repo = self.repos.get(&at.repo)?;
        let pull = repo.issues.get(&at.number)?.open_pull()?;
        Some((repo.pulls.refs.get(&pull.base)?.clone(), pull.head_sha.clone()))
    }

    pub(crate) fn pull(&self, at: At) -> Option<&Pull> {
        self.repos.get(&at.repo)?.issues.get(&at.number)?.pull.as_ref()
    }

    pub(crate) fn pull_mut(&mut self, at: At) -> Option<&mut Pull> {
        self.repos.get_mut(&at.repo)?.issues.get_mut(&at.number)?.pull.as_mut()
    }

    /// The rules of the branch into which it is to be merged.
    pub(crate) fn rules_of(&self, repo: &Repo, branch: &str) -> BranchRules {
        repo.pulls.rules.get(branch).cloned().unwrap_or_default()
    }

    /// What the branch's rules still want, in GitHub's words; nothing if it may be merged.
    pub(crate) fn obstacles(&self, repo: &Repo, issue: &Issue, pull: &Pull) -> Vec<String> {
        let rules = self.rules_of(repo, &pull.base);
        let mut found = Vec::new();
        match self.decision(repo, issue, pull) {
            Some(Decision::ChangesRequested) => found.push("Changes have been requested on this pull request.".into()),
            Some(Decision::ReviewRequired) => {
                let reviews = if rules.approvals == 1 { "review is" } else { "reviews are" };
                let wanted = format!("At least {} approving {reviews} required", rules.approvals);
                found.push(format!("{wanted} by reviewers with write access."));
            }
            Some(Decision::Approved) | None => {}
        }
        found.extend(missing_checks(repo, &pull.head_sha, &rules));
        if rules.threads_resolved && pull.threads.iter().any(|thread| thread.resolved_by.is_none()) {
            found.push("A conversation must be resolved before this pull request can be merged.".into());
        }
        if rules.up_to_date && self.is_behind(repo, pull) {
            found.push("The head branch is not up to date with the base branch.".into());
        }
        found
    }

    pub(crate) fn is_behind(&self, repo: &Repo, pull: &Pull) -> bool {
        let base = repo.pulls.refs.get(&pull.base);
        base.is_some_and(|base| !self.git(repo.id).is_ancestor(base, &pull.head_sha))
    }

    /// What the reviews of people who may write come to; none if nothing is asked for and nothing said.
    pub(crate) fn decision(&self, repo: &Repo, issue: &Issue, pull: &Pull) -> Option<Decision> {
        let wanted = self.rules_of(repo, &pull.base).approvals;
        let counted: Vec<&Review> = self
            .latest_opinions(pull)
            .into_iter()
            .filter(|review| Some(review.user) != issue.author.user)
            .filter(|review| self.permission(review.user, repo) >= Permission::Write)
            .collect();
        if counted.iter().any(|review| review.state == ReviewState::ChangesRequested) {
            return Some(Decision::ChangesRequested);
        }
        let approvals = counted.iter().filter(|review| review.state == ReviewState::Approved).count();
        if approvals >= wanted.max(1) {
            return Some(Decision::Approved);
        }
        (wanted > 0).then_some(Decision::ReviewRequired)
    }

    /// The last review of each person that is more than a comment.
    pub(crate) fn latest_opinions<'a>(&self, pull: &'a Pull) -> Vec<&'a Review> {
        let opinions = pull.reviews.iter().filter(|review| review.state != ReviewState::Commented);
        let latest: BTreeMap<u64, &Review> = opinions.map(|review| (review.user, review)).collect();
        latest.into_values().collect()
    }

    /// The word of `mergeable_state`.
    pub(crate) fn merge_state(&self, at: At, mergeable: Mergeable) -> &'static str {
        let Some(repo) = self.repos.get(&at.repo) else { return "unknown" };
        let Some(issue) = repo.issues.get(&at.number) else { return "unknown" };
        let Some(pull) = issue.open_pull() else { return "unknown" };
        let obstacles = || self.obstacles(repo, issue, pull);
        match mergeable {
            Mergeable::Unknown => "unknown",
            Mergeable::Conflict => "dirty",
            Mergeable::Clean if pull.draft => "draft",
            Mergeable::Clean => {
                let obstacles = obstacles();
                if obstacles.iter().any(|what| !what.starts_with("The head branch is not up to date")) {
                    "blocked"
                } else if !obstacles.is_empty() {
                    "behind"
                } else if rollup(repo, &pull.head_sha).verdict().is_some_and(|verdict| verdict != Verdict::Good) {
                    "unstable"
                } else {
                    "clean"
                }
            }
        }
    }
}

/// What is said of required checks that have not all succeeded.
pub(super) fn missing_checks(repo: &Repo, sha: &str, rules: &BranchRules) -> Option<String> {
    let known = rollup(repo, sha);
    let missing: Vec<(&String, Option<Verdict>)> = rules
        .checks
        .iter()
        .map(|name| (name, known.of(name)))
        .filter(|(_, verdict)| *verdict != Some(Verdict::Good))
        .collect();
    match missing.as_slice() {
        [] => None,
        [(name, verdict)] => {
            let word = match verdict {
                None => "expected",
                Some(Verdict::Pending) => "in progress",
                _ => "failing",
            };
            Some(format!("Required status check \"{name}\" is {word}."))
        }
        all => Some(format!("{} of {} required status checks have not succeeded.", all.len(), rules.checks.len())),
    }
}
