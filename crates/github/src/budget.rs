//! How fast calls may go, for one token: GitHub's limits as its answers tell them, and a pace of our own below them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

use crate::classify::header;
use crate::{Call, Limit, Priority};

/// How fast calls may go, and how long one may wait for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// The least time between two writes.
    pub write: Duration,
    /// The least time from a write of which people are notified to the next.
    pub notifying: Duration,
    /// How much content may be made in a minute. GitHub's own limit is 80.
    pub content_per_minute: usize,
    /// How much content may be made in an hour. GitHub's own limit is 500.
    pub content_per_hour: usize,
    /// How many calls of an hourly budget are kept for merging; at most a tenth of it.
    pub reserve: u64,
    /// The longest that a call waits for its turn. What would wait longer fails with the time to come back.
    pub longest_wait: Duration,
    /// How long a second try waits, before chance shortens it; the third waits twice as long.
    pub retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            write: Duration::from_secs(1),
            notifying: Duration::from_secs(3),
            content_per_minute: 60,
            content_per_hour: 400,
            reserve: 500,
            longest_wait: Duration::from_secs(5),
            retry: Duration::from_secs(1),
        }
    }
}

impl Pace {
    /// No pace at all: for tests against a server that is not GitHub.
    pub fn none() -> Self {
        Self {
            write: Duration::ZERO,
            notifying: Duration::ZERO,
            content_per_minute: usize::MAX,
            content_per_hour: usize::MAX,
            reserve: 0,
            longest_wait: Duration::from_secs(5),
            retry: Duration::ZERO,
        }
    }
}

/// What the budget says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admit {
    /// It may go.
    Now,
    /// It has a turn, so long from now.
    Wait(Duration),
    /// It has none; come back then.
    Limited {
        /// Why.
        what: Limit,
        /// When.
        until: Timestamp,
    },
}

/// What is left of one resource's hourly budget.
#[derive(Debug, Clone, Copy)]
struct Window {
    limit: u64,
    remaining: u64,
    reset: Timestamp,
}

/// What one token may do now.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    windows: BTreeMap<String, Window>,
    stopped: Option<Timestamp>,
    /// How many secondary limits came in a row.
    strikes: u32,
    next_write: Option<Timestamp>,
    /// When content was made, or has a turn to be.
    content: VecDeque<Timestamp>,
}

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const HOUR: SignedDuration = SignedDuration::from_secs(3600);
/// The wait after a secondary limit without a time; doubled with each further one.
const STRIKE: i64 = 60;
const MOST_STRIKES: u32 = 6;

impl Budget {
    /// Whether the call may go, and when. A turn that is given is taken: the next call comes after it.
    pub(crate) fn admit(&mut self, now: Timestamp, call: &Call, pace: &Pace) -> Admit {
        if let Err(limited) = self.stopped(now).and_then(|()| self.window(now, call, pace)) {
            return limited;
        }
        let (at, what) = self.turn(now, call, pace);
        let wait = after(now, at);
        if wait > pace.longest_wait {
            return Admit::Limited { what, until: at };
        }
        self.take(at, call, pace);
        if wait.is_zero() { Admit::Now } else { Admit::Wait(wait) }
    }

    /// Whether a call that has waited for its turn may still go.
    pub(crate) fn stopped(&self, now: Timestamp) -> Result<(), Admit> {
        match self.stopped {
            Some(until) if until > now => Err(Admit::Limited { what: Limit::Secondary, until }),
            _ => Ok(()),
        }
    }

    fn window(&self, now: Timestamp, call: &Call, pace: &Pace) -> Result<(), Admit> {
        let Some(window) = self.windows.get(call.resource()).filter(|w| w.reset > now) else {
            return Ok(());
        };
        let until = later(window.reset, SignedDuration::from_secs(1));
        let kept = match call.priority {
            Priority::Merge => 0,
            Priority::Normal => pace.reserve.min(window.limit / 10),
        };
        match window.remaining {
            0 => Err(Admit::Limited { what: Limit::Primary, until }),
            left if left <= kept => Err(Admit::Limited { what: Limit::Reserve, until }),
            _ => Ok(()),
        }
    }

