//! What has become of one scripted attempt by some time.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::time::Duration;

use camino::Utf8Path;
use dayfly_core::{AgentEvent, Attempt, AttemptEvent, End, EventSink, Opening, Outcome, Receipt, Stop, Stream};
use tokio::time::Instant;

use super::script::{MockScript, WhenDropped};

/// The most lines of the tail.
const TAIL_LINES: usize = 100;

/// One attempt as it goes. It knows no clock: it is told the time, and then does all that was due by then, in order.
#[derive(Debug)]
pub(super) struct Life {
    attempt: Attempt,
    script: MockScript,
    limits: bool,
    started: Instant,
    /// How many of the events have been told.
    told: usize,
    /// When it last told something.
    heard: Instant,
    /// Whether it was told to be silent since.
    silent: bool,
    /// How it will have ended, and when it is killed.
    stopping: Option<(End, Option<Instant>)>,
    /// What its agent said of itself.
    opening: Option<Box<Opening>>,
    tail: VecDeque<String>,
    bytes: u64,
    outcome: Option<Outcome>,
}

/// Something that is due at some time, in the order in which things of one time are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Event,
    End,
    Wall,
    Report,
    Silence,
    Kill,
}

impl Life {
    pub(super) fn new(attempt: Attempt, mut script: MockScript, limits: bool, now: Instant) -> Self {
        script.later.sort_by_key(|(at, _)| *at);
        let mut life = Self {
            attempt,
            script,
            limits,
            started: now,
            told: 0,
            heard: now,
            silent: false,
            stopping: None,
            opening: None,
            tail: VecDeque::new(),
            bytes: 0,
            outcome: None,
        };
        for event in std::mem::take(&mut life.script.events) {
            life.say(event, now);
        }
        for n in 1..=life.script.flood {
            life.say(AttemptEvent::Line { stream: Stream::Stdout, text: format!("line {n}") }, now);
        }
        life
    }

    pub(super) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    pub(super) fn when_dropped(&self) -> WhenDropped {
        self.script.when_dropped
    }

    /// From now on its events go there.
    pub(super) fn tell(&mut self, events: EventSink) {
        if self.outcome.is_none() {
            self.attempt.events = events;
        }
    }

    /// Its outcome, or when something is due next.
    pub(super) fn look(&mut self, now: Instant) -> Result<Outcome, Option<Instant>> {
        loop {
            if let Some(outcome) = &self.outcome {
                return Ok(outcome.clone());
            }
            match self.due() {
                Some((at, due)) if at <= now => self.happen(due, at),
                next => return Err(next.map(|(at, _)| at)),
            }
        }
    }

    pub(super) fn stop(&mut self, how: Stop, now: Instant) {
        if self.look(now).is_err() {
            self.end_early(End::Cancelled, how, now);
        }
    }

    /// What is due next.
    fn due(&self) -> Option<(Instant, Due)> {
        let after = |from: Instant, time: Duration| from.checked_add(time);
        let job = &self.attempt.job;
        let event = self.script.later.get(self.told).and_then(|(at, _)| after(self.started, *at));
        let mut due = vec![(event, Due::Event), (after(self.started, self.script.after), Due::End)];
        match &self.stopping {
            Some((_, kill_at)) => due.push((*kill_at, Due::Kill)),
            None if self.limits => {
                due.push((after(self.started, job.wall), Due::Wall));
                due.push((after(self.heard, job.silence), Due::Silence));
                if !self.silent {
                    due.push((after(self.heard, job.silence_report), Due::Report));
                }
            }
            None => {}
        }
        due.into_iter().filter_map(|(at, due)| Some((at?, due))).min()
    }

    fn happen(&mut self, due: Due, at: Instant) {
        let job = &self.attempt.job;
        match due {
            Due::Event => {
                let (_, event) = self.script.later[self.told].clone();
                self.told += 1;
                self.say(event, at);
            }
            Due::End => {
                let end = match self.stopping.take() {
                    Some((end, _)) => end,
                    None => self
                        .leave_files()
                        .map_or_else(|e| End::Host { reason: e.to_string() }, |()| self.script.end.clone()),
                };
                self.end(end, at);
            }
            Due::Wall => self.end_early(End::TimedOutWall { limit: job.wall }, Stop::Polite, at),
            Due::Silence => self.end_early(End::TimedOutSilence { limit: job.silence }, Stop::Polite, at),
            Due::Report => {
                self.silent = true;
                self.attempt.events.send(AttemptEvent::Silent(job.silence_report));
            }
            Due::Kill => self.end_early(End::Cancelled, Stop::Kill, at),
        }
    }

    /// Stops it. The first reason for which it is stopped is the one it ends with.
    fn end_early(&mut self, end: End, how: Stop, at: Instant) {
        let end = match &self.stopping {
            Some(_) if how == Stop::Polite => return,
            Some((first, _)) => first.clone(),
            None => end,
        };
        self.attempt.events.send(AttemptEvent::Stopping(how));
        if how == Stop::Polite && self.script.stubborn {
            self.stopping = Some((end, at.checked_add(self.attempt.job.grace)));
        } else {
            self.end(end, at);
        }
    }

    fn end(&mut self, end: End, at: Instant) {
        let receipt = Receipt {
            took: at - self.started,
            usage: self.script.usage,
            model: self.script.model.clone(),
            output_bytes: self.bytes,
            limits: self.script.limits.clone(),
            opening: self.opening.take(),
            tail: Vec::from(std::mem::take(&mut self.tail)).join("\n"),
            ..Receipt::default()
        };
        self.outcome = Some(Outcome { end, proposal: None, commit: None, answer: self.script.answer.clone(), receipt });
        // Whoever waits for the end of the events shall not wait for this.
        self.attempt.events = EventSink::none();
    }

    fn say(&mut self, event: AttemptEvent, at: Instant) {
        if let AttemptEvent::Line { text, .. } = &event {
            self.bytes += text.len() as u64 + 1;
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(text.clone());
        }
        if let AttemptEvent::Agent(AgentEvent::Started(opening)) = &event {
            self.opening = Some(opening.clone());
        }
        (self.heard, self.silent) = (at, false);
        self.attempt.events.send(event);
    }

    fn leave_files(&self) -> io::Result<()> {
        let proposal =
            self.script.proposal_json.iter().map(|text| (crate::subprocess::proposal_path(&self.attempt.dir), text));
        let files = self.script.files.iter().map(|(path, text)| (self.attempt.cwd.join(path), text));
        proposal.chain(files).try_for_each(|(path, text)| write(&path, text))
    }
}

fn write(path: &Utf8Path, text: &str) -> io::Result<()> {
    let failed = |error| io::Error::other(format!("cannot write {path}: {error}"));
    fs::create_dir_all(path.parent().unwrap_or(path)).and_then(|()| fs::write(path, text)).map_err(failed)
}
