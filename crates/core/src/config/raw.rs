//! The file's form, before anything is resolved.

mod read;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::{
    Access, AfterCrash, AgentKind, AnswerRule, Answers, Billing, Choose, Fallback, GateSpec, Labels, Landing, MergeBy,
    MergeMethod, Network, Permissions, Price, ProjectKind, RollOver, Sandbox as Rung, SessionDone, SessionPrompt,
    StageRun, TrackerKind,
};

pub(super) use read::read;

/// The whole file. Every section is read by itself, so that one bad section hides no other.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) root: Root,
    pub(super) limits: Limits,
    pub(super) retry: Retry,
    pub(super) sandbox: Sandbox,
    pub(super) labels: Option<Labels>,
    pub(super) budget: Budget,
    pub(super) capacity: Capacity,
    pub(super) github: GitHub,
    pub(super) triage: Triage,
    pub(super) drift: Drift,
    pub(super) agents: BTreeMap<String, Section<Agent>>,
    pub(super) accounts: BTreeMap<String, Section<Account>>,
    pub(super) stages: BTreeMap<String, Section<Stage>>,
    pub(super) projects: BTreeMap<String, Section<Project>>,
}

/// A section with the place of its name.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub(super) span: Range<usize>,
    pub(super) value: T,
    /// Whether a part of it could not be read; what is missing then is no second problem.
    pub(super) damaged: bool,
}

