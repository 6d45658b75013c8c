//! Checks that stand between jobs.

use std::fmt::{self, Debug};
use std::str::FromStr;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Commit, Issue, JobSpec, Proposal};

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The work may go on.
    Pass,
    /// Not now.
    Hold {
        /// Why.
        reason: String,
        /// When to look again; `None` means when something changes.
        until: Option<Timestamp>,
    },
    /// The work may not go on as it is.
    Fail {
        /// Why, in words that help whoever mends it.
        reason: String,
        /// The last lines of what the gate printed, if it ran something.
        tail: String,
    },
}

/// What a gate that was checked said; part of an attempt's receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// The gate's name.
    pub gate: String,
    /// What it said.
    pub verdict: Verdict,
}

/// What a gate judges.
///
/// Admission gates see the job before it starts, without `work`; acceptance gates see what it did, in the
/// attempt's own working copy, which may hold more than the commit. The gate `commands` makes a copy of its own.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The frozen job.
    pub job: JobSpec,
    /// The issue as it stood when the job was frozen.
    pub issue: Issue,
    /// The work, for an acceptance gate.
    pub work: Option<WorkFacts>,
}

/// What an attempt left in its working copy, as the engine itself found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkFacts {
    /// The working copy, with what was left in it besides `commit`.
    pub tree: Utf8PathBuf,
    /// The base branch's commit when the job was frozen.
    pub base: Commit,
    /// The commit the attempt started from: the base, or the tip of earlier attempts.
    pub start: Commit,
    /// The commit it left.
    pub commit: Commit,
    /// Whether `commit` descends from `start`.
    pub descends: bool,
    /// Paths with changes that were not committed.
    pub dirty: Vec<String>,
    /// Paths changed between base and commit.
    pub changed: Vec<String>,
    /// Lines added and removed between base and commit.
    pub diff_lines: u64,
    /// What the agent proposed.
    pub proposal: Option<Proposal>,
}

/// A gate that could not judge. This is not a failed gate: nothing is charged to the issue.
#[derive(Debug, thiserror::Error)]
#[error("the gate `{gate}` could not be checked: {reason}")]
pub struct GateError {
    /// The gate's name.
    pub gate: String,
    /// Why.
    pub reason: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A check before or after a job.
///
/// # Contract
/// - `check` changes nothing that a later check or the landing could see: what it writes into the
///   working copy is thrown away.
/// - The same subject gets the same verdict, as far as the gate can help it.
/// - A gate that cannot judge returns an error, never a pass.
///
/// # Cancellation
/// Dropping the future ends whatever the gate started.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Gate: Debug + Send + Sync + 'static {
    /// The name under which a stage lists it.
    fn name(&self) -> &str;
    /// Judges the subject.
    async fn check(&self, subject: &Subject) -> Result<Verdict, GateError>;
}

struct FnGate<F> {
    name: String,
    check: F,
}

impl<F> Debug for FnGate<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnGate").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F> Gate for FnGate<F>
where
    F: Fn(&Subject) -> Verdict + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self, subject: &Subject) -> Result<Verdict, GateError> {
        Ok((self.check)(subject))
    }
}

/// A gate from a closure that needs to wait for nothing.
///
/// ```
/// use dayfly_core::{Gate, Verdict, gate_fn};
/// let gate = gate_fn("small", |subject| match &subject.work {
///     Some(work) if work.changed.len() > 10 => Verdict::Fail { reason: "more than 10 files".into(), tail: String::new() },
///     _ => Verdict::Pass,
/// });
/// assert_eq!(gate.name(), "small");
/// ```
pub fn gate_fn<F>(name: impl Into<String>, check: F) -> impl Gate
where
    F: Fn(&Subject) -> Verdict + Send + Sync + 'static,
{
    FnGate { name: name.into(), check }
}

/// A gate as a stage names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GateSpec {
    /// `clean-tree`: everything is committed.
    CleanTree,
    /// `new-commits`: there are commits on top of the base branch that change something, and none was rewritten.
    NewCommits,
    /// `untouched`: nothing was changed and nothing committed.
    Untouched,
    /// `protected-paths`: no protected path is changed.
    ProtectedPaths,
    /// `diff-size`: the change is not larger than the limit.
    DiffSize,
    /// `commands`: the commands that the base commit's `.dayfly/gates.toml` names pass.
    Commands,
    /// `verdict`: the agent's proposal says `pass`.
    Verdict,
    /// `label:NAME`: the issue carries the label.
    Label(String),
    /// `custom:NAME`: a gate that the embedding program registered.
    Custom(String),
}

impl GateSpec {
    /// The gates there are, for a message.
    pub const KNOWN: &'static str =
        "clean-tree, new-commits, untouched, protected-paths, diff-size, commands, verdict, label:NAME, custom:NAME";

    /// Whether it can only be asked in a repository.
    pub(crate) fn needs_commits(&self) -> bool {
        matches!(
            self,
            GateSpec::CleanTree
                | GateSpec::NewCommits
                | GateSpec::ProtectedPaths
                | GateSpec::DiffSize
                | GateSpec::Untouched
        )
    }
}

impl FromStr for GateSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.split_once(':') {
            Some(("label", name)) if !name.is_empty() => GateSpec::Label(name.to_owned()),
            Some(("custom", name)) if !name.is_empty() => GateSpec::Custom(name.to_owned()),
            None if text == "clean-tree" => GateSpec::CleanTree,
            None if text == "new-commits" => GateSpec::NewCommits,
            None if text == "untouched" => GateSpec::Untouched,
            None if text == "protected-paths" => GateSpec::ProtectedPaths,
            None if text == "diff-size" => GateSpec::DiffSize,
            None if text == "commands" => GateSpec::Commands,
            None if text == "verdict" => GateSpec::Verdict,
            _ => return Err(format!("unknown gate `{text}`; there are {}", Self::KNOWN)),
        })
    }
}

impl fmt::Display for GateSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateSpec::CleanTree => f.write_str("clean-tree"),
            GateSpec::NewCommits => f.write_str("new-commits"),
            GateSpec::Untouched => f.write_str("untouched"),
            GateSpec::ProtectedPaths => f.write_str("protected-paths"),
            GateSpec::DiffSize => f.write_str("diff-size"),
            GateSpec::Commands => f.write_str("commands"),
            GateSpec::Verdict => f.write_str("verdict"),
            GateSpec::Label(name) => write!(f, "label:{name}"),
            GateSpec::Custom(name) => write!(f, "custom:{name}"),
        }
    }
}

impl TryFrom<String> for GateSpec {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<GateSpec> for String {
    fn from(gate: GateSpec) -> String {
        gate.to_string()
    }
}
