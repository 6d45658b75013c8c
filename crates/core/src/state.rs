//! The state of everything: the fold of the ledger.

mod aside;
mod fold;
mod phase;
mod transitions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AgentName, AttemptId, Boot, Capacity, CardMark, Commit, Control, Digest, DriftRecord, EffectEntry, EffectId, Epoch,
    EventKind, Feedback, IssueRef, Outage, ProcessIdentity, ProjectName, RecordError, Seq, Service, StageName, Token,
    TrackerKind, Using,
};

pub use aside::{Aside, Finish};
pub use fold::FOLD_VERSION;
pub use phase::Phase;
pub use transitions::{transition_diagram, transition_table};

/// What is known, having folded the ledger up to `head`.
///
/// Issues to which nothing happens any more may have been [set aside](State::set_aside): whoever needs one recalls it from
/// the [store](crate::Store::recall).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The place of the last record folded.
    pub head: Seq,
    /// The hash of that record.
    pub hash: Digest,
    /// Marks the keys of this ledger's effects: `@` and the beginning of the hash of its first record. A ledger that is
    /// begun anew counts attempts from 1 again; their writes must not be taken for those of the old one.
    pub mark: String,
    /// The take-over of the last engine.
    pub epoch: Epoch,
    /// Every issue that has been worked on, but those that were set aside.
    pub issues: BTreeMap<IssueRef, IssueState>,
    /// The attempts that have started and not ended.
    pub live: BTreeMap<AttemptId, LiveAttempt>,
    /// The effects that have not been done, in order.
    pub outbox: Vec<PendingEffect>,
    /// What vendors can take.
    pub capacity: Capacity,
    /// How many attempts were made at issues of which the ledger knows nothing else: it was put back from a backup.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<IssueRef, u32>,
    /// Services that are left alone for a while.
    pub services: BTreeMap<Service, Outage>,
    /// When the last record was written.
    pub last: Option<Timestamp>,
    /// Whether the last engine ended with nothing of it under way, and none has started since.
    pub at_rest: bool,
    /// The boot of the machine that the last engine ran on, where it was known.
    pub boot: Option<Boot>,
    /// The orders of people that are in force.
    #[serde(skip_serializing_if = "Control::is_empty")]
    pub control: Control,
    /// What is accepted of projects, and how they were seen to differ from it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drift: BTreeMap<ProjectName, DriftRecord>,
    /// How many issues were set aside.
    #[serde(skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
    /// The last attempts that ended, oldest first.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub finishes: VecDeque<Finish>,
}

/// What the ledger knows of an issue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssueState {
    /// Its title when it was last worked on.
    pub title: String,
    /// Its milestone then.
    pub milestone: Option<String>,
    /// The stage it is at.
    pub stage: StageName,
    /// Where it stands there.
    pub phase: Phase,
    /// Attempts over its life, charged or not.
    pub attempts: u32,
    /// Charged attempts in the present visit to the stage.
    pub visit_attempts: u32,
    /// How often each stage sent it back.
    pub rounds: BTreeMap<StageName, u32>,
    /// How often in a row the world around the stage failed; tries are spaced by it.
    pub transient_row: u32,
    /// How often in a row it failed in a way that a person must look at in the end.
    #[serde(default)]
    pub stuck_row: u32,
    /// Attempts over its life that count towards no bound: [`End::is_counted`](crate::End::is_counted).
    #[serde(default)]
    pub uncounted: u32,
    /// Whether the tip holds finished work that no gate has refused, and that has not gone on: there is nothing to add to it.
    #[serde(default)]
    pub unjudged: bool,
    /// Whether it is blocked and its tracker refused the label that says so: that the label is not there lifts nothing then.
    #[serde(default)]
    pub unlabelled: bool,
    /// How often in a row the agent did nothing.
    pub idle_row: u32,
    /// Whether a person answered its question since its last attempt.
    #[serde(default)]
    pub answered: bool,
    /// Tokens over its life.
    pub tokens: u64,
    /// Money over its life, in millionths of a US dollar, where it was paid for by the token.
    #[serde(default)]
    pub usd_micros: u64,
    /// Agent time over its life.
    pub agent_time: Duration,
    /// Why the work came back, if it did.
    pub feedback: Option<Feedback>,
    /// The summaries of the stages.
    pub notes: BTreeMap<String, String>,
    /// The commit its change stands at.
    pub tip: Option<Commit>,
    /// The commit that landed.
    pub landed: Option<Commit>,
    /// Who worked at it, by stage, in the order in which the stages were reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work: Vec<StageWork>,
    /// Where it is written down.
    #[serde(default, skip_serializing_if = "TrackerKind::is_markdown")]
    pub tracker: TrackerKind,
    /// Its pull request, if one was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullRecord>,
    /// When it last came to wait for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardMark>,
}

/// Who worked at a stage of an issue, over all attempts there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageWork {
    /// The stage.
    pub stage: StageName,
    /// The agent of the last attempt.
    pub agent: Option<AgentName>,
    /// The model that it said it used, or was asked for.
    pub model: Option<String>,
    /// Why it was not the stage's first choice, if any of them was not.
    pub substitution: Option<String>,
    /// Attempts, charged or not.
    pub attempts: u32,
    /// Tokens.
    pub tokens: u64,
    /// Money in millionths of a US dollar, where it was paid for by the token.
    pub usd_micros: u64,
    /// Time.
    pub took: Duration,
}