type Text = Option<Spanned<String>>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Root {
    pub(super) version: Option<Spanned<u32>>,
    pub(super) time_zone: Text,
    pub(super) state_dir: Option<String>,
    pub(super) issues_dir: Option<String>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) after_crash: Option<AfterCrash>,
    pub(super) pipeline: Option<Spanned<Vec<String>>>,
    pub(super) loop_backs: Option<Spanned<u32>>,
    pub(super) protected: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) wall: Text,
    pub(super) silence_report: Text,
    pub(super) silence: Text,
    pub(super) grace: Text,
    pub(super) gate_timeout: Text,
    pub(super) issue_attempts: Option<u32>,
    pub(super) issue_tokens: Option<u64>,
    pub(super) issue_time: Text,
    pub(super) issue_usd: Option<Spanned<f64>>,
    pub(super) attempt_tokens: Option<Spanned<u64>>,
    pub(super) attempt_usd: Option<Spanned<f64>>,
    pub(super) output_bytes: Option<u64>,
    pub(super) diff_lines: Option<u64>,
    pub(super) children: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Retry {
    pub(super) base: Text,
    pub(super) max: Text,
    pub(super) transient: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Sandbox {
    pub(super) trusted: Option<Rung>,
    pub(super) strangers: Option<Rung>,
    pub(super) network: Option<Spanned<Network>>,
    pub(super) read: Option<Spanned<Vec<String>>>,
    pub(super) write: Option<Spanned<Vec<String>>>,
    pub(super) memory_bytes: Option<Spanned<u64>>,
    pub(super) processes: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) kind: Option<AgentKind>,
    pub(super) argv: Option<Spanned<Vec<String>>>,
    pub(super) model: Option<String>,
    pub(super) effort: Option<String>,
    pub(super) turns: Option<Spanned<u32>>,
    pub(super) permissions: Option<Permissions>,
    pub(super) accounts: Option<Spanned<Vec<String>>>,
    pub(super) choose: Option<Choose>,
    pub(super) catalog: Text,
    #[serde(default)]
    pub(super) prices: BTreeMap<String, Price>,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default)]
    pub(super) redact: Vec<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) concurrency: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Account {
    pub(super) vendor: Text,
    pub(super) state_dir: Text,
    pub(super) billing: Option<Billing>,
    pub(super) proxy_key: Text,
    pub(super) upstream: Text,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) concurrency: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Budget {
    pub(super) day_tokens: Option<Spanned<u64>>,
    pub(super) day_usd: Option<Spanned<f64>>,
    pub(super) day_time: Text,
    pub(super) day_attempts: Option<Spanned<u32>>,
    pub(super) month_tokens: Option<Spanned<u64>>,
    pub(super) month_usd: Option<Spanned<f64>>,
    pub(super) month_time: Text,
    pub(super) month_attempts: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Capacity {
    pub(super) probe: Text,
    pub(super) wait: Text,
    pub(super) correlated: Option<Spanned<u32>>,
    pub(super) correlated_within: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GitHub {
    pub(super) api: Text,
    pub(super) app_id: Option<Spanned<u64>>,
    pub(super) app_key: Text,
    pub(super) poll: Text,
    pub(super) checks_start: Text,
    pub(super) wait: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Triage {
    pub(super) answers: Option<Answers>,
    pub(super) stale_after: Text,
    pub(super) exempt: Option<Vec<String>>,
    pub(super) writes: Option<Spanned<u32>>,
    pub(super) roll_over: Option<RollOver>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) run: Option<StageRun>,
    pub(super) access: Option<Access>,
    pub(super) agents: Option<Spanned<Vec<String>>>,
    pub(super) fallback: Option<Fallback>,
    pub(super) answer: Option<AnswerRule>,
    pub(super) effects: Option<Spanned<Vec<String>>>,
    pub(super) comments: Option<Spanned<u32>>,
    pub(super) issues: Option<Spanned<u32>>,
    pub(super) labels: Option<Spanned<Vec<String>>>,
    pub(super) prompt: Text,
    pub(super) prompt_file: Text,
    pub(super) skills: Option<Vec<String>>,
    pub(super) admission: Option<Vec<GateSpec>>,
    pub(super) gates: Option<Vec<GateSpec>>,
    pub(super) on_fail: Text,
    pub(super) rounds: Option<Spanned<u32>>,
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) entry_label: Option<String>,
    pub(super) label: Option<String>,
    pub(super) wall: Text,
    pub(super) silence: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Project {
    pub(super) path: Text,
    pub(super) repository: Option<bool>,
    pub(super) kind: Option<ProjectKind>,
    pub(super) base: Option<String>,
    pub(super) focus: Option<String>,
    pub(super) github: Text,
    pub(super) tracker: Option<Spanned<TrackerKind>>,
    pub(super) landing: Option<Landing>,
    pub(super) merge: Option<Spanned<MergeBy>>,
    pub(super) merge_method: Option<Spanned<MergeMethod>>,
    pub(super) draft: Option<bool>,
    pub(super) squash: Option<bool>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) runner: Option<Spanned<RunnerWord>>,
    pub(super) session: Option<Spanned<Session>>,
    pub(super) pipeline: Option<Spanned<Vec<String>>>,
    pub(super) agents: Option<Spanned<Vec<String>>>,
    pub(super) protected: Option<Spanned<Vec<String>>>,
    pub(super) limits: Option<Limits>,
    pub(super) sandbox: Option<Sandbox>,
    pub(super) budget: Option<Budget>,
    pub(super) trusted: Option<bool>,
    pub(super) paused: Option<bool>,
    pub(super) drift: Option<ProjectDrift>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Drift {
    pub(super) people: Option<Spanned<Vec<String>>>,
    pub(super) pinned: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ProjectDrift {
    pub(super) migrations: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RunnerWord {
    Subprocess,
    Tmux,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Session {
    pub(super) command: Option<Spanned<Vec<String>>>,
    pub(super) submit: Option<Spanned<Vec<String>>>,
    pub(super) interrupt: Option<Spanned<Vec<String>>>,
    pub(super) ready: Text,
    pub(super) settle: Text,
    pub(super) prompt: Option<SessionPrompt>,
    pub(super) done: Option<SessionDone>,
    pub(super) pass_env: Option<Vec<String>>,
    pub(super) env: Option<BTreeMap<String, String>>,
    pub(super) redact: Option<Vec<String>>,
}
