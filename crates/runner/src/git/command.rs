//! One git command: its environment, its bounds, and what it printed.

use std::process::Stdio;
use std::time::Duration;

use camino::Utf8Path;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use crate::program::find_program;

use super::GitError;

/// The longest one local git command may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(300);

/// The most bytes that are read from each stream of a git command.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// The most characters of git's own words in an error.
const MOST_SAID: usize = 500;

/// What a git command printed.
pub(super) struct Output {
    pub(super) good: bool,
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A git command with everything named, run in `dir`.
pub(super) fn base_command(dir: &Utf8Path) -> Command {
    // By its path it is spawned without copying the engine's address space.
    let program = find_program("git", std::env::var_os("PATH").as_deref()).unwrap_or_else(|| "git".into());
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // An interrupt from the terminal asks the engine to stop; git is not to die of it in the middle.
    command.process_group(0);
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
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_PAGER", "cat"),
        ("GIT_EDITOR", "false"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_NO_LAZY_FETCH", "1"),
    ]);
    for setting in [
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "log.showSignature=false",
        "core.pager=cat",
        "core.sshCommand=false",
        "commit.gpgSign=false",
        "credential.helper=",
        "diff.external=",
        "protocol.allow=never",
        "gc.auto=0",
        "maintenance.auto=false",
        "advice.detachedHead=false",
        // A tree may hold what only another system takes for `.git`.
        "core.protectHFS=true",
        "core.protectNTFS=true",
        // What lies in a submodule has a configuration of its own.
        "submodule.recurse=false",
        // The folder is named by the user in dayfly.toml; who owns it is theirs to decide.
        "safe.directory=*",
    ] {
        command.args(["-c", setting]);
    }
    command
}

/// Runs a command within its bounds. Dropping this ends the command and whatever it started.
pub(super) async fn run(
    mut command: Command,
    name: &str,
    place: &Utf8Path,
    input: Option<&str>,
) -> Result<Output, GitError> {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let running = Running::start(command)?;
    bounded(name, place, running.finish(name, place, input)).await
}

/// Runs two commands, the first with `input`, the second with what the first prints.
pub(super) async fn run_pair(
    (mut first, first_name): (Command, &str),
    (mut second, second_name): (Command, &str),
    place: &Utf8Path,
    input: &str,
) -> Result<(Output, Output), GitError> {
    first.stdin(Stdio::piped());
    let mut first = Running::start(first)?;
    if let Some(pipe) = first.child.stdout.take() {
        let pipe: Stdio = pipe.try_into().map_err(GitError::Run)?;
        second.stdin(pipe);
    }
    let running = Running::start(second)?;
    let both = async {
        tokio::try_join!(first.finish(first_name, place, Some(input)), running.finish(second_name, place, None))
    };
    bounded(first_name, place, both).await
}

async fn bounded<T>(
    name: &str,
    place: &Utf8Path,
    doing: impl Future<Output = Result<T, GitError>>,
) -> Result<T, GitError> {
    let slow = |_| GitError::Slow { command: name.to_owned(), place: place.to_owned() };
    tokio::time::timeout(DEADLINE, doing).await.map_err(slow)?
}

/// A git command that was started.
struct Running {
    child: Child,
    group: Group,
}

impl Running {
    /// Takes the command, so that no end of a pipe stays open in it.
    fn start(mut command: Command) -> Result<Self, GitError> {
        let child = command.spawn().map_err(GitError::Run)?;
        let group = Group::of(&child);
        Ok(Self { child, group })
    }

    async fn finish(mut self, name: &str, place: &Utf8Path, input: Option<&str>) -> Result<Output, GitError> {
        let child = &mut self.child;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            match stdin.zip(input) {
                // One that ended before it read all says itself why.
                Some((mut pipe, text)) => match pipe.write_all(text.as_bytes()).await {
                    Err(err) if err.kind() != std::io::ErrorKind::BrokenPipe => Err(GitError::Run(err)),
                    _ => Ok(()),
                },
                None => Ok(()),
            }
        };
        let ((), stdout, stderr) = tokio::try_join!(feed, read(stdout, name, place), read(stderr, name, place))?;
        let status = child.wait().await.map_err(GitError::Run)?;
        self.group.0 = None;
        Ok(Output { good: status.success(), code: status.code(), stdout, stderr })
    }
}

/// Runs a command that is not to be ended halfway: dropping this lets it finish, within its bounds.
pub(super) async fn run_to_the_end(command: Command, name: &'static str, place: &Utf8Path) -> Result<Output, GitError> {
    let place = place.to_owned();
    // A runtime of its own, because the engine's may be shut down before git is done.
    let whole = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(GitError::Run)?;
        runtime.block_on(run(command, name, &place, None))
    });
    whole.await.map_err(|err| GitError::Run(std::io::Error::other(err)))?
}

/// The processes of a git command, its filters for instance; ended when dropped before they are done.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, name: &str, place: &Utf8Path) -> Result<String, GitError> {
    let Some(pipe) = pipe else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    let count = pipe.take(MOST_BYTES + 1).read_to_end(&mut bytes).await.map_err(GitError::Run)?;
    if u64::try_from(count).is_ok_and(|count| count <= MOST_BYTES) {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    Err(GitError::Long { command: name.to_owned(), place: place.to_owned() })
}

pub(super) fn failed(command: &str, place: &Utf8Path, output: &Output) -> GitError {
    let said = output.stderr.trim().lines().last().or(output.stdout.trim().lines().last()).unwrap_or("it said nothing");
    GitError::Failed { command: command.to_owned(), place: place.to_owned(), said: brief(said) }
}

/// As much of what git said as an error holds.
pub(super) fn brief(said: &str) -> String {
    said.chars().take(MOST_SAID).collect()
}
