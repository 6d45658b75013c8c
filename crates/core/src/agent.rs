//! Adapters for the vendors' command lines.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::{End, JobSpec};

/// A command line, ready to be run without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, as a path or a name to be found on `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// How it receives the prompt.
    pub prompt: PromptVia,
    /// Variables set for the child on top of the runner's allow-list.
    pub env: BTreeMap<String, String>,
    /// Names of variables passed on from the engine's environment.
    pub pass_env: Vec<String>,
    /// Variables whose values are masked in the output, besides those whose name says that they are secret.
    pub redact: Vec<String>,
}

/// How a child receives its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptVia {
    /// On standard input, from a file, any length. With the other ways standard input is empty.
    Stdin,
    /// As the last argument; at most 131,071 bytes on Linux.
    LastArgument,
}

/// One thing an agent's stream told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AgentEvent {
    /// The agent started and said which model it uses.
    Started {
        /// The model.
        model: Option<String>,
    },
    /// It said something.
    Text(String),
    /// It used a tool.
    Tool {
        /// The tool's name.
        name: String,
        /// What for, in one line.
        detail: String,
    },
    /// Tokens and money so far.
    Usage(Usage),
    /// It waits for its provider.
    Waiting(String),
    /// A record this adapter does not know; it stays in the log.
    Other(String),
}

/// Tokens and money of an attempt, as the agent reported them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens written.
    #[serde(default)]
    pub output_tokens: u64,
    /// US dollars, if the agent reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

impl Usage {
    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// How a process ended, as its runner saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExitFacts {
    /// The exit code, if it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Whether the runner had sent it a signal.
    pub signalled_by_us: bool,
}

/// What an agent's own records say of its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The class. `Succeeded` here is the agent's claim; the engine's gates have the verdict.
    pub end: End,
    /// Tokens and money.
    pub usage: Usage,
    /// The model it used.
    pub model: Option<String>,
    /// Its last words.
    pub text: String,
}

/// Why an agent cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Its configuration cannot work.
    #[error("agent `{agent}` is misconfigured: {problem}")]
    Misconfigured {
        /// The agent.
        agent: String,
        /// What is wrong, with the remedy.
        problem: String,
    },
}

/// The adapter for one vendor's CLI.
///
/// # Contract
/// - `command` is pure: the same job gives the same command line, and it reads no environment.
/// - A reader classifies by the vendor's own records in their frame, never by text the agent may
///   have quoted; what it does not know ends as [`End::Unknown`].
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Agent: Debug + Send + Sync + 'static {
    /// The name under which it is configured.
    fn name(&self) -> &str;
    /// The unattended command line for a job.
    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError>;
    /// A reader for one attempt's output.
    fn reader(&self) -> Box<dyn EventReader>;
}

/// Reads one attempt's standard output.
///
/// # Contract
/// `line` never panics, whatever the bytes; a line may have been cut at the runner's limit.
pub trait EventReader: Debug + Send + 'static {
    /// Takes one line, without its end, and tells what it meant.
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent>;
    /// Whether a line is a record, which is written for programs: what it means is kept for people, and not the line.
    fn is_record(&self, line: &[u8]) -> bool {
        line.starts_with(b"{\"")
    }
    /// Classifies the end.
    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending;
}
