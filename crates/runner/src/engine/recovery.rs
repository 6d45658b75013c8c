//! Recovery: the one place where what an engine that died left behind is dealt with, and by the holder of the store alone.
//! An attempt is taken up, or ended and settled once; an effect that may have been sent is looked up; what belongs to
//! nothing is ended. Every thing found is told, with what became of it.

mod lost;
mod resume;
mod strangers;

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{
    AttemptId, Batch, Boot, Condition, Effect, Epoch, Event, EventSink, Fate, Found, LiveAttempt, ProjectName, Running,
    Seq, State, StoreError, quarantine_until,
};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::attempt::Work;
use super::brake::Brake;
use super::guard::Guard;
use super::hold;
use super::house::House;
use super::progress::Progress;

use lost::Gone;
pub(super) use lost::keep;
pub(super) use resume::{Shown, ended_at};

/// How many attempts are looked at at once.
const AT_ONCE: usize = 32;

/// An attempt of an earlier engine that goes on under this one.
pub(super) struct TakenUp {
    pub(super) work: Work,
    pub(super) running: Box<dyn Running>,
}

/// What this engine needs to deal with what it finds.
pub(super) struct Recovery<'a> {
    pub(super) house: &'a Arc<House>,
    pub(super) epoch: Epoch,
    /// Where the events of an attempt go.
    pub(super) sink: &'a (dyn Fn(&AttemptId) -> EventSink + Sync),
    /// How attempts are told to stop.
    pub(super) brake: &'a Brake,
    pub(super) progress: &'a Progress,
}

/// What the earlier engine's last record told of how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Last {
    /// When that was written, unless the engine said that nothing of it was under way.
    under_way: Option<Timestamp>,
    /// The boot that it ran in, where it was known.
    boot: Option<Boot>,
}

impl Last {
    /// Read off the state before this engine has written anything.
    pub(super) fn of(state: &State) -> Self {
        Self { under_way: state.last.filter(|_| !state.at_rest), boot: state.boot.clone() }
    }
}

/// Says in the ledger that this engine works now, and in which boot of its machine.
pub(super) async fn begin(house: &House, epoch: Epoch, state: &mut State) -> Result<(), StoreError> {
    let started = Event::EngineStarted { version: env!("CARGO_PKG_VERSION").into() };
    let booted = house.clock.boot().map(|boot| Event::Booted { boot });
    let events = [started].into_iter().chain(booted).collect();
    let batch = Batch { epoch, at: house.now(), events, conditions: Vec::new() };
    let records = hold::once(&*house.store, state.head, &batch).await?;
    Ok(records.iter().try_for_each(|record| state.apply(record))?)
}

/// Says in the ledger that nothing of this engine is under way any more. Without that record the next engine only waits
/// where it need not.
pub(super) async fn rest(house: &House, epoch: Epoch, state: &mut State) -> Result<(), StoreError> {
    let batch = Batch { epoch, at: house.now(), events: vec![Event::EngineStopped], conditions: Vec::new() };
    let records = hold::once(&*house.store, state.head, &batch).await.unwrap_or_default();
    Ok(records.iter().try_for_each(|record| state.apply(record))?)
}

/// A live attempt, and what it would go on with.
struct Looked {
    id: AttemptId,
    attempt: LiveAttempt,
    what: What,
}

enum What {
    /// It goes on.
    Runs(Box<Work>, Box<dyn Running>),
    /// It is gone, and can be settled.
    Gone(Box<Work>),
    /// It is gone, and so is its project.
    Homeless,
    /// Nothing is known of its job.
    Unknown,
}

