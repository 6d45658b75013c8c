//! What agents tell while they work, in one vocabulary for all vendors.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{End, ResetTime};

/// One thing an agent's stream told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AgentEvent {
    /// The agent started and said what it has.
    Started(Box<Opening>),
    /// It said something.
    Text(String),
    /// It used a tool.
    Tool {
        /// The tool's name.
        name: String,
        /// What for, in one line.
        detail: String,
    },
    /// It changed a file.
    FileChange {
        /// The file, as the agent named it.
        path: String,
    },
    /// Tokens and money so far.
    Usage(Usage),
    /// Its vendor said how much of a limit is used, or that it is used up.
    RateLimit(LimitNotice),
    /// It tries a request to its provider again.
    Retry {
        /// The number of the try, if it said so.
        attempt: Option<u64>,
        /// The wait before it, if it said so.
        delay: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// It asks a person something, whom nobody can give it here.
    Question(String),
    /// It said how its work ended. A later one outweighs it, and so do the exit of its process and what the engine finds.
    End(End),
    /// A record this adapter does not know; it stays in the log.
    Other(String),
}

/// What an agent said of itself when it started. What it did not tell is `None`, which is not the same as nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opening {
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The version of its program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The vendor's id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The tools it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// The skills and commands it knows, without a leading slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,
    /// The files with instructions that it read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Vec<String>>,
    /// The tool servers it talks to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<String>>,
    /// Where its key came from, in the vendor's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_source: Option<String>,
    /// How its use is billed, as far as it told.
    #[serde(skip_serializing_if = "Billing::is_unknown")]
    pub billing: Billing,
}

/// Tokens and money of an attempt, as the agent reported them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Those of them that came from the vendor's cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
    /// Tokens written, those of its reasoning included.
    #[serde(default)]
    pub output_tokens: u64,
    /// US dollars, if the agent reported them. For a subscription that is what its use would have cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Usage {
    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// How the use of an agent is paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Billing {
    /// By a flat subscription: money is not spent by the token.
    Subscription,
    /// By the token.
    ApiKey,
    /// Nobody has said.
    #[default]
    Unknown,
}

impl Billing {
    /// Whether nobody has said.
    pub fn is_unknown(&self) -> bool {
        *self == Billing::Unknown
    }

    /// The word for it in the configuration and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Billing::Subscription => "subscription",
            Billing::ApiKey => "api-key",
            Billing::Unknown => "unknown",
        }
    }
}

/// What a vendor said of one of its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitNotice {
    /// What the limit is on.
    pub scope: LimitScope,
    /// What ran short.
    #[serde(default)]
    pub why: LimitWhy,
    /// Which of several limits of that scope, in the vendor's words: `five_hour`, `seven_day`, `PerDay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// How much of it is used, 1 for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<f64>,
    /// Whether a request was refused because of it.
    #[serde(default)]
    pub refused: bool,
    /// When it is open again, or begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets: Option<ResetTime>,
    /// What was said, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitScope {
    /// One model for one account.
    Model,
    /// All models of an account.
    Account,
    /// All accounts at the vendor.
    Vendor,
}

/// Why something can take no work now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LimitWhy {
    /// A quota is used up.
    #[default]
    Quota,
    /// The provider does not answer, or is overloaded.
    Down,
    /// The credentials were refused.
    Auth,
    /// Several issues failed the same way within minutes.
    Correlated,
}

impl LimitWhy {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            LimitWhy::Quota => "quota",
            LimitWhy::Down => "down",
            LimitWhy::Auth => "auth",
            LimitWhy::Correlated => "correlated",
        }
    }
}
