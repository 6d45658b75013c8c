//! Where attempts execute.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::{Agent, AgentEvent, AttemptId, CommandLine, JobSpec, Outcome, Sandbox};

/// One try at a job, ready to be started.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The frozen job.
    pub job: JobSpec,
    /// The directory the process starts in.
    pub cwd: Utf8PathBuf,
    /// The attempt's own folder: `prompt.txt`, `output.log`, `out/proposal.json`, `home/`, `tmp/`.
    pub dir: Utf8PathBuf,
    /// Folders outside `cwd` that the work must be able to read: the git objects that its working copy borrows.
    pub reads: Vec<Utf8PathBuf>,
    /// A port of its own machine, and the Unix socket that it leads to: whoever listens there holds the vendor's key.
    pub bridge: Option<(u16, Utf8PathBuf)>,
    /// What is run.
    pub command: CommandLine,
    /// The adapter that reads its output.
    pub agent: Arc<dyn Agent>,
    /// The bounds of this attempt.
    pub output: OutputLimits,
    /// Identifies this installation's processes; in the environment of all of them.
    pub tag: String,
    /// Where its events go.
    pub events: EventSink,
}

/// Bounds of what is kept of an attempt's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// The most bytes kept in the log, of the beginning and of the end; what lies between is counted.
    pub log_bytes: u64,
    /// The most bytes of one line given to the agent's reader; the rest of the line is counted.
    pub line_bytes: usize,
}

/// Something an attempt did while it ran.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AttemptEvent {
    /// Its process runs.
    Spawned(ProcessIdentity),
    /// It printed a line, decoded for display and cut if it was long.
    Line {
        /// On which stream.
        stream: Stream,
        /// The line.
        text: String,
    },
    /// Its agent's adapter understood something.
    Agent(AgentEvent),
    /// It was taken up from an earlier engine, and what it told that one has been told once more.
    CaughtUp,
    /// It has shown no sign of life for so long; it is not stopped yet.
    Silent(Duration),
    /// It is being stopped.
    Stopping(Stop),
}

/// A stream of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where an attempt's events go. Giving an event never blocks: a slow receiver misses display lines,
/// which stay in the log.
#[derive(Clone)]
pub struct EventSink(Arc<dyn Fn(AttemptEvent) + Send + Sync>);

impl EventSink {
    /// A sink that calls `f`, which must not block.
    pub fn new(f: impl Fn(AttemptEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }

    /// A sink that drops everything.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Gives an event.
    pub fn send(&self, event: AttemptEvent) {
        (self.0)(event);
    }
}

impl Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}

/// What identifies a process beyond reuse of its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id, which is also the id of its group.
    pub pid: u32,
    /// Its start time in clock ticks since boot, as the kernel tells it.
    pub start_ticks: u64,
    /// The boot it runs in.
    pub boot_id: String,
}

/// What an executor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether it reports the process's own exit code.
    pub exit_status: bool,
    /// Whether attempts outlive the engine and can be taken up again.
    pub reattach: bool,
    /// What holds the processes of an attempt together.
    pub containment: Containment,
    /// Whether the wall-clock and silence limits are enforced.
    pub limits: bool,
    /// The strongest sandbox it can put an attempt into here.
    pub sandbox: Sandbox,
}

/// What holds the processes of an attempt together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Containment {
    /// Nothing: there are no processes, or they cannot be found.
    None,
    /// A process group, and on Linux the search for processes that carry the attempt's mark in their
    /// environment. A process that leaves the group and clears its environment escapes.
    Group,
    /// The tree of all that descends from the attempt: a keeper process inherits what its parent left behind.
    /// Nothing escapes while the keeper lives.
    Tree,
    /// The kernel: a control group or a PID namespace. Nothing escapes, whoever dies.
    Kernel,
}

/// What becomes of an attempt whose engine has died, where its executor can hold it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterCrash {
    /// It goes on, and the next engine takes it up.
    #[default]
    Adopt,
    /// It is ended at once.
    End,
}

/// How an attempt is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// A polite signal, the grace period, then the kill.
    Polite,
    /// The kill at once.
    Kill,
}

