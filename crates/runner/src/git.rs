//! git, as the engine runs it: by its command line, in an environment that names everything.
//!
//! Three git directories play a part. The **user's** own is read for its branches, and written when a
//! change lands or is left for a person: [`Git`]. The **trusted** one is the engine's: bare, its
//! configuration written by the engine, borrowing the user's objects for reading. All that looks at,
//! judges, merges or commits an attempt's work runs in that one: [`TrustedGit`]. The **attempt's** lies
//! in its working copy and belongs to the agent: our git never runs in it. Its `HEAD` is read as data, and its
//! objects are taken over one by one by their hashes.
//!
//! Every call has an empty global and system configuration, no hooks, no file-system monitor, no
//! differs and mergers of the repository's, no prompts and no pager, and is bounded in time and
//! output. The filters that the user's own configuration names run in one place alone: when the files
//! of the user's own checkout are looked at or moved. One module owns this, so that it can be held
//! against a list of hostile repositories in one place: `tests/hostile.rs`.

mod candidate;
mod command;
mod copy;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod head;
mod history;
mod landing;
mod remote;
mod repo;
mod take;
mod trusted;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;
use tokio::process::Command;

use command::{DEADLINE, MOST_BYTES, Output, base_command, failed, run};

pub use candidate::Candidate;
pub use copy::Found;
pub(crate) use history::Walked;
pub use landing::Landed;
pub use remote::Pushed;
pub use repo::Repo;
#[cfg(feature = "simulate")]
pub(crate) use repo::Repository;
pub use trusted::TrustedGit;

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
    /// What an attempt left in its own repository is not what git would leave there.
    #[error("what was committed in {place} cannot be taken: {why}")]
    Left {
        /// The working copy.
        place: Utf8PathBuf,
        /// What is wrong with it.
        why: String,
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

/// A repository as its owner has it, for reading.
#[derive(Debug, Clone)]
pub struct Git {
    /// The checkout, or the bare repository, as it was named.
    checkout: Utf8PathBuf,
    /// The git directory that all its checkouts share.
    git_dir: Utf8PathBuf,
    /// The checkout; `None` if the repository is bare.
    own: Option<Place>,
    /// How objects are named: `sha1` or `sha256`.
    format: String,
    /// The file that tells where the history was cut, if that is another's.
    shallow: Option<Utf8PathBuf>,
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
        let asked = ["--git-common-dir", "--git-dir", "--show-object-format", "--show-toplevel"];
        command.args(["rev-parse", "--path-format=absolute"]).args(asked);
        let output = run(command, "rev-parse", &checkout, None).await?;
        // The last of them is not there in a bare repository, and then git fails after the others.
        let mut lines = output.stdout.lines();
        let (Some(git_dir), Some(own_dir), Some(format)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(failed("rev-parse", &checkout, &output));
        };
        let own = lines.next().map(|files| Place { files: files.into(), git_dir: own_dir.into() });
        Ok(Self { checkout, git_dir: git_dir.into(), own, format: format.to_owned(), shallow: None })
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
        let status = self
            .must_in(own, &["status", "--porcelain=v1", "--untracked-files=no", "--ignore-submodules=dirty"])
            .await?;
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
        if let Some(shallow) = &self.shallow {
            command.env("GIT_SHALLOW_FILE", shallow);
        }
        command
    }

    /// A command in a checkout.
    fn command_in(&self, place: &Place) -> Command {
        let mut command = base_command(&place.files);
        command.env("GIT_WORK_TREE", &place.files).env("GIT_DIR", &place.git_dir);
        if place.git_dir != self.git_dir {
            command.env("GIT_COMMON_DIR", &self.git_dir);
        }
        command
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

    /// All files of a commit, by their paths.
    ///
    /// # Errors
    /// If the commit is not there, or git refuses.
    pub async fn files_at(&self, commit: &Commit) -> Result<Vec<String>, GitError> {
        let listed = self.must(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", &commit.0]).await?;
        Ok(listed.split_terminator('\0').map(str::to_owned).collect())
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

    /// The files of a commit that set attributes and name a filter there.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn filtered(&self, commit: &Commit) -> Result<Vec<String>, GitError> {
        let args = ["grep", "-l", "-z", "--fixed-strings", "--no-textconv", "-e", "filter=", &commit.0, "--"];
        let mut all = args.to_vec();
        all.push(":(glob)**/.gitattributes");
        let output = self.run(&all).await?;
        let paths = output.stdout.split_terminator('\0').filter_map(|name| name.split_once(':'));
        match output.code {
            Some(0 | 1) => Ok(paths.map(|(_, path)| path.to_owned()).collect()),
            _ => Err(failed("grep", &self.git_dir, &output)),
        }
    }
}

#[cfg(test)]
mod tests;
