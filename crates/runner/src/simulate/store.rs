//! The store of a simulated engine: one in memory that keeps the contract, and what strikes it.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    AttemptId, Batch, Condition, Epoch, Event, IssueRef, IssueState, MemoryStore, Record, Seq, State, Store,
    StoreError, Token,
};
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::mutation::Mutation;
use super::time::later;
use super::world::{FaultKind, Shut, Strike, World};

/// The longest that the store does not serve.
const LONGEST: Duration = Duration::from_secs(10 * 60);

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

    /// Does something, if the store serves now. Whether it stops serving is drawn where it is asked for something.
    fn serves(&self, what: What) -> Result<(), StoreError> {
        let now = self.world.time.true_now();
        let shut = |shut: Option<(Timestamp, Shut)>| shut.filter(|(until, _)| *until > now).map(|(_, how)| how);
        let before = shut(self.world.look().shut);
        let how = before.or_else(|| {
            let full = what == What::Write && self.world.fails(FaultKind::StoreFull);
            let how =
                if full { Shut::Full } else { self.world.fails(FaultKind::StoreLocked).then_some(Shut::Locked)? };
            let mut inner = self.world.look();
            let wait = Duration::from_secs(1 + inner.dice.below(LONGEST.as_secs()));
            inner.shut = Some((later(now, wait), how));
            Some(how)
        });
        match (how, what) {
            (None, _) | (Some(Shut::Full), What::Read) => Ok(()),
            (Some(how), _) => Err(unavailable(how)),
        }
    }

    /// Engines die and are doubled while they wait for the store too. They ask again and again, so that each time is rare.
    async fn befalls_who_waits(&self) {
        let (crash, usurp) = (self.world.settings.faults.crash / 32.0, self.world.settings.faults.usurp / 4.0);
        let strike = {
            let mut inner = self.world.look();
            let dies = inner.open && inner.dice.falls(crash);
            let usurped = !dies && inner.open && inner.dice.falls(usurp);
            let drawn = [(dies, FaultKind::Crash, Strike::Dies), (usurped, FaultKind::Usurped, Strike::Usurped)];
            let drawn = drawn.into_iter().find(|(falls, ..)| *falls);
            drawn.map(|(_, kind, strike)| {
                inner.count(kind);
                strike
            })
        };
        if let Some(strike) = strike {
            self.strike(strike).await;
        }
    }

    /// The records after a place as they are, for whoever looks on from outside the world.
    pub(super) async fn records(&self, after: Seq) -> Vec<Record> {
        if self.checks() {
            return self.inner.read(after, usize::MAX).await.unwrap_or_default();
        }
        let inner = self.unchecked.lock().await;
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(inner.records.len());
        inner.records[from..].to_vec()
    }
}

/// What a store is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Read,
    Write,
}

/// What the real store says of it.
fn unavailable(how: Shut) -> StoreError {
    let (what, kind) = match how {
        Shut::Full => ("the disk is full, the ledger cannot grow", ErrorKind::StorageFull),
        Shut::Locked => ("another program keeps the ledger locked", ErrorKind::ResourceBusy),
    };
    StoreError::Unavailable { what: what.into(), source: Error::from(kind).into() }
}

#[async_trait]
impl Store for SimStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.serves(What::Write)?;
        if self.checks() {
            return self.inner.take_over().await;
        }
        let mut inner = self.unchecked.lock().await;
        inner.epoch.0 += 1;
        Ok(inner.epoch)
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let world = &self.world;
        if let Err(err) = self.serves(What::Write) {
            self.befalls_who_waits().await;
            return Err(err);
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
        if world.fails(FaultKind::AppendUnsure) {
            return Err(unavailable(Shut::Locked));
        }
        Ok(records)
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.serves(What::Read)?;
        if self.checks() {
            return self.inner.read(after, limit).await;
        }
        Ok(self.records(after).await.into_iter().take(limit).collect())
    }

    async fn load(&self) -> Result<State, StoreError> {
        self.serves(What::Read)?;
        if self.checks() {
            return self.inner.load().await;
        }
        State::fold(&self.unchecked.lock().await.records).map_err(StoreError::from)
    }

    async fn recall(&self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        let mut state = self.load().await?;
        Ok(issues.iter().filter_map(|issue| state.issues.remove_entry(issue)).collect())
    }

    async fn renew(
        &self,
        epoch: Epoch,
        held: &[(AttemptId, Token)],
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        self.serves(What::Write)?;
        if self.checks() {
            return self.inner.renew(epoch, held, lease).await;
        }
        let state = self.load().await?;
        if state.epoch > epoch {
            return Err(StoreError::Superseded { ours: epoch.0, current: state.epoch.0 });
        }
        Ok(state.not_held(held))
    }
}
