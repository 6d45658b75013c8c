//! Moments as they are written on a command line.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A moment on a command line: a day in the user's zone, or a time to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Day(Date),
    Time(Timestamp),
}

/// How long ago, in the calendar's units.
pub(crate) fn age(text: &str) -> Result<Span, String> {
    let span = text.parse::<Span>().ok().filter(|span| span.is_positive());
    span.ok_or_else(|| "write an age as \"90d\", \"12w\" or \"1y\"".to_owned())
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = || text.parse().ok().map(Moment::Day);
        let moment = text.parse().ok().map(Moment::Time).or_else(day);
        moment.ok_or_else(|| "write a day as 2026-03-30, a time as 2026-03-30T21:00:00Z".to_owned())
    }
}

impl Moment {
    /// The beginning of the day, or the time.
    pub(crate) fn begin(self, zone: &TimeZone) -> Timestamp {
        match self {
            Moment::Day(day) => day.to_zoned(zone.clone()).map_or(Timestamp::MIN, |at| at.timestamp()),
            Moment::Time(at) => at,
        }
    }

    /// The end of the day, or the time.
    pub(crate) fn end(self, zone: &TimeZone) -> Timestamp {
        match self {
            Moment::Day(day) => day.tomorrow().map_or(Timestamp::MAX, |next| Moment::Day(next).begin(zone)),
            Moment::Time(at) => at,
        }
    }
}
