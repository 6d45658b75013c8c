//! The reference store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{AttemptId, Batch, Clock, Epoch, IssueRef, IssueState, Record, Seq, State, Store, StoreError, Token};

/// The reference store: keeps the ledger in memory, and loses it.
///
/// Its clock is the time of the last append, unless it is [given one](MemoryStore::with_clock).
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    clock: Option<Arc<dyn Clock>>,
}

#[derive(Debug, Default)]
struct Inner {
    epoch: Epoch,
    records: Vec<Record>,
    state: State,
    aside: BTreeMap<IssueRef, IssueState>,
    /// Until when the leases of live attempts are in force.
    leases: BTreeMap<AttemptId, Timestamp>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store with a clock for its leases.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, inner: &Inner) -> Timestamp {
        let last = || inner.records.last().map_or(Timestamp::UNIX_EPOCH, |record| record.at);
        self.clock.as_ref().map_or_else(last, |clock| clock.now())
    }
}

impl Inner {
    fn after(&self, after: Seq) -> &[Record] {
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(self.records.len());
        self.records.get(from..).unwrap_or_default()
    }

    fn recall(&mut self, issues: &[IssueRef]) {
        for issue in issues {
            if let Some((issue, known)) = self.aside.remove_entry(issue) {
                self.state.recall(issue, known);
            }
        }
    }

    fn set_aside(&mut self, issues: impl IntoIterator<Item = IssueRef>) {
        for issue in issues {
            if let Some(known) = self.state.set_aside(&issue) {
                self.aside.insert(issue, known);
            }
        }
    }

    fn append(&mut self, batch: &Batch, now: Timestamp) -> Result<Vec<Record>, StoreError> {
        if batch.epoch == self.epoch
            && let Some(first) = batch.repeats(&self.state)
        {
            let known = self.after(Seq(first.0.saturating_sub(1)));
            let known = known.get(..batch.events.len()).unwrap_or_default();
            if batch.is_written_as(known) {
                return Ok(known.to_vec());
            }
        }
        let missing = self.state.missing(&batch.events);
        self.recall(&missing);
        batch.check(self.epoch, &self.state)?;
        if let Some((attempt, _)) = batch.takes_back().find(|(id, _)| self.leases.get(*id).is_some_and(|at| *at > now))
        {
            return Err(StoreError::Lost(format!("the lease of {attempt} is in force")));
        }
        let records = batch.prepare(self.epoch, &mut self.state)?;
        self.records.extend(records.iter().cloned());
        Ok(records)
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
        let now = self.now(&inner);
        let result = inner.append(batch, now);
        if let Err(StoreError::Ledger(_)) = &result {
            inner.state = State::fold(&inner.records)?;
            inner.aside.clear();
        }
        let idle: Vec<IssueRef> = inner.state.issues.keys().filter(|i| inner.state.is_idle(i)).cloned().collect();
        inner.set_aside(idle);
        let Inner { leases, state, .. } = &mut *inner;
        leases.retain(|attempt, _| state.live.contains_key(attempt));
        result
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.lock().after(after).iter().take(limit).cloned().collect())
    }

    async fn load(&self) -> Result<State, StoreError> {
        Ok(self.lock().state.clone())
    }

    async fn recall(&self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        let inner = self.lock();
        let known = |issue: &IssueRef| inner.state.issues.get(issue).or_else(|| inner.aside.get(issue)).cloned();
        Ok(issues.iter().filter_map(|issue| Some((issue.clone(), known(issue)?))).collect())
    }

    async fn renew(
        &self,
        epoch: Epoch,
        held: &[(AttemptId, Token)],
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        let mut inner = self.lock();
        if epoch != inner.epoch {
            return Err(StoreError::Superseded { ours: epoch.0, current: inner.epoch.0 });
        }
        let until = self.now(&inner).checked_add(lease).unwrap_or(Timestamp::MAX);
        let gone = inner.state.not_held(held);
        for (attempt, _) in held.iter().filter(|(attempt, _)| !gone.contains(attempt)) {
            inner.leases.insert(attempt.clone(), until);
        }
        Ok(gone)
    }
}
