//! What was asked of a scripted executor, and what of it an engine must not ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use dayfly_core::{Attempt, AttemptId, End, EventSink, Outcome, Stop};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::life::Life;

/// Something that was asked of a [`MockRunner`](super::MockRunner), or came of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MockCall {
    /// An attempt was started.
    Started(AttemptId),
    /// An attempt should have been started, and was refused.
    Refused(AttemptId),
    /// An attempt was looked for.
    Reattached {
        /// Which.
        attempt: AttemptId,
        /// Whether it was found.
        found: bool,
    },
    /// An attempt was asked to stop.
    Stop {
        /// Which.
        attempt: AttemptId,
        /// How.
        how: Stop,
    },
    /// Somebody was told of an attempt's end, for the first time.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// How it ended.
        end: End,
    },
    /// An attempt was dropped while it ran.
    Dropped(AttemptId),
}

/// One attempt, for all who hold it.
#[derive(Debug)]
pub(super) struct Slot {
    life: Mutex<Life>,
    changed: Notify,
}

impl Slot {
    pub(super) fn new(life: Life) -> Self {
        Self { life: Mutex::new(life), changed: Notify::new() }
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> AttemptId {
        self.life().attempt().id.clone()
    }

    /// Its outcome, or when something is due next.
    pub(super) fn look(&self) -> Result<Outcome, Option<Instant>> {
        self.life().look(Instant::now())
    }

    pub(super) fn stop(&self, how: Stop) {
        self.life().stop(how, Instant::now());
        self.changed.notify_waiters();
    }

    /// Comes when somebody else has stopped it, from this call on.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

/// What all clones of an executor know.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    calls: Vec<MockCall>,
    violations: Vec<String>,
    started: Vec<Attempt>,
    slots: BTreeMap<AttemptId, Arc<Slot>>,
    check_at_drop: bool,
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check_at_drop(&self) {
        self.pages().check_at_drop = true;
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.pages().violations.clone()
    }

    pub(super) fn calls(&self) -> Vec<MockCall> {
        self.pages().calls.clone()
    }

    pub(super) fn started(&self) -> Vec<Attempt> {
        self.pages().started.clone()
    }

    pub(super) fn call(&self, call: MockCall) {
        self.pages().calls.push(call);
    }

    pub(super) fn violation(&self, what: String) {
        self.pages().violations.push(what);
    }

    /// Looks whether an engine may start this attempt now.
    pub(super) fn judge(&self, attempt: &Attempt) {
        let (id, job) = (&attempt.id, &attempt.job);
        let mut pages = self.pages();
        let mut wrong = Vec::new();
        if pages.slots.contains_key(id) || pages.started.iter().any(|earlier| earlier.id == *id) {
            wrong.push(format!("{id} is started twice; each try is an attempt of its own"));
        }
        let others =
            pages.slots.values().filter(|slot| slot.id() != *id && slot.life().attempt().job.issue == job.issue);
        for live in others.filter(|slot| slot.look().is_err()) {
            wrong.push(format!("{id} is started while {} runs at the same issue", live.id()));
        }
        let place = format!("{}.{}.{}.", job.issue.project, job.issue.issue, job.stage);
        if id.as_str().strip_prefix(&place).is_none_or(|number| number.parse::<u32>().is_err()) {
            wrong.push(format!("{id} is not the id of an attempt of its job, which begins with `{place}`"));
        }
        if job.prompt.trim().is_empty() {
            wrong.push(format!("{id} has no prompt"));
        }
        if attempt.tag.is_empty() {
            wrong.push(format!("{id} carries no mark by which its processes could be found"));
        }
        if attempt.dir == attempt.cwd {
            wrong.push(format!("{id} would write its records into its working copy"));
        }
        if job.wall.is_zero() || job.silence.is_zero() || job.silence_report > job.silence {
            wrong.push(format!("{id} has limits of time that nothing can keep to"));
        }
        pages.violations.extend(wrong);
    }

    pub(super) fn enter(&self, attempt: &Attempt, slot: &Arc<Slot>) {
        let mut pages = self.pages();
        pages.calls.push(MockCall::Started(attempt.id.clone()));
        pages.started.push(Attempt { events: EventSink::none(), ..attempt.clone() });
        pages.slots.insert(attempt.id.clone(), Arc::clone(slot));
    }

    pub(super) fn find(&self, attempt: &AttemptId) -> Option<Arc<Slot>> {
        self.pages().slots.get(attempt).cloned()
    }

    pub(super) fn forget(&self, attempt: &AttemptId) {
        self.pages().slots.remove(attempt);
    }

    /// Notes the first time that somebody is told of the end.
    pub(super) fn ended(&self, attempt: AttemptId, end: &End) {
        let mut pages = self.pages();
        let told = |call: &MockCall| matches!(call, MockCall::Ended { attempt: known, .. } if *known == attempt);
        if !pages.calls.iter().any(told) {
            pages.calls.push(MockCall::Ended { attempt, end: end.clone() });
        }
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        let pages = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if pages.check_at_drop && !pages.violations.is_empty() && !thread::panicking() {
            panic!("an engine did what it must not do:\n- {}", pages.violations.join("\n- "));
        }
    }
}