    /// When the call has its turn, and what it waits for till then.
    fn turn(&mut self, now: Timestamp, call: &Call, pace: &Pace) -> (Timestamp, Limit) {
        let mut at = now;
        if call.is_write() {
            at = self.next_write.into_iter().fold(at, Timestamp::max);
        }
        if call.notifies() {
            while self.content.front().is_some_and(|t| later(*t, HOUR) <= now) {
                self.content.pop_front();
            }
            for (most, span) in [(pace.content_per_minute, MINUTE), (pace.content_per_hour, HOUR)] {
                // The one that many turns back has to be older than the span.
                let back = self.content.len().checked_sub(most.max(1)).and_then(|i| self.content.get(i));
                at = back.map(|t| later(*t, span)).into_iter().fold(at, Timestamp::max);
            }
        }
        (at, Limit::Pace)
    }

    fn take(&mut self, at: Timestamp, call: &Call, pace: &Pace) {
        if let Some(window) = self.windows.get_mut(call.resource()) {
            window.remaining = window.remaining.saturating_sub(1);
        }
        if call.is_write() {
            let gap = if call.notifies() { pace.notifying.max(pace.write) } else { pace.write };
            self.next_write = Some(later(at, SignedDuration::try_from(gap).unwrap_or(MINUTE)));
        }
        if call.notifies() {
            self.content.push_back(at);
        }
    }

    /// Learns from the headers of an answer.
    pub(crate) fn learn(&mut self, now: Timestamp, call: &Call, headers: &HeaderMap) {
        let number = |name| header(headers, name).and_then(|t| t.parse::<u64>().ok());
        let reset = number("x-ratelimit-reset").and_then(|s| Timestamp::from_second(i64::try_from(s).ok()?).ok());
        let (Some(limit), Some(remaining), Some(reset)) =
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), reset)
        else {
            return;
        };
        let resource = header(headers, "x-ratelimit-resource").unwrap_or(call.resource());
        let known = self.windows.get(resource).filter(|w| w.reset > now && w.reset >= reset);
        // Answers overtake each other: within one window what is left only falls.
        let remaining = known.filter(|w| w.reset == reset).map_or(remaining, |w| w.remaining.min(remaining));
        if known.is_some_and(|w| w.reset > reset) || (self.windows.len() >= 32 && known.is_none()) {
            return;
        }
        self.windows.insert(resource.to_owned(), Window { limit, remaining, reset });
    }

    /// A call cost nothing: what was taken for it is given back.
    pub(crate) fn give_back(&mut self, call: &Call) {
        if let Some(window) = self.windows.get_mut(call.resource()) {
            window.remaining = (window.remaining + 1).min(window.limit);
        }
    }

    /// A limit of one resource was reached.
    pub(crate) fn used_up(&mut self, resource: &str, until: Timestamp) {
        let limit = self.windows.get(resource).map_or(0, |w| w.limit);
        self.windows.insert(resource.to_owned(), Window { limit, remaining: 0, reset: until });
    }

    /// A secondary limit was reached: no call before the time that this gives. It is never shortened.
    pub(crate) fn strike(&mut self, now: Timestamp, told: Option<Timestamp>) -> Timestamp {
        // What was under way when the first one came tells the same once more.
        if self.stopped(now).is_ok() {
            self.strikes = (self.strikes + 1).min(MOST_STRIKES);
        }
        let own = later(now, SignedDuration::from_secs(STRIKE << (self.strikes - 1)));
        let until = self.stopped.into_iter().fold(told.unwrap_or(own), Timestamp::max);
        self.stopped = Some(until);
        until
    }

    /// A call went through: the next secondary limit is the first again.
    pub(crate) fn went_through(&mut self, now: Timestamp) {
        if self.stopped.is_none_or(|until| until <= now) {
            (self.stopped, self.strikes) = (None, 0);
        }
    }

    /// What is left of a resource's hourly budget, and when it is whole again.
    pub(crate) fn left(&self, resource: &str) -> Option<(u64, Timestamp)> {
        self.windows.get(resource).map(|w| (w.remaining, w.reset))
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn after(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
