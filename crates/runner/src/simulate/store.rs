//! The store of a simulated engine: one in memory that keeps the contract, and what strikes it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Batch, Condition, Epoch, Event, IssueRef, IssueState, MemoryStore, Record, Seq, State, Store, StoreError,
};
use tokio::sync::Mutex;

use super::mutation::Mutation;
use super::time::later;
use super::world::{FaultKind, Strike, World};

/// The longest that the store takes nothing.
const FULL: Duration = Duration::from_secs(10 * 60);

/// The ledger of a simulation.
#[derive(Debug)]
pub(super) struct SimStore {
    world: Arc<World>,
    inner: MemoryStore,
    /// What was appended without any check, where the checks are taken out.
    unchecked: Mutex<Unchecked>,
}

#[derive(Debug, Default)]
struct Unchecked {
    epoch: Epoch,
    records: Vec<Record>,
}

impl SimStore {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self { world, inner: MemoryStore::new(), unchecked: Mutex::default() }
    }

    fn checks(&self) -> bool {
        !matches!(self.world.mutation, Some(Mutation::Fencing | Mutation::CompareAndSet))
    }

    /// Appends as a store does that holds only one of the two: the epoch, or the conditions.
    async fn append_unchecked(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let mut inner = self.unchecked.lock().await;
        let fences = self.world.mutation != Some(Mutation::Fencing);
        if fences && batch.epoch != inner.epoch {
            return Err(StoreError::Superseded { ours: batch.epoch.0, current: inner.epoch.0 });
        }
        let (head, hash) =
            inner.records.last().map_or((Seq(0), dayfly_core::Digest::zero()), |r| (r.seq, r.hash.clone()));
        let records = batch.records(head, &hash);
        inner.records.extend(records.iter().cloned());
        Ok(records)
    }

    async fn keep(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        if self.checks() { self.inner.append(batch).await } else { self.append_unchecked(batch).await }
    }

    /// Strikes the engine that is at work: it does not come back from here.
    async fn strike(&self, strike: Strike) {
        self.world.look().strike = Some(strike);
        self.world.struck.notify_one();
        if strike == Strike::Dies {
            std::future::pending::<()>().await;
        }
    }

    fn is_full(&self) -> bool {
        let now = self.world.time.true_now();
        let starts = self.world.fails(FaultKind::StoreFull);
        let mut inner = self.world.look();
        if starts {
            let wait = Duration::from_secs(inner.dice.below(FULL.as_secs()));
            inner.full_until = Some(later(now, wait));
        }
        inner.full_until.is_some_and(|until| until > now)
    }
}

#[async_trait]
impl Store for SimStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        if self.checks() {
            return self.inner.take_over().await;
        }
        let mut inner = self.unchecked.lock().await;
        inner.epoch.0 += 1;
        Ok(inner.epoch)
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let world = &self.world;
        if self.is_full() {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Other { what: "the ledger cannot be written".into(), source: Box::new(source) });
        }
        // A start is not struck: an engine that always dies at its start comes nowhere.
        let starts = batch.events.iter().any(|event| matches!(event, Event::EngineStarted { .. }));
        let dies = !starts && world.fails(FaultKind::Crash);
        let before = dies && world.look().dice.falls(0.5);
        if before {
            self.strike(Strike::Dies).await;
        }
        let claims = |c: &Condition| matches!(c, Condition::Idle(_) | Condition::Holder(..));
        let twice = batch.conditions.iter().any(claims) && world.fails(FaultKind::AppendTwice);
        let records = self.keep(batch).await?;
        if twice
            && let Ok(again) = self.keep(batch).await
            && again != records
        {
            world.violated("an append that arrived twice was taken twice".to_owned());
        }
        if dies {
            self.strike(Strike::Dies).await;
        }
        if !starts && world.fails(FaultKind::Usurped) {
            self.strike(Strike::Usurped).await;
        }
        Ok(records)
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        if self.checks() {
            return self.inner.read(after, limit).await;
        }
        let inner = self.unchecked.lock().await;
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(inner.records.len());
        Ok(inner.records[from..].iter().take(limit).cloned().collect())
    }

    async fn load(&self) -> Result<State, StoreError> {
        if self.checks() {
            return self.inner.load().await;
        }
        State::fold(&self.unchecked.lock().await.records).map_err(StoreError::from)
    }

    async fn recall(&self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        let mut state = self.load().await?;
        Ok(issues.iter().filter_map(|issue| state.issues.remove_entry(issue)).collect())
    }
}
