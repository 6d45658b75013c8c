//! How an engine begins and ends: it takes the store over, takes in what was ordered, and deals with what the one before it
//! left. A store that does not serve then is waited for, as at any other time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dayfly_core::{AttemptId, Batch, Effect, Epoch, Event, JobSpec, Seq, State, StateError, Stop, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ballast::Ballast;
use super::brake::Brake;
use super::model::{Input, Model};
use super::recovery::{Dealt, Last, Recovery, TakenUp};
use super::{Engine, EngineError, Loop, RunOptions, hold, sink};

impl<'a> Loop<'a> {
    /// A loop that knows nothing yet.
    pub(super) fn new(
        engine: &Engine,
        options: RunOptions,
        inputs: mpsc::Sender<Input>,
        shutdown: &'a mut mpsc::Receiver<Stop>,
    ) -> Self {
        let house = &engine.house;
        let mut model = Model::new(Arc::clone(&house.portfolio), State::default(), options.filter, options.until);
        model.zone = house.zone.clone();
        model.can_probe = house.agents.iter().filter(|(_, a)| a.can_probe()).map(|(name, _)| name.clone()).collect();
        Self {
            house: Arc::clone(house),
            progress: engine.progress.clone(),
            model,
            epoch: Epoch(0),
            inputs,
            brake: Brake::default(),
            shutdown,
            listening: true,
            asked: VecDeque::new(),
            ballast: Ballast::of(house),
            tasks: JoinSet::new(),
            probes: 0,
            finished: false,
        }
    }

    /// Takes the store over and goes on with what is there. Gives the place in the ledger where this run begins.
    pub(super) async fn start(&mut self) -> Result<Seq, EngineError> {
        let house = Arc::clone(&self.house);
        self.epoch = self.held(|| house.store.take_over()).await?;
        self.model.state = self.held(|| house.store.load()).await?;
        let last = Last::of(&self.model.state);
        self.model.inherited = self.model.state.live.keys().cloned().collect();
        self.enter().await?;
        let from = self.model.state.head;
        let started = Event::EngineStarted { version: env!("CARGO_PKG_VERSION").into() };
        let booted = house.clock.boot().map(|boot| Event::Booted { boot });
        self.record([started].into_iter().chain(booted).collect(), Vec::new()).await?;
        // Until they have somebody who follows them here, attempts are their keepers'.
        house.leave.set(true);
        let taken_up = self.recover(&last).await?;
        house.leave.set(false);
        // Whoever starts a run has most likely cleared the checkout that was in the way of a landing.
        let landings = self.model.state.outbox.iter().map(|pending| &pending.entry);
        let landings = landings.filter(|entry| matches!(entry.effect, Effect::Land { .. }));
        self.model.anew = landings.map(|entry| entry.id.clone()).collect();
        for TakenUp { work, running } in taken_up {
            self.perform(work, Some(running));
        }
        self.end_cancelled();
        if !self.model.tight && !self.ballast.make().await {
            self.model.tight = true;
            self.progress.unavailable(&Ballast::missing());
        }
        Ok(from)
    }

    /// Deals with all that an earlier engine left. What is settled is in the ledger when this returns, in one batch: to
    /// make it durable costs the same for one attempt and for five hundred.
    async fn recover(&mut self, last: &Last) -> Result<Vec<TakenUp>, EngineError> {
        let house = Arc::clone(&self.house);
        let jobs = self.jobs().await?;
        let sink = |id: &AttemptId| sink(&self.inputs, &self.progress, id, true);
        let recovery = Recovery { house: &house, sink: &sink, brake: &self.brake };
        let Dealt { taken_up, events, conditions } = Box::pin(recovery.run(&self.model.state, last, jobs)).await;
        for event in self.record(events, conditions).await? {
            match &event {
                Event::Recovered { found } => self.progress.recovered(found),
                Event::AttemptEnded { .. } => {}
                event => self.progress.event(&self.model.state, event),
            }
        }
        match house.clean_leftovers(&self.model.state).await {
            // What cannot be removed now is tried again by the next engine.
            Err(err) if !err.is_transient() => Err(err.into()),
            _ => Ok(taken_up),
        }
    }

    /// The jobs of all live attempts, from the records that claimed them.
    async fn jobs(&mut self) -> Result<BTreeMap<AttemptId, JobSpec>, EngineError> {
        let live = self.model.state.live.iter();
        let claims: Vec<(AttemptId, Seq)> =
            live.map(|(id, attempt)| (id.clone(), Seq(attempt.token.0.saturating_sub(1)))).collect();
        let (house, mut jobs) = (Arc::clone(&self.house), BTreeMap::new());
        for (id, before) in claims {
            let records = self.held(|| house.store.read(before, 1)).await?;
            let event = records.first().map(|r| r.event().map_err(StateError::from)).transpose();
            if let Some(Event::AttemptStarted { job, .. }) = event.map_err(StoreError::from)? {
                jobs.insert(id, *job);
            }
        }
        Ok(jobs)
    }

    /// Says in the ledger that nothing of this engine is under way any more. Without that record the next engine only
    /// waits where it need not.
    pub(super) async fn rest(&mut self) -> Result<(), EngineError> {
        let batch = Batch {
            epoch: self.epoch,
            at: self.house.now(),
            events: vec![Event::EngineStopped],
            conditions: Vec::new(),
        };
        let (store, state) = (&*self.house.store, &mut self.model.state);
        let records = hold::once(store, state.head, &batch).await.unwrap_or_default();
        Ok(records.iter().try_for_each(|record| state.apply(record)).map_err(StoreError::from)?)
    }
}
