//! How an attempt ended. An ending is a value, never an error.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{Billing, Commit, GateResult, LimitNotice, Opening, Proposal, ResetTime, Sandbox, Usage};

/// How an attempt ended, with what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The typed end.
    pub end: End,
    /// What the agent proposed, if it wrote a proposal and the proposal was well formed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// The commit the working copy stood at when the attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The structured answer as JSON, until it has been read as the proposal; it is not recorded.
    #[serde(skip)]
    pub answer: Option<String>,
    /// The evidence.
    pub receipt: Receipt,
}

impl Outcome {
    /// Turns what was said of times into times, as of the moment it was said.
    pub fn resolve_times(&mut self, now: Timestamp, zone: &TimeZone) {
        for notice in &mut self.receipt.limits {
            notice.resets = notice.resets.take().and_then(|reset| reset.resolve(now, zone)).map(ResetTime::At);
        }
        let refused = self.receipt.limits.iter().filter(|notice| notice.refused);
        let latest = refused.filter_map(|notice| match notice.resets {
            Some(ResetTime::At(at)) => Some(at),
            _ => None,
        });
        if let (End::Quota { resets_at }, Some(latest)) = (&mut self.end, latest.max()) {
            *resets_at = Some(latest);
        }
    }

    /// An outcome of which nothing is known but its end.
    pub fn new(end: End) -> Self {
        Self { end, proposal: None, commit: None, answer: None, receipt: Receipt::default() }
    }
}

/// The evidence an attempt leaves behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// How long the attempt took, from start to the last gate.
    #[serde(default)]
    pub took: Duration,
    /// The process's exit code, if it exited by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended the process, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Tokens and money, as the agent reported them.
    #[serde(default)]
    pub usage: Usage,
    /// The model the agent said it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How its use was billed.
    #[serde(default, skip_serializing_if = "Billing::is_unknown")]
    pub billing: Billing,
    /// What the agent said of itself when it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Box<Opening>>,
    /// What the vendor said of its limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitNotice>,
    /// The bytes of output the attempt produced, kept or not.
    #[serde(default)]
    pub output_bytes: u64,
    /// Whether a process of the attempt still held its output when the attempt was ended, or would not end.
    #[serde(default)]
    pub leaky: bool,
    /// Processes it left behind that were ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub killed: u64,
    /// The sandbox it ran in.
    #[serde(default, skip_serializing_if = "is_none")]
    pub sandbox: Sandbox,
    /// Whether the agent ended well, and it could not be judged what it did.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unjudged: bool,
    /// The gates that were checked, in order.
    #[serde(default)]
    pub gates: Vec<GateResult>,
    /// The commits made, oldest first, as `SHORT SUBJECT`.
    #[serde(default)]
    pub commits: Vec<String>,
    /// The last lines of the agent's output, for people.
    #[serde(default)]
    pub tail: String,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_none(sandbox: &Sandbox) -> bool {
    *sandbox == Sandbox::None
}

/// A gate that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFailure {
    /// The gate's name.
    pub gate: String,
    /// Why it did not pass.
    pub reason: String,
    /// The last lines of what the gate printed, if it ran something.
    #[serde(default)]
    pub tail: String,
}

/// The typed end of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum End {
    /// The agent said so in a well-formed final record, and every acceptance gate passed.
    Succeeded,
    /// The agent said it had succeeded, and nothing had changed.
    NoOp {
        /// What was missing.
        reason: String,
    },
    /// The agent said that it failed, or stopped without a result.
    TaskFailed {
        /// Why.
        reason: String,
    },
    /// A gate did not pass.
    GateFailed(GateFailure),
    /// A person must decide.
    NeedsHuman {
        /// What is asked.
        question: String,
    },
    /// The account's quota is used up.
    Quota {
        /// When it comes back, if the vendor said so.
        resets_at: Option<Timestamp>,
    },
    /// The provider did not answer or was overloaded.
    ProviderDown {
        /// What it said.
        reason: String,
    },
    /// The credentials were refused.
    Auth {
        /// What was said.
        reason: String,
    },
    /// The agent's command line or configuration was refused.
    Misconfigured {
        /// What was said.
        reason: String,
    },
    /// Tools that the stage needs were denied to the agent.
    PermissionDenied {
        /// The tools.
        tools: Vec<String>,
    },
    /// Something on this machine was missing: the program, the working copy, git.
    Environment {
        /// What.
        reason: String,
    },
    /// The host itself failed: disk full, no process could be started.
    Host {
        /// What.
        reason: String,
    },
    /// The wall-clock limit passed.
    TimedOutWall {
        /// The limit.
        limit: Duration,
    },
    /// The agent showed no sign of life for the silence limit.
    TimedOutSilence {
        /// The limit.
        limit: Duration,
    },
    /// It was stopped on request.
    Cancelled,
    /// The engine ended while the attempt ran, and its result is not known.
    Lost,
    /// The agent's records could not be understood; they are kept in the attempt's log.
    Unknown {
        /// What was seen.
        reason: String,
    },
}

