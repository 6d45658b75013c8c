//! The frozen description of one piece of work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Access, AccountName, AgentName, Allowed, AnswerBy, AnswerRule, Commit, Digest, GateSpec, IssueRef, IssueState,
    JobId, Limits, ProposalCaps, SandboxSpec, StageName, StageRun, Trust, VendorName,
};

/// One piece of work, frozen: nothing in it depends on the machine, the time or the try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// The kind of job that froze it.
    pub kind: String,
    /// The issue it serves.
    pub issue: IssueRef,
    /// The least trust among those who wrote the issue and its comments. A job that does not say so counts as a
    /// stranger's.
    #[serde(default, skip_serializing_if = "Trust::is_least")]
    pub trust: Trust,
    /// The issue's title, for reports.
    pub title: String,
    /// The issue's milestone, for reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// The stage.
    pub stage: StageName,
    /// What the stage runs.
    pub run: StageRun,
    /// The agent, if it runs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The agent's vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorName>,
    /// The account the agent works with, if it has one configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// The model to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What of the working copy may run or be obeyed by itself. A job that does not say so trusts nothing.
    #[serde(default, skip_serializing_if = "Profile::is_untrusted")]
    pub profile: Profile,
    /// How a structured answer is given.
    #[serde(default, skip_serializing_if = "AnswerBy::is_file")]
    pub answer_by: AnswerBy,
    /// Skills of the repository that the agent must have found when it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// The most that this one attempt may spend.
    #[serde(default, skip_serializing_if = "Spend::is_unbounded")]
    pub spend: Spend,
    /// What the agent is told.
    pub prompt: String,
    /// What it may do to the working copy.
    pub access: Access,
    /// Whether it must write a proposal.
    pub answer: AnswerRule,
    /// The effects it may propose.
    pub effects: Vec<String>,
    /// The most children it may propose.
    pub children: u32,
    /// How much else it may propose.
    #[serde(default, skip_serializing_if = "ProposalCaps::is_default")]
    pub caps: ProposalCaps,
    /// The base branch's commit; `None` where there is no repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Commit>,
    /// The commit the working copy starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Commit>,
    /// The checks before it starts.
    pub admission: Vec<GateSpec>,
    /// The checks before its work counts.
    pub gates: Vec<GateSpec>,
    /// Paths it may not change.
    pub protected: Vec<String>,
    /// The most changed lines.
    pub diff_lines: u64,
    /// The longest it may take.
    pub wall: Duration,
    /// After this long without a sign of life the silence is reported.
    pub silence_report: Duration,
    /// After this long without a sign of life it is stopped.
    pub silence: Duration,
    /// The time between the polite signal and the kill.
    pub grace: Duration,
    /// The longest one gate command may take.
    pub gate_timeout: Duration,
    /// The sandbox it must be run in.
    #[serde(default, skip_serializing_if = "SandboxSpec::is_default")]
    pub sandbox: SandboxSpec,
}

impl JobSpec {
    /// What its agent may propose.
    pub fn allowed(&self) -> Allowed<'_> {
        Allowed { effects: &self.effects, children: self.children, caps: &self.caps }
    }

    /// Its content id: the same content has the same id on every machine.
    pub fn id(&self) -> JobId {
        let json = serde_json::to_vec(self).expect("a job holds nothing that JSON cannot");
        JobId(Digest::of(&json))
    }
}

/// What of a working copy may run, or be obeyed, by itself when an agent starts in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Nothing: neither hooks, settings, tool servers nor key helpers of the repository.
    #[default]
    Untrusted,
    /// What the vendor's program finds there: the repository is its users' own.
    Trusted,
}

impl Profile {
    /// Whether nothing of the working copy is trusted.
    pub fn is_untrusted(&self) -> bool {
        *self == Profile::Untrusted
    }

    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            Profile::Untrusted => "untrusted",
            Profile::Trusted => "trusted",
        }
    }
}

/// The most that may be spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_micros: Option<u64>,
}

impl Spend {
    /// Whether there is no bound.
    pub fn is_unbounded(&self) -> bool {
        *self == Spend::default()
    }

    /// What an attempt may spend: no more than what is left to the issue.
    pub(super) fn left(limits: &Limits, known: Option<&IssueState>) -> Self {
        let (tokens, usd) = known.map_or((0, 0), |known| (known.tokens, known.usd_micros));
        let tokens_left = limits.issue_tokens.saturating_sub(tokens).max(1);
        let usd_left = limits.issue_usd_micros.map(|most| most.saturating_sub(usd).max(1));
        Self {
            tokens: Some(limits.attempt.tokens.map_or(tokens_left, |most| most.min(tokens_left))),
            usd_micros: [limits.attempt.usd_micros, usd_left].into_iter().flatten().min(),
        }
    }
}
