//! The agents and the accounts they work with.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::{AccountName, AgentName, Billing, Usage, VendorName};

/// An agent as configured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentConfig {
    /// Which adapter drives it.
    pub kind: AgentKind,
    /// The program and its leading arguments.
    pub argv: Vec<String>,
    /// The model to ask for.
    pub model: Option<String>,
    /// How hard the model is to think, in the vendor's words.
    pub effort: Option<String>,
    /// The most turns of one attempt, where the vendor's program knows such a limit.
    pub turns: Option<u32>,
    /// What its tools may do unasked.
    pub permissions: Permissions,
    /// The accounts it may work with, most wanted first; none if the vendor's program is to find its own login.
    pub accounts: Vec<AccountName>,
    /// Which of them is taken.
    pub choose: Choose,
    /// The user's own catalog of the vendor's flags and records, as TOML, laid over the one compiled in.
    pub catalog: Option<String>,
    /// What a model's tokens cost, for vendors that report no money.
    pub prices: BTreeMap<String, Price>,
    /// Names of environment variables that the child receives from the engine's environment.
    pub pass_env: Vec<String>,
    /// Variables whose values are masked in the output, besides those whose name says that they are secret.
    pub redact: Vec<String>,
    /// Variables set for the child.
    pub env: BTreeMap<String, String>,
    /// The most jobs of this agent at once.
    pub concurrency: Option<u32>,
}

impl AgentConfig {
    /// An agent of that kind and command line, with the defaults.
    pub fn new(kind: AgentKind, argv: Vec<String>) -> Self {
        Self {
            kind,
            argv,
            model: None,
            effort: None,
            turns: None,
            permissions: Permissions::Least,
            accounts: Vec::new(),
            choose: Choose::Ordered,
            catalog: None,
            prices: BTreeMap::new(),
            pass_env: Vec::new(),
            redact: Vec::new(),
            env: BTreeMap::new(),
            concurrency: None,
        }
    }

    /// Whose servers answer. For a program of one's own that is the agent itself, under its `name`.
    pub fn vendor(&self, name: &AgentName) -> VendorName {
        let word = if self.kind == AgentKind::Command { name.as_str() } else { self.kind.word() };
        VendorName::new(word).expect("what may name an agent may name a vendor")
    }
}

/// Which adapter drives an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// Any program: the prompt on its standard input, success by its exit code and the gates.
    Command,
    /// Claude Code in print mode.
    Claude,
    /// Codex, `codex exec`.
    Codex,
    /// opencode, `opencode run`.
    #[serde(rename = "opencode")]
    OpenCode,
    /// Gemini CLI without a terminal.
    Gemini,
    /// GitHub Copilot CLI in prompt mode.
    Copilot,
}

impl AgentKind {
    /// All of them.
    pub const ALL: [AgentKind; 6] = [
        AgentKind::Command,
        AgentKind::Claude,
        AgentKind::Codex,
        AgentKind::OpenCode,
        AgentKind::Gemini,
        AgentKind::Copilot,
    ];

    /// The word for it in configuration, which is also the usual name of its program.
    pub fn word(self) -> &'static str {
        match self {
            AgentKind::Command => "command",
            AgentKind::Claude => "claude",
            AgentKind::Codex => "codex",
            AgentKind::OpenCode => "opencode",
            AgentKind::Gemini => "gemini",
            AgentKind::Copilot => "copilot",
        }
    }
}

/// What the tools of an agent may do unasked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permissions {
    /// The least that does the stage's job.
    #[default]
    Least,
    /// Anything: the vendor's own checks are passed by.
    Bypass,
}

/// Which of an agent's accounts an attempt works with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choose {
    /// The first that has capacity.
    #[default]
    Ordered,
    /// Of those that have capacity the one that is used least.
    LeastUsed,
}

/// An account at a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountConfig {
    /// The vendor.
    pub vendor: VendorName,
    /// The vendor's own folder of logins and settings, shared by all jobs of the account; without one each job has an
    /// empty one of its own.
    pub state_dir: Option<Utf8PathBuf>,
    /// How its use is billed, if that is known beforehand.
    pub billing: Billing,
    /// The variable of the engine's environment that holds the key, which a proxy then keeps from the child.
    pub proxy_key: Option<String>,
    /// Where the proxy sends requests, instead of to the vendor.
    pub upstream: Option<String>,
    /// Names of environment variables that the child receives from the engine's environment.
    pub pass_env: Vec<String>,
    /// Variables set for the child.
    pub env: BTreeMap<String, String>,
    /// The most jobs of this account at once.
    pub concurrency: Option<u32>,
}

/// What the tokens of a model cost, in US dollars for a million.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens read.
    pub input: f64,
    /// Tokens read from the vendor's cache.
    #[serde(default)]
    pub cached: f64,
    /// Tokens written.
    pub output: f64,
}

impl Price {
    /// What so much costs, in US dollars.
    pub fn of(&self, usage: &Usage) -> f64 {
        let fresh = usage.input_tokens.saturating_sub(usage.cached_tokens);
        let sum = fresh as f64 * self.input
            + usage.cached_tokens as f64 * self.cached
            + usage.output_tokens as f64 * self.output;
        sum / 1e6
    }
}
