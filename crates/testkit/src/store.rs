//! A store that fails as it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{AttemptId, Batch, Epoch, IssueRef, IssueState, Record, Seq, State, Store, StoreError, Token};
use jiff::Timestamp;

/// What goes wrong with an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// Nothing is appended, and it may be tried again: the disk is full.
    Unavailable,
    /// Nothing is appended, and nothing ever will be: a page is damaged.
    Broken,
    /// It is appended, and the answer is lost: what is heard is that it may be tried again.
    AnswerLost,
    /// It arrives twice, and the answer is the one to the second arrival.
    Doubled,
}

/// A store around another one, which does what that one does but for the faults that it is told of. A copy shares them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), dayfly_core::StoreError> {
/// use std::sync::Arc;
///
/// use dayfly_core::{Batch, Event, MemoryStore, Seq, Store};
/// use dayfly_testkit::store::{FaultyStore, StoreFault};
///
/// let store = FaultyStore::new(Arc::new(MemoryStore::new()));
/// store.fail_append(2, StoreFault::Unavailable);
/// let epoch = store.take_over().await?;
/// let events = vec![Event::EngineStarted { version: "1".into() }];
/// let batch = Batch { epoch, at: jiff::Timestamp::UNIX_EPOCH, events, conditions: vec![] };
/// assert!(store.append(&batch).await.is_ok());
/// assert!(store.append(&batch).await.is_err_and(|err| err.is_transient()));
/// assert!(store.append(&batch).await.is_ok());
/// assert_eq!(store.read(Seq(0), 9).await?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Debug, Default)]
struct Faults {
    /// How many appends were asked for.
    appends: u64,
    /// How many requests were refused by a lasting fault.
    refusals: u64,
    /// Faults of single appends, by their number.
    single: BTreeMap<u64, StoreFault>,
    /// How often something else was asked for.
    questions: u64,
    /// Which of those are refused, by their number.
    refused: BTreeSet<u64>,
    /// The fault of all that is asked for now.
    lasting: Option<StoreFault>,
}

impl FaultyStore {
    /// A store around `inner`, without a fault yet.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, faults: Arc::default() }
    }

    /// Lets the `nth` append fail, counted from 1 since the store was made.
    pub fn fail_append(&self, nth: u64, fault: StoreFault) {
        self.lock().single.insert(nth, fault);
    }

    /// Lets the `nth` question fail that is no append, counted from 1 since the store was made: it may be asked again.
    pub fn fail_question(&self, nth: u64) {
        self.lock().refused.insert(nth);
    }

    /// Lets every append fail from now on; with a fault that is not about an answer, reading fails, too.
    pub fn begin(&self, fault: StoreFault) {
        self.lock().lasting = Some(fault);
    }

    /// Lets everything succeed again.
    pub fn end(&self) {
        let mut faults = self.lock();
        faults.lasting = None;
        faults.single.clear();
        faults.refused.clear();
    }

    /// How many appends were asked for.
    pub fn appends(&self) -> u64 {
        self.lock().appends
    }

    /// How often something was asked for that is no append.
    pub fn questions(&self) -> u64 {
        self.lock().questions
    }

    /// How many requests a lasting fault has refused, of whatever kind.
    pub fn refusals(&self) -> u64 {
        self.lock().refusals
    }

    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault of the append that is asked for now.
    fn next(&self) -> Option<StoreFault> {
        let mut faults = self.lock();
        faults.appends += 1;
        let nth = faults.appends;
        let fault = faults.single.remove(&nth).or(faults.lasting);
        faults.refusals += u64::from(faults.lasting.is_some());
        fault
    }

    fn lasting(&self) -> Result<(), StoreError> {
        let mut faults = self.lock();
        faults.questions += 1;
        let nth = faults.questions;
        if faults.refused.remove(&nth) {
            return Err(StoreFault::Unavailable.error());
        }
        match faults.lasting {
            Some(fault @ (StoreFault::Unavailable | StoreFault::Broken)) => {
                faults.refusals += 1;
                Err(fault.error())
            }
            _ => Ok(()),
        }
    }
}

impl StoreFault {
    fn error(self) -> StoreError {
        let source = "a fault of the test's own".into();
        match self {
            StoreFault::Broken => StoreError::Other { what: "the ledger is damaged".into(), source },
            _ => StoreError::Unavailable { what: "the disk is full; free some space".into(), source },
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for FaultyStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.lasting()?;
        self.inner.take_over().await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        match self.next() {
            None => self.inner.append(batch).await,
            Some(fault @ (StoreFault::Unavailable | StoreFault::Broken)) => Err(fault.error()),
            Some(fault @ StoreFault::AnswerLost) => {
                self.inner.append(batch).await?;
                Err(fault.error())
            }
            Some(StoreFault::Doubled) => {
                self.inner.append(batch).await?;
                self.inner.append(batch).await
            }
        }
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.lasting()?;
        self.inner.read(after, limit).await
    }

    async fn load(&self) -> Result<State, StoreError> {
        self.lasting()?;
        self.inner.load().await
    }

    async fn recall(&self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        self.lasting()?;
        self.inner.recall(issues).await
    }

    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Record>, StoreError> {
        self.lasting()?;
        self.inner.between(from, to).await
    }

    async fn since(&self, from: Timestamp) -> Result<Vec<Record>, StoreError> {
        self.lasting()?;
        self.inner.since(from).await
    }

    async fn about(&self, issue: &IssueRef) -> Result<Vec<Record>, StoreError> {
        self.lasting()?;
        self.inner.about(issue).await
    }

    async fn renew(
        &self,
        epoch: Epoch,
        held: &[(AttemptId, Token)],
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        self.lasting()?;
        self.inner.renew(epoch, held, lease).await
    }
}
