//! A repository of values: commits named by what they hold, branches, and working copies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Commit, Digest};

use crate::git::Candidate;
use crate::simulate::dice::Dice;

/// In how many places changes are made: two changes of the same place are in conflict.
const AREAS: u64 = 60;

/// A change, as much of it as matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulate) struct Change {
    number: u64,
    /// Where it is.
    area: u64,
    /// Whether the project's commands find something wrong with it.
    pub(in crate::simulate) bad: bool,
}

#[derive(Debug, Clone)]
struct Node {
    parents: Vec<Commit>,
    /// How far it is from the root, at most.
    depth: u64,
    changes: Arc<BTreeSet<Change>>,
    subject: String,
}

/// A working copy.
#[derive(Debug, Clone)]
struct Copy {
    head: Commit,
    dirty: Vec<String>,
}

/// The repository.
#[derive(Debug)]
pub(in crate::simulate) struct Tree {
    commits: BTreeMap<Commit, Node>,
    pub(in crate::simulate) branches: BTreeMap<String, Commit>,
    base: String,
    /// Where branches have ever stood.
    stood: BTreeSet<(String, Commit)>,
    /// How often each change came to the base branch.
    came: BTreeMap<u64, u32>,
    kept: BTreeMap<String, Commit>,
    copies: BTreeMap<Utf8PathBuf, Copy>,
    dice: Dice,
    number: u64,
}

impl Tree {
    pub(super) fn new(base: &str, dice: Dice) -> Self {
        let mut this = Self {
            commits: BTreeMap::new(),
            branches: BTreeMap::new(),
            base: base.to_owned(),
            stood: BTreeSet::new(),
            came: BTreeMap::new(),
            kept: BTreeMap::new(),
            copies: BTreeMap::new(),
            dice,
            number: 0,
        };
        let root = this.commit(Vec::new(), Arc::default(), "the beginning");
        this.point(base, &root);
        this
    }

    fn commit(&mut self, parents: Vec<Commit>, changes: Arc<BTreeSet<Change>>, subject: &str) -> Commit {
        let newest = changes.last().map_or(0, |change| change.number);
        let named = format!("{parents:?} {} {newest} {subject}", changes.len());
        let digest = Digest::of(named.as_bytes());
        let id = Commit(digest.as_str().chars().take(40).collect());
        let depth = parents.iter().filter_map(|p| self.commits.get(p)).map(|n| n.depth + 1).max().unwrap_or(0);
        self.commits.insert(id.clone(), Node { parents, depth, changes, subject: subject.to_owned() });
        id
    }

    /// Lets a branch stand at a commit.
    pub(in crate::simulate) fn point(&mut self, branch: &str, commit: &Commit) {
        let before = self.branches.insert(branch.to_owned(), commit.clone());
        self.stood.insert((branch.to_owned(), commit.clone()));
        if branch == self.base {
            let (old, new) = (before.map(|old| self.changes(&old)).unwrap_or_default(), self.changes(commit));
            // What is bad is mended by whoever builds on it, and may come again.
            for change in new.difference(&old).filter(|change| !change.bad) {
                *self.came.entry(change.number).or_default() += 1;
            }
        }
    }

    /// Whether a branch has ever stood at a commit.
    pub(in crate::simulate) fn has_stood(&self, branch: &str, commit: &Commit) -> bool {
        self.stood.contains(&(branch.to_owned(), commit.clone()))
    }

    /// How many changes came to the base branch more than once.
    pub(in crate::simulate) fn doubled(&self) -> usize {
        self.came.values().filter(|times| **times > 1).count()
    }

    pub(in crate::simulate) fn has(&self, commit: &Commit) -> bool {
        self.commits.contains_key(commit)
    }

    fn changes(&self, commit: &Commit) -> Arc<BTreeSet<Change>> {
        self.commits.get(commit).map(|node| Arc::clone(&node.changes)).unwrap_or_default()
    }

    /// Whether the project's commands would find something wrong.
    pub(in crate::simulate) fn is_bad(&self, commit: &Commit) -> bool {
        self.changes(commit).iter().any(|change| change.bad)
    }

    pub(in crate::simulate) fn is_ancestor(&self, ancestor: &Commit, of: &Commit) -> bool {
        let Some(least) = self.commits.get(ancestor).map(|node| node.depth) else { return false };
        let (mut seen, mut left) = (BTreeSet::new(), vec![of]);
        while let Some(commit) = left.pop() {
            if commit == ancestor {
                return true;
            }
            let Some(node) = self.commits.get(commit).filter(|node| node.depth > least) else { continue };
            left.extend(node.parents.iter().filter(|parent| seen.insert(*parent)));
        }
        false
    }

