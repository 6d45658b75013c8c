//! git, as the engine runs it: by its command line, in an environment that names everything.
//!
//! Every call has an empty global and system configuration, no hooks, no file-system monitor, no
//! prompts and no pager, and works in a repository that is named, never searched for. One module
//! owns this, so that it can be held against a list of hostile trees in one place.

mod landing;
mod worktree;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::Commit;
use tokio::process::Command;

use crate::program::find_program;

pub use landing::{Candidate, Landed};
pub use worktree::Found;

/// The longest one local git command may take.
const DEADLINE: Duration = Duration::from_secs(300);

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

/// A repository of the user's, and where working copies for it are kept.
#[derive(Debug, Clone)]
pub struct Git {
    /// The user's checkout.
    checkout: Utf8PathBuf,
    /// Its git directory.
    git_dir: Utf8PathBuf,
}

/// What a git command printed.
struct Output {
    good: bool,
    code: Option<i32>,
    stdout: String,
    stderr: String,
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
        command.args(["rev-parse", "--path-format=absolute", "--git-common-dir"]);
        let output = run(command, "rev-parse", &checkout, None).await?;
        if !output.good {
            return Err(failed("rev-parse", &checkout, &output));
        }
        Ok(Self { checkout, git_dir: Utf8PathBuf::from(output.stdout.trim_end()) })
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
        let status = Self::must_in(&self.checkout, &["status", "--porcelain=v1", "--untracked-files=no"]).await?;
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
    fn command_in(tree: &Utf8Path) -> Command {
        base_command(tree)
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

    async fn must_in(tree: &Utf8Path, args: &[&str]) -> Result<String, GitError> {
        let mut command = Self::command_in(tree);
        command.args(args);
        let name = args.first().copied().unwrap_or_default();
        let output = run(command, name, tree, None).await?;
        if output.good {
            return Ok(output.stdout.trim_end_matches('\n').to_owned());
        }
        Err(failed(name, tree, &output))
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
        let mut command = Self::command_in(&self.checkout);
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
    /// and does not lie before `commit`.
    ///
    /// # Errors
    /// If git refuses.
    pub async fn set_branch(&self, branch: &str, commit: &Commit) -> Result<(), GitError> {
        if let Some(now) = self.branch(branch).await?
            && !self.is_ancestor(&now, commit).await?
            && !self.is_kept(&now).await?
        {
            return Err(GitError::Failed {
                command: "update-ref".into(),
                place: self.git_dir.clone(),
                said: format!("the branch {branch} stands at {}, which the change does not hold", now.short()),
            });
        }
        self.must(&["update-ref", &format!("refs/heads/{branch}"), &commit.0]).await.map(drop)
    }
}

/// A git command with everything named, run in `dir`.
fn base_command(dir: &Utf8Path) -> Command {
    // By its path it is spawned without copying the engine's address space.
    let program = find_program("git", std::env::var_os("PATH").as_deref()).unwrap_or_else(|| "git".into());
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.env_clear();
    for name in ["PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let author = [("GIT_AUTHOR_NAME", "dayfly"), ("GIT_AUTHOR_EMAIL", "dayfly@localhost")];
    let committer = [("GIT_COMMITTER_NAME", "dayfly"), ("GIT_COMMITTER_EMAIL", "dayfly@localhost")];
    command.envs(author).envs(committer).envs([
        ("LC_ALL", "C.UTF-8"),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_PAGER", "cat"),
        ("GIT_EDITOR", "false"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
    ]);
    for setting in [
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.pager=cat",
        "core.sshCommand=false",
        "commit.gpgSign=false",
        "credential.helper=",
        "diff.external=",
        "protocol.allow=never",
        "gc.auto=0",
        "maintenance.auto=false",
        "advice.detachedHead=false",
        // The folder is named by the user in dayfly.toml; who owns it is theirs to decide.
        "safe.directory=*",
    ] {
        command.args(["-c", setting]);
    }
    command
}

async fn run(mut command: Command, name: &str, place: &Utf8Path, input: Option<&str>) -> Result<Output, GitError> {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(GitError::Run)?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        use tokio::io::AsyncWriteExt as _;
        stdin.write_all(input.as_bytes()).await.map_err(GitError::Run)?;
    }
    let slow = |_| GitError::Slow { command: name.to_owned(), place: place.to_owned() };
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await.map_err(slow)?;
    let output = output.map_err(GitError::Run)?;
    Ok(Output {
        good: output.status.success(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn failed(command: &str, place: &Utf8Path, output: &Output) -> GitError {
    let said = output.stderr.trim().lines().last().or(output.stdout.trim().lines().last()).unwrap_or("it said nothing");
    GitError::Failed { command: command.to_owned(), place: place.to_owned(), said: said.to_owned() }
}

#[cfg(test)]
mod tests;
