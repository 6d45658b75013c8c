//! Landing: the moves of branches in the user's repository, by fast-forward only.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;

use super::command::{brief, run_to_the_end};
use super::{Git, GitError, Place, TrustedGit, failed};

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

impl TrustedGit {
    /// Moves the base branch from one commit to the next. Where a checkout of the user's stands on that
    /// branch its files move along, and one with local changes in the way is left alone. A merge that
    /// has begun there comes to its end even if this is dropped.
    ///
    /// # Errors
    /// If git cannot be run. A lost race is not an error.
    pub async fn land(&self, branch: &str, from: &Commit, to: &Commit) -> Result<Landed, GitError> {
        let now = self.user.branch(branch).await?.unwrap_or_else(|| Commit(String::new()));
        if !now.0.is_empty() && self.own.is_ancestor(to, &now).await? {
            return Ok(Landed::Already);
        }
        if now != *from {
            return Ok(Landed::Race(now));
        }
        self.give(to).await?;
        match self.user.standing_on(branch).await?.as_slice() {
            [] => {}
            [place] => return self.user.fast_forward(place, branch, from, to).await,
            places => {
                let places: Vec<&str> = places.iter().map(|place| place.files.as_str()).collect();
                let places = places.join(" and ");
                return Ok(Landed::Checkout(format!("the branch {branch} is checked out in {places} at once")));
            }
        }
        let name = format!("refs/heads/{branch}");
        let output = self.user.run(&["update-ref", &name, &to.0, &from.0]).await?;
        if output.good {
            return Ok(Landed::Moved);
        }
        let now = self.user.branch(branch).await?.unwrap_or_else(|| Commit(String::new()));
        if now == *from { Err(failed("update-ref", &self.user.git_dir, &output)) } else { Ok(Landed::Race(now)) }
    }

    /// Sets one of dayfly's own branches in the user's repository; never moves a branch that stands at something else than an attempt
    /// made and does not lie before `commit`, nor one that somebody has checked out.
    ///
    /// # Errors
    /// [`GitError::InUse`] if a checkout stands on the branch; or if git refuses.
    pub async fn set_branch(&self, branch: &str, commit: &Commit) -> Result<(), GitError> {
        let now = self.user.branch(branch).await?;
        if now.as_ref() == Some(commit) {
            return Ok(());
        }
        if let Some(now) = &now {
            if !self.own.is_ancestor(now, commit).await? && !self.is_kept(now).await? {
                return Err(GitError::Failed {
                    command: "update-ref".into(),
                    place: self.user.git_dir.clone(),
                    said: format!("the branch {branch} stands at {}, which the change does not hold", now.short()),
                });
            }
            if let Some(place) = self.user.standing_on(branch).await?.into_iter().next() {
                return Err(GitError::InUse { branch: branch.to_owned(), place: place.files });
            }
        }
        self.give(commit).await?;
        let now = now.unwrap_or_else(|| Commit("0".repeat(commit.0.len())));
        self.user.must(&["update-ref", &format!("refs/heads/{branch}"), &commit.0, &now.0]).await.map(drop)
    }
}

impl Git {
    /// Moves a branch by a merge in the checkout that stands on it.
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

    /// The checkouts of the user's that stand on a branch.
    pub(super) async fn standing_on(&self, branch: &str) -> Result<Vec<Place>, GitError> {
        let name = format!("branch refs/heads/{branch}");
        let list = self.must(&["worktree", "list", "--porcelain", "-z"]).await?;
        let mut found = Vec::new();
        for (number, record) in list.split("\0\0").enumerate() {
            let mut fields = record.split('\0');
            let Some(files) = fields.next().and_then(|field| field.strip_prefix("worktree ")) else { continue };
            if !fields.any(|field| field == name) {
                continue;
            }
            // The first is the main one, whose git directory is the one that all share.
            let place = match number {
                0 => Place { files: files.into(), git_dir: self.git_dir.clone() },
                _ => match self.entry(Utf8Path::new(files)) {
                    Some(git_dir) => Place { files: files.into(), git_dir },
                    None => continue,
                },
            };
            // Where the git directory lies apart from its checkout, the list does not tell the checkout.
            let own = self.own.as_ref().filter(|own| own.git_dir == place.git_dir);
            found.push(own.cloned().unwrap_or(place));
        }
        Ok(found)
    }

    /// The git directory of a linked checkout, as git has it in its list.
    fn entry(&self, files: &Utf8Path) -> Option<Utf8PathBuf> {
        let files = real(files);
        let entries = self.git_dir.join("worktrees").read_dir_utf8().ok()?;
        entries.flatten().map(|entry| entry.path().to_owned()).find(|entry| {
            let Ok(text) = std::fs::read_to_string(entry.join("gitdir")) else { return false };
            entry.join(text.trim_end_matches('\n')).parent().is_some_and(|of| real(of) == files)
        })
    }
}

/// A path without symbolic links, as far as it is there.
fn real(path: &Utf8Path) -> Utf8PathBuf {
    let whole = path.canonicalize_utf8().ok();
    let parent = || Some(path.parent()?.canonicalize_utf8().ok()?.join(path.file_name()?));
    whole.or_else(parent).unwrap_or_else(|| path.to_owned())
}
