//! Where the ledger is kept.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{AttemptId, Digest, Epoch, Event, IssueRef, Record, Seq, State, StateError, Token};

/// Events to be appended together, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The writer's take-over.
    pub epoch: Epoch,
    /// The wall time.
    pub at: Timestamp,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What must hold when they are appended.
    pub conditions: Vec<Condition>,
}

/// What must hold for a batch to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// No attempt at the issue is live: a claim.
    Idle(IssueRef),
    /// The attempt is live and was claimed with this token: a finish.
    Holder(AttemptId, Token),
}

/// Why a store could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A later engine took the store over; this one must stop.
    #[error("another engine took over this state directory (epoch {current}, ours is {ours}); this one stops")]
    Superseded {
        /// Our take-over.
        ours: u64,
        /// The present one.
        current: u64,
    },
    /// A condition did not hold; nothing was appended.
    #[error("the claim was lost: {0}")]
    Lost(String),
    /// The ledger cannot be used as it is.
    #[error("the ledger cannot be used")]
    Ledger(#[from] StateError),
    /// It does not serve now, and may again: the disk is full, or somebody else keeps it locked. Whether what was asked
    /// for has happened is not known.
    #[error("{what}")]
    Unavailable {
        /// What does not serve, with the remedy.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The back end failed.
    #[error("{what}")]
    Other {
        /// What failed, with the remedy.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same may succeed later, once somebody has helped or without. An append may have happened all the same:
    /// whoever repeats it looks first.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable { .. })
    }
}

/// Keeps the ledger.
///
/// # Contract
/// - `take_over` gives an epoch greater than every one before; from then on appends of earlier
///   epochs fail with [`StoreError::Superseded`].
/// - `append` is all or nothing, and durable when it returns.
/// - Records are numbered from 1 without gaps, each chained to the one before it.
/// - A batch whose condition does not hold is refused with [`StoreError::Lost`], and one whose
///   events cannot follow from the present state with [`StoreError::Ledger`]; nothing is appended.
/// - `read` gives the records after a place, in order, at most `limit` of them.
///
/// # Cancellation
/// An `append` whose future is dropped has happened whole or not at all.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Store: Debug + Send + Sync + 'static {
    /// Takes the store over for writing.
    async fn take_over(&self) -> Result<Epoch, StoreError>;
    /// Appends events.
    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError>;
    /// Reads records.
    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError>;
}

/// The reference store: keeps the ledger in memory, and loses it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    epoch: Epoch,
    records: Vec<Record>,
    state: State,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        let mut inner = self.lock();
        inner.epoch.0 += 1;
        Ok(inner.epoch)
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let mut inner = self.lock();
        let current = inner.epoch;
        match batch.prepare(current, &mut inner.state) {
            Ok(records) => {
                inner.records.extend(records.iter().cloned());
                Ok(records)
            }
            Err(err) => {
                inner.state = State::fold(&inner.records)?;
                Err(err)
            }
        }
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let inner = self.lock();
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(inner.records.len());
        Ok(inner.records[from..].iter().take(limit).cloned().collect())
    }
}

impl Batch {
    /// Checks the batch against the epoch and state of the store, makes its records, and folds
    /// them into the state. For implementations of [`Store`].
    ///
    /// # Errors
    /// As the contract of [`Store::append`] says. The state may then hold a part of the batch: the
    /// caller folds it anew from what is stored.
    pub fn prepare(&self, current: Epoch, state: &mut State) -> Result<Vec<Record>, StoreError> {
        self.check(current, state)?;
        let records = self.records(state.head, &state.hash);
        for record in &records {
            state.apply(record)?;
        }
        Ok(records)
    }

    /// Checks the epoch and the conditions.
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
                Condition::Holder(attempt, token) => {
                    if state.live.get(attempt).is_none_or(|l| l.token != *token) {
                        return Err(StoreError::Lost(format!("{attempt} is not held with token {}", token.0)));
                    }
                }
            }
        }
        Ok(())
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
}