/// What kind of end it was, for limits and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It went well.
    Good,
    /// The work itself failed: this uses up an attempt of the issue.
    Charged,
    /// The agent did nothing although it said so.
    Idle,
    /// The world around the work failed: this uses up nothing, and is tried again later.
    Transient,
    /// Trying again cannot help before a person has acted.
    Person,
}

impl End {
    /// What kind of end it is. Only [`Class::Charged`] uses up an issue's attempts.
    pub fn class(&self) -> Class {
        match self {
            End::Succeeded => Class::Good,
            End::TaskFailed { .. } | End::GateFailed(_) => Class::Charged,
            End::NoOp { .. } => Class::Idle,
            End::Quota { .. }
            | End::ProviderDown { .. }
            | End::Host { .. }
            | End::TimedOutWall { .. }
            | End::TimedOutSilence { .. }
            | End::Cancelled
            | End::Lost => Class::Transient,
            End::NeedsHuman { .. }
            | End::Auth { .. }
            | End::Misconfigured { .. }
            | End::PermissionDenied { .. }
            | End::Environment { .. }
            | End::Unknown { .. } => Class::Person,
        }
    }

    /// Whether it counts towards the attempts over its life. What the provider or the operator ended does
    /// not: it says nothing of the issue, however often it happens.
    pub fn is_counted(&self) -> bool {
        !matches!(self, End::Quota { .. } | End::ProviderDown { .. } | End::Auth { .. } | End::Cancelled)
    }

    /// The word for it in tables and logs.
    pub fn word(&self) -> &'static str {
        match self {
            End::Succeeded => "succeeded",
            End::NoOp { .. } => "no-op",
            End::TaskFailed { .. } => "task-failed",
            End::GateFailed(_) => "gate-failed",
            End::NeedsHuman { .. } => "needs-human",
            End::Quota { .. } => "quota",
            End::ProviderDown { .. } => "provider-down",
            End::Auth { .. } => "auth",
            End::Misconfigured { .. } => "misconfigured",
            End::PermissionDenied { .. } => "permission-denied",
            End::Environment { .. } => "environment",
            End::Host { .. } => "host",
            End::TimedOutWall { .. } => "timed-out-wall",
            End::TimedOutSilence { .. } => "timed-out-silence",
            End::Cancelled => "cancelled",
            End::Lost => "lost",
            End::Unknown { .. } => "unknown",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            End::Succeeded | End::Cancelled => f.write_str(word),
            End::Lost => write!(f, "{word}: the engine ended while it ran"),
            End::NoOp { reason }
            | End::TaskFailed { reason }
            | End::ProviderDown { reason }
            | End::Auth { reason }
            | End::Misconfigured { reason }
            | End::Environment { reason }
            | End::Host { reason }
            | End::Unknown { reason } => write!(f, "{word}: {reason}"),
            End::GateFailed(failure) => write!(f, "{word}: {}: {}", failure.gate, failure.reason),
            End::NeedsHuman { question } => write!(f, "{word}: {question}"),
            End::Quota { resets_at: Some(at) } => write!(f, "{word}: comes back at {at}"),
            End::Quota { resets_at: None } => write!(f, "{word}: the vendor gave no time"),
            End::PermissionDenied { tools } => write!(f, "{word}: {}", tools.join(", ")),
            End::TimedOutWall { limit } => write!(f, "{word}: over the limit of {limit:?}"),
            End::TimedOutSilence { limit } => write!(f, "{word}: no sign of life for {limit:?}"),
        }
    }
}
