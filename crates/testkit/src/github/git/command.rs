//! git as a process that knows nothing of the machine it runs on.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What git could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitFailure {
    /// The arguments.
    pub(crate) args: String,
    /// Its exit status; 128 and above are for what should not happen.
    pub(crate) status: Option<i32>,
    /// What it wrote to its standard output.
    pub(crate) stdout: String,
    /// What it said.
    pub(crate) stderr: String,
}

impl std::fmt::Display for GitFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "git {} ended with {:?}: {}{}", self.args, self.status, self.stderr, self.stdout)
    }
}

/// A command with the environment of the fake: no configuration, no hooks and no prompts of the machine's owner.
pub(super) fn sealed(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .env("HOME", dir)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_COUNT", "4")
        .envs([("GIT_CONFIG_KEY_0", "core.hooksPath"), ("GIT_CONFIG_VALUE_0", "/dev/null")])
        .envs([("GIT_CONFIG_KEY_1", "gc.auto"), ("GIT_CONFIG_VALUE_1", "0")])
        .envs([("GIT_CONFIG_KEY_2", "safe.directory"), ("GIT_CONFIG_VALUE_2", "*")])
        .envs([("GIT_CONFIG_KEY_3", "uploadpack.allowFilter"), ("GIT_CONFIG_VALUE_3", "true")])
        .stdin(Stdio::null());
    command
}

/// Runs a command, and gives what it wrote.
pub(super) fn run(mut command: Command, input: Option<&[u8]>) -> Result<Vec<u8>, GitFailure> {
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    let failed = |status, stdout: &[u8], stderr: String| GitFailure {
        args: args.clone(),
        status,
        stdout: String::from_utf8_lossy(stdout).into_owned(),
        stderr,
    };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(|e| failed(None, b"", e.to_string()))?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // What ends early says why on its standard error.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(|e| failed(None, b"", e.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(output.status.code(), &output.stdout, String::from_utf8_lossy(&output.stderr).into_owned()))
}
