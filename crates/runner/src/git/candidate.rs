//! The candidate: what a change would be on the base branch, made without a working copy.

use dayfly_core::Commit;

use super::{GitError, TrustedGit, failed, run};

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

impl TrustedGit {
    /// Makes the commit that would land: `tip` itself if the base has not moved, otherwise its
    /// commits put on top of the base one by one, or all in one with `squash`. Where one of them is a
    /// merge, what it solved could not be put anywhere else: then it is the whole change as it is,
    /// merged into the base by one commit whose first parent is the base.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn candidate(&self, base: &Commit, tip: &Commit, squash: Option<&str>) -> Result<Candidate, GitError> {
        if self.own.is_ancestor(tip, base).await? {
            return Ok(Candidate::Nothing);
        }
        if let Some(message) = squash {
            return self.whole(base, tip, &[base], message).await;
        }
        if self.own.is_ancestor(base, tip).await? {
            return Ok(Candidate::Ready(tip.clone()));
        }
        let range = format!("{}..{}", base.0, tip.0);
        let commits = self.own.must(&["rev-list", "--reverse", "--topo-order", "--parents", &range]).await?;
        let commits: Vec<Vec<&str>> = commits.lines().map(|line| line.split(' ').collect()).collect();
        if commits.iter().any(|commit| commit.len() != 2) {
            let message = format!("Merge {} into {}\n", tip.short(), base.short());
            return self.whole(base, tip, &[base, tip], &message).await;
        }
        let drivers = self.merge_drivers().await?;
        let mut onto = base.clone();
        for commit in &commits {
            let [commit, parent] = commit.as_slice() else { continue };
            let tree = match self.merge_tree(Some(parent), &onto.0, commit, &drivers).await? {
                Ok(tree) => tree,
                Err(paths) => return Ok(Candidate::Conflict(paths)),
            };
            if tree == self.own.must(&["rev-parse", &format!("{}^{{tree}}", onto.0)]).await? {
                continue;
            }
            let message = self.own.must(&["log", "-1", "--format=%B", commit]).await?;
            let author = self.own.must(&["log", "-1", "--format=%an%n%ae%n%aI", commit]).await?;
            onto = self.commit_tree(&tree, &[&onto], &message, Some(&author)).await?;
        }
        Ok(if onto == *base { Candidate::Nothing } else { Candidate::Ready(onto) })
    }

    /// The change in one commit.
    async fn whole(
        &self,
        base: &Commit,
        tip: &Commit,
        parents: &[&Commit],
        message: &str,
    ) -> Result<Candidate, GitError> {
        let tree = match self.merge_tree(None, &base.0, &tip.0, &self.merge_drivers().await?).await? {
            Ok(tree) => tree,
            Err(paths) => return Ok(Candidate::Conflict(paths)),
        };
        if tree == self.own.must(&["rev-parse", &format!("{}^{{tree}}", base.0)]).await? {
            return Ok(Candidate::Nothing);
        }
        Ok(Candidate::Ready(self.commit_tree(&tree, parents, message, None).await?))
    }

    /// The settings by which the user's repository names a program that merges.
    async fn merge_drivers(&self) -> Result<Vec<String>, GitError> {
        let output = self.user.run(&["config", "-z", "--name-only", "--get-regexp", r"^merge\..*\.driver$"]).await?;
        match output.code {
            Some(0 | 1) => Ok(output.stdout.split_terminator('\0').map(str::to_owned).collect()),
            _ => Err(failed("config", &self.user.git_dir, &output)),
        }
    }

    /// Merges without a working copy: the tree, or the paths in conflict. A file that a program of the
    /// repository's would merge is in conflict, because the program is not run.
    async fn merge_tree(
        &self,
        merge_base: Option<&str>,
        ours: &str,
        theirs: &str,
        drivers: &[String],
    ) -> Result<Result<String, Vec<String>>, GitError> {
        let base = merge_base.map(|b| format!("--merge-base={b}"));
        let mut args = vec!["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        args.extend(base.as_deref());
        args.extend([ours, theirs]);
        let mut command = self.own.command();
        command.args(args).env("GIT_CONFIG_COUNT", drivers.len().to_string());
        for (number, driver) in drivers.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), driver);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), "exit 1");
        }
        let output = run(command, "merge-tree", &self.own.git_dir, None).await?;
        let mut fields = output.stdout.split('\0').filter(|f| !f.is_empty());
        match output.code {
            Some(0) => Ok(Ok(fields.next().unwrap_or_default().trim().to_owned())),
            Some(1) => Ok(Err(fields.skip(1).map(str::to_owned).collect())),
            _ => Err(failed("merge-tree", &self.own.git_dir, &output)),
        }
    }

    async fn commit_tree(
        &self,
        tree: &str,
        parents: &[&Commit],
        message: &str,
        author: Option<&str>,
    ) -> Result<Commit, GitError> {
        let mut command = self.own.command();
        command.args(["commit-tree", tree, "-F", "-"]);
        for parent in parents {
            command.args(["-p", &parent.0]);
        }
        let mut lines = author.unwrap_or_default().lines();
        for name in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"] {
            if let Some(value) = lines.next().filter(|value| !value.trim().is_empty()) {
                command.env(name, value);
            }
        }
        let output = run(command, "commit-tree", &self.own.git_dir, Some(message)).await?;
        match author {
            _ if output.good => Ok(Commit(output.stdout.trim().to_owned())),
            // An author that git reads and would not write, such as one with an impossible date: the work is not lost
            // over it.
            Some(_) => Box::pin(self.commit_tree(tree, parents, message, None)).await,
            None => Err(failed("commit-tree", &self.own.git_dir, &output)),
        }
    }
}