    /// The commits that `tip` has and `base` has not, oldest first.
    pub(in crate::simulate) fn between(&self, base: &Commit, tip: &Commit) -> Vec<String> {
        let (mut found, mut at) = (Vec::new(), Some(tip));
        while let Some(commit) = at.filter(|commit| !self.is_ancestor(commit, base)) {
            let Some(node) = self.commits.get(commit) else { break };
            found.push(format!("{} {}", commit.short(), node.subject));
            at = node.parents.first();
        }
        found.reverse();
        found
    }

    /// What `tip` changes that `base` does not hold.
    pub(in crate::simulate) fn changed(&self, base: &Commit, tip: &Commit) -> Vec<String> {
        let (old, new) = (self.changes(base), self.changes(tip));
        new.difference(&old).map(|change| format!("src/part-{}.txt", change.area)).collect()
    }

    /// Does the work of an attempt: what was bad before is mended.
    pub(in crate::simulate) fn work(&mut self, start: &Commit, bad: bool, subject: &str) -> Commit {
        self.number += 1;
        let change = Change { number: self.number, area: self.dice.below(AREAS), bad };
        let mut changes = BTreeSet::clone(&self.changes(start));
        changes.retain(|change| !change.bad);
        changes.insert(change);
        self.commit(vec![start.clone()], Arc::new(changes), subject)
    }

    /// What a change would be on the base, as the engine's git makes it.
    pub(in crate::simulate) fn candidate(&mut self, base: &Commit, tip: &Commit, squash: bool) -> Candidate {
        if self.is_ancestor(tip, base) {
            return Candidate::Nothing;
        }
        if self.is_ancestor(base, tip) && !squash {
            return Candidate::Ready(tip.clone());
        }
        self.merged(base, tip, if squash { vec![base.clone()] } else { vec![base.clone(), tip.clone()] })
    }

    /// The base with a change on it, as a commit of these parents.
    pub(super) fn merged(&mut self, base: &Commit, tip: &Commit, parents: Vec<Commit>) -> Candidate {
        let (old, new) = (self.changes(base), self.changes(tip));
        let ours: Vec<Change> = new.difference(&old).copied().collect();
        if ours.is_empty() {
            return Candidate::Nothing;
        }
        let known: BTreeSet<Change> = old.difference(&new).copied().collect();
        let meets = |change: &&Change| known.iter().any(|other| other.area == change.area);
        let paths: Vec<String> =
            ours.iter().filter(meets).map(|change| format!("src/part-{}.txt", change.area)).collect();
        if !paths.is_empty() {
            return Candidate::Conflict(paths);
        }
        let all = old.iter().copied().chain(ours).collect();
        Candidate::Ready(self.commit(parents, Arc::new(all), &format!("land {}", tip.short())))
    }

    pub(in crate::simulate) fn keep(&mut self, name: &str, commit: &Commit) {
        self.kept.insert(name.to_owned(), commit.clone());
    }

    pub(in crate::simulate) fn is_kept(&self, commit: &Commit) -> bool {
        self.kept.values().any(|kept| kept == commit)
    }

    pub(in crate::simulate) fn add_copy(&mut self, tree: &Utf8Path, commit: &Commit) {
        self.copies.insert(tree.to_owned(), Copy { head: commit.clone(), dirty: Vec::new() });
    }

    pub(in crate::simulate) fn remove_copy(&mut self, tree: &Utf8Path) {
        self.copies.remove(tree);
    }

    pub(in crate::simulate) fn head(&self, tree: &Utf8Path) -> Option<Commit> {
        self.copies.get(tree).map(|copy| copy.head.clone())
    }

    pub(in crate::simulate) fn dirty(&self, tree: &Utf8Path) -> Vec<String> {
        self.copies.get(tree).map(|copy| copy.dirty.clone()).unwrap_or_default()
    }

    /// An agent commits in its working copy.
    pub(super) fn stands(&mut self, tree: &Utf8Path, commit: Commit) {
        if let Some(copy) = self.copies.get_mut(tree) {
            copy.head = commit;
        }
    }

    /// Something writes a file into a working copy.
    pub(super) fn dirties(&mut self, tree: &Utf8Path) -> bool {
        let there = self.copies.get_mut(tree);
        there.map(|copy| copy.dirty.push("left-behind.txt".into())).is_some()
    }
}
