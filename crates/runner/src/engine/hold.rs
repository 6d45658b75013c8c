//! Recording what happened, and holding on while the store does not serve.
//!
//! Nothing is decided while a batch is held: nothing is started, no effect is sent. What runs goes on, and how it ends
//! waits in the channel and in the files of its keeper.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{Batch, Condition, Event, IssueRef, Record, Seq, Stop, Store, StoreError};
use futures_util::future::BoxFuture;

use super::recover::not_held;
use super::{EngineError, Loop};

/// The pause before a held batch is tried again, the first time and at most.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(4);
/// How long what is killed may take to end while the store does not serve.
const KILLED: Duration = Duration::from_secs(10);

impl Loop<'_> {
    /// Appends what happened, folds it into the state, and tells it.
    pub(super) async fn append(&mut self, events: Vec<Event>, conditions: Vec<Condition>) -> Result<(), EngineError> {
        for event in self.record(events, conditions).await? {
            self.progress.event(&self.model.state, &event);
        }
        Ok(())
    }

    /// Appends what happened, and folds it into the state. Gives all events that came into the ledger.
    pub(super) async fn record(
        &mut self,
        events: Vec<Event>,
        conditions: Vec<Condition>,
    ) -> Result<Vec<Event>, EngineError> {
        if events.is_empty() {
            return Ok(events);
        }
        let missing = self.model.state.missing(&events);
        self.recall(missing).await?;
        let batch = Batch { epoch: self.epoch, at: self.house.now(), events, conditions };
        let (house, head) = (Arc::clone(&self.house), self.model.state.head);
        let store = &*house.store;
        let answer = store.append(&batch).await;
        let records = match settled(store, head, &batch, answer).await {
            Err(err) if err.is_transient() => self.hold(err, || Box::pin(again(store, head, &batch))).await?,
            answer => answer?,
        };
        for record in &records {
            self.model.state.apply(record).map_err(StoreError::from)?;
        }
        if records.len() == batch.events.len() {
            return Ok(batch.events);
        }
        let event = |record: &Record| record.event().map_err(|err| StoreError::Ledger(err.into()));
        Ok(records.iter().map(event).collect::<Result<_, _>>()?)
    }

    /// Takes those issues back that the state does not hold because they were set aside.
    pub(super) async fn recall(&mut self, issues: impl IntoIterator<Item = IssueRef>) -> Result<(), EngineError> {
        let missing = not_held(&self.model.state, issues);
        if missing.is_empty() {
            return Ok(());
        }
        let house = Arc::clone(&self.house);
        for (issue, known) in self.held(|| house.store.recall(&missing)).await? {
            self.model.state.recall(issue, known);
        }
        Ok(())
    }

    /// Asks the store, and holds on while it does not serve.
    pub(super) async fn held<'s, T>(
        &mut self,
        ask: impl Fn() -> BoxFuture<'s, Result<T, StoreError>>,
    ) -> Result<T, EngineError> {
        match ask().await {
            Err(err) if err.is_transient() => self.hold(err, ask).await,
            answer => Ok(answer?),
        }
    }

    /// Asks again and again until the store serves, or the operator asks for the end.
    async fn hold<'s, T>(
        &mut self,
        mut err: StoreError,
        ask: impl Fn() -> BoxFuture<'s, Result<T, StoreError>>,
    ) -> Result<T, EngineError> {
        if !self.model.tight {
            self.progress.unavailable(&err);
        }
        let mut pause = if self.ballast.release().await {
            // From here on what ends is recorded in the room that was kept for it.
            self.model.tight = true;
            Duration::ZERO
        } else {
            FIRST
        };
        let mut deadline = None;
        loop {
            if !self.pause(pause, &mut deadline).await? {
                // What has ended meanwhile is in the files of its keeper, for the next engine.
                return Err(err.into());
            }
            pause = pause.max(FIRST / 2).saturating_mul(2).min(MOST);
            match ask().await {
                Ok(answer) => {
                    if self.model.tight {
                        self.loosen().await;
                    } else {
                        self.progress.available();
                    }
                    return Ok(answer);
                }
                Err(new) if new.is_transient() => err = new,
                Err(new) => return Err(new.into()),
            }
        }
    }

    /// Waits for the next try. The operator may ask for the end meanwhile: what runs is stopped, and once it has ended
    /// there is nothing left to wait for.
    async fn pause(
        &mut self,
        pause: Duration,
        deadline: &mut Option<tokio::time::Instant>,
    ) -> Result<bool, EngineError> {
        let until = tokio::time::Instant::now() + pause;
        loop {
            let stopping = !self.asked.is_empty();
            if stopping && self.tasks.is_empty() || deadline.is_some_and(|at| at <= tokio::time::Instant::now()) {
                return Ok(false);
            }
            tokio::select! {
                biased;
                stop = self.shutdown.recv(), if self.listening => match stop {
                    Some(how) => self.heed(how, deadline),
                    None => self.listening = false,
                },
                // A store that does not serve is no reason to go on with what is to end at once.
                () = self.house.rung(), if deadline.is_none() => if let Some(how) = self.is_to_end() {
                    self.heed(how, deadline);
                },
                Some(ended) = self.tasks.join_next(), if stopping && !self.tasks.is_empty() => {
                    if let Err(err) = ended && err.is_panic() {
                        return Err(EngineError::Bug(err.to_string()));
                    }
                }
                () = tokio::time::sleep_until(until) => return Ok(true),
            }
        }
    }

    /// Stops what runs.
    fn heed(&mut self, how: Stop, deadline: &mut Option<tokio::time::Instant>) {
        self.progress.stopping(how);
        self.brake.all(how);
        self.asked.push_back(how);
        if how == Stop::Kill {
            deadline.get_or_insert(tokio::time::Instant::now() + KILLED);
        }
    }

    /// Begins work again, if there is room for more than how things end.
    pub(super) async fn loosen(&mut self) {
        if self.model.tight && self.ballast.make().await {
            self.model.tight = false;
            self.progress.available();
        }
    }
}

