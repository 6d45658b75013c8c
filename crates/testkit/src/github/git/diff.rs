//! What is between two commits.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::command::GitFailure;
use super::repository::{GitRepo, Signature};

/// One commit, as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitFacts {
    pub(crate) sha: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: Signature,
    pub(crate) committer: Signature,
    pub(crate) message: String,
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) previous: Option<String>,
    /// As GitHub names it, such as `modified`.
    pub(crate) status: &'static str,
    /// The file's object after the change.
    pub(crate) blob: String,
    pub(crate) additions: u64,
    pub(crate) deletions: u64,
}

impl GitRepo {
    /// A commit's facts.
    pub(crate) fn facts(&self, commit: &str) -> Result<CommitFacts, GitFailure> {
        let mut found = self.told(["log", "-1", FORMAT, commit, "--"])?;
        found.pop().ok_or_else(|| GitFailure {
            args: format!("log -1 {commit}"),
            status: None,
            stdout: String::new(),
            stderr: "no such commit".to_owned(),
        })
    }

    /// The commits of `head` that are not in `base`, the oldest first.
    pub(crate) fn commits_between(&self, base: &str, head: &str) -> Result<Vec<CommitFacts>, GitFailure> {
        self.told(["log", "--reverse", "--topo-order", FORMAT, &format!("{base}..{head}"), "--"])
    }

    /// The ids of the commits of `new` that are not in `old`.
    pub(crate) fn new_commits(&self, old: &str, new: &str) -> BTreeSet<String> {
        let listed = self.git(["rev-list", &format!("{old}..{new}")]).unwrap_or_default();
        listed.lines().map(str::to_owned).collect()
    }

    /// How many commits `head` has that `base` lacks, and the other way round.
    pub(crate) fn ahead_behind(&self, base: &str, head: &str) -> Result<(u64, u64), GitFailure> {
        let counts = self.git(["rev-list", "--left-right", "--count", &format!("{base}...{head}")])?;
        let mut counts = counts.split_whitespace().map(|n| n.parse().unwrap_or(0));
        let behind = counts.next().unwrap_or(0);
        Ok((counts.next().unwrap_or(0), behind))
    }

    /// The commit from which two others part.
    pub(crate) fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        self.git(["merge-base", one, other]).ok().map(|sha| sha.trim().to_owned())
    }

    /// The files that `head` changes since it parted from `base`.
    pub(crate) fn changes(&self, base: &str, head: &str) -> Result<Vec<Change>, GitFailure> {
        let range = format!("{base}...{head}");
        let raw = self.git(["diff", "--raw", "-z", "-M", "--no-abbrev", &range, "--"])?;
        let numbers = self.git(["diff", "--numstat", "-z", "-M", &range, "--"])?;
        Ok(changes(&raw, &numbers))
    }

    /// The text of what a file's change is, as hunks.
    pub(crate) fn patch(&self, base: &str, head: &str, path: &str) -> Option<String> {
        let diff = self.git(["diff", "-M", &format!("{base}...{head}"), "--", path]).ok()?;
        diff.find("@@ ").map(|at| diff[at..].trim_end().to_owned())
    }

    fn told<const N: usize>(&self, args: [&str; N]) -> Result<Vec<CommitFacts>, GitFailure> {
        let out = self.git(args)?;
        Ok(out.split('\x01').filter_map(|commit| told(commit.trim_start_matches('\n'))).collect())
    }
}

const FORMAT: &str = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x01";

fn told(commit: &str) -> Option<CommitFacts> {
    let mut parts = commit.split('\0');
    let mut next = || parts.next().map(str::to_owned);
    let (sha, tree, parents) = (next()?, next()?, next()?);
    let mut signature = || {
        let (name, email, at) = (next()?, next()?, next()?);
        Some(Signature { name, email, at: Timestamp::from_second(at.parse().ok()?).ok()? })
    };
    let (author, committer) = (signature()?, signature()?);
    let parents = parents.split_whitespace().map(str::to_owned).collect();
    Some(CommitFacts { sha, tree, parents, author, committer, message: next()?.trim_end().to_owned() })
}

fn changes(raw: &str, numbers: &str) -> Vec<Change> {
    let mut counts = counts(numbers).into_iter();
    let mut parts = raw.split('\0');
    let mut found = Vec::new();
    while let Some(head) = parts.next().filter(|head| head.starts_with(':')) {
        let words: Vec<&str> = head.split(' ').collect();
        let letter = words.get(4).and_then(|word| word.chars().next()).unwrap_or('M');
        let first = parts.next().unwrap_or_default().to_owned();
        let (previous, path) = match letter {
            'R' | 'C' => (Some(first), parts.next().unwrap_or_default().to_owned()),
            _ => (None, first),
        };
        let (additions, deletions) = counts.next().unwrap_or((0, 0));
        let status = match letter {
            'A' => "added",
            'D' => "removed",
            'R' => "renamed",
            'C' => "copied",
            'T' => "changed",
            _ => "modified",
        };
        // A file that is gone is told with the object it had.
        let blob = words.get(if letter == 'D' { 2 } else { 3 }).unwrap_or(&"").to_string();
        found.push(Change { path, previous, status, blob, additions, deletions });
    }
    found
}

/// Lines added and removed for each file, in the order of the raw diff; binary files have none.
fn counts(numbers: &str) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut parts = numbers.split('\0');
    while let Some(part) = parts.next().filter(|part| !part.is_empty()) {
        let mut words = part.splitn(3, '\t');
        let mut count = || words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        found.push((count(), count()));
        // A rename has an empty path here, and two parts of its own.
        if words.next() == Some("") {
            parts.next();
            parts.next();
        }
    }
    found
}