/// Why an attempt could not be started or followed. How it *ended* is an [`Outcome`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// The program could not be found or started.
    #[error("cannot start `{program}`")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The attempt's own files could not be read or written.
    #[error("cannot use {path}")]
    Files {
        /// The file or folder.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What failed.
        what: String,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl RunnerError {
    /// Whether the machine was short of something it may have again later, or what was started was ended by somebody else.
    pub fn is_transient(&self) -> bool {
        let kind = match self {
            RunnerError::Spawn { source, .. } | RunnerError::Files { source, .. } => source.kind(),
            RunnerError::Other { .. } => return false,
        };
        use std::io::ErrorKind::{BrokenPipe, OutOfMemory, QuotaExceeded, ResourceBusy, StorageFull, WouldBlock};
        matches!(kind, BrokenPipe | OutOfMemory | QuotaExceeded | ResourceBusy | StorageFull | WouldBlock)
    }
}

/// An executor.
///
/// What runs no process, such as a fake, keeps to what is said of attempts, and what is said of processes does not
/// concern it.
///
/// # Contract
/// - `can_start` refuses no command that can be started.
/// - `start` returns when the attempt runs, or with an error when nothing runs and no event was told: the same attempt can
///   then be started again.
/// - The first event of an attempt that is a process says which one it is.
/// - The process starts in the attempt's `cwd`.
/// - Its standard input ends: it is the prompt, of any length, or empty where the prompt is an argument.
/// - A process that does not read its standard input is not held up, and nothing else is.
/// - Of the engine's environment the process gets what `pass_env` names, and beyond that only what the executor documents;
///   what `env` sets is there.
/// - Memory use does not grow with what the process prints: the log keeps the beginning and the end up to its limit, a line
///   is cut at its limit, and all bytes are counted. No line is left out as long as the log holds all that is printed.
/// - Bytes that are no text reach the agent's reader as they are.
/// - Attempts that run side by side do not disturb each other.
/// - With the capability `exit_status` the receipt holds the process's own exit code, or the signal that ended it.
/// - With the capability `limits` an attempt is stopped when its wall-clock limit has passed, and that is its end.
/// - With the capability `limits` an attempt that shows no sign of life is first told to be silent, and stopped at its
///   silence limit; that is its end.
/// - `reattach` gives `None` where the attempt cannot be found again; it never starts anything.
/// - With the capability `reattach` an attempt that runs is found, by another executor too, and goes on undisturbed; it can
///   then be waited for and stopped as if it had been started there.
/// - With the capability `reattach` an attempt that has ended is found with its end, for as long as its folder is there.
///
/// # Cancellation
/// - Dropping the future of `start`, wherever it waits, leaves no process behind.
///
/// # Errors
/// Only what kept the attempt from starting.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Runner: Debug + Send + Sync + 'static {
    /// Its name, for messages.
    fn name(&self) -> &str;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// Whether a command could be started now; asked before an attempt is claimed, so that what is not installed is
    /// told once and not as the end of attempt after attempt. An executor that cannot tell says yes.
    ///
    /// # Errors
    /// Why it could not, with what helps.
    fn can_start(&self, command: &CommandLine) -> Result<(), String> {
        let _ = command;
        Ok(())
    }
    /// Starts an attempt.
    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError>;
    /// Finds an attempt that an earlier engine started.
    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError>;
}

/// An attempt that was started.
///
/// The outcome's [`End`](crate::End) is a claim: see the contract.
///
/// # Contract
/// - `wait` may be dropped and called again, and nothing is lost by it; after the end it gives the same outcome each time.
/// - The end is the agent's claim and the runner's facts: no gate has been asked, and the proposal and the commit are left
///   for the engine to read.
/// - After `stop`, `wait` ends within the grace period and a moment, and the attempt was cancelled.
/// - A polite stop lets the process end by itself for as long as the grace period, and then kills it.
/// - The kill does not wait, not for a grace period that a polite stop before it has begun either.
/// - `stop` may be asked twice; on an attempt that has ended it is no error, and changes nothing.
/// - A process that is left behind and holds the output open delays the end by no more than a moment, and is ended or
///   told of as `leaky`.
/// - After the end no event is told.
/// - When an attempt has ended, of itself or by `stop`, no process of it is left, as far as its containment reaches.
/// - Dropping a running attempt kills it, as far as its containment reaches.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Running: Debug + Send + 'static {
    /// Waits for the end.
    async fn wait(&mut self) -> Result<Outcome, RunnerError>;
    /// Asks for the end.
    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError>;
}
