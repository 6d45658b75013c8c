//! What an engine tells while it works, and at its end.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::Arc;

use dayfly_core::{
    AttemptEvent, AttemptId, Backlog, End, Event, Found, IssueRef, Next, Order, PendingEffect, Plan, ProjectName,
    Ready, Record, State, Stop, StoreError, Wait, backlog, plan,
};
use jiff::Timestamp;
use serde::Serialize;

use super::model::{Model, Until};

type Listener = dyn Fn(Notice<'_>) + Send + Sync;

/// Receives what an engine does, as it happens. Called from the loop: it must not block.
#[derive(Clone, Default)]
pub struct Progress {
    listener: Option<Arc<Listener>>,
}

/// One thing an engine did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// An event was appended to the ledger; the state holds it already.
    Event(&'a State, &'a Event),
    /// An attempt did something.
    Attempt(&'a AttemptId, AttemptEvent),
    /// A job could not be started in this run.
    Held(&'a Ready, &'a str),
    /// Nothing is ready before a time.
    Waiting(Timestamp),
    /// All that an earlier engine left, and what became of each.
    Recovered(&'a [Found]),
    /// What an attempt left on the disk could not be removed, with why; the next engine tries again.
    NotCleaned(&'a AttemptId, &'a str),
    /// The store does not serve: nothing new is begun, what runs goes on, and it is tried again. Told once.
    Unavailable(&'a StoreError),
    /// The store serves again, and so does the engine.
    Available,
    /// The engine ends what runs.
    Stopping(Stop),
    /// The engine starts nothing more, and ends when what runs has ended.
    Draining,
}

impl Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

impl Progress {
    /// Progress that is given to `listener`.
    pub fn new(listener: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(listener)) }
    }

    fn tell(&self, notice: Notice<'_>) {
        if let Some(listener) = &self.listener {
            listener(notice);
        }
    }

    pub(super) fn event(&self, state: &State, event: &Event) {
        self.tell(Notice::Event(state, event));
    }

    pub(super) fn attempt(&self, id: &AttemptId, event: AttemptEvent) {
        self.tell(Notice::Attempt(id, event));
    }

    pub(super) fn held(&self, ready: &Ready, reason: &str) {
        self.tell(Notice::Held(ready, reason));
    }

    pub(super) fn waiting(&self, at: Timestamp) {
        self.tell(Notice::Waiting(at));
    }

    pub(super) fn recovered(&self, found: &[Found]) {
        self.tell(Notice::Recovered(found));
    }

    pub(super) fn not_cleaned(&self, attempt: &AttemptId, why: &str) {
        self.tell(Notice::NotCleaned(attempt, why));
    }

    pub(super) fn draining(&self) {
        self.tell(Notice::Draining);
    }

    pub(super) fn unavailable(&self, err: &StoreError) {
        self.tell(Notice::Unavailable(err));
    }

    pub(super) fn available(&self) {
        self.tell(Notice::Available);
    }

    pub(super) fn stopping(&self, how: Stop) {
        self.tell(Notice::Stopping(how));
    }
}

/// What one run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Attempts that ended, by how they ended.
    pub ends: BTreeMap<String, usize>,
    /// Issues that landed or were finished.
    pub done: Vec<IssueRef>,
    /// Issues that now wait for a person.
    pub person: Vec<IssueRef>,
    /// Issues whose last attempt did not succeed. A failure that was mended in the same run is none.
    pub failed: Vec<IssueRef>,
    /// Jobs that could not be started, and why.
    pub held: Vec<(IssueRef, String)>,
    /// Issues whose landing or writes were put off, and why.
    pub put_off: Vec<(IssueRef, String)>,
    /// Projects whose tracker could not be read at last, and why: nothing was done for them.
    pub unread: Vec<(ProjectName, String)>,
    /// What waits for capacity, for an account or for a budget at last.
    pub withheld: Vec<Withheld>,
    /// What was written to keep issues in order.
    pub triaged: Vec<TriagedLine>,
    /// What waits, if nothing was started because nothing was prepared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unprepared: Option<Backlog>,
    /// Whether the operator asked for the end, and did not wait for what ran.
    pub stopped: bool,
    /// Whether the operator asked for the end when what ran had ended.
    pub drained: bool,
    /// Who stopped everything, if that was the end.
    pub halted: Option<Order>,
}

/// Something that a rule of triage had written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriagedLine {
    /// The issue.
    pub issue: IssueRef,
    /// The rule.
    pub rule: String,
    /// Why, in words.
    pub why: String,
}

/// Issues that are not started because of what they would use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// Why.
    pub reason: String,
    /// Which.
    pub issues: Vec<IssueRef>,
    /// Until when, if that is known.
    pub until: Option<Timestamp>,
    /// What helps, if a person must act.
    pub remedy: Option<String>,
}

