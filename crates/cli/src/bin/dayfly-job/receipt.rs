//! The receipt: what was run, how it ended, and what it left behind.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_runner::keeper::{KeptEnd, Status};
use dayfly_runner::{Redactor, Secret, looks_secret};
use serde::Serialize;

use crate::args::Args;
use crate::say;

/// The version of the receipt's form.
pub(crate) const VERSION: u32 = 1;

/// What a run leaves, as JSON; documented in `docs/dayfly-job.md`.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    pub(crate) version: u32,
    pub(crate) started: jiff::Timestamp,
    pub(crate) end: End,
    /// Why, where the end alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(flatten)]
    pub(crate) command: Ran,
    pub(crate) gates: Vec<Ran>,
}

/// One command that was run.
#[derive(Debug, Serialize)]
pub(crate) struct Ran {
    pub(crate) command: Vec<String>,
    /// Where the program was found.
    pub(crate) program: Utf8PathBuf,
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) took_ms: u64,
    pub(crate) suspended_ms: u64,
    pub(crate) stdout_bytes: u64,
    pub(crate) stderr_bytes: u64,
    pub(crate) cut_bytes: u64,
    pub(crate) unpassed_bytes: u64,
    pub(crate) leaky: bool,
    pub(crate) killed: u64,
    pub(crate) left: u64,
    /// The folder with what it printed, if that was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logs: Option<Utf8PathBuf>,
}

impl Ran {
    pub(crate) fn new(command: &[String], program: Utf8PathBuf, status: &Status, logs: &Utf8Path) -> Self {
        Self {
            command: command.to_vec(),
            program,
            exit_code: status.exit_code,
            signal: status.signal,
            took_ms: status.took_ms,
            suspended_ms: status.suspended_ms,
            stdout_bytes: status.stdout_bytes,
            stderr_bytes: status.stderr_bytes,
            cut_bytes: status.cut_bytes,
            unpassed_bytes: status.unpassed_bytes,
            leaky: status.leaky,
            killed: status.killed,
            left: status.left,
            logs: Some(logs.to_owned()),
        }
    }
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    Succeeded,
    Failed,
    GateFailed,
    TimedOutWall,
    TimedOutSilence,
    Interrupted,
}

impl End {
    /// How a command ended of which success is its exit code 0.
    pub(crate) fn of(status: &Status) -> Self {
        match status.end {
            KeptEnd::Wall => End::TimedOutWall,
            KeptEnd::Silence => End::TimedOutSilence,
            KeptEnd::Stopped => End::Interrupted,
            _ if status.exit_code == Some(0) => End::Succeeded,
            _ => End::Failed,
        }
    }

    pub(crate) fn exit_code(self) -> u8 {
        match self {
            End::Succeeded => 0,
            End::Interrupted => 130,
            _ => 1,
        }
    }
}

impl Receipt {
    /// Writes it where it was asked for: into the folder, and to people or programs.
    pub(crate) fn give(&self, args: &Args) -> io::Result<()> {
        let line = masked(&serde_json::to_string(self)?, &args.redact);
        if let Some(dir) = &args.dir {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(dir.join("receipt.json"))?;
            writeln!(file, "{line}")?;
        }
        if args.json {
            writeln!(io::stdout(), "{line}")?;
        } else if !args.quiet {
            say(&line);
        }
        Ok(())
    }
}

/// The text without the secrets that may be in a command's arguments.
fn masked(text: &str, named: &[String]) -> String {
    let wanted = |name: &str| looks_secret(name) || named.iter().any(|n| n == name);
    let secrets: Vec<Secret> =
        std::env::vars().filter(|(name, _)| wanted(name)).map(|(name, value)| Secret::new(name, value)).collect();
    let mut redactor = Redactor::new(&secrets);
    let mut shown = Vec::new();
    redactor.push(text.as_bytes(), &mut shown);
    redactor.finish(&mut shown);
    String::from_utf8_lossy(&shown).into_owned()
}
