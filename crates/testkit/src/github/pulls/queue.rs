//! Merge queues.

use super::checks::Verdict;
use super::merging::Past;
use super::{MergeWish, Refused, rollup, sync};
use crate::github::deeds::{At, By};
use crate::github::state::{Happened, State};

/// A pull request in a queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueEntry {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) by: By,
    pub(crate) at: jiff::Timestamp,
    /// The commit that is checked: the base, all before it, and itself.
    pub(crate) group: String,
    /// The commit on which that stands.
    pub(crate) onto: String,
}

impl State {
    /// Puts a pull request at the end of its base's queue.
    pub(crate) fn enqueue(&mut self, at: At, by: By, wish: &MergeWish) -> Result<(), Refused> {
        sync(self, at.repo, Some(by.user));
        if self.queue_entry(at).is_some() {
            return Ok(());
        }
        let base = self.pull(at).map(|pull| pull.base.clone()).unwrap_or_default();
        if !self.rules_of(&self.repos[&at.repo], &base).merge_queue {
            return Err(Refused::No(format!("The branch {base} has no merge queue")));
        }
        self.may_merge(at, wish, Past::QueueToo)?;
        let onto = self.queue(at.repo, &base).last().map(|entry| entry.group.clone());
        let onto = match onto {
            Some(onto) => onto,
            None => self.tips(at).map(|(base, _)| base).unwrap_or_default(),
        };
        let group = self.merge_commit(at, by, wish, Some(&onto))?;
        let (id, now) = (self.next_id(), self.now());
        let branch = format!("gh-readonly-queue/{base}/pr-{}-{onto}", at.number);
        self.git(at.repo).set_branch(&branch, &group);
        if let Some(home) = self.repos.get_mut(&at.repo) {
            home.pulls.refs.insert(branch, group.clone());
            let entry = QueueEntry { id, number: at.number, by, at: now, group, onto };
            home.pulls.queues.entry(base).or_default().push(entry);
        }
        self.happened(at, by, Happened::Other("added_to_merge_queue"));
        self.settle(at.repo);
        Ok(())
    }

    /// The queue of a branch.
    pub(crate) fn queue(&self, repo: u64, branch: &str) -> &[QueueEntry] {
        self.repos.get(&repo).and_then(|repo| repo.pulls.queues.get(branch)).map_or(&[], Vec::as_slice)
    }

    /// Where a pull request is in its queue, from 1.
    pub(crate) fn queue_entry(&self, at: At) -> Option<(usize, &QueueEntry)> {
        let base = &self.pull(at)?.base;
        let found = self.queue(at.repo, base).iter().enumerate().find(|(_, entry)| entry.number == at.number)?;
        Some((found.0 + 1, found.1))
    }

    /// Takes a pull request out of its queue; those behind it are made anew.
    pub(crate) fn leave_queue(&mut self, at: At, by: By) -> bool {
        let Some((_, entry)) = self.queue_entry(at) else { return false };
        let (id, base) = (entry.id, self.pull(at).map(|pull| pull.base.clone()).unwrap_or_default());
        let queue = self.queue(at.repo, &base).to_vec();
        let (kept, behind): (Vec<_>, Vec<_>) =
            queue.into_iter().filter(|entry| entry.id != id).partition(|e| e.id < id);
        self.set_queue(at.repo, &base, kept);
        self.drop_group(at, &base);
        self.happened(at, by, Happened::Other("removed_from_merge_queue"));
        for entry in behind {
            let other = At { repo: at.repo, number: entry.number };
            self.drop_group(other, &base);
            // One that no longer merges has left the queue by that.
            let _ = self.enqueue(other, entry.by, &MergeWish::default());
        }
        true
    }

    /// Lets the first of a queue be merged if its checks succeeded, or leave if they did not. Whether anything happened.
    pub(super) fn advance_queue(&mut self, repo: u64, branch: &str) -> bool {
        let Some(first) = self.queue(repo, branch).first().cloned() else { return false };
        let at = At { repo, number: first.number };
        let home = &self.repos[&repo];
        let rules = self.rules_of(home, branch);
        let known = rollup(home, &first.group);
        let verdicts: Vec<_> = rules.checks.iter().map(|name| known.of(name)).collect();
        if verdicts.contains(&Some(Verdict::Bad)) {
            return self.leave_queue(at, first.by);
        }
        if !verdicts.iter().all(|verdict| *verdict == Some(Verdict::Good)) {
            return false;
        }
        let reference = format!("refs/heads/{branch}");
        if !self.git(repo).move_ref(&reference, &first.group, &first.onto) {
            // Somebody pushed to the base: the group is made anew onto that.
            self.leave_queue(at, first.by);
            return self.enqueue(at, first.by, &MergeWish::default()).is_ok();
        }
        let rest = self.queue(repo, branch).iter().skip(1).cloned().collect();
        self.set_queue(repo, branch, rest);
        self.drop_group(at, branch);
        self.landed(at, first.by, &first.group);
        true
    }

    fn set_queue(&mut self, repo: u64, branch: &str, entries: Vec<QueueEntry>) {
        if let Some(home) = self.repos.get_mut(&repo) {
            home.pulls.queues.insert(branch.to_owned(), entries);
        }
    }

    /// Removes the branches of a group.
    fn drop_group(&mut self, at: At, base: &str) {
        let git = self.git(at.repo);
        let prefix = format!("gh-readonly-queue/{base}/pr-{}-", at.number);
        let Some(home) = self.repos.get_mut(&at.repo) else { return };
        home.pulls.refs.retain(|branch, _| {
            let dropped = branch.starts_with(&prefix);
            if dropped {
                git.delete_ref(&format!("refs/heads/{branch}"));
            }
            !dropped
        });
    }
}
