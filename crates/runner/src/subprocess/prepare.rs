//! What a child is given: its files, its environment and its command line.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Attempt, CommandLine, PromptVia, RunnerError};
use tokio::process::Command;

use crate::process::{ATTEMPT_VARIABLE, TAG_VARIABLE};
use crate::program::find_program;

/// Stands in an agent's arguments for the path of the proposal file, which an adapter cannot know: its
/// command line is made from the job alone.
pub(crate) const PROPOSAL_PLACE: &str = "@DAYFLY_PROPOSAL@";

/// The variables every child may have from the engine's environment; and all that begin with `LC_`.
const ALLOWED: [&str; 9] = ["PATH", "LANG", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The files of an attempt.
pub(crate) struct Files {
    /// Its folder, absolute: the child starts elsewhere.
    pub(crate) dir: Utf8PathBuf,
    pub(crate) log: File,
    pub(crate) stdin: Stdio,
}

/// Makes the attempt's folder. Only the owner can read what is in it.
pub(crate) fn files(attempt: &Attempt) -> Result<Files, RunnerError> {
    let dir = absolute(&attempt.dir).map_err(at(&attempt.dir))?;
    if !attempt.cwd.is_dir() {
        let source = io::Error::new(io::ErrorKind::NotFound, "it is not a folder");
        return Err(RunnerError::Files { path: attempt.cwd.clone(), source });
    }
    put_aside(&dir).map_err(at(&dir))?;
    for folder in ["home", "tmp"] {
        let folder = dir.join(folder);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at(&folder))?;
    }
    let prompt = dir.join("prompt.txt");
    private().truncate(true).open(&prompt).map_err(at(&prompt))?;
    fs::write(&prompt, &attempt.job.prompt).map_err(at(&prompt))?;
    let log = dir.join("output.log");
    let stdin = match attempt.command.prompt {
        PromptVia::Stdin => Stdio::from(File::open(&prompt).map_err(at(&prompt))?),
        PromptVia::LastArgument => Stdio::null(),
    };
    let log = private().truncate(true).open(&log).map_err(at(&log))?;
    Ok(Files { dir, log, stdin })
}

/// Moves a folder of that name out of the way: what another attempt left there, an answer above all, is not this one's.
fn put_aside(dir: &Utf8Path) -> io::Result<()> {
    if !dir.try_exists()? {
        return Ok(());
    }
    let free = (1_u32..).map(|n| Utf8PathBuf::from(format!("{dir}~{n}"))).find(|old| !old.exists());
    free.map_or(Ok(()), |old| fs::rename(dir, old))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn at(path: &Utf8Path) -> impl FnOnce(io::Error) -> RunnerError {
    let path = path.to_owned();
    move |source| RunnerError::Files { path, source }
}

fn absolute(path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let path = std::path::absolute(path.as_std_path())?;
    Utf8PathBuf::from_path_buf(path).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its path is not UTF-8"))
}

/// The command line of an attempt whose folder is `dir`, in a process group of its own.
pub(super) fn command(attempt: &Attempt, dir: &Utf8Path) -> Command {
    let line = &attempt.command;
    let proposal = dir.join("proposal.json");
    let environment = environment(attempt, dir, &proposal);
    let mut command = Command::new(program(&line.program, environment.get(OsStr::new("PATH"))));
    command.args(line.args.iter().map(|arg| arg.replace(PROPOSAL_PLACE, proposal.as_str())));
    if line.prompt == PromptVia::LastArgument {
        command.arg(&attempt.job.prompt);
    }
    command
        .current_dir(&attempt.cwd)
        .env_clear()
        .envs(environment)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Whether the program is there, as [`command`] would look for it.
pub(super) fn can_start(line: &CommandLine) -> Result<(), String> {
    let path = line.env.get("PATH").map(OsString::from).or_else(|| std::env::var_os("PATH"));
    match find_program(&line.program, path.as_deref()) {
        Some(_) => Ok(()),
        None if line.program.contains('/') => {
            Err(format!("{} is not there, or cannot be executed; install it, or `chmod +x` it", line.program))
        }
        None => Err(format!("`{}` is not on PATH; install it, or mend PATH", line.program)),
    }
}

/// A relative path is one from the engine's folder, where the user wrote it, and not from the child's.
/// One without a slash is looked for on the child's `PATH`. By its full path it is spawned without copying the
/// engine's address space.
fn program(program: &str, path: Option<&OsString>) -> PathBuf {
    let found = if program.contains('/') {
        std::path::absolute(Path::new(program)).ok()
    } else {
        find_program(program, path.map(OsString::as_os_str))
    };
    found.unwrap_or_else(|| program.into())
}

/// The environment of a child whose home and temporary folder are in `dir`.
pub(crate) fn child_environment(line: &CommandLine, dir: &Utf8Path) -> BTreeMap<OsString, OsString> {
    let home = dir.join("home");
    let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
    let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
    set("HOME", home.as_str());
    set("TMPDIR", dir.join("tmp").as_str());
    // With the user's own home the agent must also find the user's own folders below it.
    if !line.pass_env.iter().any(|name| name == "HOME") {
        set("XDG_CONFIG_HOME", home.join(".config").as_str());
        set("XDG_CACHE_HOME", home.join(".cache").as_str());
        set("XDG_DATA_HOME", home.join(".local/share").as_str());
        set("XDG_STATE_HOME", home.join(".local/state").as_str());
    }
    // Without these git would ask on the terminal, read the machine's settings, and refuse to commit.
    set("GIT_TERMINAL_PROMPT", "0");
    set("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        set(&format!("GIT_{who}_NAME"), "dayfly");
        set(&format!("GIT_{who}_EMAIL"), "dayfly@localhost");
    }
    for (name, value) in std::env::vars_os() {
        let passed = name.to_str().is_some_and(|name| {
            ALLOWED.contains(&name) || name.starts_with("LC_") || line.pass_env.iter().any(|n| n == name)
        });
        if passed {
            env.insert(name, value);
        }
    }
    env.extend(line.env.iter().map(|(name, value)| (name.into(), value.into())));
    env
}

fn environment(attempt: &Attempt, dir: &Utf8Path, proposal: &Utf8Path) -> BTreeMap<OsString, OsString> {
    let mut env = child_environment(&attempt.command, dir);
    let job = &attempt.job;
    for (name, value) in [
        (ATTEMPT_VARIABLE, attempt.id.as_str()),
        (TAG_VARIABLE, attempt.tag.as_str()),
        ("DAYFLY_PROPOSAL", proposal.as_str()),
        ("DAYFLY_STAGE", job.stage.as_str()),
        ("DAYFLY_ISSUE", job.issue.issue.as_str()),
        ("DAYFLY_PROJECT", job.issue.project.as_str()),
    ] {
        env.insert(name.into(), value.into());
    }
    env
}