impl Recovery<'_> {
    /// Deals with all that an earlier engine left. What is settled is in the ledger when this returns, in one batch: to
    /// make it durable costs the same for one attempt and for five hundred.
    pub(super) async fn run(&self, state: &mut State, last: &Last) -> Result<Vec<TakenUp>, StoreError> {
        let looked = self.look(state).await?;
        let (mut taken_up, mut gone, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for Looked { id, attempt, what } in looked {
            match what {
                What::Runs(work, running) => {
                    found.push(Found { what: id.to_string(), fate: Fate::TakenUp, why: String::new() });
                    taken_up.push(TakenUp { work: *work, running });
                }
                What::Gone(work) => gone.push(Gone { id, attempt, work: Some(work), unknown: false }),
                What::Homeless => gone.push(Gone { id, attempt, work: None, unknown: false }),
                What::Unknown => gone.push(Gone { id, attempt, work: None, unknown: true }),
            }
        }
        found.extend(self.strangers(state, last).await);
        let mut events = Vec::new();
        let mut conditions = Vec::new();
        for (condition, event, settled) in self.lost(state, gone).await {
            conditions.push(condition);
            events.push(event);
            found.push(settled);
        }
        let (delayed, doubtful) = self.in_doubt(state, last);
        events.extend(delayed);
        found.extend(doubtful);
        found.sort_by(|a, b| (a.fate, &a.what).cmp(&(b.fate, &b.what)));
        if !found.is_empty() {
            events.push(Event::Recovered { found });
        }
        self.append(state, events, conditions).await?;
        self.house.clean_leftovers(state).await?;
        Ok(taken_up)
    }

    async fn append(
        &self,
        state: &mut State,
        events: Vec<Event>,
        conditions: Vec<Condition>,
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let batch = Batch { epoch: self.epoch, at: self.house.now(), events, conditions };
        let records = hold::once(&*self.house.store, state.head, &batch).await?;
        for (record, event) in records.iter().zip(&batch.events) {
            state.apply(record)?;
            match event {
                Event::Recovered { found } => self.progress.recovered(found),
                Event::AttemptEnded { .. } => {}
                event => self.progress.event(state, event),
            }
        }
        Ok(())
    }

    /// Looks at every attempt that has not ended, many at once.
    async fn look(&self, state: &State) -> Result<Vec<Looked>, StoreError> {
        let shown: BTreeMap<ProjectName, Arc<Shown>> =
            self.house.projects.keys().map(|name| (name.clone(), Arc::default())).collect();
        let mut all: Vec<BoxFuture<'_, Result<Looked, StoreError>>> = Vec::new();
        for (id, attempt) in &state.live {
            all.push(Box::pin(self.look_at(state, id, attempt, &shown)));
        }
        stream::iter(all).buffered(AT_ONCE).try_collect().await
    }

    async fn look_at(
        &self,
        state: &State,
        id: &AttemptId,
        attempt: &LiveAttempt,
        shown: &BTreeMap<ProjectName, Arc<Shown>>,
    ) -> Result<Looked, StoreError> {
        let looked = |what| Looked { id: id.clone(), attempt: attempt.clone(), what };
        let job = started_job(self.house, attempt).await?;
        let Some((job, known)) = job.zip(state.issues.get(&attempt.issue).cloned()) else {
            return Ok(looked(What::Unknown));
        };
        let Some(project) = self.house.project(&attempt.issue.project).cloned() else {
            return Ok(looked(What::Homeless));
        };
        let guard = Guard::new(&job, self.house.portfolio.billing(job.account.as_ref()));
        let work = Work {
            house: Arc::clone(self.house),
            scope: state.scope(id),
            id: id.clone(),
            issue: lost::issue_of(&job),
            shown: shown.get(&project.name).cloned(),
            job,
            known,
            project,
            events: guard.sink((self.sink)(id)),
            guard,
            stop: self.brake.ear(Some(id)),
        };
        Ok(looked(match work.find().await {
            Some(running) => {
                self.house.end_gates(&work.project, id).await;
                What::Runs(Box::new(work), running)
            }
            None => What::Gone(Box::new(work)),
        }))
    }

    /// The effects that the earlier engine may have sent and that could be done twice: they wait until no request of then
    /// can be under way, and are looked up before they are sent again. What the far side makes harmless, and what waits by
    /// itself, is not kept waiting.
    fn in_doubt(&self, state: &State, last: &Last) -> (Vec<Event>, Vec<Found>) {
        let Some(under_way) = last.under_way else { return (Vec::new(), Vec::new()) };
        let now = self.house.now();
        let present = self.house.clock.boot();
        let until = quarantine_until(under_way, (last.boot.as_ref(), present.as_ref()), now);
        let unsure = |effect: &Effect| effect.again().quarantine && !self.house.guards(effect);
        // Only the first effect of an issue is ever sent.
        let due = state.due_effects(now).into_iter().filter(|entry| until > now && unsure(&entry.effect));
        let reason = "an earlier engine may have sent it; it is looked up before it is sent again".to_owned();
        let doubtful = due.map(|entry| {
            let event = Event::EffectDelayed {
                effect: entry.id.clone(),
                issue: entry.issue.clone(),
                reason: reason.clone(),
                until,
            };
            (event, Found { what: entry.id.to_string(), fate: Fate::LookedUp, why: String::new() })
        });
        doubtful.unzip()
    }
}

/// The job of a live attempt, from the record that claimed it.
async fn started_job(house: &House, attempt: &LiveAttempt) -> Result<Option<dayfly_core::JobSpec>, StoreError> {
    let before = Seq(attempt.token.0.saturating_sub(1));
    let records = house.store.read(before, 1).await?;
    let event = records.first().map(|r| r.event().map_err(dayfly_core::StateError::from)).transpose()?;
    Ok(match event {
        Some(Event::AttemptStarted { job, .. }) => Some(*job),
        _ => None,
    })
}
