//! What the ledger records.

mod found;
mod kind;
mod record;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AgentName, Anchor, AttemptId, Baseline, Billing, Boot, CapacityKey, Commit, DriftLook, EffectEntry, EffectId, End,
    Feedback, IssueId, IssueRef, JobSpec, Limited, Next, OpenedBy, Order, Outcome, ProcessIdentity, ProjectName,
    PullRecord, Service, StageName, Target, Token, TrackerKind, Usage, Using,
};

pub use found::{Fate, Found};
pub use kind::EventKind;
pub use record::{Record, RecordError};

/// The format of records that this program writes. It reads this one and all older ones.
pub const FORMAT_VERSION: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// An engine took over the store.
    EngineStarted {
        /// Its program's version.
        version: String,
    },
    /// The boot of the machine that the engine which has just started runs on, by its wall clock.
    Booted {
        /// Which.
        boot: Boot,
    },
    /// An engine ended, and nothing of it was under way any more.
    EngineStopped,
    /// What an engine found that an earlier one had left, where that changed anything.
    Recovered {
        /// What, and what became of it.
        found: Vec<Found>,
    },
    /// A service failed so often in a row that it is left alone for a while.
    ServiceDown {
        /// Which.
        service: Service,
        /// Why, as it was last heard.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
    /// A service that was left alone serves again.
    ServiceBack {
        /// Which.
        service: Service,
    },
    /// An attempt was claimed. The record's sequence number is its fencing token.
    AttemptStarted {
        /// Its id.
        attempt: AttemptId,
        /// The frozen job.
        job: Box<JobSpec>,
        /// Set if the agent is not the stage's first choice: why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        substitution: Option<String>,
        /// Where its issue is written down: another tracker has other issues of the same numbers.
        #[serde(default, skip_serializing_if = "TrackerKind::is_markdown")]
        tracker: TrackerKind,
    },
    /// An attempt's process runs.
    AttemptSpawned {
        /// The attempt.
        attempt: AttemptId,
        /// Its process.
        process: ProcessIdentity,
    },
    /// An attempt ended, and what follows was decided.
    AttemptEnded {
        /// The attempt.
        attempt: AttemptId,
        /// The token it was claimed with.
        token: Token,
        /// How it ended.
        outcome: Box<Outcome>,
        /// What follows.
        next: Next,
        /// What is to be written outside, in order.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// Something can take no work.
    CapacityLimited {
        /// What, why and until when.
        limit: Limited,
    },
    /// Something takes work again.
    CapacityOpened {
        /// What.
        key: CapacityKey,
        /// What showed it.
        by: OpenedBy,
        /// When that began: what was heard of a limit since then is not answered by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        began: Option<Timestamp>,
        /// Whether it also showed that work is done there, and not only that it is answered.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        works: bool,
    },
    /// It was tried whether something takes work again.
    CapacityProbed {
        /// What was tried.
        using: Using,
        /// How that ended.
        end: End,
        /// What it cost.
        #[serde(default)]
        usage: Usage,
        /// How that was billed.
        #[serde(default)]
        billing: Billing,
        /// Until when it is taken for closed, where nobody stated a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// An effect was done.
    EffectDone {
        /// The effect.
        effect: EffectId,
        /// The issue it served.
        issue: IssueRef,
        /// Whether it was found done already.
        adopted: bool,
        /// The issue that was created, for a creation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created: Option<IssueId>,
        /// The commit now on the base branch, for a landing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        landed: Option<Commit>,
    },
    /// An effect cannot be done as it is; those of the issue that wait behind it are dropped.
    EffectRefused {
        /// The effect.
        effect: EffectId,
        /// The issue it served.
        issue: IssueRef,
        /// Why.
        reason: String,
        /// Whether a new landing can succeed; otherwise a person is needed.
        again: bool,
        /// What tells the person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        effects: Vec<EffectEntry>,
    },
    /// An effect will be tried again later.
    EffectDelayed {
        /// The effect.
        effect: EffectId,
        /// The issue it serves.
        issue: IssueRef,
        /// Why.
        reason: String,
        /// When.
        until: Timestamp,
    },
    /// A person answered the question an issue waited with.
    Answered {
        /// The issue.
        issue: IssueRef,
        /// Who.
        by: String,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// All children of a split issue are closed.
    ChildrenClosed {
        /// The issue.
        issue: IssueRef,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// A person merged the branch that was left for them.
    Merged {
        /// The issue.
        issue: IssueRef,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
        /// The commit as which it was merged, where its forge said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<Commit>,
    },
    /// What is known of the pull request of an issue has changed.
    PullSeen {
        /// The issue.
        issue: IssueRef,
        /// What is known now.
        pull: PullRecord,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// The pull request of an issue cannot be merged as it is, and work goes back to a stage.
    SentBack {
        /// The issue.
        issue: IssueRef,
        /// The stage.
        stage: StageName,
        /// Why.
        feedback: Option<Feedback>,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// The pull request of an issue needs a person.
    Stopped {
        /// The issue.
        issue: IssueRef,
        /// Why.
        reason: String,
        /// What helps.
        remedy: String,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// A rule of triage asks for writes.
    Triaged {
        /// The issue.
        issue: IssueRef,
        /// The rule.
        rule: String,
        /// Why, in words.
        why: String,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// A person lifted a block.
    Unblocked {
        /// The issue.
        issue: IssueRef,
        /// What follows outside.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// The issue was closed by somebody else.
    Closed {
        /// The issue.
        issue: IssueRef,
    },
    /// A closed issue was opened again; it starts anew.
    Reopened {
        /// The issue.
        issue: IssueRef,
        /// The stage it starts at.
        stage: StageName,
        /// Set if it is an issue of another tracker, of which nothing is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracker: Option<TrackerKind>,
    },
    /// A backup was put in the place of the ledger: what was recorded after it is gone.
    Restored {
        /// The place that the replaced ledger had come to, where it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaced: Option<Anchor>,
        /// Attempts that were made or have ended since, of which nothing but their folders tells.
        #[serde(default)]
        in_doubt: Vec<AttemptId>,
        /// What is written outside: that their issues wait for a person.
        #[serde(default)]
        effects: Vec<EffectEntry>,
    },
    /// A person stopped everything: nothing is started and nothing written until that is lifted.
    Halted {
        /// Who and why.
        order: Order,
    },
    /// A person lifted that.
    Lifted {
        /// Who and why.
        order: Order,
    },
    /// A person paused something: nothing new is begun for it.
    Paused {
        /// Who and why.
        order: Order,
        /// What.
        what: Vec<Target>,
    },
    /// A person let something go on.
    Resumed {
        /// Who and why.
        order: Order,
        /// What.
        what: Vec<Target>,
    },
    /// A person cancelled the work at an issue: what runs for it is ended, and it is paused.
    Cancelled {
        /// Who and why.
        order: Order,
        /// The issue.
        issue: IssueRef,
        /// The attempt that ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<AttemptId>,
    },
    /// How projects stand was accepted, by a person or at the first look: what differs from it is drift.
    DriftAccepted {
        /// Who and why.
        order: Order,
        /// What was accepted.
        baselines: BTreeMap<ProjectName, Baseline>,
    },
    /// Projects were held against their record.
    DriftSeen {
        /// Who looked, and why.
        order: Order,
        /// What was found.
        looks: BTreeMap<ProjectName, DriftLook>,
    },
    /// A kind of event that a newer program wrote; it changes nothing here.
    #[serde(other)]
    Newer,
}

impl Event {
    /// The issue it is about, where it names one directly.
    pub fn issue(&self) -> Option<&IssueRef> {
        match self {
            Event::AttemptStarted { job, .. } => Some(&job.issue),
            Event::EffectDone { issue, .. }
            | Event::EffectRefused { issue, .. }
            | Event::EffectDelayed { issue, .. }
            | Event::Answered { issue, .. }
            | Event::ChildrenClosed { issue, .. }
            | Event::Merged { issue, .. }
            | Event::PullSeen { issue, .. }
            | Event::SentBack { issue, .. }
            | Event::Stopped { issue, .. }
            | Event::Triaged { issue, .. }
            | Event::Unblocked { issue, .. }
            | Event::Cancelled { issue, .. }
            | Event::Closed { issue }
            | Event::Reopened { issue, .. } => Some(issue),
            _ => None,
        }
    }

    /// The attempt it is about.
    pub fn attempt(&self) -> Option<&AttemptId> {
        match self {
            Event::AttemptStarted { attempt, .. }
            | Event::AttemptSpawned { attempt, .. }
            | Event::AttemptEnded { attempt, .. } => Some(attempt),
            Event::Cancelled { attempt, .. } => attempt.as_ref(),
            Event::CapacityLimited { limit } => limit.attempt.as_ref(),
            Event::CapacityOpened { by: OpenedBy::Attempt(attempt), .. } => Some(attempt),
            _ => None,
        }
    }

    /// The agent it is about.
    pub fn agent(&self) -> Option<&AgentName> {
        match self {
            Event::AttemptStarted { job, .. } => job.agent.as_ref(),
            _ => None,
        }
    }
}
