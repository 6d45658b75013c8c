//! A point in time, as far as a vendor names it: a day, a time of day, a zone, in any order.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Disambiguation, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

use super::day::{Day, clock, day};
use super::token::Cursor;
use super::zone::{Zone, offset_suffix, zone};

/// A time of day that passed as long ago as this means now, not tomorrow.
const JUST_PASSED: SignedDuration = SignedDuration::from_mins(10);
/// A date without a year that passed as long ago as this is one that was read late, not next year's.
const READ_LATE: SignedDuration = SignedDuration::from_hours(12);

/// What was said; at least a day or a time of day.
#[derive(Debug, Default)]
pub(super) struct Moment<'a> {
    day: Option<Day>,
    clock: Option<Time>,
    zone: Option<Zone<'a>>,
}

/// Reads as many of the parts as there are.
pub(super) fn moment<'a>(cursor: &mut Cursor<'a, '_>) -> Option<Moment<'a>> {
    cursor.attempt(|c| {
        let mut found = Moment::default();
        while c.attempt(|c| found.part(c)).is_some() {}
        (found.day.is_some() || found.clock.is_some()).then_some(found)
    })
}

impl<'a> Moment<'a> {
    /// One more part, with the words between.
    fn part(&mut self, c: &mut Cursor<'a, '_>) -> Option<()> {
        // The sign of an offset and the letter Z belong to what is right before them.
        if let Some(offset) = self.zone_right_behind(c) {
            self.zone = Some(offset);
            return Some(());
        }
        while c.mark(&[',', '@', ')', ']']).is_some() || c.word(&["at", "on", "the", "by", "of"]).is_some() {}
        let mut inside = *c;
        if inside.mark(&['(']).is_some() && self.day_or_clock(&mut inside).is_some() {
            inside.mark(&[')']);
            *c = inside;
            return Some(());
        }
        if self.day_or_clock(c).is_some() {
            return Some(());
        }
        if self.zone.is_some() {
            return None;
        }
        self.zone = Some(zone(c)?);
        Some(())
    }

    fn zone_right_behind(&self, c: &mut Cursor<'a, '_>) -> Option<Zone<'a>> {
        if self.zone.is_some() || self.clock.is_none() || !matches!(self.day, Some(Day::Date(_))) {
            return None;
        }
        offset_suffix(c)
    }

    fn day_or_clock(&mut self, c: &mut Cursor<'a, '_>) -> Option<()> {
        if self.clock.is_none()
            && let Some(clock) = clock(c)
        {
            self.clock = Some(clock);
            return Some(());
        }
        let said = c.attempt(|c| match (self.day, day(c)?) {
            (None, said) => Some(said),
            (Some(before), Day::Weekday { .. }) if before.is_date() => Some(before),
            (Some(Day::Weekday { .. }), said) if said.is_date() => Some(said),
            _ => None,
        })?;
        self.day = Some(said);
        Some(())
    }

    /// The time, at `now`, where `local` is the zone of what has none.
    pub(super) fn resolve(&self, now: Timestamp, local: &TimeZone) -> Option<Timestamp> {
        let zone = self.zone.unwrap_or(Zone::Local).rules(now, local)?;
        let here = now.to_zoned(zone);
        let today = here.date();
        let clock = self.clock.unwrap_or(Time::midnight());
        let ahead = |days: i8| today.checked_add(i32::from(days).days()).ok();
        match self.day {
            Some(Day::Date(date)) => at(date, clock, &here),
            Some(Day::Ahead(days)) => at(ahead(days)?, clock, &here),
            Some(Day::Yearless { month, day }) => {
                // The day that is named alone is not over before its end.
                let late = if self.clock.is_some() { READ_LATE } else { SignedDuration::from_hours(24) };
                let years = [today.year().checked_sub(1)?, today.year(), today.year().checked_add(1)?];
                first(years.into_iter().filter_map(|year| Date::new(year, month, day).ok()), clock, &here, late)
            }
            Some(Day::Weekday { weekday, next }) => {
                let days = (i8::from(next)..=8).filter_map(ahead);
                first(days.filter(|date| date.weekday() == weekday), clock, &here, JUST_PASSED)
            }
            None => first((-1..=2).filter_map(ahead), clock, &here, JUST_PASSED),
        }
    }
}

fn at(date: Date, clock: Time, here: &Zoned) -> Option<Timestamp> {
    DateTime::from_parts(date, clock).to_zoned(here.time_zone().clone()).ok().map(|time| time.timestamp())
}

/// The first of the days on which the time has not passed for longer than `late`.
fn first(days: impl Iterator<Item = Date>, clock: Time, here: &Zoned, late: SignedDuration) -> Option<Timestamp> {
    let earliest = here.timestamp().checked_sub(late).ok()?;
    let mut times = days.flat_map(|date| {
        // An hour that comes twice has two times.
        let ambiguous = here.time_zone().to_ambiguous_zoned(DateTime::from_parts(date, clock));
        [Disambiguation::Compatible, Disambiguation::Later]
            .into_iter()
            .filter_map(move |which| ambiguous.clone().disambiguate(which).ok())
    });
    times.find(|time| time.timestamp() >= earliest).map(|time| time.timestamp())
}
