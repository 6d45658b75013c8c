//! What the ledger records.

mod found;
mod kind;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AgentName, AttemptId, Billing, Boot, CapacityKey, Commit, Digest, EffectEntry, EffectId, End, Epoch, Feedback,
    IssueId, IssueRef, JobSpec, Limited, Next, OpenedBy, Outcome, ProcessIdentity, PullRecord, Seq, Service, StageName,
    Token, TrackerKind, Usage, Using,
};

pub use found::{Fate, Found};
pub use kind::EventKind;

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

/// An event in the ledger, chained to the one before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format it was written in.
    pub format: u32,
    /// Its place, from 1 without gaps.
    pub seq: Seq,
    /// The take-over of the engine that wrote it.
    pub epoch: Epoch,
    /// The wall time at which it was written.
    pub at: Timestamp,
    /// The event as JSON, exactly as it was hashed, so that fields of newer formats survive.
    pub body: String,
    /// The hash of the record before it.
    pub prev: Digest,
    /// The hash over everything above.
    pub hash: Digest,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It was written by a newer program.
    #[error("record {seq} has format {format}, this program reads up to {FORMAT_VERSION}: use a newer dayfly")]
    Newer {
        /// Its place.
        seq: u64,
        /// Its format.
        format: u32,
    },
    /// Its body is not an event.
    #[error("record {seq} cannot be read")]
    Malformed {
        /// Its place.
        seq: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It does not follow from the one before it: the ledger was altered.
    #[error("record {seq} does not follow from the one before it: the ledger was altered or damaged")]
    Broken {
        /// Its place.
        seq: u64,
    },
}

impl Record {
    /// Makes the record that follows the one with place `after` and hash `prev`.
    pub fn next(after: Seq, prev: &Digest, epoch: Epoch, at: Timestamp, event: &Event) -> Self {
        let body = serde_json::to_string(event).expect("events hold nothing that JSON cannot");
        let seq = Seq(after.0 + 1);
        let hash = Self::digest(FORMAT_VERSION, seq, epoch, at, &body, prev);
        Self { format: FORMAT_VERSION, seq, epoch, at, body, prev: prev.clone(), hash }
    }

    fn digest(format: u32, seq: Seq, epoch: Epoch, at: Timestamp, body: &str, prev: &Digest) -> Digest {
        Digest::of(format!("{format}\n{}\n{}\n{at}\n{prev}\n{body}", seq.0, epoch.0).as_bytes())
    }

    /// The event it holds.
    ///
    /// # Errors
    /// If it is of a newer format or is not an event.
    pub fn event(&self) -> Result<Event, RecordError> {
        if self.format > FORMAT_VERSION {
            return Err(RecordError::Newer { seq: self.seq.0, format: self.format });
        }
        serde_json::from_str(&self.body).map_err(|source| RecordError::Malformed { seq: self.seq.0, source })
    }

    /// Checks that it follows the record with place `after` and hash `prev`, unaltered.
    ///
    /// # Errors
    /// [`RecordError::Broken`] if not.
    pub fn verify(&self, after: Seq, prev: &Digest) -> Result<(), RecordError> {
        let hash = Self::digest(self.format, self.seq, self.epoch, self.at, &self.body, &self.prev);
        let fine = self.seq.0 == after.0 + 1 && self.prev == *prev && self.hash == hash;
        if fine { Ok(()) } else { Err(RecordError::Broken { seq: self.seq.0 }) }
    }
}
