//! Recovery: the one place where what an engine that died left behind is dealt with, and by the holder of the store alone.
//! An attempt is taken up, or ended and settled once; an effect that may have been sent is looked up; what belongs to
//! nothing is ended. Every thing found is told, with what became of it.

mod lost;
mod resume;
mod strangers;

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{
    AttemptId, Condition, Effect, Event, EventSink, Fate, Found, JobSpec, LiveAttempt, ProjectName, Running, State,
    quarantine_until,
};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};

use super::attempt::Work;
use super::brake::Brake;
use super::guard::Guard;
use super::house::House;

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
    /// Where the events of an attempt go.
    pub(super) sink: &'a (dyn Fn(&AttemptId) -> EventSink + Sync),
    /// How attempts are told to stop.
    pub(super) brake: &'a Brake,
}

/// What the earlier engine's last record told of how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Last {
    /// Whether something of it may be under way.
    under_way: bool,
}

impl Last {
    /// Read off the state before this engine has written anything.
    pub(super) fn of(state: &State) -> Self {
        Self { under_way: state.last.is_some() && !state.at_rest }
    }
}

/// What became of all that was left: what goes on, and what is to be recorded.
pub(super) struct Dealt {
    pub(super) taken_up: Vec<TakenUp>,
    pub(super) events: Vec<Event>,
    pub(super) conditions: Vec<Condition>,
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
    /// It is gone, and can be settled. It may be that it could not be looked for, with the reason.
    Gone(Box<Work>, Option<String>),
    /// It is gone, and so is its project.
    Homeless,
    /// Nothing is known of its job.
    Unknown,
}

impl Recovery<'_> {
    /// Deals with all that an earlier engine left, given the jobs of what was at work.
    pub(super) async fn run(&self, state: &State, last: &Last, jobs: BTreeMap<AttemptId, JobSpec>) -> Dealt {
        let looked = self.look(state, jobs).await;
        let (mut taken_up, mut gone, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for Looked { id, attempt, what } in looked {
            match what {
                What::Runs(work, running) => {
                    found.push(Found { what: id.to_string(), fate: Fate::TakenUp, why: String::new() });
                    taken_up.push(TakenUp { work: *work, running });
                }
                What::Gone(work, why) => gone.push(Gone { id, attempt, work: Some(work), unknown: false, why }),
                What::Homeless => gone.push(Gone { id, attempt, work: None, unknown: false, why: None }),
                What::Unknown => gone.push(Gone { id, attempt, work: None, unknown: true, why: None }),
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
        Dealt { taken_up, events, conditions }
    }

    /// Looks at every attempt that has not ended, many at once.
    async fn look(&self, state: &State, mut jobs: BTreeMap<AttemptId, JobSpec>) -> Vec<Looked> {
        let shown: BTreeMap<ProjectName, Arc<Shown>> =
            self.house.projects.keys().map(|name| (name.clone(), Arc::default())).collect();
        let mut all: Vec<BoxFuture<'_, Looked>> = Vec::new();
        for (id, attempt) in &state.live {
            let job = jobs.remove(id);
            all.push(Box::pin(self.look_at(state, (id, attempt), job, &shown)));
        }
        stream::iter(all).buffered(AT_ONCE).collect().await
    }

    async fn look_at(
        &self,
        state: &State,
        (id, attempt): (&AttemptId, &LiveAttempt),
        job: Option<JobSpec>,
        shown: &BTreeMap<ProjectName, Arc<Shown>>,
    ) -> Looked {
        let looked = |what| Looked { id: id.clone(), attempt: attempt.clone(), what };
        let Some((job, known)) = job.zip(state.issues.get(&attempt.issue).cloned()) else {
            return looked(What::Unknown);
        };
        let Some(project) = self.house.project(&attempt.issue.project).cloned() else {
            return looked(What::Homeless);
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
        looked(match work.find().await {
            Ok(Some(running)) => {
                self.house.end_gates(&work.project, id).await;
                What::Runs(Box::new(work), running)
            }
            Ok(None) => What::Gone(Box::new(work), None),
            Err(why) => What::Gone(Box::new(work), Some(why)),
        })
    }

    /// The effects that the earlier engine may have sent and that could be done twice: they wait until no request of then
    /// can be under way, and are looked up before they are sent again. What the far side makes harmless, and what waits longer by
    /// itself, is not kept waiting.
    fn in_doubt(&self, state: &State, last: &Last) -> (Vec<Event>, Vec<Found>) {
        if !last.under_way {
            return (Vec::new(), Vec::new());
        }
        let now = self.house.now();
        let until = quarantine_until(now);
        let unsure = |effect: &Effect| effect.again().quarantine && !self.house.guards(effect);
        // Only the first effect of an issue is ever sent. What comes due meanwhile was put off by an engine that may not know
        // yet that its place was taken: it would send at that very time, too.
        let due = state.due_effects(until).into_iter().filter(|entry| unsure(&entry.effect));
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
