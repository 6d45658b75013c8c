//! Adapters for the vendors' command lines.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::{End, JobSpec};

mod event;

pub use event::{AgentEvent, Billing, LimitNotice, LimitScope, LimitWhy, Opening, Usage};

/// A command line, ready to be run without a shell.
///
/// In `args`, in the values of `env`, in the texts of `files` and in `elsewhere`, `@DAYFLY_DIR@` stands for the attempt's own folder,
/// `@DAYFLY_PROPOSAL@` for the path of its proposal, `@DAYFLY_CWD@` for its working copy and `@DAYFLY_SESSION@` for a
/// UUID of its own: an adapter cannot know them, because its command line is made from the job alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Where the program itself is, relative to the file found as `program`, if that turns out to be a script which only
    /// starts another program: the first of these that is there is run instead. A script that is killed leaves what it
    /// started alive.
    pub native: Vec<String>,
    /// The folder it starts in, if that is not the working copy: for programs that obey what lies in the folder they start
    /// in, whatever they are told.
    pub elsewhere: Option<String>,
    /// Files written before the start, by their path within the attempt's own folder: `home/...` is in its home.
    pub files: BTreeMap<String, String>,
}

/// How a child receives its prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PromptVia {
    /// On standard input, from a file, any length. With the other ways standard input is empty.
    #[default]
    Stdin,
    /// As the last argument; at most 131,071 bytes on Linux.
    LastArgument,
    /// By what the arguments already say, such as the name of a file that holds it.
    Arguments,
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
    /// What its vendor said of limits: of those that were refused in the end, and of how full the others are.
    pub limits: Vec<LimitNotice>,
    /// What it said of itself at the start.
    pub opening: Option<Opening>,
    /// Its structured answer as JSON, where it was asked for one.
    pub answer: Option<String>,
}

impl Ending {
    /// An ending of which nothing more is known.
    pub fn new(end: End) -> Self {
        Self {
            end,
            usage: Usage::default(),
            model: None,
            text: String::new(),
            limits: Vec::new(),
            opening: None,
            answer: None,
        }
    }
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
    /// How it gives a structured answer where a stage asks for one.
    fn answers(&self) -> AnswerBy {
        AnswerBy::File
    }
    /// Whether a trivial job tells, for next to nothing, whether its vendor takes work again.
    fn can_probe(&self) -> bool {
        false
    }
}

/// How an agent gives a structured answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerBy {
    /// It writes the file that `DAYFLY_PROPOSAL` names.
    #[default]
    File,
    /// Its vendor holds its last words against a schema. A file, if it wrote one, counts before them.
    Structured,
}

impl AnswerBy {
    pub(crate) fn is_file(&self) -> bool {
        *self == AnswerBy::File
    }
}

/// Reads what one attempt prints.
///
/// # Contract
/// Nothing panics, whatever the bytes; a line may have been cut at the runner's limit.
pub trait EventReader: Debug + Send + 'static {
    /// Takes one line, without its end, and tells what it meant.
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent>;
    /// Takes one line of standard error, where the program itself speaks and not its agent.
    fn error_line(&mut self, line: &[u8]) {
        let _ = line;
    }
    /// Whether a line is a record, which is written for programs: what it means is kept for people, and not the line.
    fn is_record(&self, line: &[u8]) -> bool {
        line.starts_with(b"{\"")
    }
    /// Classifies the end.
    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending;
}