/// What is known of the pull request of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRecord {
    /// Its number.
    pub number: u64,
    /// Where a person reads it.
    pub url: String,
    /// The commit its branch was pushed at.
    pub head: Commit,
    /// Why it is not merged yet, in words.
    pub standing: String,
    /// Whether what it waits for comes by itself: then it is looked at often.
    pub moving: bool,
    /// How far it was brought.
    pub step: PullStep,
    /// How often the merge of this commit was asked for.
    pub tries: u32,
    /// When it was asked for last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// Since when it stands at this commit.
    pub since: Timestamp,
}

/// How far a pull request was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullStep {
    /// It is open.
    Opened,
    /// It was said that it is no draft any more.
    Ready,
    /// Its merge was asked for.
    Merging,
}

/// An attempt that has started and not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveAttempt {
    /// The issue.
    pub issue: IssueRef,
    /// The stage.
    pub stage: StageName,
    /// The agent.
    pub agent: Option<AgentName>,
    /// Whose capacity it uses.
    pub using: Option<Using>,
    /// Why its agent is not the stage's first choice, if it is not.
    pub substitution: Option<String>,
    /// Its fencing token.
    pub token: Token,
    /// When it was claimed.
    pub since: Timestamp,
    /// The take-over that claimed it.
    pub epoch: Epoch,
    /// Its process, once it runs.
    pub process: Option<ProcessIdentity>,
}

/// An effect that has not been done yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingEffect {
    /// The effect.
    pub entry: EffectEntry,
    /// Why it was put off, if it was, and until when.
    pub delayed: Option<(String, Timestamp)>,
    /// When it was put off, by the clock of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether its issue goes on without it: a refusal is told, and nothing else follows.
    pub aside: bool,
}

/// A ledger that cannot be folded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A record cannot be used.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record says what cannot happen from where things stood.
    #[error("record {seq}: `{event:?}` cannot follow while {what} is {phase}")]
    Impossible {
        /// Its place.
        seq: u64,
        /// The event.
        event: EventKind,
        /// What it is about.
        what: String,
        /// Where that stood.
        phase: String,
    },
}

impl Default for State {
    fn default() -> Self {
        Self {
            head: Seq(0),
            hash: Digest::zero(),
            mark: String::new(),
            epoch: Epoch(0),
            issues: BTreeMap::new(),
            live: BTreeMap::new(),
            outbox: Vec::new(),
            capacity: Capacity::default(),
            numbers: BTreeMap::new(),
            services: BTreeMap::new(),
            last: None,
            at_rest: true,
            boot: None,
            control: Control::default(),
            drift: BTreeMap::new(),
            aside: Aside::default(),
            finishes: VecDeque::new(),
        }
    }
}

impl State {
    /// What the keys of an attempt's effects begin with.
    pub fn scope(&self, attempt: &AttemptId) -> String {
        format!("{attempt}{}", self.mark)
    }

    /// How many attempts were made at an issue.
    pub fn attempts_at(&self, issue: &IssueRef) -> u32 {
        let known = self.issues.get(issue).map(|known| known.attempts);
        known.or_else(|| self.numbers.get(issue).copied()).unwrap_or(0)
    }

    /// Whether effects of the issue wait to be done.
    pub fn has_pending(&self, issue: &IssueRef) -> bool {
        self.outbox.iter().any(|p| p.entry.issue == *issue)
    }

    /// The effects to apply now: the [first ones](Self::first_effects), unless they were put off.
    pub fn due_effects(&self, now: Timestamp) -> Vec<&EffectEntry> {
        let due = |p: &&PendingEffect| p.delayed.as_ref().is_none_or(|(_, until)| *until <= now);
        self.first_effects().filter(due).map(|p| &p.entry).collect()
    }

    /// The first effect of each issue, unless an attempt runs at the issue, or it would put a change on the base branch
    /// although its issue is paused. While everything is stopped there is none.
    pub fn first_effects(&self) -> impl Iterator<Item = &PendingEffect> {
        let mut seen = BTreeSet::new();
        let outbox = if self.control.halt.is_some() { &[] } else { self.outbox.as_slice() };
        let first = outbox.iter().filter(move |p| seen.insert(&p.entry.issue));
        let first = first.filter(|p| !self.is_running(&p.entry.issue));
        first.filter(|p| !p.entry.effect.lands() || self.control.holds(&p.entry.issue).is_none())
    }

    /// Effects of an issue are recorded as done before an attempt or after it.
    fn is_running(&self, issue: &IssueRef) -> bool {
        self.issues.get(issue).is_some_and(|known| matches!(known.phase, Phase::Running { .. }))
    }

    /// Whether the effect waits to be done.
    pub fn is_pending(&self, id: &EffectId) -> bool {
        self.outbox.iter().any(|p| p.entry.id == *id)
    }
}

#[cfg(test)]
mod tests;