impl Summary {
    /// Somebody has decided meanwhile, or the default was taken.
    fn decided(&mut self, event: &Event) {
        if let Event::Answered { issue, .. } | Event::Unblocked { issue, .. } = event {
            self.person.retain(|waits| waits != issue);
        }
    }

    pub(super) fn new(records: &[Record], model: &Model, now: Timestamp) -> Self {
        let held = model.filter.held.iter().map(|(issue, (reason, _))| (issue.clone(), reason.clone()));
        let faults = model.views.iter().filter_map(|(project, view)| Some((project.clone(), view.fault.clone()?)));
        let last = plan(&model.plan_input(now));
        let delayed = |p: &PendingEffect| {
            let why = model.withheld_by(&p.entry.effect, now).or_else(|| Some(p.delayed.as_ref()?.0.clone()))?;
            Some((p.entry.issue.clone(), why))
        };
        let mut summary = Self {
            held: held.collect(),
            put_off: model.state.outbox.iter().filter_map(delayed).collect(),
            unread: faults.collect(),
            withheld: withheld(&last),
            stopped: !(model.admitting || model.draining),
            drained: model.draining,
            halted: model.state.control.halt.clone(),
            ..Self::default()
        };
        let mut issues: BTreeMap<AttemptId, IssueRef> = BTreeMap::new();
        for event in records.iter().filter_map(|r| r.event().ok()) {
            summary.decided(&event);
            match event {
                Event::AttemptStarted { attempt, job, .. } => {
                    issues.insert(attempt, job.issue);
                }
                Event::AttemptEnded { attempt, outcome, next, .. } => {
                    *summary.ends.entry(outcome.end.word().into()).or_default() += 1;
                    // One that was taken up was started before this run.
                    let Some(issue) = issues.get(&attempt).cloned().or_else(|| attempt.issue()) else { continue };
                    summary.failed.retain(|failed| *failed != issue);
                    if outcome.end != End::Succeeded {
                        summary.failed.push(issue.clone());
                    }
                    match next {
                        Next::Ask { .. } | Next::Block { .. } => summary.person.push(issue.clone()),
                        Next::Hand { pull, .. } if pull.is_none() => summary.person.push(issue.clone()),
                        Next::Finish => summary.done.push(issue.clone()),
                        _ => {}
                    }
                }
                Event::EffectRefused { again: false, issue, .. } => {
                    summary.failed.push(issue.clone());
                    summary.person.push(issue);
                }
                Event::EffectDone { effect, issue, adopted: false, .. } if effect.is_of_restore() => {
                    summary.failed.push(issue.clone());
                    summary.person.push(issue);
                }
                Event::EffectDone { landed: Some(_), issue, .. }
                | Event::ChildrenClosed { issue, .. }
                | Event::Merged { issue, .. } => summary.done.push(issue),
                Event::Stopped { issue, .. } => summary.person.push(issue),
                Event::PullSeen { issue, pull, .. } => {
                    summary.person.retain(|waiting| *waiting != issue);
                    if !pull.moving {
                        summary.person.push(issue);
                    }
                }
                Event::SentBack { issue, .. } => summary.person.retain(|waiting| *waiting != issue),
                Event::Triaged { issue, rule, why, .. } => summary.triaged.push(TriagedLine { issue, rule, why }),
                _ => {}
            }
        }
        let asked = summary.stopped || summary.drained || summary.halted.is_some();
        let idle = summary.ends.is_empty() && summary.done.is_empty() && !asked;
        if idle && model.until != Until::Triage {
            summary.unprepared = backlog(&model.plan_input(now), &last);
        }
        summary
    }

    /// Whether something did not succeed in the end.
    pub fn has_trouble(&self) -> bool {
        let account = self.withheld.iter().any(|withheld| withheld.until.is_none() && withheld.remedy.is_some());
        let quiet = self.failed.is_empty() && self.held.is_empty() && self.put_off.is_empty() && self.unread.is_empty();
        account || !quiet
    }
}

/// What waits for what it would use, by the reason.
fn withheld(plan: &Plan) -> Vec<Withheld> {
    let mut all: Vec<Withheld> = Vec::new();
    for waiting in &plan.waiting {
        let (Wait::Capacity { .. } | Wait::Account { .. } | Wait::Budget { .. }, Some(issue)) =
            (&waiting.why, &waiting.issue)
        else {
            continue;
        };
        let reason = waiting.why.to_string();
        match all.iter_mut().find(|withheld| withheld.reason == reason) {
            Some(withheld) => withheld.issues.push(issue.clone()),
            None => all.push(Withheld {
                reason,
                issues: vec![issue.clone()],
                until: waiting.until,
                remedy: waiting.remedy.clone(),
            }),
        }
    }
    all
}
