//! Where the ledger is kept.

mod batch;
mod memory;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{AttemptId, Epoch, Event, IssueRef, IssueState, ProjectName, Record, Seq, State, StateError, Token};

pub use memory::MemoryStore;

/// How many records are read at once.
const PAGE: usize = 4096;

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
    /// With the batch, the project has at most so many live attempts: a claim.
    Free {
        /// The project.
        project: ProjectName,
        /// The most of them.
        most: u32,
    },
    /// The attempt is live and was claimed with this token: a finish.
    Holder(AttemptId, Token),
    /// The attempt is live, was claimed with this token, and no lease of it is in force by the store's clock: it is taken
    /// back from a worker that is gone.
    Expired(AttemptId, Token),
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
/// - A claim or a finish that is in the ledger already, by the same attempt with the same token and as the same events, is
///   answered with the records that were written then, and nothing is appended: whoever does not know whether an append
///   happened makes it again. Of the finishes only the last 64 are known.
/// - `read` gives the records after a place, in order, at most `limit` of them.
/// - `load` gives the fold of all records. Issues to which nothing happens any more may have been set aside.
/// - `recall` gives those of the named issues that the ledger knows, as they stand now.
/// - `between` gives the records whose time is from `from` on and before `to`, in order.
/// - `about` gives the records that [name](State::names) an issue, in order.
/// - `renew` puts the leases of live attempts in force until `lease` from now, by the clock of the store alone. It gives
///   those attempts that are not held with their token any more: whoever works at them must stop at once.
///
/// All but the first three are provided. They read the whole ledger, and a store that is to grow answers them from an
/// index of its own.
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

    /// The state to go on from.
    async fn load(&self) -> Result<State, StoreError> {
        let mut state = State::default();
        loop {
            let records = self.read(state.head, PAGE).await?;
            for record in &records {
                state.apply(record)?;
            }
            if records.len() < PAGE {
                return Ok(state);
            }
        }
    }

    /// What is known of issues, whether or not they were set aside.
    async fn recall(&self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        if issues.is_empty() {
            return Ok(Vec::new());
        }
        let mut state = self.load().await?;
        Ok(issues.iter().filter_map(|issue| state.issues.remove_entry(issue)).collect())
    }

    /// The records of a span of time.
    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Record>, StoreError> {
        let (mut found, mut after) = (Vec::new(), Seq(0));
        loop {
            let page = self.read(after, PAGE).await?;
            let last = page.len() < PAGE;
            after = page.last().map_or(after, |record| record.seq);
            found.extend(page.into_iter().filter(|record| (from..to).contains(&record.at)));
            if last {
                return Ok(found);
            }
        }
    }

    /// The records from a time on.
    async fn since(&self, from: Timestamp) -> Result<Vec<Record>, StoreError> {
        self.between(from, Timestamp::MAX).await
    }

    /// The records about an issue.
    async fn about(&self, issue: &IssueRef) -> Result<Vec<Record>, StoreError> {
        let (mut found, mut state) = (Vec::new(), State::default());
        loop {
            let page = self.read(state.head, PAGE).await?;
            let last = page.len() < PAGE;
            for record in page {
                let event = record.event().map_err(StateError::from)?;
                let names = state.names(&event).contains(issue);
                state.apply(&record)?;
                if names {
                    found.push(record);
                }
            }
            if last {
                return Ok(found);
            }
        }
    }

    /// Says that the work at attempts goes on.
    async fn renew(
        &self,
        epoch: Epoch,
        held: &[(AttemptId, Token)],
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        // Without leases nothing is ever taken back, and what is live is held.
        let _ = lease;
        let state = self.load().await?;
        if state.epoch > epoch {
            return Err(StoreError::Superseded { ours: epoch.0, current: state.epoch.0 });
        }
        Ok(state.not_held(held))
    }
}
