//! The course of each issue: where it stood from when on, and how it came to its end.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{AttemptId, EffectEntry, EffectId, End, Event, IssueRef, Next, Record, RecordError};

use super::super::AttemptLine;
use super::super::log::{DoneBy, done_by};

/// Where an issue stands, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Working,
    Queued { not_before: Option<Timestamp> },
    Asked,
    Split,
    Landing,
    Handed,
    Blocked,
    Over,
}

/// Where an issue stood from a moment on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    pub(super) from: Timestamp,
    pub(super) place: Place,
    /// The last attempt until then, by its place among the lines.
    pub(super) line: Option<usize>,
}

/// What follows of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Led {
    /// The issue went on to another stage or to its end.
    Forward,
    /// A person was asked.
    Asked,
    /// The work went back to an earlier stage.
    Back,
    /// The same stage, once more.
    Again,
    /// The issue waits for a person who must mend something.
    Stuck,
}

/// One way of an issue through the stages: from its first attempt, or from when it was opened again.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Its attempts, by their places among the lines.
    pub(super) lines: Vec<usize>,
    /// How often its work was sent back to an earlier stage.
    pub(super) rounds: u32,
    /// How often a stage had to be tried again because the work itself had failed.
    pub(super) failed: u32,
    /// When and how it was done.
    pub(super) done: Option<(Timestamp, How)>,
}

impl Life {
    /// Whether its own work was accepted: what was split is done by its children.
    pub(super) fn accepted(&self) -> Option<Timestamp> {
        self.done.filter(|(_, how)| *how != How::Children).map(|(at, _)| at)
    }
}

/// How an issue was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Landed,
    Finished,
    Children,
}

#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) stands: Vec<Stand>,
    pub(super) lives: Vec<Life>,
    /// When writes of the issue's were waited for.
    pub(super) writes: Vec<(Timestamp, Timestamp)>,
    /// When it was opened again after it had been done.
    pub(super) reopened: Vec<Timestamp>,
    /// When a landing was refused because the base branch had moved.
    pub(super) overtaken: Vec<Timestamp>,
    /// The writes that are not done yet: since when, and whether the issue goes on without them.
    pending: BTreeMap<EffectId, (Timestamp, bool)>,
}

/// The courses of all issues that the records tell of.
pub(super) struct Courses<'a> {
    pub(super) lines: &'a [AttemptLine],
    pub(super) issues: BTreeMap<IssueRef, Course>,
    /// What followed of the attempts, by their places among the lines.
    pub(super) led: BTreeMap<usize, Led>,
}

impl<'a> Courses<'a> {
    pub(super) fn read(records: &[Record], lines: &'a [AttemptLine]) -> Result<Self, RecordError> {
        let places: BTreeMap<&AttemptId, usize> = lines.iter().enumerate().map(|(n, l)| (&l.attempt, n)).collect();
        let mut courses = Self { lines, issues: BTreeMap::new(), led: BTreeMap::new() };
        for record in records {
            let event = record.event()?;
            let line = event.attempt().and_then(|attempt| places.get(attempt).copied());
            let of_line = line.and_then(|n| lines.get(n)).map(|line| &line.issue);
            let Some(issue) = event.issue().or(of_line).cloned() else { continue };
            if let (Event::AttemptEnded { next, .. }, Some(n)) = (&event, line) {
                courses.led.insert(n, led(next, &lines[n]));
            }
            courses.issues.entry(issue).or_default().follow(record.at, &event, line, lines);
        }
        // What is not done yet is waited for until something else is known.
        for course in courses.issues.values_mut() {
            course.writes.extend(course.pending.values().map(|(since, _)| (*since, Timestamp::MAX)));
        }
        Ok(courses)
    }

    /// All lives with their issues.
    pub(super) fn lives(&self) -> impl Iterator<Item = (&IssueRef, &Course, &Life)> {
        self.issues.iter().flat_map(|(issue, course)| course.lives.iter().map(move |life| (issue, course, life)))
    }
}

fn led(next: &Next, line: &AttemptLine) -> Led {
    match next {
        Next::Go { stage, .. } if *stage == line.stage => Led::Again,
        // Only work that came back has a reason for it.
        Next::Go { feedback: Some(_), .. } => Led::Back,
        Next::Ask { .. } => Led::Asked,
        Next::Block { .. } => Led::Stuck,
        Next::Go { .. } | Next::Split | Next::Land { .. } | Next::Hand { .. } | Next::Finish => Led::Forward,
    }
}

