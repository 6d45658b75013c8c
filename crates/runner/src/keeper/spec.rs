//! What a keeper is told, and what it leaves behind.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AfterCrash, ProcessIdentity};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of what is exchanged with a keeper, and of its files.
pub const KEEPER_VERSION: u32 = 1;

/// The file, in the attempt's folder, that says which processes these are. Its lock is held as long as the keeper
/// lives.
pub const KEEPER_FILE: &str = "keeper.json";

/// The file, in the attempt's folder, that says how it ended.
pub const STATUS_FILE: &str = "status.json";

/// What a keeper is to run, and within which bounds. The child gets the keeper's own environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// [`KEEPER_VERSION`]; a keeper refuses a newer one.
    pub version: u32,
    /// The program, by its path.
    pub program: Utf8PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The folder it starts in.
    pub cwd: Utf8PathBuf,
    /// The attempt's folder, for the logs, the lock and the status.
    pub dir: Utf8PathBuf,
    /// The file that is its standard input; without one that is empty.
    pub stdin: Option<Utf8PathBuf>,
    /// The longest it may take, suspends not counted.
    pub wall: Duration,
    /// After this long without a sign of life that is told.
    pub silence_report: Duration,
    /// After this long without a sign of life it is stopped.
    pub silence: Duration,
    /// The time between the polite signal and the kill.
    pub grace: Duration,
    /// The most bytes kept of each output stream.
    pub log_bytes: u64,
    /// The environment variables whose values are masked in the output, besides those whose name says that they are
    /// secret.
    pub redact: Vec<String>,
    /// What becomes of it when the engine has died.
    pub after_crash: AfterCrash,
    /// The control group that it is in, to be killed and removed at the end.
    pub cgroup: Option<Utf8PathBuf>,
    /// The file that, as long as it is there, keeps anything from being started.
    #[serde(default)]
    pub halt: Option<Utf8PathBuf>,
    /// How many programs stand between the keeper and the agent, a sandbox for instance.
    pub wrappers: u32,
}

/// A line that a keeper writes to its standard output. An empty line says that there is new output in the logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// The child runs.
    Spawned(ProcessIdentity),
    /// The child could not be started.
    Failed {
        /// Why.
        reason: String,
        /// The number of the system's error, if it was one.
        errno: Option<i32>,
    },
    /// It has shown no sign of life for so long.
    Silent(Duration),
    /// The machine was suspended for so long.
    Suspended(Duration),
    /// It is being stopped: politely, or by the kill.
    Stopping(dayfly_core::Stop),
}

/// The file in which a status is written before it gets its name.
const NEW_STATUS: &str = "status.new";
/// More than a status takes.
const ROOM: usize = 1024;

/// What is in [`KEEPER_FILE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) version: u32,
    /// The keeper itself; `SIGTERM` asks it for a polite stop, and `SIGUSR1` for the kill.
    pub(crate) keeper: ProcessIdentity,
    /// What it keeps.
    pub(crate) child: Option<ProcessIdentity>,
    /// The control group it is in.
    #[serde(default)]
    pub(crate) cgroup: Option<Utf8PathBuf>,
}

/// Why a kept process is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeptEnd {
    /// It ended by itself.
    Exited,
    /// It was stopped when the wall limit had passed.
    Wall,
    /// It was stopped when the silence limit had passed.
    Silence,
    /// It was stopped on request.
    Stopped,
    /// It was ended because the engine had died.
    Orphaned,
    /// It could not be started.
    NotStarted {
        /// Why.
        reason: String,
    },
    /// It was given up before it was started, and is not to be started any more.
    Void,
}

/// How a kept process ended, in [`STATUS_FILE`], which is written whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// [`KEEPER_VERSION`].
    pub version: u32,
    /// Why it is no longer there.
    pub end: KeptEnd,
    /// Its exit code, if it exited.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// From its start to its end, suspends not counted, in milliseconds.
    pub took_ms: u64,
    /// How long the machine was suspended meanwhile, in milliseconds.
    pub suspended_ms: u64,
    /// Bytes it wrote to its standard output, kept or not.
    pub stdout_bytes: u64,
    /// Bytes it wrote to its standard error, kept or not.
    pub stderr_bytes: u64,
    /// Bytes of both that are not in the logs.
    pub cut_bytes: u64,
    /// Bytes of both that whoever stands behind the keeper did not take in time.
    #[serde(default)]
    pub unpassed_bytes: u64,
    /// Whether a process it left behind still held its output, or would not end.
    pub leaky: bool,
    /// Processes it left behind that were killed.
    pub killed: u64,
    /// Processes that would not end.
    pub left: u64,
}

impl Identity {
    /// What the keeper of an attempt's folder has said of itself, if it has come so far.
    pub(crate) fn of(dir: &Utf8Path) -> Option<Self> {
        read_json(&dir.join(KEEPER_FILE)).ok().flatten()
    }
}

impl Status {
    /// A status with nothing but its end.
    pub fn of(end: KeptEnd) -> Self {
        Self {
            version: KEEPER_VERSION,
            end,
            exit_code: None,
            signal: None,
            took_ms: 0,
            suspended_ms: 0,
            stdout_bytes: 0,
            stderr_bytes: 0,
            cut_bytes: 0,
            unpassed_bytes: 0,
            leaky: false,
            killed: 0,
            left: 0,
        }
    }

    /// Writes it into an attempt's folder. After a power cut an attempt is lost with or without it, so that it need
    /// not reach the disk at once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, dir: &Utf8Path) -> io::Result<()> {
        let (path, new) = (dir.join(STATUS_FILE), dir.join(NEW_STATUS));
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(&new)?;
        io::Write::write_all(&mut file, &text)?;
        file.set_len(text.len() as u64)?;
        fs::rename(new, path)
    }

    /// Takes the room that a status will need, so that a disk which is full by then takes no result away.
    pub(super) fn reserve(dir: &Utf8Path) {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(dir.join(NEW_STATUS));
        // Without it the status is written if there is room then.
        let _ = file.and_then(|mut file| io::Write::write_all(&mut file, &[b' '; ROOM]));
    }
}

/// Refuses the files of a keeper that are of a newer program than this one, with the reason: nobody here knows what they
/// mean.
pub(crate) fn refuse_newer(dir: &Utf8Path) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let version = |file: &str| Some(read_json::<Versioned>(&dir.join(file)).ok()??.version);
    match [KEEPER_FILE, STATUS_FILE].into_iter().filter_map(version).max() {
        Some(newer) if newer > KEEPER_VERSION => {
            Err(format!("its keeper is of a newer dayfly (version {newer}, this one knows up to {KEEPER_VERSION})"))
        }
        _ => Ok(()),
    }
}

/// Reads one of a keeper's files; `None` if it is not there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Utf8Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) if bytes.is_empty() => Ok(None),
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}
