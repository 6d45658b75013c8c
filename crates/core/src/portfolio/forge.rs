//! The forge of projects, and how triage keeps their issues in order.

use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::MergeMethod;

/// Where the issues of a project are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackerKind {
    /// In a folder of Markdown files.
    #[default]
    Markdown,
    /// On GitHub.
    GitHub,
}

impl TrackerKind {
    /// Whether it is a folder of files; for serialisation.
    pub fn is_markdown(&self) -> bool {
        *self == TrackerKind::Markdown
    }
}

/// Who merges a pull request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeBy {
    /// A person, when they have looked at it.
    #[default]
    Person,
    /// The engine, as soon as the checks and the rules of its base allow it.
    Engine,
}

/// How the pull requests of a project are opened and merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergePolicy {
    /// Who merges.
    pub by: MergeBy,
    /// How.
    pub method: MergeMethod,
    /// Whether it is opened as a draft, and made ready when its checks have passed.
    pub draft: bool,
}

/// How GitHub is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitHubConfig {
    /// The address of its REST API.
    pub api: String,
    /// The number of a GitHub App, if one is used in place of a token.
    pub app_id: Option<u64>,
    /// The file with the private key of that App.
    pub app_key: Option<Utf8PathBuf>,
    /// How often checks and merges that are waited for are looked at.
    pub poll: Duration,
    /// How long checks may take to appear before a pull request counts as having none.
    pub checks_start: Duration,
    /// How long a run until nothing is left waits for checks and merges.
    pub wait: Duration,
}

impl GitHubConfig {
    /// The host of its API, with a port if it names one.
    pub fn host(&self) -> String {
        let rest = self.api.split_once("://").map_or(self.api.as_str(), |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or_default();
        host.rsplit_once('@').map_or(host, |(_, host)| host).to_owned()
    }

    /// Whether its API is on this machine: then nothing is sent over a network, and nobody is annoyed by haste.
    pub fn is_local(&self) -> bool {
        let Some((_, rest)) = self.api.split_once("://") else { return false };
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .filter_map(|host| rest.strip_prefix(host))
            .any(|rest| rest.is_empty() || rest.starts_with([':', '/']) && !rest.contains('@'))
    }
}

/// Who may answer a question, besides those with write permission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// Nobody.
    Writers,
    /// Whoever wrote the issue.
    #[default]
    Author,
    /// Anybody.
    Anyone,
}

/// Whether the open issues of a month's milestone move to the next month's when the month is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollOver {
    /// They stay.
    #[default]
    Off,
    /// They move.
    Month,
}

/// How triage keeps issues in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriagePolicy {
    /// Who may answer a question.
    pub answers: Answers,
    /// After how long without a person's doing an issue is stale; `None` for never.
    pub stale_after: Option<Duration>,
    /// Labels whose issues are never stale and never moved to another milestone.
    pub exempt: Vec<String>,
    /// The most writes of its rules in one run for one project.
    pub writes: u32,
    /// Whether milestones of months roll over.
    pub roll_over: RollOver,
}
