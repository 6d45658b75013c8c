//! The repositories looked after, each with its policy.

mod agents;
mod drift;
mod forge;

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::{
    AccountName, AfterCrash, AgentName, Billing, ForgeRepo, Labels, Pipeline, Profile, ProjectName, SandboxPolicy,
    Spend, Trust,
};

pub use agents::{AccountConfig, AgentConfig, AgentKind, Choose, Permissions, Price};
pub use drift::{DriftPolicy, MigrationCheck};
pub use forge::{Answers, GitHubConfig, MergeBy, MergePolicy, RollOver, TrackerKind, TriagePolicy};

/// Everything the engine works from; made by [`crate::Config::read`], every value resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Portfolio {
    /// Where the ledger, logs and working copies are kept.
    pub state_dir: Utf8PathBuf,
    /// Where the Markdown issues are kept, a folder per project.
    pub issues_dir: Utf8PathBuf,
    /// The most jobs at once on this host.
    pub concurrency: u32,
    /// What becomes of attempts whose engine has died.
    pub after_crash: AfterCrash,
    /// How failed attempts are spaced.
    pub retry: Retry,
    /// The labels that carry meaning.
    pub labels: Labels,
    /// The name of the zone in which days and months begin; without one it is the machine's.
    pub time_zone: Option<String>,
    /// What all projects together may spend.
    pub budgets: Budgets,
    /// How the capacity of vendors is watched.
    pub capacity: CapacityPolicy,
    /// How GitHub is reached.
    pub github: GitHubConfig,
    /// How issues are kept in order.
    pub triage: TriagePolicy,
    /// What projects are held against.
    pub drift: DriftPolicy,
    /// The agents by name.
    pub agents: BTreeMap<AgentName, AgentConfig>,
    /// The accounts at their vendors by name.
    pub accounts: BTreeMap<AccountName, AccountConfig>,
    /// The projects by name.
    pub projects: BTreeMap<ProjectName, Project>,
}

impl Portfolio {
    /// The zone in which days and months begin, if the configuration names one.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(self.time_zone.as_deref()?).ok()
    }

    /// Whether and how the use of an agent with an account is billed, as far as it is configured.
    pub fn billing(&self, account: Option<&AccountName>) -> Billing {
        account.and_then(|name| self.accounts.get(name)).map(|account| account.billing).unwrap_or_default()
    }
}

/// One repository with its policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// The user's checkout, or a plain folder if `repository` is false.
    pub path: Utf8PathBuf,
    /// Whether `path` is a git repository. A plain folder has no commits: jobs work in it directly.
    pub repository: bool,
    /// What it mainly holds.
    pub kind: ProjectKind,
    /// The branch work starts from and lands on.
    pub base: String,
    /// What matters most at present; agents are told.
    pub focus: Option<String>,
    /// Where its issues are written down.
    pub tracker: TrackerKind,
    /// Its repository on GitHub, if it has one that dayfly may use: then work starts from the base branch as it is there,
    /// and lands there.
    pub forge: Option<ForgeRepo>,
    /// How a finished change reaches the base branch.
    pub landing: Landing,
    /// How its pull requests are opened and merged.
    pub merge: MergePolicy,
    /// Whether landing makes one commit of a change.
    pub squash: bool,
    /// The most jobs at once in this project.
    pub concurrency: u32,
    /// The stages, resolved for this project.
    pub pipeline: Pipeline,
    /// Where its attempts execute.
    pub runner: ProjectRunner,
    /// What tells whether its migrations are as their record says.
    pub migrations: Option<MigrationCheck>,
    /// Paths no job may change, as globs relative to the repository's root.
    pub protected: Vec<String>,
    /// Bounds.
    pub limits: Limits,
    /// The sandbox its attempts must be run in.
    pub sandbox: SandboxPolicy,
    /// What it may spend.
    pub budgets: Budgets,
    /// Whether its checkout is its users' own, so that agents may obey the settings, hooks and tool servers in it.
    pub trusted: bool,
    /// Whether nothing new is started in it.
    pub paused: bool,
}

impl Project {
    /// How agents are started in it for work that people of that trust had a say in.
    pub fn profile(&self, trust: Trust) -> Profile {
        if self.trusted && trust >= Trust::Writer { Profile::Trusted } else { Profile::Untrusted }
    }
}

/// Where the attempts of a project execute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectRunner {
    /// Each as a process of its own.
    #[default]
    Subprocess,
    /// All in one lasting interactive session in tmux.
    Tmux(SessionConfig),
}

impl ProjectRunner {
    /// The session, if the project keeps one.
    pub fn session(&self) -> Option<&SessionConfig> {
        match self {
            ProjectRunner::Subprocess => None,
            ProjectRunner::Tmux(session) => Some(session),
        }
    }
}

