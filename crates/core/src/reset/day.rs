//! Which day, and when on it.

use jiff::civil::{Date, Time, Weekday};

use super::span::{SECOND, times};
use super::token::Cursor;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A day as a vendor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// With its year.
    Date(Date),
    /// Without.
    Yearless { month: i8, day: i8 },
    /// This one counted from today; `next` never means today.
    Weekday { weekday: Weekday, next: bool },
    /// So many days from today.
    Ahead(i8),
}

impl Day {
    /// Whether a weekday beside it adds nothing.
    pub(super) fn is_date(self) -> bool {
        matches!(self, Self::Date(_) | Self::Yearless { .. })
    }
}

/// A day in any form.
pub(super) fn day(cursor: &mut Cursor<'_, '_>) -> Option<Day> {
    let c = cursor;
    c.attempt(iso)
        .or_else(|| c.attempt(month_first))
        .or_else(|| c.attempt(day_first))
        .or_else(|| c.attempt(weekday))
        .or_else(|| c.word(&["today", "tonight"]).map(|_| Day::Ahead(0)))
        .or_else(|| c.word(&["tomorrow"]).map(|_| Day::Ahead(1)))
}

fn iso(c: &mut Cursor<'_, '_>) -> Option<Day> {
    let year = year(c)?;
    let separator = c.glued_mark(&['-', '/'])?;
    let month = small(c.glued_number()?)?;
    c.glued_mark(&[separator])?;
    let day = small(c.glued_number()?)?;
    // The letter between date and time is no part of either.
    let timed = c.attempt(|c| c.glued_word(&["t"]).filter(|_| c.runs_on()));
    if timed.is_none() {
        free(c)?;
    }
    Date::new(year, month, day).ok().map(Day::Date)
}

fn month_first(c: &mut Cursor<'_, '_>) -> Option<Day> {
    let month = month(c)?;
    c.word(&["the"]);
    let day = day_of_month(c)?;
    dated(c, month, day)
}

fn day_first(c: &mut Cursor<'_, '_>) -> Option<Day> {
    let day = day_of_month(c)?;
    joint(c);
    let month = month(c)?;
    dated(c, month, day)
}

/// With the year, if one follows.
fn dated(c: &mut Cursor<'_, '_>, month: i8, day: i8) -> Option<Day> {
    let year = c.attempt(|c| {
        c.mark(&[',']);
        joint(c);
        let year = year(c)?;
        free(c).map(|()| year)
    });
    match year {
        Some(year) => Date::new(year, month, day).ok().map(Day::Date),
        None => (1..=31).contains(&day).then_some(Day::Yearless { month, day }),
    }
}

fn joint(c: &mut Cursor<'_, '_>) {
    if c.mark(&['-']).is_none() {
        c.word(&["of", "de"]);
    }
}

fn day_of_month(c: &mut Cursor<'_, '_>) -> Option<i8> {
    let day = c.number().filter(|n| n.len() <= 2).and_then(small)?;
    c.glued_word(&["st", "nd", "rd", "th"]);
    free(c)?;
    Some(day)
}

fn month(c: &mut Cursor<'_, '_>) -> Option<i8> {
    let at = c.attempt(|c| named(c.any_word()?, &MONTHS))?;
    c.glued_mark(&['.']);
    i8::try_from(at + 1).ok()
}

fn weekday(c: &mut Cursor<'_, '_>) -> Option<Day> {
    let next = c.word(&["next", "this", "coming"]).is_some_and(|word| word.eq_ignore_ascii_case("next"));
    let word = c.any_word()?;
    let at = named(word, &WEEKDAYS)?;
    if word.len() < WEEKDAYS[at].len() {
        c.glued_mark(&['.']);
    }
    let weekday = Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()?;
    Some(Day::Weekday { weekday, next })
}

/// Which of the names a word is, whole or cut to three to five letters.
fn named(word: &str, names: &[&str]) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    names.iter().position(|name| *name == word || (3..=5).contains(&word.len()) && name.starts_with(&word))
}

fn year(c: &mut Cursor<'_, '_>) -> Option<i16> {
    c.number().filter(|n| n.len() == 4)?.parse().ok().filter(|year| (1970..=2999).contains(year))
}

/// A time of day.
pub(super) fn clock(cursor: &mut Cursor<'_, '_>) -> Option<Time> {
    if cursor.word(&["midnight"]).is_some() {
        return Some(Time::midnight());
    }
    if cursor.word(&["noon"]).is_some() {
        return Time::new(12, 0, 0, 0).ok();
    }
    cursor.attempt(|c| {
        let hour = c.number().filter(|n| n.len() <= 2).and_then(small)?;
        let by_colon = c.attempt(|c| sixty(c, ':'));
        let by_point = if by_colon.is_none() { c.attempt(|c| sixty(c, '.')) } else { None };
        let second = if by_colon.is_some() { c.attempt(|c| sixty(c, ':')) } else { None };
        let nanos = if second.is_some() { c.attempt(fraction).unwrap_or(0) } else { 0 };
        let half = half(c);
        if by_colon.is_none() && half.is_none() {
            return None;
        }
        free(c)?;
        let hour = match half {
            Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
            Some(_) => return None,
            None => hour,
        };
        Time::new(hour, by_colon.or(by_point).unwrap_or(0), second.unwrap_or(0), nanos).ok()
    })
}

fn sixty(c: &mut Cursor<'_, '_>, mark: char) -> Option<i8> {
    c.glued_mark(&[mark])?;
    c.glued_number().filter(|n| n.len() == 2).and_then(small).filter(|n| *n < 60)
}

/// The nanoseconds behind the point of a second.
fn fraction(c: &mut Cursor<'_, '_>) -> Option<i32> {
    c.glued_mark(&['.'])?;
    i32::try_from(times("0", c.glued_number()?, SECOND)?.subsec_nanos()).ok()
}

/// The hours to add: none before noon, twelve after it.
fn half(c: &mut Cursor<'_, '_>) -> Option<i8> {
    let hours = |word: &str| if word.starts_with(['p', 'P']) { 12 } else { 0 };
    c.word(&["am", "pm"]).map(hours).or_else(|| {
        c.attempt(|c| {
            let word = c.word(&["a", "p"])?;
            c.glued_mark(&['.'])?;
            c.glued_word(&["m"])?;
            c.glued_mark(&['.']);
            Some(hours(word))
        })
    })
}

/// Whether what was read ends here: an address or an id goes on where a date and a time do not.
fn free(c: &Cursor<'_, '_>) -> Option<()> {
    let mut rest = *c;
    if rest.glued_word(&["z"]).is_some() {
        return Some(());
    }
    let goes_on = rest.runs_on() || rest.glued_mark(&[':', '.', '/', '@']).is_some_and(|_| rest.runs_on());
    (!goes_on).then_some(())
}

fn small(digits: &str) -> Option<i8> {
    digits.parse().ok()
}
