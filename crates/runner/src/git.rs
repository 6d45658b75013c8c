//! git, as the engine runs it: by its command line, in an environment that names everything.
//!
//! Every call has an empty global and system configuration, no hooks, no file-system monitor, no
//! differs and mergers of the repository's, no prompts and no pager, and is bounded in time and
//! output. It works in a repository that is named: when a working copy is made its git directory is
//! remembered, so that what an agent puts in place of `.git` leads nowhere. Only opening a project's
//! own folder searches. One module owns this, so that it can be held against a list of hostile trees
//! in one place.
//!
//! Filters (`filter.*` of the repository's own configuration) are left on, and run within the
//! deadline of the command that needs them. Without its filters a repository with git-crypt, git-lfs
//! or cleaned notebooks would be checked out wrong, and what was committed well would seem changed.
//! An agent that can write the repository's configuration can so have a program run by our git.

mod command;
mod landing;
mod worktree;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;
use tokio::process::Command;

use command::{DEADLINE, MOST_BYTES, Output, base_command, brief, failed, run, run_to_the_end};

pub use landing::{Candidate, Landed};
pub use worktree::Found;

/// Why git could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// git itself could not be run.
    #[error("cannot run git")]
    Run(#[source] std::io::Error),
    /// git refused.
    #[error("git {command} failed in {place}: {said}")]
    Failed {
        /// The command.
        command: String,
        /// Where.
        place: Utf8PathBuf,
        /// The last line it printed.
        said: String,
    },
    /// git did not end in time.
    #[error("git {command} did not end within {} s in {place}", DEADLINE.as_secs())]
    Slow {
        /// The command.
        command: String,
        /// Where.
        place: Utf8PathBuf,
    },
    /// git printed more than is read.
    #[error("git {command} printed more than {} MiB in {place}", MOST_BYTES >> 20)]
    Long {
        /// The command.
        command: String,
        /// Where.
        place: Utf8PathBuf,
    },
    /// A working copy stands on a branch that was to be set.
    #[error("the branch {branch} is checked out in {place}: switch to another branch there")]
    InUse {
        /// The branch.
        branch: String,
        /// The working copy.
        place: Utf8PathBuf,
    },
    /// A file of a working copy could not be handled.
    #[error("cannot use {path}")]
    Files {
        /// The path.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A repository of the user's, and the working copies that were made of it.
#[derive(Debug, Clone)]
pub struct Git {
    /// The user's checkout, or the bare repository, as it was named.
    checkout: Utf8PathBuf,
    /// The git directory that all working copies share.
    git_dir: Utf8PathBuf,
    /// The user's checkout; `None` if the repository is bare.
    own: Option<Place>,
    /// The git directories of the working copies made here, by their folders.
    trees: Arc<Mutex<BTreeMap<Utf8PathBuf, Utf8PathBuf>>>,
}

/// A folder of files, and the git directory that belongs to it.
#[derive(Debug, Clone)]
struct Place {
    files: Utf8PathBuf,
    git_dir: Utf8PathBuf,
}

impl Git {
    /// Opens the repository whose checkout, or bare folder, is at `path`.
    ///
    /// # Errors
    /// If there is none, or git is not there.
    pub async fn open(path: &Utf8Path) -> Result<Self, GitError> {
        let files = |source| GitError::Files { path: path.to_owned(), source };
        let checkout = path.canonicalize_utf8().map_err(files)?;
        let mut command = base_command(&checkout);
        command.args(["rev-parse", "--path-format=absolute", "--git-common-dir", "--git-dir", "--show-toplevel"]);
        let output = run(command, "rev-parse", &checkout, None).await?;
        // The last of them is not there in a bare repository, and then git fails after the others.
        let mut lines = output.stdout.lines().map(Utf8PathBuf::from);
        let (Some(git_dir), Some(own_dir)) = (lines.next(), lines.next()) else {
            return Err(failed("rev-parse", &checkout, &output));
        };
        let own = lines.next().map(|files| Place { files, git_dir: own_dir });
        Ok(Self { checkout, git_dir, own, trees: Arc::default() })
    }

    /// What `git --version` says, without its first two words; `None` if git does not run.
    pub async fn version() -> Option<String> {
        let mut command = base_command(Utf8Path::new("/"));
        command.arg("--version");
        let output = run(command, "--version", Utf8Path::new("/"), None).await.ok()?;
        Some(output.stdout.trim().trim_start_matches("git version ").to_owned())
    }

    /// Whether the user's checkout has changes to tracked files that are not committed.
    ///
    /// # Errors
    /// If git cannot be run.
    pub async fn is_dirty(&self) -> Result<bool, GitError> {
        let Some(own) = &self.own else { return Ok(false) };
        let status = self.must_in(own, &["status", "--porcelain=v1", "--untracked-files=no"]).await?;
        Ok(!status.is_empty())
    }

    /// The user's checkout.
    pub fn checkout(&self) -> &Utf8Path {
        &self.checkout
    }

    /// A command on the repository itself, without a working tree.
    fn command(&self) -> Command {
        let mut command = base_command(&self.git_dir);
        command.env("GIT_DIR", &self.git_dir);
        command
    }

    /// A command in a working copy.
    fn command_in(&self, place: &Place) -> Command {
        let mut command = base_command(&place.files);
        command.env("GIT_WORK_TREE", &place.files);
        self.name_dirs(&mut command, &place.git_dir);
        command
    }

    /// Names a working copy's git directory, and the one it shares.
    fn name_dirs(&self, command: &mut Command, git_dir: &Utf8Path) {
        command.env("GIT_DIR", git_dir);
        if git_dir != self.git_dir {
            command.env("GIT_COMMON_DIR", &self.git_dir);
        }
    }

    async fn run(&self, args: &[&str]) -> Result<Output, GitError> {
        let mut command = self.command();
        command.args(args);
        run(command, args.first().copied().unwrap_or_default(), &self.git_dir, None).await
    }

    /// Runs a command that must succeed, and gives what it printed without the last line end.
    async fn must(&self, args: &[&str]) -> Result<String, GitError> {
        let output = self.run(args).await?;
        if output.good {
            return Ok(output.stdout.trim_end_matches('\n').to_owned());
        }
        Err(failed(args.first().copied().unwrap_or_default(), &self.git_dir, &output))
    }

    async fn must_in(&self, place: &Place, args: &[&str]) -> Result<String, GitError> {
        let mut command = self.command_in(place);
        command.args(args);
        let name = args.first().copied().unwrap_or_default();
        let output = run(command, name, &place.files, None).await?;
        if output.good {
            return Ok(output.stdout.trim_end_matches('\n').to_owned());
        }
        Err(failed(name, &place.files, &output))
    }

    /// The commit a branch stands at; `None` if there is no such branch.
    ///
    /// # Errors
    /// If git cannot be run.
    pub async fn branch(&self, branch: &str) -> Result<Option<Commit>, GitError> {
        self.resolve(&format!("refs/heads/{branch}")).await
    }

    /// The commit that something names.
    ///
    /// # Errors
    /// If git cannot be run.
    pub async fn resolve(&self, name: &str) -> Result<Option<Commit>, GitError> {
        let name = format!("{name}^{{commit}}");
        let output = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).await?;
        Ok(output.good.then(|| Commit(output.stdout.trim().to_owned())))
    }

    /// Whether `ancestor` is the same as or an ancestor of `of`.
    ///
    /// # Errors
    /// If git cannot be run, or one of them is not there.
    pub async fn is_ancestor(&self, ancestor: &Commit, of: &Commit) -> Result<bool, GitError> {
        let args = ["merge-base", "--is-ancestor", &ancestor.0, &of.0];
        let output = self.run(&args).await?;
        match output.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed("merge-base", &self.git_dir, &output)),
        }
    }

    /// A file as it is at a commit; `None` if it is not there.
    ///
    /// # Errors
    /// If the commit is not there, what is there is no file, or git cannot be run.
    pub async fn file_at(&self, commit: &Commit, path: &str) -> Result<Option<String>, GitError> {
        let output = self.run(&["cat-file", "blob", &format!("{}:{path}", commit.0)]).await?;
        if output.good {
            return Ok(Some(output.stdout));
        }
        // That it cannot be read must not look as if it were not there.
        let listed = self.must(&["ls-tree", "--name-only", &commit.0, "--", path]).await?;
        if listed.is_empty() { Ok(None) } else { Err(failed("cat-file", &self.git_dir, &output)) }
    }

    /// The branch the checkout stands on, if it stands on one.
    ///
    /// # Errors
    /// If git cannot be run.
    pub async fn current_branch(&self) -> Result<Option<String>, GitError> {
        let mut command = self.own.as_ref().map_or_else(|| self.command(), |own| self.command_in(own));
        command.args(["symbolic-ref", "--quiet", "--short", "HEAD"]);
        let output = run(command, "symbolic-ref", &self.checkout, None).await?;
        Ok(output.good.then(|| output.stdout.trim().to_owned()))
    }

    /// The remotes by name, with their addresses.
    ///
    /// # Errors
    /// If git cannot be run.
    pub async fn remotes(&self) -> Result<BTreeMap<String, String>, GitError> {
        let output = self.run(&["config", "--get-regexp", r"^remote\..*\.url$"]).await?;
        let lines = output.stdout.lines().filter_map(|line| {
            let (key, url) = line.split_once(' ')?;
            let name = key.strip_prefix("remote.")?.strip_suffix(".url")?;
            Some((name.to_owned(), url.to_owned()))
        });
        Ok(lines.collect())
    }

    /// Keeps a commit from being pruned, under dayfly's own refs.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn keep(&self, name: &str, commit: &Commit) -> Result<(), GitError> {
        self.must(&["update-ref", &format!("refs/dayfly/{name}"), &commit.0]).await.map(drop)
    }

    /// Whether an attempt made exactly this commit, so that it is kept whatever happens to branches.
    async fn is_kept(&self, commit: &Commit) -> Result<bool, GitError> {
        let points = format!("--points-at={}", commit.0);
        Ok(!self.must(&["for-each-ref", "--count=1", &points, "refs/dayfly/"]).await?.is_empty())
    }

    /// Sets one of dayfly's own branches; never moves a branch that stands at something else than an attempt made
    /// and does not lie before `commit`, nor one that somebody has checked out.
    ///
    /// # Errors
    /// [`GitError::InUse`] if a working copy stands on the branch; or if git refuses.
    pub async fn set_branch(&self, branch: &str, commit: &Commit) -> Result<(), GitError> {
        if let Some(now) = self.branch(branch).await? {
            if now == *commit {
                return Ok(());
            }
            if !self.is_ancestor(&now, commit).await? && !self.is_kept(&now).await? {
                return Err(GitError::Failed {
                    command: "update-ref".into(),
                    place: self.git_dir.clone(),
                    said: format!("the branch {branch} stands at {}, which the change does not hold", now.short()),
                });
            }
            if let Some(place) = self.standing_on(branch).await?.into_iter().next() {
                return Err(GitError::InUse { branch: branch.to_owned(), place: place.files });
            }
        }
        self.must(&["update-ref", &format!("refs/heads/{branch}"), &commit.0]).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
