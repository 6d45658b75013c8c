//! How long: `2h 5m`, `3 days 4 hours`, `12.5s`.

use std::time::Duration;

use super::token::{Cursor, listed};

/// A second, in nanoseconds.
pub(super) const SECOND: u64 = 1_000_000_000;
/// Behind a length these say that it is no wait.
const NO_WAIT: [&str; 11] =
    ["ago", "limit", "limits", "window", "windows", "quota", "usage", "session", "plan", "period", "block"];

/// A length of time, from numbers with units.
pub(super) fn span(cursor: &mut Cursor<'_, '_>) -> Option<Duration> {
    cursor.attempt(|c| {
        let mut sum = part(c)?;
        while let Some(more) = c.attempt(|c| {
            c.mark(&[',']);
            c.word(&["and"]);
            part(c)
        }) {
            sum = sum.checked_add(more)?;
        }
        let of_something = c.peek_word().is_some_and(|word| listed(word, &NO_WAIT));
        (!c.runs_on() && !of_something).then_some(sum)
    })
}

fn part(cursor: &mut Cursor<'_, '_>) -> Option<Duration> {
    cursor.attempt(|c| {
        if c.word(&["a", "an", "one"]).is_some() {
            return times("1", "", nanoseconds(c.any_word()?)?);
        }
        let (whole, fraction) = decimal(c)?;
        times(whole, fraction, nanoseconds(c.any_word()?)?)
    })
}

/// The nanoseconds of a unit of time, by its word.
pub(super) fn nanoseconds(word: &str) -> Option<u64> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" | "millis" => SECOND / 1000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600 * SECOND,
        "d" | "day" | "days" => 86_400 * SECOND,
        "w" | "wk" | "wks" | "week" | "weeks" => 604_800 * SECOND,
        _ => return None,
    })
}

/// The digits before and behind the point.
pub(super) fn decimal<'a>(cursor: &mut Cursor<'a, '_>) -> Option<(&'a str, &'a str)> {
    let whole = cursor.number()?;
    let fraction = cursor.attempt(|c| {
        c.glued_mark(&['.'])?;
        c.glued_number()
    });
    Some((whole, fraction.unwrap_or("")))
}

/// So many units, exactly; none where the number is longer than a time can be.
pub(super) fn times(whole: &str, fraction: &str, unit: u64) -> Option<Duration> {
    let unit = u128::from(unit);
    let digits: String = fraction.chars().take(9).collect();
    let part: u128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let of: u128 = 10_u128.pow(u32::try_from(digits.len()).ok()?);
    let whole: u128 = whole.parse::<u64>().ok()?.into();
    let nanos = whole.checked_mul(unit)?.checked_add(part * unit / of)?;
    Some(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

/// A length written as a clock, `3:12:45`.
pub(super) fn stopwatch(cursor: &mut Cursor<'_, '_>) -> Option<Duration> {
    cursor.attempt(|c| {
        let hours: u64 = c.number()?.parse().ok()?;
        let mut sixty = || {
            c.glued_mark(&[':'])?;
            c.glued_number().filter(|n| n.len() == 2)?.parse().ok().filter(|n: &u64| *n < 60)
        };
        let (minutes, seconds) = (sixty()?, sixty()?);
        hours.checked_mul(3600).map(|hours| Duration::from_secs(hours + minutes * 60 + seconds))
    })
}
