use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::ResetTime;
use super::{NOW, check_now, zone};

fn at(time: &str) -> Option<ResetTime> {
    Some(ResetTime::At(time.parse().unwrap()))
}

#[test]
fn fields_that_were_printed_are_read() {
    check_now(&[
        (r#"{"type":"usage_limit_reached","resets_at":1795517531,"resets_in_seconds":602705}"#, "2026-11-24T10:52:11Z"),
        (r#"{"plan_type":"free","resets_in_seconds":3600}"#, "2026-11-21T11:00:00Z"),
        (r#"{\"resets_in_seconds\":3600.5}"#, "2026-11-21T11:00:00.5Z"),
        (
            r#""@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.074824224s"}"#,
            "2026-11-21T10:00:34.074824224Z",
        ),
        (r#""quotaResetDelay":"373.801628ms","#, "2026-11-21T10:00:00.373801628Z"),
        (r#""quotaResetTimeStamp":"2026-11-21T18:55:29Z""#, "2026-11-21T18:55:29Z"),
        ("retry_after_ms=1500", "2026-11-21T10:00:01.5Z"),
        ("retry-after: 120", "2026-11-21T10:02:00Z"),
        ("'retry-after': '120',", "2026-11-21T10:02:00Z"),
        ("retry-after: Sat, 21 Nov 2026 12:00:00 GMT", "2026-11-21T12:00:00Z"),
        (r#""retry_after":null,"retry_after_seconds":-1"#, "none"),
        ("anthropic-ratelimit-tokens-reset: 2026-11-21T10:42:06Z", "2026-11-21T10:42:06Z"),
        (r#""anthropic-ratelimit-unified-reset":"1795259006""#, "2026-11-21T11:03:26Z"),
        ("x-ratelimit-reset-requests: 6m0s", "2026-11-21T10:06:00Z"),
        (r#""resetsAt":1795259006000"#, "2026-11-21T11:03:26Z"),
        // The value of a field alone.
        ("1795259006", "2026-11-21T11:03:26Z"),
        ("2026-11-21T10:42:06Z", "2026-11-21T10:42:06Z"),
        ("3pm (Europe/London)", "2026-11-21T15:00:00Z"),
        ("6m0s", "2026-11-21T10:06:00Z"),
    ]);
}

#[test]
fn an_epoch_has_seconds_or_milliseconds() {
    assert_eq!(ResetTime::from_epoch(1_755_615_600.0), at("2025-08-19T15:00:00Z"));
    assert_eq!(ResetTime::from_epoch(1_755_615_600_000.0), at("2025-08-19T15:00:00Z"));
    assert_eq!(ResetTime::from_epoch(1_755_615_600.5), at("2025-08-19T15:00:00.5Z"));
    assert_eq!(ResetTime::from_epoch(1_755_615_600_123.0), at("2025-08-19T15:00:00.123Z"));
    for number in [0.0, 429.0, 602_705.0, -1_755_615_600.0, 1.7e15, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(ResetTime::from_epoch(number), None, "{number}");
    }
}

#[test]
fn retry_after_has_seconds_or_a_date() {
    let after = |seconds| Some(ResetTime::After(Duration::from_secs_f64(seconds)));
    assert_eq!(ResetTime::from_retry_after("120"), after(120.0));
    assert_eq!(ResetTime::from_retry_after(" 0 "), after(0.0));
    assert_eq!(ResetTime::from_retry_after("1.5"), after(1.5));
    let date = at("1994-11-06T08:49:37Z");
    assert_eq!(ResetTime::from_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), date);
    assert_eq!(ResetTime::from_retry_after("Sunday, 06-Nov-94 08:49:37 GMT"), date);
    assert_eq!(ResetTime::from_retry_after("Sun Nov  6 08:49:37 1994"), date);
    for value in ["", "-1", "soon", "12 minutes", "1e400", "NaN", "99999999999999999999999999999999"] {
        assert_eq!(ResetTime::from_retry_after(value), None, "{value:?}");
    }
}

#[test]
fn each_form_resolves() {
    let now = NOW.parse().unwrap();
    let resolve = |said: ResetTime| said.resolve(now, &zone("Europe/Berlin")).map(|time| time.to_string());
    assert_eq!(resolve(at("2026-11-21T09:00:00Z").unwrap()).as_deref(), Some("2026-11-21T09:00:00Z"));
    assert_eq!(resolve(ResetTime::After(Duration::from_secs(90))).as_deref(), Some("2026-11-21T10:01:30Z"));
    assert_eq!(resolve(ResetTime::Text("resets 3pm".into())).as_deref(), Some("2026-11-21T14:00:00Z"));
    assert_eq!(resolve(ResetTime::After(Duration::MAX)), None);
    assert_eq!(resolve(at("2027-11-21T09:00:00Z").unwrap()), None);
    assert_eq!(resolve(ResetTime::Text("later".into())), None);
}

#[test]
fn a_reset_time_can_be_kept() {
    for (said, kept) in [
        (at("2026-11-21T09:00:00Z").unwrap(), r#"{"at":"2026-11-21T09:00:00Z"}"#),
        (ResetTime::After(Duration::from_millis(1500)), r#"{"after":{"secs":1,"nanos":500000000}}"#),
        (ResetTime::Text("resets 3pm".into()), r#"{"text":"resets 3pm"}"#),
    ] {
        assert_eq!(serde_json::to_string(&said).unwrap(), kept);
        assert_eq!(serde_json::from_str::<ResetTime>(kept).unwrap(), said);
    }
    assert_eq!(ResetTime::After(Duration::ZERO).resolve(NOW.parse().unwrap(), &TimeZone::UTC), NOW.parse().ok());
}
