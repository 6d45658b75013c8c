//! What was spent, by the time and the project.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use serde::{Deserialize, Serialize};

use crate::{Billing, Budget, ProjectName, Receipt, Usage};

/// The length of the times that are told apart, in seconds: no zone's day begins within one.
const SLOT: i64 = 15 * 60;

/// How many times are kept: those of 40 days without a pause, which is longer than any month. They are counted, and not
/// measured by the latest of them: one that a clock put years ahead must not take this month's away.
pub(super) const KEPT: usize = 40 * 24 * 4;

/// What was used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Attempts.
    pub attempts: u32,
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Those of them that came from a cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Millionths of a US dollar that were paid for by the token.
    pub usd_micros: u64,
    /// Millionths of a US dollar that a flat subscription saved.
    pub flat_usd_micros: u64,
    /// Time of agents.
    pub time: Duration,
}

impl Spent {
    /// What an attempt used.
    pub fn of(receipt: &Receipt) -> Self {
        let usage = &receipt.usage;
        // Whatever an agent says, this is money: nothing below zero, and no more than fits.
        let usd =
            usage.cost_usd.filter(|usd| usd.is_finite() && *usd > 0.0).map_or(0, |usd| (usd * 1e6).round() as u64);
        let flat = receipt.billing == Billing::Subscription;
        Self {
            attempts: 1,
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            output_tokens: usage.output_tokens,
            usd_micros: if flat { 0 } else { usd },
            flat_usd_micros: if flat { usd } else { 0 },
            time: receipt.took,
        }
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Adds what else was used.
    pub fn add(&mut self, other: &Spent) {
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.usd_micros = self.usd_micros.saturating_add(other.usd_micros);
        self.flat_usd_micros = self.flat_usd_micros.saturating_add(other.flat_usd_micros);
        self.time = self.time.saturating_add(other.time);
    }

    /// The first bound of a budget that is reached, in words.
    pub fn reached(&self, budget: &Budget) -> Option<String> {
        let usd = |micros: u64| micros as f64 / 1e6;
        if let Some(most) = budget.tokens.filter(|most| self.tokens() >= *most) {
            return Some(format!("{} of {most} tokens", self.tokens()));
        }
        if let Some(most) = budget.usd_micros.filter(|most| self.usd_micros >= *most) {
            return Some(format!("{:.2} of {:.2} US dollars", usd(self.usd_micros), usd(most)));
        }
        if let Some(most) = budget.time.filter(|most| self.time >= *most) {
            return Some(format!("{} of {} minutes of agent time", self.time.as_secs() / 60, most.as_secs() / 60));
        }
        let most = budget.attempts.filter(|most| self.attempts >= *most)?;
        Some(format!("{} of {most} attempts", self.attempts))
    }
}

/// What was spent in the last weeks, by the time and the project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    slots: BTreeMap<i64, BTreeMap<ProjectName, Spent>>,
}

impl Spending {
    /// Adds what was spent on a project, and forgets what no budget asks for any more.
    pub(crate) fn add(&mut self, project: &ProjectName, at: Timestamp, spent: &Spent) {
        let slot = Self::slot(at);
        self.slots.entry(slot).or_default().entry(project.clone()).or_default().add(spent);
        while self.slots.len() > KEPT {
            self.slots.pop_first();
        }
    }

    /// Adds what a probe cost. It counts for no project, and for all of them together.
    pub(crate) fn probe(&mut self, at: Timestamp, usage: Usage, billing: Billing) {
        let spent = Spent { attempts: 0, ..Spent::of(&Receipt { usage, billing, ..Receipt::default() }) };
        if spent != Spent::default() {
            self.add(&ProjectName::new("probes").expect("a good name"), at, &spent);
        }
    }

    /// The slot of time that a moment lies in.
    pub fn slot(at: Timestamp) -> i64 {
        at.as_second().div_euclid(SLOT)
    }

    /// What was spent, slot by slot, by project.
    pub fn slots(&self) -> &BTreeMap<i64, BTreeMap<ProjectName, Spent>> {
        &self.slots
    }

    /// Takes back a slot that was stored.
    pub fn restore(&mut self, slot: i64, spent: BTreeMap<ProjectName, Spent>) {
        self.slots.insert(slot, spent);
    }

    /// What was spent from a time on and before another, on one project or on all. A clock that went wrong may have
    /// recorded what lies far ahead: it counts when that time has come.
    pub fn between(&self, from: Timestamp, until: Timestamp, project: Option<&ProjectName>) -> Spent {
        let first = Self::slot(from);
        // At the very end of the calendar a span has no length.
        let last = Self::slot(until).max(first + 1);
        let mut sum = Spent::default();
        for slot in self.slots.range(first..last).map(|(_, slot)| slot) {
            for (_, spent) in slot.iter().filter(|(name, _)| project.is_none_or(|p| p == *name)) {
                sum.add(spent);
            }
        }
        sum
    }
}

/// The beginning of the day, and of the next one.
pub(crate) fn day(now: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let today = now.to_zoned(zone.clone());
    between(&today, |z| z.start_of_day(), |z| z.tomorrow())
}

/// The beginning of the month, and of the next one.
pub(crate) fn month(now: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let today = now.to_zoned(zone.clone());
    between(
        &today,
        |z| z.first_of_month().and_then(|z| z.start_of_day()),
        |z| z.first_of_month()?.checked_add(1.month()),
    )
}

type Move = fn(&Zoned) -> Result<Zoned, jiff::Error>;

/// At the very end of the calendar there is no next one: the time is `now` then, and nothing is waited for.
fn between(now: &Zoned, start: Move, next: Move) -> (Timestamp, Timestamp) {
    let begin = start(now).map_or(now.timestamp(), |z| z.timestamp());
    let end = next(now).and_then(|z| z.start_of_day()).map_or(now.timestamp(), |z| z.timestamp());
    (begin, end)
}