impl Course {
    fn follow(&mut self, at: Timestamp, event: &Event, line: Option<usize>, lines: &[AttemptLine]) {
        let last = self.stands.last().copied();
        if let Event::EffectDone { effect, .. } | Event::EffectRefused { effect, .. } = event {
            let refused = self.settled(at, effect, matches!(event, Event::EffectRefused { .. }));
            if let (Event::EffectRefused { again, .. }, true) = (event, refused) {
                let landing = last.is_some_and(|stand| stand.place == Place::Landing);
                let overtaken = landing && *again;
                self.overtaken.extend(overtaken.then_some(at));
                let queued = Place::Queued { not_before: None };
                self.stand(at, if overtaken { queued } else { Place::Blocked }, None);
            }
        }
        self.queue(at, event);
        let done = done_by(event).map(|by| match by {
            DoneBy::Landed(_) | DoneBy::Merged => How::Landed,
            DoneBy::Finished => How::Finished,
            DoneBy::Children => How::Children,
        });
        match event {
            Event::AttemptStarted { .. } => {
                self.stand(at, Place::Working, line);
                self.life().lines.extend(line);
            }
            Event::AttemptEnded { next, outcome, .. } => {
                self.stand(at, place(next), line);
                let led = line.and_then(|n| lines.get(n)).map(|line| led(next, line));
                let life = self.life();
                life.rounds += u32::from(led == Some(Led::Back));
                let failed = matches!(outcome.end, End::TaskFailed { .. } | End::GateFailed(_) | End::NoOp { .. });
                life.failed += u32::from(failed && matches!(led, Some(Led::Again | Led::Stuck)));
            }
            Event::SentBack { .. } => {
                self.life().rounds += 1;
                self.stand(at, Place::Queued { not_before: None }, None);
            }
            Event::Answered { .. } | Event::Unblocked { .. } => {
                self.stand(at, Place::Queued { not_before: None }, None);
            }
            Event::Stopped { .. } => self.stand(at, Place::Blocked, None),
            Event::Closed { .. } => self.stand(at, Place::Over, None),
            Event::Reopened { .. } => {
                let was_done = self.lives.last().is_some_and(|life| life.done.is_some());
                self.reopened.extend(was_done.then_some(at));
                self.lives.push(Life::default());
                self.stand(at, Place::Queued { not_before: None }, None);
            }
            _ => {}
        }
        if let Some(how) = done {
            self.stand(at, Place::Over, None);
            self.life().done.get_or_insert((at, how));
        }
    }

    fn stand(&mut self, from: Timestamp, place: Place, line: Option<usize>) {
        let line = line.or(self.stands.last().and_then(|stand| stand.line));
        self.stands.push(Stand { from, place, line });
    }

    fn life(&mut self) -> &mut Life {
        if self.lives.is_empty() {
            self.lives.push(Life::default());
        }
        self.lives.last_mut().expect("one was made")
    }

    /// Notes the writes that an event asks for.
    fn queue(&mut self, at: Timestamp, event: &Event) {
        let (effects, aside): (&[EffectEntry], bool) = match event {
            Event::AttemptEnded { effects, .. }
            | Event::EffectRefused { effects, .. }
            | Event::Answered { effects, .. }
            | Event::ChildrenClosed { effects, .. }
            | Event::Merged { effects, .. }
            | Event::PullSeen { effects, .. }
            | Event::SentBack { effects, .. }
            | Event::Stopped { effects, .. }
            | Event::Unblocked { effects, .. } => (effects, false),
            Event::Triaged { effects, .. } => (effects, true),
            _ => return,
        };
        for entry in effects {
            let aside = aside || entry.effect.is_aside();
            self.pending.insert(entry.id.clone(), (at, aside));
        }
    }

    /// Notes that a write was done or refused; gives whether a refusal stops the issue.
    fn settled(&mut self, at: Timestamp, effect: &EffectId, refused: bool) -> bool {
        let Some((since, aside)) = self.pending.remove(effect) else { return false };
        self.writes.push((since, at));
        let stops = refused && !aside;
        if stops {
            // What waits behind a refused write is dropped.
            self.writes.extend(self.pending.values().map(|(since, _)| (*since, at)));
            self.pending.clear();
        }
        stops
    }
}

fn place(next: &Next) -> Place {
    match next {
        Next::Go { not_before, .. } => Place::Queued { not_before: *not_before },
        Next::Ask { .. } => Place::Asked,
        Next::Split => Place::Split,
        Next::Block { .. } => Place::Blocked,
        Next::Land { .. } => Place::Landing,
        Next::Hand { .. } => Place::Handed,
        Next::Finish => Place::Over,
    }
}