/// Appends without holding on: what is not recorded at the end of a run is no loss.
pub(super) async fn once(store: &dyn Store, head: Seq, batch: &Batch) -> Result<Vec<Record>, StoreError> {
    let answer = store.append(batch).await;
    match settled(store, head, batch, answer).await {
        // The answer may be all that was lost.
        Err(err) if err.is_transient() => landed(store, head, batch).await.ok().flatten().ok_or(err),
        other => other,
    }
}

/// Tries a held batch again. The store may have appended it although it said that it could not.
async fn again(store: &dyn Store, head: Seq, batch: &Batch) -> Result<Vec<Record>, StoreError> {
    match landed(store, head, batch).await? {
        // Another engine may have taken over while this one waited, and have dealt with what the batch began.
        Some(records) => match store.renew(batch.epoch, &[], Duration::ZERO).await {
            Err(err) if err.is_transient() || matches!(err, StoreError::Superseded { .. }) => Err(err),
            _ => Ok(records),
        },
        None => {
            let answer = store.append(batch).await;
            settled(store, head, batch, answer).await
        }
    }
}

/// All that follows `head`, given what the store answered: where a request arrives twice, a refusal answers the second.
async fn settled(
    store: &dyn Store,
    head: Seq,
    batch: &Batch,
    answer: Result<Vec<Record>, StoreError>,
) -> Result<Vec<Record>, StoreError> {
    match answer {
        Ok(records) if records.first().is_none_or(|first| first.seq.0 == head.0 + 1) => Ok(records),
        Ok(_) => store.read(head, usize::MAX).await,
        // That an earlier request was taken is no leave to go on.
        Err(err) if err.is_transient() || matches!(err, StoreError::Superseded { .. }) => Err(err),
        Err(err) => match landed(store, head, batch).await {
            Ok(records) => records.ok_or(err),
            Err(unknown) if unknown.is_transient() => Err(unknown),
            Err(_) => Err(err),
        },
    }
}

/// What follows `head`, if the batch is in it.
async fn landed(store: &dyn Store, head: Seq, batch: &Batch) -> Result<Option<Vec<Record>>, StoreError> {
    let records = store.read(head, usize::MAX).await?;
    let ours = batch.records(head, &dayfly_core::Digest::zero());
    let same = |window: &[Record]| {
        window.iter().zip(&ours).all(|(a, b)| a.epoch == b.epoch && a.at == b.at && a.body == b.body)
    };
    let found = !ours.is_empty() && records.windows(ours.len()).any(same);
    Ok(found.then_some(records))
}

#[cfg(test)]
mod tests {
    use dayfly_core::{Epoch, MemoryStore};
    use jiff::Timestamp;

    use super::*;

    /// Whoever took over has settled what the batch claimed, and may have claimed it anew.
    #[tokio::test]
    async fn that_a_held_batch_was_taken_is_no_leave_to_go_on_for_an_engine_that_was_superseded() {
        let store = MemoryStore::new();
        let events = || vec![Event::EngineStarted { version: "1".into() }];
        let batch = |epoch: Epoch| Batch { epoch, at: Timestamp::UNIX_EPOCH, events: events(), conditions: Vec::new() };
        let ours = batch(store.take_over().await.unwrap());
        store.append(&ours).await.unwrap();
        assert_eq!(again(&store, Seq(0), &ours).await.unwrap().len(), 1, "nothing but its answer was lost");
        let theirs = batch(store.take_over().await.unwrap());
        let refused = |answer: Result<Vec<Record>, StoreError>| {
            assert!(matches!(answer, Err(StoreError::Superseded { ours: 1, current: 2 })), "{answer:?}");
        };
        refused(again(&store, Seq(0), &ours).await);
        store.append(&theirs).await.unwrap();
        refused(again(&store, Seq(0), &ours).await);
        let answer = store.append(&ours).await;
        refused(settled(&store, Seq(0), &ours, answer).await);
    }
}
