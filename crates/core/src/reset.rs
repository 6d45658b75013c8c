//! When something comes back, in whatever form a vendor prints it.

mod day;
mod moment;
mod sentence;
mod span;
#[cfg(test)]
mod tests;
mod token;
mod zone;

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, fmt::strtime};
use serde::{Deserialize, Serialize};

/// The longest that anything is limited. A time further away was read wrong, or means something else.
const FURTHEST: SignedDuration = SignedDuration::from_hours(60 * 24);

/// When something comes back, as a vendor said it: to be turned into a time where `now` and the zone are known.
///
/// ```
/// use dayfly_core::ResetTime;
/// use jiff::{Timestamp, tz::TimeZone};
///
/// let now: Timestamp = "2026-11-21T10:00:00Z".parse()?;
/// let said = ResetTime::Text("You've hit your limit · resets 3pm (Europe/Berlin)".into());
/// assert_eq!(said.resolve(now, &TimeZone::UTC), Some("2026-11-21T14:00:00Z".parse()?));
/// let said = ResetTime::from_retry_after("120").expect("seconds");
/// assert_eq!(said.resolve(now, &TimeZone::UTC), Some("2026-11-21T10:02:00Z".parse()?));
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetTime {
    /// At this time.
    At(Timestamp),
    /// This long after it was said.
    After(Duration),
    /// When this sentence says.
    Text(String),
}

impl ResetTime {
    /// A time in seconds or milliseconds since 1970, whole or not; none if the number is neither.
    ///
    /// ```
    /// # use dayfly_core::ResetTime;
    /// assert_eq!(ResetTime::from_epoch(1_755_615_600.0), ResetTime::from_epoch(1_755_615_600_000.0));
    /// assert_eq!(ResetTime::from_epoch(429.0), None);
    /// ```
    pub fn from_epoch(number: f64) -> Option<Self> {
        epoch(number).map(Self::At)
    }

    /// The value of an HTTP `Retry-After` header: seconds, or a date in one of the three forms of HTTP.
    pub fn from_retry_after(value: &str) -> Option<Self> {
        let value = value.trim();
        if value.starts_with(|c: char| c.is_ascii_digit()) {
            let seconds = value.parse::<f64>().ok()?;
            return Duration::try_from_secs_f64(seconds).ok().map(Self::After);
        }
        http_date(value).map(Self::At)
    }

    /// The sentence, if it names a time.
    ///
    /// ```
    /// # use dayfly_core::ResetTime;
    /// assert!(ResetTime::from_sentence("try again at 3pm").is_some());
    /// assert_eq!(ResetTime::from_sentence("try again later"), None);
    /// ```
    pub fn from_sentence(text: &str) -> Option<Self> {
        sentence::read(text, Timestamp::UNIX_EPOCH, &TimeZone::UTC).map(|_| Self::Text(text.to_owned()))
    }

    /// The time, at `now`, in the zone of the machine where the text was printed. None if the text names no time, or
    /// one that is more than 60 days away.
    pub fn resolve(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::At(time) => near(*time, now),
            Self::After(wait) => near(now.checked_add(*wait).ok()?, now),
            Self::Text(text) => reset_in(text, now, zone),
        }
    }
}

/// The time that a vendor's sentence names.
///
/// The first time counts that stands behind a word such as *resets* or *try again*; a number elsewhere is none. What
/// has no zone is in `zone`. A time of day is the next one, or just now if it passed at most 10 minutes ago; a date
/// without a year is the next one, or the last if it passed at most 12 hours ago. A zone that is not known gives no
/// time, since a guess would be a wrong one, and neither does a time that is more than 60 days away.
///
/// ```
/// use dayfly_core::reset_in;
/// use jiff::{Timestamp, tz::TimeZone};
///
/// let now: Timestamp = "2026-11-21T10:00:00Z".parse()?;
/// let new_york = TimeZone::get("America/New_York")?;
/// let text = "You’ve hit your usage limit. Try again at 2:16 PM.";
/// assert_eq!(reset_in(text, now, &new_york), Some("2026-11-21T19:16:00Z".parse()?));
/// assert_eq!(reset_in("429: quota of 250 exceeded", now, &new_york), None);
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn reset_in(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    near(sentence::read(text, now, zone)?, now)
}

fn near(time: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (now.duration_until(time).abs() <= FURTHEST).then_some(time)
}

/// Ten digits are seconds, thirteen are milliseconds; between 2001 and 2286 nothing else has as many.
fn epoch(number: f64) -> Option<Timestamp> {
    let micros = match number {
        n if (1e9..1e10).contains(&n) => n * 1e6,
        n if (1e12..1e13).contains(&n) => n * 1e3,
        _ => return None,
    };
    // A number of this size holds microseconds, and no more.
    Timestamp::from_microsecond(micros.round() as i64).ok()
}

/// The form of today first, then the two that HTTP has kept.
fn http_date(value: &str) -> Option<Timestamp> {
    if let Ok(time) = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value) {
        return Some(time);
    }
    let old = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    old.iter().find_map(|form| {
        let civil = strtime::parse(form, value).ok()?.to_datetime().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
    })
}
