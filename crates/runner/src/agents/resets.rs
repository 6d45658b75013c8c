//! When a limit is over, from whatever a vendor's record holds.

use std::time::Duration;

use dayfly_core::ResetTime;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::agents::catalog::Place;

/// Numbers from here on are seconds since 1970; smaller ones are so many seconds from now.
const EPOCH_FROM: f64 = 1_000_000_000.0;

/// Numbers from here on are milliseconds since 1970.
const EPOCH_MS_FROM: f64 = 100_000_000_000.0;

/// The most characters of a vendor's words.
const WORDS: usize = 400;

/// The first time that is said at one of the places.
pub(super) fn resets(places: &[Place], facts: &Value) -> Option<ResetTime> {
    places.iter().flat_map(|place| place.all(facts)).find_map(reset_time)
}

/// What a value says of a time: a number or a text of one; an ISO time; a duration such as `6m0s`; words that name one.
pub(in crate::agents) fn reset_time(value: &Value) -> Option<ResetTime> {
    if let Some(number) = value.as_f64() {
        return of_number(number);
    }
    let text = value.as_str()?.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(ResetTime::At(at));
    }
    if let Ok(at) = jiff::fmt::rfc2822::parse(text) {
        return Some(ResetTime::At(at.timestamp()));
    }
    if let Ok(wait) = text.parse::<SignedDuration>() {
        return Duration::try_from(wait).ok().map(ResetTime::After);
    }
    ResetTime::from_sentence(&text.chars().take(WORDS).collect::<String>())
}

fn of_number(number: f64) -> Option<ResetTime> {
    if number >= EPOCH_MS_FROM {
        #[expect(clippy::cast_possible_truncation, reason = "a float that is too large is cut to the largest number")]
        return Timestamp::from_millisecond(number as i64).ok().map(ResetTime::At);
    }
    if number >= EPOCH_FROM {
        #[expect(clippy::cast_possible_truncation, reason = "it is below the number above")]
        return Timestamp::from_second(number.ceil() as i64).ok().map(ResetTime::At);
    }
    after(number)
}

fn after(seconds: f64) -> Option<ResetTime> {
    Duration::try_from_secs_f64(seconds).ok().map(ResetTime::After)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let at = |text: &str| Some(ResetTime::At(text.parse().unwrap()));
        let after = |millis| Some(ResetTime::After(Duration::from_millis(millis)));
        assert_eq!(reset_time(&json!(1_795_259_006)), at("2026-11-21T11:03:26Z"));
        assert_eq!(reset_time(&json!("1795259006")), at("2026-11-21T11:03:26Z"));
        assert_eq!(reset_time(&json!(1_795_259_006_000_u64)), at("2026-11-21T11:03:26Z"));
        assert_eq!(reset_time(&json!("2026-11-21T11:03:26Z")), at("2026-11-21T11:03:26Z"));
        assert_eq!(reset_time(&json!("Sat, 21 Nov 2026 11:03:26 GMT")), at("2026-11-21T11:03:26Z"));
        assert_eq!(reset_time(&json!(120)), after(120_000));
        assert_eq!(reset_time(&json!("3600.5s")), after(3_600_500));
        assert_eq!(reset_time(&json!("6m0s")), after(360_000));
        assert_eq!(reset_time(&json!("try again at 3pm")), Some(ResetTime::Text("try again at 3pm".into())));
        assert_eq!(reset_time(&json!("try again later")), None);
        for nothing in [json!(null), json!(""), json!(-1), json!({}), json!(1e300), json!("-5s")] {
            assert!(!matches!(reset_time(&nothing), Some(ResetTime::At(_) | ResetTime::After(_))), "{nothing}");
        }
    }
}
