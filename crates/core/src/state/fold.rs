//! The fold: one record at a time.

mod change;
mod people;

use crate::{
    AttemptId, EffectEntry, EffectId, EffectKind, Event, EventKind, IssueId, IssueRef, JobSpec, Next, Outage, Record,
    TrackerKind,
};

use change::{reopen, sent_back, settle, share, start_anew};

use super::transitions::targets;
use super::{Finish, IssueState, LiveAttempt, PendingEffect, Phase, State, StateError};

/// Says how events are folded. It grows whenever the same ledger gives another [`State`]: a state that was stored under
/// another number is not gone on from, but folded anew.
pub const FOLD_VERSION: u32 = 5;

impl State {
    /// The state after `records`.
    ///
    /// # Errors
    /// If the chain is broken, a record is of a newer format, or one says what cannot happen.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, StateError> {
        let mut state = Self::default();
        for record in records {
            state.apply(record)?;
        }
        Ok(state)
    }

    /// Folds one more record.
    ///
    /// # Errors
    /// As [`State::fold`]; the state is unchanged then.
    pub fn apply(&mut self, record: &Record) -> Result<(), StateError> {
        self.apply_read(record, record.event()?)
    }

    /// Folds one more record whose event was read already.
    ///
    /// # Errors
    /// As [`State::fold`]; the state is unchanged then.
    pub fn apply_read(&mut self, record: &Record, event: Event) -> Result<(), StateError> {
        record.verify(self.head, &self.hash)?;
        self.apply_event(record, event)?;
        self.last = Some(record.at);
        if self.mark.is_empty() {
            self.mark = format!("@{}", record.hash.as_str().get(..8).unwrap_or_default());
        }
        self.head = record.seq;
        self.hash = record.hash.clone();
        self.epoch = record.epoch;
        Ok(())
    }

    fn apply_event(&mut self, record: &Record, event: Event) -> Result<(), StateError> {
        let kind = event.kind();
        match event {
            Event::EngineStarted { .. }
            | Event::Booted { .. }
            | Event::EngineStopped
            | Event::ServiceDown { .. }
            | Event::ServiceBack { .. }
            | Event::Recovered { .. }
            | Event::Newer => self.served(record, event),
            Event::CapacityLimited { .. } | Event::CapacityOpened { .. } | Event::CapacityProbed { .. } => {
                self.learned(record, event);
            }
            Event::AttemptStarted { attempt, job, substitution, tracker } => {
                self.started(record, attempt, (&job, tracker), substitution)?;
            }
            Event::AttemptSpawned { attempt, process } => {
                let live = self.live.get_mut(&attempt).ok_or_else(|| gone(record, kind, &attempt))?;
                live.process = Some(process);
            }
            Event::AttemptEnded { attempt, token, outcome, next, effects } => {
                let live = self.live.get(&attempt).ok_or_else(|| gone(record, kind, &attempt))?;
                if live.token != token {
                    return Err(impossible(record, kind, attempt.as_str(), "held by another claim"));
                }
                let live = live.clone();
                self.move_issue(record, &live.issue, kind, phase_after(&next, &attempt), |known| {
                    share(known, &live, &outcome);
                    settle(known, &outcome, &next);
                })?;
                if let Some(live) = self.live.remove(&attempt) {
                    self.capacity.ended(&live, &outcome, record.at);
                    self.remember(Finish { attempt, issue: live.issue, token, seq: record.seq });
                }
                self.queue(effects);
            }
            Event::EffectDone { effect, issue, created, landed, .. } => {
                self.effect_done(record, &effect, &issue, created, landed)?;
            }
            Event::EffectRefused { effect, issue, reason, again, effects } => {
                self.effect_refused(record, &effect, &issue, reason, again)?;
                self.queue(effects);
            }
            Event::EffectDelayed { effect, issue, reason, until } => {
                let pending = self.outbox.iter_mut().find(|p| p.entry.id == effect);
                let pending = pending.ok_or_else(|| impossible(record, kind, &issue.to_string(), "not waiting"))?;
                (pending.delayed, pending.since) = (Some((reason, until)), Some(record.at));
            }
            Event::Answered { issue, effects, order, .. } | Event::Unblocked { issue, effects, order } => {
                self.move_issue(record, &issue, kind, Phase::Queued { not_before: None }, |known| {
                    start_anew(known);
                    known.answered = kind == EventKind::Answered;
                })?;
                order.iter().for_each(|order| self.control.take(order));
                self.queue(effects);
            }
            Event::ChildrenClosed { issue, effects } | Event::Merged { issue, effects, .. } => {
                self.move_issue(record, &issue, kind, Phase::Done, |_| {})?;
                self.queue(effects);
            }
            Event::Closed { issue } => self.move_issue(record, &issue, kind, Phase::Closed, |_| {})?,
            Event::Reopened { issue, stage, tracker } => {
                self.move_issue(record, &issue, kind, Phase::Queued { not_before: None }, |known| {
                    reopen(known, stage, tracker)
                })?;
            }
            other => self.followed(record, other)?,
        }
        Ok(())
    }

    /// What was heard of vendors.
    fn learned(&mut self, record: &Record, event: Event) {
        match event {
            Event::CapacityLimited { limit } => self.capacity.limit(limit, record.at),
            Event::CapacityOpened { key, by, began, works } => {
                self.capacity.open(&key, &by, began, works);
            }
            Event::CapacityProbed { using, usage, billing, until, .. } => {
                self.capacity.probed(&using, record.at, until);
                self.capacity.spending.probe(record.at, usage, billing);
            }
            _ => {}
        }
    }

    /// What was heard of engines and of services.
    fn served(&mut self, record: &Record, event: Event) {
        match event {
            Event::EngineStarted { .. } => self.at_rest = false,
            Event::EngineStopped => self.at_rest = true,
            Event::Booted { boot } => self.boot = Some(boot),
            Event::ServiceDown { service, reason, until } => {
                let before = self.services.get(&service);
                let (since, pauses) = before.map_or((record.at, 0), |outage| (outage.since, outage.pauses));
                self.services.insert(service, Outage { reason, since, until, pauses: pauses + 1 });
            }
            Event::ServiceBack { service } => drop(self.services.remove(&service)),
            _ => {}
        }
    }

    /// What was seen of pull requests, what rules of triage ask for, what people order, and that a backup was put back.
    fn followed(&mut self, record: &Record, event: Event) -> Result<(), StateError> {
        let kind = event.kind();
        match event {
            Event::PullSeen { issue, pull, effects } => {
                self.move_same(record, &issue, kind, |known| known.pull = Some(pull))?;
                self.queue(effects);
            }
            Event::SentBack { issue, stage, feedback, effects } => {
                self.move_issue(record, &issue, kind, Phase::Queued { not_before: None }, |known| {
                    sent_back(known, stage, feedback);
                })?;
                self.queue(effects);
            }
            Event::Stopped { issue, reason, remedy, effects } => {
                self.move_issue(record, &issue, kind, Phase::Blocked { reason, remedy }, |known| known.pull = None)?;
                self.queue(effects);
            }
            Event::Triaged { issue, effects, .. } => {
                // A rule may look at an issue that no attempt was made at.
                if self.issues.contains_key(&issue) {
                    self.move_same(record, &issue, kind, |_| {})?;
                }
                self.outbox.extend(effects.into_iter().map(|entry| PendingEffect {
                    entry,
                    delayed: None,
                    since: None,
                    aside: true,
                }));
            }
            Event::Restored { in_doubt, effects, .. } => self.restored(&in_doubt, effects),
            Event::DriftAccepted { .. } | Event::DriftSeen { .. } => self.drifted(event),
            Event::Resumed { order, what } => self.resumed(record, order, what)?,
            order => self.control.fold(order),
        }
        Ok(())
    }

    fn started(
        &mut self,
        record: &Record,
        attempt: AttemptId,
        (job, tracker): (&JobSpec, TrackerKind),
        substitution: Option<String>,
    ) -> Result<(), StateError> {
        let issue = &job.issue;
        let phase = Phase::Running { attempt: attempt.clone() };
        if !self.issues.contains_key(issue) {
            let mut new = IssueState::new(job);
            new.attempts = self.numbers.remove(issue).unwrap_or(0);
            new.uncounted = new.attempts;
            self.issues.insert(issue.clone(), new);
        }
        self.move_issue(record, issue, EventKind::AttemptStarted, phase, |known| {
            known.title.clone_from(&job.title);
            known.milestone.clone_from(&job.milestone);
            if known.stage != job.stage {
                // The stage that it stood at is not there any more: what was said there is for nobody here.
                (known.visit_attempts, known.feedback) = (0, None);
                known.stage.clone_from(&job.stage);
            }
            known.attempts += 1;
            known.tracker = tracker;
            known.answered = false;
        })?;
        let live = LiveAttempt {
            issue: issue.clone(),
            stage: job.stage.clone(),
            agent: job.agent.clone(),
            using: job.using(),
            substitution,
            token: record.seq,
            since: record.at,
            epoch: record.epoch,
            process: None,
        };
        self.live.insert(attempt, live);
        Ok(())
    }

    fn effect_done(
        &mut self,
        record: &Record,
        effect: &EffectId,
        issue: &IssueRef,
        created: Option<IssueId>,
        landed: Option<crate::Commit>,
    ) -> Result<(), StateError> {
        let kind = EventKind::EffectDone;
        let at = self.outbox.iter().position(|p| p.entry.id == *effect);
        let at = at.ok_or_else(|| impossible(record, kind, &issue.to_string(), "not waiting for it"))?;
        if landed.is_some() {
            self.moved_on(at);
        }
        let Some(known) = self.issues.get(issue) else {
            self.outbox.remove(at);
            return Ok(());
        };
        let phase = match &known.phase {
            Phase::Landing { .. } if landed.is_some() => Phase::Done,
            Phase::Split { children } => {
                let mut children = children.clone();
                // What was found by the way is no part of it.
                let part = self.outbox.get(at).is_some_and(|pending| pending.entry.effect.is_part());
                children.extend(created.filter(|_| part));
                Phase::Split { children }
            }
            other => other.clone(),
        };
        self.move_issue(record, issue, kind, phase, |known| {
            if landed.is_some() {
                known.landed = landed;
            }
        })?;
        self.outbox.remove(at);
        self.written(record, issue);
        Ok(())
    }

    /// What tells a person of an issue may now be read, if nothing more of it waits to be written.
    fn written(&mut self, record: &Record, issue: &IssueRef) {
        if !self.has_pending(issue)
            && let Some(known) = self.issues.get_mut(issue)
        {
            known.shown_to_person(record.at);
        }
    }

    fn effect_refused(
        &mut self,
        record: &Record,
        effect: &EffectId,
        issue: &IssueRef,
        reason: String,
        again: bool,
    ) -> Result<(), StateError> {
        let kind = EventKind::EffectRefused;
        let landing = self.outbox.iter().any(|p| p.entry.id == *effect && p.entry.effect.kind() == EffectKind::Land);
        if !self.is_pending(effect) {
            return Err(impossible(record, kind, &issue.to_string(), "not waiting for it"));
        }
        if !self.issues.contains_key(issue) {
            self.outbox.retain(|p| p.entry.issue != *issue);
            return Ok(());
        }
        // The issue stands where it stands, whatever its labels say.
        let labels = self.outbox.iter().any(|p| p.entry.id == *effect && p.entry.effect.kind() == EffectKind::Labels);
        if labels || self.outbox.iter().any(|p| p.entry.id == *effect && p.aside) {
            self.move_same(record, issue, kind, |known| {
                known.unlabelled |= labels && matches!(known.phase, Phase::Blocked { .. });
            })?;
            self.outbox.retain(|p| p.entry.id != *effect);
            self.written(record, issue);
            return Ok(());
        }
        let phase = if landing && again {
            Phase::Queued { not_before: None }
        } else {
            Phase::Blocked { reason, remedy: "mend the cause".into() }
        };
        self.move_issue(record, issue, kind, phase, |_| {})?;
        self.outbox.retain(|p| p.entry.issue != *issue);
        Ok(())
    }

    fn queue(&mut self, effects: Vec<EffectEntry>) {
        self.outbox.extend(effects.into_iter().map(|entry| {
            let aside = entry.effect.is_aside();
            PendingEffect { entry, delayed: None, since: None, aside }
        }));
    }

    /// Changes what is known of an issue that stays where it is, if the table allows it.
    fn move_same(
        &mut self,
        record: &Record,
        issue: &IssueRef,
        event: EventKind,
        change: impl FnOnce(&mut IssueState),
    ) -> Result<(), StateError> {
        let known = self.issues.get(issue);
        let phase = known.ok_or_else(|| impossible(record, event, &issue.to_string(), "unknown"))?.phase.clone();
        self.move_issue(record, issue, event, phase, change)
    }

    /// Moves an issue to a phase, if the table allows it, and changes the rest of what is known of it.
    fn move_issue(
        &mut self,
        record: &Record,
        issue: &IssueRef,
        event: EventKind,
        to: Phase,
        change: impl FnOnce(&mut IssueState),
    ) -> Result<(), StateError> {
        let known = self.issues.get_mut(issue);
        let known = known.ok_or_else(|| impossible(record, event, &issue.to_string(), "unknown"))?;
        let from = if known.attempts == 0 { "new" } else { known.phase.word() };
        if !targets(from, event).contains(&to.word()) {
            return Err(impossible(record, event, &issue.to_string(), from));
        }
        change(known);
        if to.needs_person() && known.phase != to {
            known.wait_for_person(record.at);
        }
        known.phase = to;
        Ok(())
    }
}

fn phase_after(next: &Next, attempt: &AttemptId) -> Phase {
    match next {
        Next::Go { not_before, .. } => Phase::Queued { not_before: *not_before },
        Next::Ask { question, choices } => {
            let (attempt, question, choices) = (attempt.clone(), question.clone(), choices.clone());
            Phase::Asked { attempt, question, choices }
        }
        Next::Split => Phase::Split { children: Vec::new() },
        Next::Block { reason, remedy } => Phase::Blocked { reason: reason.clone(), remedy: remedy.clone() },
        Next::Land { to, .. } => Phase::Landing { to: to.clone() },
        Next::Hand { branch, commit, .. } => Phase::Handed { branch: branch.clone(), commit: commit.clone() },
        Next::Finish => Phase::Done,
    }
}

fn gone(record: &Record, event: EventKind, attempt: &AttemptId) -> StateError {
    impossible(record, event, attempt.as_str(), "not running")
}

fn impossible(record: &Record, event: EventKind, what: &str, phase: &str) -> StateError {
    StateError::Impossible { seq: record.seq.0, event, what: what.to_owned(), phase: phase.to_owned() }
}
