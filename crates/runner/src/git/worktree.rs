//! Working copies: one per attempt, outside the user's checkout, removed afterwards.

use camino::Utf8Path;
use dayfly_core::Commit;

use super::{Git, GitError, run};

/// What was found in a working copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The commit it stands at.
    pub commit: Commit,
    /// Whether that commit descends from where it started.
    pub descends: bool,
    /// Paths with changes that were not committed.
    pub dirty: Vec<String>,
    /// Paths changed between base and commit.
    pub changed: Vec<String>,
    /// Lines added and removed between base and commit.
    pub diff_lines: u64,
    /// The commits between base and commit, oldest first, as `SHORT SUBJECT`.
    pub commits: Vec<String>,
}

impl Git {
    /// Makes a working copy at `tree`, standing at `commit` on no branch.
    ///
    /// # Errors
    /// If git refuses, for instance because the commit is not there.
    pub async fn add_worktree(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        if let Some(parent) = tree.parent() {
            let files = |source| GitError::Files { path: parent.to_owned(), source };
            tokio::fs::create_dir_all(parent).await.map_err(files)?;
        }
        self.must(&["worktree", "add", "--quiet", "--force", "--detach", tree.as_str(), &commit.0]).await.map(drop)
    }

    /// Removes a working copy and what git remembers of it. One that is not there is no error.
    ///
    /// # Errors
    /// If its files cannot be removed.
    pub async fn remove_worktree(&self, tree: &Utf8Path) -> Result<(), GitError> {
        match tokio::fs::remove_dir_all(tree).await {
            Ok(()) => {}
            // What git may still remember of it does no harm: the next pruning forgets it.
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(err) => return Err(GitError::Files { path: tree.to_owned(), source: err }),
        }
        self.must(&["worktree", "prune", "--expire", "now"]).await.map(drop)
    }

    /// Looks at what an attempt left in its working copy.
    ///
    /// # Errors
    /// If it is no working copy any more, or git cannot be run.
    pub async fn inspect(&self, tree: &Utf8Path, base: &Commit, start: &Commit) -> Result<Found, GitError> {
        let commit = Commit(Self::must_in(tree, &["rev-parse", "--verify", "HEAD^{commit}"]).await?);
        let status =
            Self::must_in(tree, &["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"]).await?;
        let dirty = status.split('\0').filter_map(|entry| entry.get(3..)).map(str::to_owned).collect();
        let mut found = Found { commit, descends: true, dirty, changed: vec![], diff_lines: 0, commits: vec![] };
        if found.commit != *start {
            found.descends = self.is_ancestor(start, &found.commit).await?;
        }
        if found.commit == *base {
            return Ok(found);
        }
        let range = format!("{}..{}", base.0, found.commit.0);
        let commits = self.must(&["log", "--reverse", "--no-show-signature", "--format=%h %s", &range]).await?;
        found.commits = commits.lines().map(str::to_owned).collect();
        // The base may have moved on since the work began: only the work's own change counts.
        let fork = self.run(&["merge-base", &base.0, &found.commit.0]).await?;
        let fork = if fork.good { Commit(fork.stdout.trim().to_owned()) } else { base.clone() };
        (found.changed, found.diff_lines) = self.diff(&fork, &found.commit).await?;
        Ok(found)
    }

    /// The paths changed between two commits, and the lines added and removed together.
    pub(super) async fn diff(&self, base: &Commit, commit: &Commit) -> Result<(Vec<String>, u64), GitError> {
        let args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let mut all = args.to_vec();
        all.extend([base.0.as_str(), commit.0.as_str()]);
        let text = self.must(&all).await?;
        let mut changed = Vec::new();
        let mut lines = 0_u64;
        for entry in text.split('\0').filter(|e| !e.is_empty()) {
            let mut fields = entry.splitn(3, '\t');
            let counts = [fields.next(), fields.next()].map(|count| count.and_then(|c| c.parse::<u64>().ok()));
            // A binary file has `-` for its counts; it counts as one line.
            let [added, removed] = counts.map(|count| count.unwrap_or(0));
            lines = lines.saturating_add(if counts == [None, None] { 1 } else { added.saturating_add(removed) });
            changed.extend(fields.next().map(str::to_owned));
        }
        Ok((changed, lines))
    }

    /// Puts a working copy back to a commit, with nothing left of what else was in it.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn clean(&self, tree: &Utf8Path, commit: &Commit) -> Result<(), GitError> {
        Self::must_in(tree, &["reset", "--hard", "--quiet", &commit.0]).await?;
        let mut command = Self::command_in(tree);
        command.args(["clean", "-ffdxq"]);
        let output = run(command, "clean", tree, None).await?;
        if output.good { Ok(()) } else { Err(super::failed("clean", tree, &output)) }
    }
}
