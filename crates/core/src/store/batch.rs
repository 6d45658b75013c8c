//! Whether a batch may be appended, and the records it makes.

use std::collections::BTreeSet;

use crate::{AttemptId, Digest, Epoch, Event, IssueRef, ProjectName, Record, Seq, State, StoreError, Token};

use super::{Batch, Condition};

impl Batch {
    /// Checks the batch against the epoch and state of the store, makes its records, and folds
    /// them into the state. For implementations of [`Store`](crate::Store), which have recalled what the state
    /// [misses](State::missing), and have asked whether the batch is a [repetition](Batch::repeats).
    ///
    /// # Errors
    /// As the contract of [`Store::append`](crate::Store::append) says. The state may then hold a part of the batch: the
    /// caller folds it anew from what is stored.
    pub fn prepare(&self, current: Epoch, state: &mut State) -> Result<Vec<Record>, StoreError> {
        self.check(current, state)?;
        let records = self.records(state.head, &state.hash);
        for record in &records {
            state.apply(record)?;
        }
        Ok(records)
    }

    /// Checks the epoch and the conditions, but for [`Condition::Expired`] only whether the attempt is held with the token:
    /// of leases the store knows.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] or [`StoreError::Lost`].
    pub fn check(&self, current: Epoch, state: &State) -> Result<(), StoreError> {
        if self.epoch != current {
            return Err(StoreError::Superseded { ours: self.epoch.0, current: current.0 });
        }
        for condition in &self.conditions {
            match condition {
                Condition::Idle(issue) => {
                    if let Some((id, _)) = state.live.iter().find(|(_, l)| l.issue == *issue) {
                        return Err(StoreError::Lost(format!("{id} works on {issue}")));
                    }
                }
                Condition::Free { project, most } => self.check_free(state, project, *most)?,
                Condition::Holder(attempt, token) | Condition::Expired(attempt, token) => {
                    if !state.is_held(attempt, *token) {
                        return Err(StoreError::Lost(format!("{attempt} is not held with token {}", token.0)));
                    }
                }
            }
        }
        self.check_names(state)
    }

    /// An attempt's id names its branch, its folder and the keys of its effects: it is never used twice.
    fn check_names(&self, state: &State) -> Result<(), StoreError> {
        for event in &self.events {
            let Event::AttemptStarted { attempt, job, .. } = event else { continue };
            let before = state.attempts_at(&job.issue);
            if attempt.number().is_some_and(|number| number <= before) {
                return Err(StoreError::Lost(format!("{attempt} is no new attempt: {before} were made before it")));
            }
        }
        Ok(())
    }

    /// Counts the claims of the batch too: several of them may come together.
    fn check_free(&self, state: &State, project: &ProjectName, most: u32) -> Result<(), StoreError> {
        let of = |issue: &IssueRef| issue.project == *project;
        let mut live: BTreeSet<&AttemptId> =
            state.live.iter().filter(|(_, live)| of(&live.issue)).map(|(id, _)| id).collect();
        for event in &self.events {
            match event {
                Event::AttemptStarted { attempt, job, .. } if of(&job.issue) => {
                    live.insert(attempt);
                }
                Event::AttemptEnded { attempt, .. } => {
                    live.remove(attempt);
                }
                _ => {}
            }
        }
        if live.len() > most as usize {
            let count = live.len();
            return Err(StoreError::Lost(format!("{project} would have {count} live attempts, at most {most} may be")));
        }
        Ok(())
    }

    /// Where the ledger may hold the batch already: the place of its first record, if its first claim or finish is known.
    /// The store reads as many records from there, and holds them [against the batch](Batch::is_written_as).
    pub fn repeats(&self, state: &State) -> Option<Seq> {
        let (at, known) = self.events.iter().enumerate().find_map(|(at, event)| match event {
            Event::AttemptStarted { attempt, .. } => Some((at, state.live.get(attempt).map(|live| live.token))),
            Event::AttemptEnded { attempt, token, .. } => {
                let same = state.finishes.iter().find(|f| f.attempt == *attempt && f.token == *token);
                Some((at, same.map(|finish| finish.seq)))
            }
            _ => None,
        })?;
        Some(Seq(known?.0.checked_sub(at as u64)?))
    }

    /// Whether these records are what was written for the batch.
    pub fn is_written_as(&self, records: &[Record]) -> bool {
        let Some((first, epoch)) = records.first().map(|first| (first.seq, first.epoch)) else { return false };
        let written = self.records(Seq(first.0.saturating_sub(1)), &Digest::zero());
        epoch == self.epoch
            && written.len() == records.len()
            && written.iter().zip(records).all(|(new, old)| (new.seq, &new.body) == (old.seq, &old.body))
    }

    /// The records of the batch, following the one with place `head` and hash `hash`.
    pub fn records(&self, head: Seq, hash: &Digest) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::with_capacity(self.events.len());
        for event in &self.events {
            let (after, prev) = records.last().map_or((head, hash), |r| (r.seq, &r.hash));
            let record = Record::next(after, prev, self.epoch, self.at, event);
            records.push(record);
        }
        records
    }

    /// The attempts that the batch takes back, with their tokens.
    pub fn takes_back(&self) -> impl Iterator<Item = (&AttemptId, Token)> {
        self.conditions.iter().filter_map(|condition| match condition {
            Condition::Expired(attempt, token) => Some((attempt, *token)),
            _ => None,
        })
    }
}

impl State {
    /// Whether an attempt is live, and was claimed with that token.
    pub fn is_held(&self, attempt: &AttemptId, token: Token) -> bool {
        self.live.get(attempt).is_some_and(|live| live.token == token)
    }

    /// Those attempts that are not held with their token any more.
    pub fn not_held(&self, held: &[(AttemptId, Token)]) -> Vec<AttemptId> {
        held.iter().filter(|(attempt, token)| !self.is_held(attempt, *token)).map(|(id, _)| id.clone()).collect()
    }
}
