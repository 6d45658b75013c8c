//! What the ledger accounts for: read from its records, once for all projects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    AttemptId, Commit, Effect, EffectId, Event, IssueRef, JobSpec, Next, Outcome, Record, RecordError, TrackerWrite,
    Verdict,
};

use super::SeenCommit;

/// A stretch of history that dayfly made: all after `from`, up to `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The issue.
    pub issue: IssueRef,
    /// Where it begins, if that is known.
    pub from: Option<Commit>,
    /// Where it ends.
    pub to: Commit,
    /// When the ledger says that it came onto the base branch, if it does.
    pub landed: Option<Timestamp>,
}

/// A change that was let through although a gate of its job did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    /// The issue.
    pub issue: IssueRef,
    /// The attempt.
    pub attempt: AttemptId,
    /// The gates.
    pub gates: Vec<String>,
    /// The commit.
    pub commit: Commit,
    /// When.
    pub at: Timestamp,
}

/// What the records of a ledger account for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// What dayfly made, to be landed by itself or to be merged.
    pub reaches: Vec<Reach>,
    /// The commits as which pull requests were merged, where their forge said so.
    pub merged: BTreeMap<Commit, IssueRef>,
    /// What was let through.
    pub bypasses: Vec<Bypass>,
    /// The labels that dayfly last put on an issue, or took off.
    pub labels: BTreeMap<IssueRef, BTreeMap<String, bool>>,
}

impl Account {
    /// Reads records in order. They need not be all: what they do not tell of is not accounted for.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, RecordError> {
        let mut reading = Reading::default();
        for record in records {
            reading.take(record.event()?, record.at);
        }
        Ok(reading.account)
    }

    /// Those of a branch's commits, newest first, that it accounts for.
    pub fn covers<'a>(&self, commits: &'a [SeenCommit]) -> BTreeSet<&'a Commit> {
        let mut own = BTreeSet::new();
        // Set while the history is one that dayfly made: where that begins.
        let mut within: Option<&Commit> = None;
        for commit in commits {
            if within == Some(&commit.commit) {
                within = None;
            }
            let ends = self.ending_at(&commit.commit);
            if let Some(reach) = ends {
                within = reach.from.as_ref();
            }
            let merges = || commit.parents.iter().skip(1).any(|parent| self.ending_at(parent).is_some());
            let merged = self.merged.contains_key(&commit.commit);
            if ends.is_some() || within.is_some() || commit.same_change || merged || merges() {
                own.insert(&commit.commit);
            }
        }
        own
    }

    /// The reach that ends at a commit.
    pub(super) fn ending_at(&self, commit: &Commit) -> Option<&Reach> {
        self.reaches.iter().rev().find(|reach| reach.to == *commit)
    }
}

#[derive(Default)]
struct Reading {
    account: Account,
    jobs: BTreeMap<AttemptId, JobSpec>,
    labels: BTreeMap<EffectId, (IssueRef, Vec<String>, Vec<String>)>,
    /// Landings that moved nothing: the commit there is somebody else's.
    nothing: BTreeSet<Commit>,
}

impl Reading {
    fn take(&mut self, event: Event, at: Timestamp) {
        for entry in event.effects() {
            if let Effect::Tracker { project, write: TrackerWrite::Labels { issue, add, remove } } = &entry.effect {
                let issue = IssueRef::new(project.clone(), issue.clone());
                self.labels.insert(entry.id.clone(), (issue, add.clone(), remove.clone()));
            }
        }
        match event {
            Event::AttemptStarted { attempt, job, .. } => drop(self.jobs.insert(attempt, *job)),
            Event::AttemptEnded { attempt, outcome, next, .. } => self.ended(&attempt, &outcome, &next, at),
            Event::EffectDone { effect, issue, landed, .. } => {
                self.labelled(&effect);
                if let Some(landed) = landed {
                    self.landed(issue, landed, at);
                }
            }
            Event::Merged { issue, commit: Some(commit), .. } => drop(self.account.merged.insert(commit, issue)),
            _ => {}
        }
    }

    fn ended(&mut self, attempt: &AttemptId, outcome: &Outcome, next: &Next, at: Timestamp) {
        let Some(job) = self.jobs.remove(attempt) else { return };
        let (from, to) = match next {
            Next::Land { from, to, .. } => (Some(from.clone()), to.clone()),
            Next::Hand { commit, .. } => (job.base.clone(), commit.clone()),
            _ => return,
        };
        if from.as_ref() == Some(&to) {
            self.nothing.insert(to);
            return;
        }
        let passed: BTreeSet<&str> = outcome
            .receipt
            .gates
            .iter()
            .filter(|result| result.verdict == Verdict::Pass)
            .map(|result| result.gate.as_str())
            .collect();
        let names = job.gates.iter().map(ToString::to_string);
        let gates: Vec<String> = names.filter(|gate| !passed.contains(gate.as_str())).collect();
        if !gates.is_empty() {
            let (issue, attempt) = (job.issue.clone(), attempt.clone());
            self.account.bypasses.push(Bypass { issue, attempt, gates, commit: to.clone(), at });
        }
        self.account.reaches.push(Reach { issue: job.issue, from, to, landed: None });
    }

    fn landed(&mut self, issue: IssueRef, to: Commit, at: Timestamp) {
        match self.account.reaches.iter_mut().rev().find(|reach| reach.to == to) {
            Some(reach) => reach.landed = Some(at),
            None if self.nothing.contains(&to) => {}
            None => self.account.reaches.push(Reach { issue, from: None, to, landed: Some(at) }),
        }
    }

    fn labelled(&mut self, effect: &EffectId) {
        let Some((issue, add, remove)) = self.labels.remove(effect) else { return };
        let known = self.account.labels.entry(issue).or_default();
        known.extend(remove.into_iter().map(|label| (label, false)));
        known.extend(add.into_iter().map(|label| (label, true)));
    }
}
