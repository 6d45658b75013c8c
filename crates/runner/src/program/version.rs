//! Asking a program for its version.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// The longest that a program may take to say its version. Some start a whole runtime first, on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(20);

/// The most bytes that are read of what it prints.
const MOST_BYTES: u64 = 1 << 16;

/// The most characters of what it said.
const MOST_SAID: usize = 200;

/// Why a program did not say its version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// It cannot be started.
    #[error("it cannot be started")]
    Start(#[source] std::io::Error),
    /// It took too long, and was killed.
    #[error("it did not say its version within {} s", LIMIT.as_secs())]
    Slow,
    /// It ended with something else than success.
    #[error("asked for its version, it ended with {how}: {said}")]
    Failed {
        /// The exit code or the signal.
        how: String,
        /// The last line it printed.
        said: String,
    },
    /// It printed nothing.
    #[error("asked for its version, it printed nothing")]
    Silent,
}

/// The first line that a program prints when it is asked for its version with `args`.
///
/// It is started in a home folder of its own that is thrown away, and has no variables but that and `path`, so that
/// neither the user's settings nor keys are seen by it.
///
/// # Errors
/// If it says no version within 20 seconds. It is killed then, with its process group.
pub async fn ask_version(program: &Path, args: &[String], path: Option<&OsStr>) -> Result<String, VersionError> {
    ask(program, args, path, LIMIT).await
}

async fn ask(program: &Path, args: &[String], path: Option<&OsStr>, limit: Duration) -> Result<String, VersionError> {
    let home = tempfile::tempdir().map_err(VersionError::Start)?;
    let mut command = Command::new(program);
    command.args(args).current_dir(home.path()).env_clear().env("HOME", home.path()).env("TMPDIR", home.path());
    command.envs(path.map(|path| ("PATH", path))).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(VersionError::Start)?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let whole = async { tokio::try_join!(beginning(stdout), beginning(stderr), child.wait()) };
    let told = tokio::time::timeout(limit, whole).await;
    let (stdout, stderr, status) = told.map_err(|_| VersionError::Slow)?.map_err(VersionError::Start)?;
    group.0 = None;
    if !status.success() {
        let said = last_line(&stderr).or(last_line(&stdout)).unwrap_or_else(|| "it printed nothing".into());
        return Err(VersionError::Failed { how: status.to_string(), said });
    }
    let lines = stdout.lines().chain(stderr.lines()).map(str::trim);
    lines.filter(|line| !line.is_empty()).map(brief).next().ok_or(VersionError::Silent)
}

/// What is printed up to the most that is read; the rest is let through unread, so that nobody waits.
async fn beginning(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut pipe) = pipe else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    (&mut pipe).take(MOST_BYTES).read_to_end(&mut bytes).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(brief)
}

fn brief(line: &str) -> String {
    line.chars().take(MOST_SAID).collect()
}

/// The processes of a program; ended when this is dropped before they are done.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// More than a script takes on a machine that is busy.
    const PATIENCE: Duration = Duration::from_secs(30);

    async fn said(script: &str, limit: Duration) -> Result<String, VersionError> {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("tool");
        fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var_os("PATH");
        ask(&program, &["--version".into()], path.as_deref(), limit).await
    }

    #[tokio::test]
    async fn a_program_says_its_version_and_finds_no_variable_of_ours_and_a_home_of_its_own() {
        let told = said("cat; echo; echo \"$1 1.2.3, a tool\"; echo more", PATIENCE).await;
        assert_eq!(told.unwrap(), "--version 1.2.3, a tool");
        let told =
            said("echo \"$(ls -A \"$HOME\")$(env | cut -d= -f1 | sort | tr '\\n' ' ')\"", PATIENCE).await.unwrap();
        assert!(told.contains("HOME") && !told.contains("CARGO") && !told.contains("USER"), "{told}");
    }

    #[tokio::test]
    async fn what_is_no_version_is_told() {
        let failed = said("echo 'no home' >&2; exit 41", PATIENCE).await.unwrap_err().to_string();
        assert_eq!(failed, "asked for its version, it ended with exit status: 41: no home");
        assert!(matches!(said("", PATIENCE).await, Err(VersionError::Silent)));
        let flood = said("head -c 1000000 /dev/zero | tr '\\0' x; echo >&2", PATIENCE).await.unwrap();
        assert_eq!(flood.len(), MOST_SAID);
        assert!(matches!(ask(Path::new("/no/such"), &[], None, PATIENCE).await, Err(VersionError::Start(_))));
    }

    #[tokio::test]
    async fn a_program_that_does_not_answer_is_killed_with_what_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        fs::write(&pids, "").unwrap();
        let script = format!("sleep 600 & echo $! $$ >'{}'; wait", pids.display());
        let slow = said(&script, Duration::from_secs(5)).await;
        assert!(matches!(slow, Err(VersionError::Slow)), "{slow:?}");
        let pids = fs::read_to_string(pids).unwrap();
        assert_eq!(pids.split_whitespace().count(), 2, "it had not begun within the limit: {pids:?}");
        for pid in pids.split_whitespace() {
            let lives = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
            let end = std::time::Instant::now() + PATIENCE;
            while lives() {
                assert!(std::time::Instant::now() < end, "{pid} lives on");
                std::thread::yield_now();
            }
        }
    }
}
