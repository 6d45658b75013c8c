//! Landing: from a change to a commit on the base branch, by fast-forward only.

use dayfly_core::Commit;

use super::{Git, GitError, Place, brief, failed, run, run_to_the_end};

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
    /// A checkout that stands on the branch is in the way.
    Checkout(String),
}

impl Git {
    /// Makes the commit that would land: `tip` itself if the base has not moved, otherwise its
    /// commits put on top of the base one by one, or all in one with `squash`. Where one of them is a
    /// merge, what it solved could not be put anywhere else: then it is the whole change as it is,
    /// merged into the base by one commit whose first parent is the base.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn candidate(&self, base: &Commit, tip: &Commit, squash: Option<&str>) -> Result<Candidate, GitError> {
        if self.is_ancestor(tip, base).await? {
            return Ok(Candidate::Nothing);
        }
        if let Some(message) = squash {
            return self.whole(base, tip, &[base], message).await;
        }
        if self.is_ancestor(base, tip).await? {
            return Ok(Candidate::Ready(tip.clone()));
        }
        let range = format!("{}..{}", base.0, tip.0);
        let commits = self.must(&["rev-list", "--reverse", "--topo-order", "--parents", &range]).await?;
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
            if tree == self.must(&["rev-parse", &format!("{}^{{tree}}", onto.0)]).await? {
                continue;
            }
            let message = self.must(&["log", "-1", "--format=%B", commit]).await?;
            let author = self.must(&["log", "-1", "--format=%an%n%ae%n%aI", commit]).await?;
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
        if tree == self.must(&["rev-parse", &format!("{}^{{tree}}", base.0)]).await? {
            return Ok(Candidate::Nothing);
        }
        Ok(Candidate::Ready(self.commit_tree(&tree, parents, message, None).await?))
    }

    /// The settings that name a program that merges.
    async fn merge_drivers(&self) -> Result<Vec<String>, GitError> {
        let output = self.run(&["config", "-z", "--name-only", "--get-regexp", r"^merge\..*\.driver$"]).await?;
        match output.code {
            Some(0 | 1) => Ok(output.stdout.split_terminator('\0').map(str::to_owned).collect()),
            _ => Err(failed("config", &self.git_dir, &output)),
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
        let mut command = self.command();
        command.args(args).env("GIT_CONFIG_COUNT", drivers.len().to_string());
        for (number, driver) in drivers.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), driver);
            command.env(format!("GIT_CONFIG_VALUE_{number}"), "exit 1");
        }
        let output = run(command, "merge-tree", &self.git_dir, None).await?;
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
        parents: &[&Commit],
        message: &str,
        author: Option<&str>,
    ) -> Result<Commit, GitError> {
        let mut command = self.command();
        command.args(["commit-tree", tree, "-F", "-"]);
        for parent in parents {
            command.args(["-p", &parent.0]);
        }
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

    /// Moves the base branch from one commit to the next. Where a checkout of the user's stands on that
    /// branch its files move along, and one with local changes in the way is left alone. A merge that
    /// has begun there comes to its end even if this is dropped.
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
        match self.standing_on(branch).await?.as_slice() {
            [] => {}
            [place] if self.is_ours(place) => {
                return Ok(Landed::Checkout(format!("the attempt in {} stands on the branch {branch}", place.files)));
            }
            [place] => return self.fast_forward(place, branch, from, to).await,
            places => {
                let places: Vec<&str> = places.iter().map(|place| place.files.as_str()).collect();
                let places = places.join(" and ");
                return Ok(Landed::Checkout(format!("the branch {branch} is checked out in {places} at once")));
            }
        }
        let name = format!("refs/heads/{branch}");
        let output = self.run(&["update-ref", &name, &to.0, &from.0]).await?;
        if output.good {
            return Ok(Landed::Moved);
        }
        let now = self.branch(branch).await?.unwrap_or_else(|| Commit(String::new()));
        if now == *from { Err(failed("update-ref", &self.git_dir, &output)) } else { Ok(Landed::Race(now)) }
    }

    /// Moves a branch by a merge in the working copy that stands on it.
    pub(super) async fn fast_forward(
        &self,
        place: &Place,
        branch: &str,
        from: &Commit,
        to: &Commit,
    ) -> Result<Landed, GitError> {
        if !place.files.is_dir() {
            let said = "stands on the branch, and is not there; `git worktree prune` makes git forget it";
            return Ok(Landed::Checkout(format!("the checkout {} {said}", place.files)));
        }
        // Looked at last of all: the merge moves whatever branch the checkout stands on.
        let head = self.must_in(place, &["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"]).await?;
        if head != format!("{}\nrefs/heads/{branch}", from.0) {
            return Ok(Landed::Race(self.branch(branch).await?.unwrap_or_else(|| Commit(String::new()))));
        }
        let mut command = self.command_in(place);
        command.args(["merge", "--ff-only", "--quiet", "--no-autostash", "--no-verify-signatures", &to.0]);
        // To end it halfway would leave the user's files half moved.
        let output = run_to_the_end(command, "merge", &place.files).await?;
        if output.good {
            return Ok(Landed::Moved);
        }
        let head = self.must_in(place, &["rev-parse", "HEAD"]).await?;
        if head != from.0 {
            return Ok(Landed::Race(Commit(head)));
        }
        let said = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = brief(said.trim_start_matches("error: ").trim_end_matches(" Aborting"));
        Ok(Landed::Checkout(format!("the checkout {} is in the way: {said}", place.files)))
    }
}