/// A lasting interactive session of a project, in tmux.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionConfig {
    /// The program it runs, with its arguments.
    pub command: Vec<String>,
    /// The keys, by tmux's names, that hand a prompt in.
    pub submit: Vec<String>,
    /// The keys that ask the program to leave what it is at.
    pub interrupt: Vec<String>,
    /// Text that the program shows when it can take its first prompt; without one it is waited for until it is quiet.
    pub ready: Option<String>,
    /// How long the program must print nothing to count as quiet.
    pub settle: Duration,
    /// How the program is given a prompt.
    pub prompt: SessionPrompt,
    /// How the end of an attempt is told.
    pub done: SessionDone,
    /// Names of environment variables that the program receives from the engine's environment.
    pub pass_env: Vec<String>,
    /// Variables set for the program.
    pub env: BTreeMap<String, String>,
    /// Names of those variables that are secret although their names do not say so.
    pub redact: Vec<String>,
}

impl SessionConfig {
    /// A session of that command, with the defaults.
    pub fn new(command: Vec<String>) -> Self {
        Self {
            command,
            submit: vec!["Enter".into()],
            interrupt: vec!["Escape".into()],
            ready: None,
            settle: Duration::from_secs(1),
            prompt: SessionPrompt::Text,
            done: SessionDone::Marker,
            pass_env: Vec::new(),
            env: BTreeMap::new(),
            redact: Vec::new(),
        }
    }
}

/// How the program of a session is given a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionPrompt {
    /// Whole, as one paste. A program that does not know bracketed paste would take each line for a prompt.
    Text,
    /// As one line, which names the file with the prompt.
    File,
}

/// How the end of an attempt in a session is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionDone {
    /// The agent prints a word that the prompt gives in two halves.
    Marker,
    /// The agent writes a file that the prompt names.
    File,
    /// A hook of the agent's own writes the file that `DAYFLY_SESSION_DONE` names.
    Hook,
}

/// What a project mainly holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectKind {
    /// A program.
    Code,
    /// Text.
    Docs,
}

impl ProjectKind {
    /// The word for it in configuration and prompts.
    pub fn word(self) -> &'static str {
        match self {
            ProjectKind::Code => "code",
            ProjectKind::Docs => "docs",
        }
    }
}

/// How a finished change reaches the base branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landing {
    /// The engine puts it on the base branch itself, never by force.
    Direct,
    /// The engine leaves a branch; on a forge it opens a pull request for it. [`MergeBy`] says who merges it.
    PullRequest,
}

/// Bounds of the work in a project. All of them hold at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The longest an attempt may take.
    pub wall: Duration,
    /// After this long without a sign of life the silence is reported.
    pub silence_report: Duration,
    /// After this long without a sign of life an attempt is stopped.
    pub silence: Duration,
    /// How long a process has between the polite signal and the kill.
    pub grace: Duration,
    /// The longest one gate command may take.
    pub gate_timeout: Duration,
    /// The most attempts at an issue over its life, charged or not; [`End::is_counted`](crate::End::is_counted) says
    /// which count.
    pub issue_attempts: u32,
    /// The most tokens an issue may use over its life.
    pub issue_tokens: u64,
    /// The most agent time an issue may use over its life.
    pub issue_time: Duration,
    /// The most money an issue may use over its life, in millionths of a US dollar.
    pub issue_usd_micros: Option<u64>,
    /// The most that one attempt may spend.
    pub attempt: Spend,
    /// The most bytes of output kept of an attempt.
    pub output_bytes: u64,
    /// The most lines a change may add and remove together.
    pub diff_lines: u64,
    /// The most children an issue may be split into.
    pub children: u32,
}

/// What may be spent, by the time in which it is spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    /// On one day.
    pub day: Budget,
    /// In one month.
    pub month: Budget,
}

/// What may be spent within some time. What is `None` has no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Tokens, however they are billed.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar. What a flat subscription would have cost does not count.
    pub usd_micros: Option<u64>,
    /// Time of agents.
    pub time: Option<Duration>,
    /// Attempts.
    pub attempts: Option<u32>,
}

/// How the capacity of vendors is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityPolicy {
    /// How often it is tried whether what is used up is back before the time that was stated; `None` for never.
    pub probe: Option<Duration>,
    /// How long a run until nothing is left waits for capacity.
    pub wait: Duration,
    /// How many issues must fail in the same way for the agent's account to be left alone.
    pub correlated: u32,
    /// Within which time.
    pub correlated_within: Duration,
}

/// How failed attempts are spaced: full jitter below `base · 2^(n-1)`, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The first ceiling.
    pub base: Duration,
    /// The highest ceiling.
    pub max: Duration,
    /// How often in a row the world around a stage may fail before a person is asked.
    pub transient: u32,
}

impl Retry {
    /// The wait before the next try after `failures` in a row, at least 1. `dice` is uniform in 0..1.
    pub fn delay(&self, failures: u32, dice: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.max);
        ceiling.mul_f64(dice.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_to_its_ceiling_and_never_passes_it() {
        let retry = Retry { base: Duration::from_secs(10), max: Duration::from_secs(300), transient: 3 };
        let ceilings: Vec<u64> = (1..=7).map(|n| retry.delay(n, 1.0).as_secs()).collect();
        assert_eq!(ceilings, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(retry.delay(u32::MAX, 1.0).as_secs(), 300);
        assert_eq!(retry.delay(3, 0.0), Duration::ZERO);
    }
}
