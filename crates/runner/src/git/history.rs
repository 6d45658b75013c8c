//! The history of a branch along first parents, and what lies at a commit.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use dayfly_core::{Commit, SeenCommit};
use jiff::Timestamp;

use super::command::run_pair;
use super::{Git, GitError, failed};

/// The fields of a commit. Each ends with a zero byte, which neither a name nor a subject can hold; an empty field stands
/// before them and behind them, and no path is empty. So nothing that somebody committed hides a commit.
const FORM: &str = "--format=%x00%H%x00%P%x00%an <%ae>%x00%ct%x00%s%x00";

/// A part of a branch's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// The commits along first parents, newest first.
    pub commits: Vec<SeenCommit>,
    /// Whether there are more than were read.
    pub more: bool,
}

/// What a walk along a branch is to leave out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walked<'a> {
    /// Where the branch stood.
    pub after: &'a Commit,
    /// Where it stands.
    pub tip: &'a Commit,
    /// The most commits that are read.
    pub most: usize,
}

impl Git {
    /// The commits of a branch that came after a place, with the paths in which each differs from its first parent. A
    /// history that was rewritten is walked from where it is shared.
    ///
    /// # Errors
    /// If one of the commits is not there, or git refuses.
    pub(crate) async fn history(&self, walked: Walked<'_>) -> Result<History, GitError> {
        let range = format!("{}..{}", walked.after.0, walked.tip.0);
        let most = format!("--max-count={}", walked.most.saturating_add(1));
        let args = [
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "--no-renames",
            "--name-only",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-mailmap",
            "-z",
            "--end-of-options",
        ];
        let mut all = args.to_vec();
        all.splice(1..1, [most.as_str(), FORM]);
        all.extend([range.as_str(), "--"]);
        let said = self.must(&all).await?;
        let Some(mut commits) = read(&said) else {
            let said = "what it printed of the history is not understood".to_owned();
            return Err(GitError::Failed { command: "log".into(), place: self.git_dir.clone(), said });
        };
        let more = commits.len() > walked.most;
        commits.truncate(walked.most);
        Ok(History { commits, more })
    }

    /// The files of a commit, each with the name of its content.
    ///
    /// # Errors
    /// If the commit is not there, or git refuses.
    pub async fn contents_at(&self, commit: &Commit) -> Result<BTreeMap<String, String>, GitError> {
        let listed = self.must(&["ls-tree", "-r", "-z", "--full-tree", &commit.0]).await?;
        let line = |line: &str| {
            let (entry, path) = line.split_once('\t')?;
            Some((path.to_owned(), entry.rsplit(' ').next()?.to_owned()))
        };
        Ok(listed.split_terminator('\0').filter_map(line).collect())
    }

    /// What names the change from one commit to another, wherever it is made. `None` if there is no change.
    ///
    /// # Errors
    /// If one of them is not there, or git refuses.
    pub async fn change(&self, from: &Commit, to: &Commit) -> Result<Option<String>, GitError> {
        let (mut diff, mut id) = (self.command(), self.command());
        diff.args(["diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", "--full-index"]);
        diff.args(["--end-of-options", &from.0, &to.0]);
        id.args(["patch-id", "--stable"]);
        let place: &Utf8Path = &self.git_dir;
        let (made, named) = run_pair((diff, "diff-tree"), (id, "patch-id"), place, "").await?;
        if !made.good {
            return Err(failed("diff-tree", place, &made));
        }
        Ok(named.stdout.split_whitespace().next().map(str::to_owned))
    }

    /// The changes that commits make, one by one, from a commit to one that descends from it; and the whole of it.
    ///
    /// # Errors
    /// If one of them is not there, or git refuses.
    pub async fn changes(&self, from: &Commit, to: &Commit, most: usize) -> Result<BTreeSet<String>, GitError> {
        let mut changes = BTreeSet::from_iter(self.change(from, to).await?);
        let walked = self.history(Walked { after: from, tip: to, most }).await?;
        for commit in &walked.commits {
            if let Some(parent) = commit.parents.first() {
                changes.extend(self.change(parent, &commit.commit).await?);
            }
        }
        Ok(changes)
    }
}

/// Reads what is printed of a history; `None` if that is not of its form.
fn read(said: &str) -> Option<Vec<SeenCommit>> {
    let mut commits = Vec::new();
    let mut tokens = said.split('\0').peekable();
    while let Some("") = tokens.next() {
        // Behind the last of them there is nothing but the end.
        if tokens.peek().is_none() {
            break;
        }
        let mut field = || tokens.next();
        let (commit, parents, author, at, subject) = (field()?, field()?, field()?, field()?, field()?);
        let mut seen = SeenCommit {
            commit: Commit(commit.to_owned()),
            parents: parents.split_whitespace().map(|parent| Commit(parent.to_owned())).collect(),
            author: author.to_owned(),
            at: Timestamp::from_second(at.parse().ok()?).ok()?,
            subject: subject.to_owned(),
            paths: Vec::new(),
            same_change: false,
        };
        if !field()?.is_empty() {
            return None;
        }
        while let Some(path) = tokens.next_if(|token| !token.is_empty()) {
            // The first is on a line of its own.
            let first = seen.paths.is_empty();
            seen.paths.push(path.strip_prefix('\n').filter(|_| first).unwrap_or(path).to_owned());
        }
        commits.push(seen);
    }
    tokens.next().is_none().then_some(commits)
}
