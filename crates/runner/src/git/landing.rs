//! Landing: from a change to a commit on the base branch, by fast-forward only.

use dayfly_core::Commit;

use super::{Git, GitError, failed, run};

/// What a change would be on top of the base branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// This commit descends from the base branch and holds the change.
    Ready(Commit),
    /// The change and the base branch touch the same lines of these paths.
    Conflict(Vec<String>),
    /// The base branch already holds all of it.
    Nothing,
}

/// What became of a landing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landed {
    /// The base branch was moved now.
    Moved,
    /// It held the commit already.
    Already,
    /// It stands elsewhere than expected: somebody else was faster.
    Race(Commit),
    /// The user's checkout is in the way.
    Checkout(String),
}

impl Git {
    /// Makes the commit that would land: `tip` itself if the base has not moved, otherwise its
    /// commits put on top of the base one by one, or all in one with `squash`.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn candidate(&self, base: &Commit, tip: &Commit, squash: Option<&str>) -> Result<Candidate, GitError> {
        if self.is_ancestor(tip, base).await? {
            return Ok(Candidate::Nothing);
        }
        if let Some(message) = squash {
            return self.squash(base, tip, message).await;
        }
        if self.is_ancestor(base, tip).await? {
            return Ok(Candidate::Ready(tip.clone()));
        }
        let range = format!("{}..{}", base.0, tip.0);
        let commits = self.must(&["rev-list", "--reverse", "--topo-order", "--no-merges", &range]).await?;
        let mut onto = base.clone();
        for commit in commits.lines() {
            let parent = self.must(&["rev-parse", "--verify", &format!("{commit}^")]).await?;
            let tree = match self.merge_tree(Some(&parent), &onto.0, commit).await? {
                Ok(tree) => tree,
                Err(paths) => return Ok(Candidate::Conflict(paths)),
            };
            if tree == self.must(&["rev-parse", &format!("{}^{{tree}}", onto.0)]).await? {
                continue;
            }
            let message = self.must(&["log", "-1", "--format=%B", commit]).await?;
            let author = self.must(&["log", "-1", "--format=%an%n%ae%n%aI", commit]).await?;
            onto = self.commit_tree(&tree, &onto, &message, Some(&author)).await?;
        }
        Ok(if onto == *base { Candidate::Nothing } else { Candidate::Ready(onto) })
    }

    async fn squash(&self, base: &Commit, tip: &Commit, message: &str) -> Result<Candidate, GitError> {
        let tree = match self.merge_tree(None, &base.0, &tip.0).await? {
            Ok(tree) => tree,
            Err(paths) => return Ok(Candidate::Conflict(paths)),
        };
        if tree == self.must(&["rev-parse", &format!("{}^{{tree}}", base.0)]).await? {
            return Ok(Candidate::Nothing);
        }
        Ok(Candidate::Ready(self.commit_tree(&tree, base, message, None).await?))
    }

    /// Merges without a working copy: the tree, or the paths in conflict.
    async fn merge_tree(
        &self,
        merge_base: Option<&str>,
        ours: &str,
        theirs: &str,
    ) -> Result<Result<String, Vec<String>>, GitError> {
        let base = merge_base.map(|b| format!("--merge-base={b}"));
        let mut args = vec!["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        args.extend(base.as_deref());
        args.extend([ours, theirs]);
        let output = self.run(&args).await?;
        let mut fields = output.stdout.split('\0').filter(|f| !f.is_empty());
        match output.code {
            Some(0) => Ok(Ok(fields.next().unwrap_or_default().trim().to_owned())),
            Some(1) => Ok(Err(fields.skip(1).map(str::to_owned).collect())),
            _ => Err(failed("merge-tree", &self.git_dir, &output)),
        }
    }

    async fn commit_tree(
        &self,
        tree: &str,
        parent: &Commit,
        message: &str,
        author: Option<&str>,
    ) -> Result<Commit, GitError> {
        let mut command = self.command();
        command.args(["commit-tree", tree, "-p", &parent.0, "-F", "-"]);
        let mut lines = author.unwrap_or_default().lines();
        for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"] {
            if let Some(value) = lines.next() {
                command.env(name, value);
            }
        }
        let output = run(command, "commit-tree", &self.git_dir, Some(message)).await?;
        if output.good {
            return Ok(Commit(output.stdout.trim().to_owned()));
        }
        Err(failed("commit-tree", &self.git_dir, &output))
    }

    /// Moves the base branch from one commit to the next. Where the user's checkout stands on that
    /// branch its files move along, and a checkout with local changes in the way is left alone.
    ///
    /// # Errors
    /// If git cannot be run. A lost race is not an error.
    pub async fn land(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Landed, GitError> {
        let now = self.branch(branch).await?.unwrap_or_else(|| Commit(String::new()));
        if !now.0.is_empty() && self.is_ancestor(to, &now).await? {
            return Ok(Landed::Already);
        }
        if now != *from {
            return Ok(Landed::Race(now));
        }
        if self.current_branch().await?.as_deref() == Some(branch) {
            return self.fast_forward(from, to).await;
        }
        let name = format!("refs/heads/{branch}");
        let output = self.run(&["update-ref", &name, &to.0, &from.0]).await?;
        if output.good {
            return Ok(Landed::Moved);
        }
        let now = self.branch(branch).await?.unwrap_or_else(|| Commit(String::new()));
        if now == *from { Err(failed("update-ref", &self.git_dir, &output)) } else { Ok(Landed::Race(now)) }
    }

    async fn fast_forward(&self, from: &Commit, to: &Commit) -> Result<Landed, GitError> {
        let mut command = Self::command_in(&self.checkout);
        command.args(["merge", "--ff-only", "--quiet", "--no-verify-signatures", &to.0]);
        let output = run(command, "merge", &self.checkout, None).await?;
        if output.good {
            return Ok(Landed::Moved);
        }
        let head = Self::must_in(&self.checkout, &["rev-parse", "HEAD"]).await?;
        if head != from.0 {
            return Ok(Landed::Race(Commit(head)));
        }
        let said = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = said.trim_start_matches("error: ").trim_end_matches(" Aborting");
        Ok(Landed::Checkout(format!("the checkout {} is in the way: {said}", self.checkout)))
    }
}
