//! Follows an attempt in a session to its end.

use std::time::Duration;

use dayfly_core::{AttemptEvent, End, ExitFacts, Outcome, Receipt, SessionDone, Stop, Stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::liveness::Look;
use crate::subprocess::for_display;

use super::control::Control;
use super::done::{self, done_file, told};
use super::error::TmuxError;
use super::live::{Live, write};
use super::scan::Said;
use super::spot::Spot;

/// How often the file is looked at by which an agent tells that it has done.
const FILE: Duration = Duration::from_millis(500);
/// The most that is read of that file.
const FILE_BYTES: u64 = 4096;
/// How often a session that says nothing is asked whether it is still there.
const BEAT: Duration = Duration::from_secs(15);
/// How soon after the last output what was held back of it for the sake of secrets is shown.
const PAUSE: Duration = Duration::from_millis(100);
/// How soon after the last output the screen is looked at.
const STILL: Duration = Duration::from_secs(2);
/// How long a call may take that only serves to part in good order.
const PARTING: Duration = Duration::from_secs(5);
/// How long what is printed at the end may take to come.
const REST: Duration = Duration::from_millis(20);
/// How often the watching client may be sent away before that is the end.
const WATCHES: usize = 20;
/// The most characters of a line, and the most lines, that are kept of the screen.
const LINE_CHARS: usize = 400;
const TAIL_LINES: usize = 100;

/// Why following came to its end.
enum Why {
    Stopped(Stop),
    /// Nobody waits for it any more.
    Dropped,
    Wall,
    Silence,
    End(End),
}

/// What the stopping hand asks.
pub(super) enum Hand {
    Asks(Stop),
    Gone,
}

impl Live {
    /// Follows the attempt, and leaves the session to the next one.
    pub(super) async fn follow(mut self, stop: &mut watch::Receiver<Option<Stop>>) -> Outcome {
        let wall = self.started + self.attempt.job.wall;
        let why = tokio::select! {
            biased;
            hand = asked(stop) => match hand {
                Hand::Asks(how) => Why::Stopped(how),
                Hand::Gone => Why::Dropped,
            },
            () = sleep_until(wall) => Why::Wall,
            why = self.until_told() => why,
        };
        let parting = self.spot.within(PARTING);
        let end = match why {
            Why::End(end) => end,
            Why::Stopped(how) => {
                self.interrupt(&parting, how, stop).await;
                End::Cancelled
            }
            Why::Dropped => {
                self.interrupt(&parting, Stop::Kill, stop).await;
                End::Cancelled
            }
            Why::Wall => {
                self.interrupt(&parting, Stop::Polite, stop).await;
                End::TimedOutWall { limit: self.attempt.job.wall }
            }
            Why::Silence => {
                self.interrupt(&parting, Stop::Polite, stop).await;
                End::TimedOutSilence { limit: self.attempt.job.silence }
            }
        };
        self.part(&parting, end).await
    }

    /// Watches until the end is told, or can no longer be.
    async fn until_told(&mut self) -> Why {
        let (mut file, mut beat) = (Instant::now(), Instant::now() + BEAT);
        let (mut watches, mut looked) = (0, self.heard);
        loop {
            if let Some(said) = self.said {
                return Why::End(claimed(said));
            }
            if let Some(reason) = self.doubt.take() {
                watches += 1;
                if let Some(end) = self.gone(&reason, watches).await {
                    return Why::End(end);
                }
            }
            let still = if looked < self.heard { self.heard + STILL } else { beat };
            let file_due = if self.asked.done == SessionDone::Marker { beat } else { file };
            let pause = if self.paused { beat } else { self.heard + PAUSE };
            let next = file_due.min(beat).min(still).min(pause).min(self.watched + self.liveness.next());
            tokio::select! {
                event = self.control.next() => {
                    self.take(event);
                    continue;
                }
                () = sleep_until(next) => {}
            }
            let now = Instant::now();
            if now >= pause {
                self.pause();
            }
            if now >= file_due {
                file = now + FILE;
                if let Some(end) = self.file().await {
                    return Why::End(end);
                }
            }
            if now >= still && looked < self.heard {
                looked = now;
                if let Err(err @ TmuxError::Hung { .. }) = self.look_for_marker("-50").await {
                    return Why::End(End::Host { reason: err.to_string() });
                }
            }
            if now >= beat {
                beat = now + BEAT;
                if let Some(end) = self.spot.lost().await {
                    return Why::End(self.after_all(end).await);
                }
                let _ = self.look_for_marker("-50").await;
            }
            if now >= self.watched + self.liveness.next() {
                match self.liveness.look(now - self.watched, self.signs()) {
                    Look::Fine => {}
                    Look::Report(lasted) => self.output.send(AttemptEvent::Silent(lasted)),
                    Look::Stop => return Why::Silence,
                }
            }
        }
    }

    /// The pane may be gone, or the watching client was sent away. Watches again if the pane is still there.
    async fn gone(&mut self, reason: &str, watches: usize) -> Option<End> {
        if let Some(end) = self.spot.lost().await {
            let killed = reason.contains("unexpectedly");
            let end =
                if killed { End::Host { reason: "the tmux server of the session was killed".into() } } else { end };
            return Some(self.after_all(end).await);
        }
        let target = self.spot.session.target();
        match Control::attach(&self.spot.tmux, &target, &self.spot.pane.id).await {
            Ok(control) if watches <= WATCHES => {
                std::mem::replace(&mut self.control, control).end().await;
                // What was printed meanwhile was seen by nobody.
                let _ = self.look_for_marker("-").await;
                None
            }
            Ok(_) => Some(End::Host { reason: "the watching client was sent away again and again".into() }),
            Err(err) => Some(End::Host { reason: err.to_string() }),
        }
    }

    /// The end, unless the agent told another before its session was lost.
    async fn after_all(&mut self, end: End) -> End {
        if let Some(told) = self.file().await {
            return told;
        }
        self.spot = self.spot.within(PARTING);
        let _ = self.look_for_marker("-").await;
        self.said.map_or(end, claimed)
    }

    /// What the file says by which the agent tells its end.
    async fn file(&mut self) -> Option<End> {
        let path = match self.asked.done {
            SessionDone::Marker => return None,
            SessionDone::File => done_file(&self.dir),
            SessionDone::Hook => self.spot.session.place.done(),
        };
        let text = done::read(path, FILE_BYTES).await?;
        // Escape sequences may stand within a secret; once they are gone it is whole.
        let text = self.spot.session.masked(&for_display(&text, text.len()));
        Some(match told(&for_display(&text, LINE_CHARS))? {
            Ok(()) => End::Succeeded,
            Err(reason) if reason.is_empty() => claimed(Said::Failed),
            Err(reason) => End::TaskFailed { reason },
        })
    }

    /// Asks the program to leave what it is at. The session stays.
    async fn interrupt(&mut self, spot: &Spot, how: Stop, stop: &mut watch::Receiver<Option<Stop>>) {
        self.output.send(AttemptEvent::Stopping(how));
        let keys = self.spot.session.config.interrupt.clone();
        if spot.keys(&keys).await.is_err() || how == Stop::Kill {
            return;
        }
        let (settle, grace) = (self.spot.session.config.settle, self.attempt.job.grace);
        tokio::select! {
            _ = self.quiet(settle, grace) => {}
            _ = asked(stop) => {}
        }
    }

    /// Keeps what is known of the end, and gives the session free.
    async fn part(mut self, spot: &Spot, end: End) -> Outcome {
        let screen = spot.screen("-100").await.ok().map(|screen| spot.session.masked(&screen));
        // What it printed between the last look and now belongs to it.
        let _ = self.quiet(REST, 10 * REST).await;
        let Self { mut output, kept, control, held, started, dir, asked, .. } = self;
        let facts = ExitFacts { code: None, signal: None, signalled_by_us: false };
        let output_bytes = kept.finish(|rest| output.take(Stream::Stdout, rest));
        let (_, printed) = output.finish(facts);
        let tail = screen.map(|screen| shown(&screen)).filter(|tail| !tail.is_empty()).unwrap_or(printed);
        let end = match end {
            End::TaskFailed { reason } if reason.is_empty() => {
                End::TaskFailed { reason: why(&tail, &asked.failure()).to_owned() }
            }
            end => end,
        };
        let receipt = Receipt { took: started.elapsed(), output_bytes, tail, ..Receipt::default() };
        let outcome = Outcome { end, proposal: None, commit: None, answer: None, receipt };
        if let Some(held) = held {
            // Kept before the session is free: who looks for the attempt finds it in one of the two.
            if let Ok(text) = serde_json::to_string(&outcome) {
                let _ = write(&dir.join("outcome.json"), &text);
            }
            let _ = spot.session.release(&spot.tmux, &held.0).await;
        }
        control.end().await;
        outcome
    }
}

fn claimed(said: Said) -> End {
    match said {
        Said::Done => End::Succeeded,
        Said::Failed => End::TaskFailed { reason: String::new() },
    }
}

/// The last lines of a screen, without those that are empty at its end.
fn shown(screen: &str) -> String {
    let lines: Vec<&str> = screen.trim_end().lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    let lines: Vec<String> = lines[from..].iter().map(|line| for_display(line, LINE_CHARS)).collect();
    lines.join("\n").trim().to_owned()
}

/// The last words before the marker that says that it cannot be done.
fn why<'a>(tail: &'a str, marker: &str) -> &'a str {
    let before = tail.split(marker).next().unwrap_or_default();
    let words = |line: &&str| line.chars().any(char::is_alphanumeric) && !line.starts_with("[dayfly]");
    let last = before.lines().rfind(words);
    last.map_or("the agent said that it cannot be done", str::trim)
}

/// The next request to stop.
pub(super) async fn asked(stop: &mut watch::Receiver<Option<Stop>>) -> Hand {
    loop {
        if stop.changed().await.is_err() {
            return Hand::Gone;
        }
        if let Some(how) = *stop.borrow_and_update() {
            return Hand::Asks(how);
        }
    }
}
