use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use proptest::prelude::*;

use super::super::{FURTHEST, ResetTime, reset_in};
use super::zone;

const PLACES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/St_Johns",
];

fn any_now() -> impl Strategy<Value = Timestamp> {
    (1_700_000_000_i64..1_900_000_000).prop_map(|s| Timestamp::from_second(s).unwrap())
}

fn place() -> impl Strategy<Value = &'static str> {
    prop::sample::select(PLACES.to_vec())
}

/// Whether the wall clock shows this time twice; such a text means either.
fn twice(time: &Zoned) -> bool {
    time.time_zone().to_ambiguous_zoned(time.datetime()).is_ambiguous()
}

fn ordinal(day: i8) -> &'static str {
    match day {
        11..=13 => "th",
        d if d % 10 == 1 => "st",
        d if d % 10 == 2 => "nd",
        d if d % 10 == 3 => "rd",
        _ => "th",
    }
}

/// The same day and minute in the forms that name both; with the zone where `Z` stands.
fn dated(time: &Zoned, form: usize) -> String {
    let th = ordinal(time.day());
    match form {
        0 => time.strftime("resets %b %-d at %-I:%M%P (%Q)").to_string(),
        1 => time.strftime("resets %b %-d, %-I:%M%P (%Q)").to_string(),
        2 => time.strftime(&format!("try again at %b %-d{th}, %Y %-I:%M %p.")).to_string(),
        3 => time.strftime("Your limit will reset at %Y-%m-%d %H:%M:00").to_string(),
        4 => time.strftime("resets at %Y-%m-%dT%H:%M:00%:z").to_string(),
        5 => time.strftime("resets on %A, %-d %B %Y at %H:%M %Q").to_string(),
        6 => format!("usage limit reached|{}", time.timestamp().as_second()),
        7 => format!(r#""resetsAt":{}"#, time.timestamp().as_millisecond()),
        8 => time.strftime("RESETS %-I:%M\u{202f}%p ON %b. %-d").to_string(),
        _ => time.with_time_zone(jiff::tz::TimeZone::UTC).strftime("resets %a, %d %b %Y %H:%M:%S GMT").to_string(),
    }
}

fn daily(time: &Zoned, form: usize) -> String {
    match form {
        0 => time.strftime("limit · resets %-I:%M%P (%Q)").to_string(),
        1 => time.strftime("try again at %-I:%M %p.").to_string(),
        2 => time.strftime("resets %H:%M").to_string(),
        _ => time.strftime("Access resets at %-I:%M %p GMT%:z.").to_string(),
    }
}

fn length(seconds: u32, form: usize) -> String {
    let (d, h, m, s) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match form {
        0 => format!("try again in {d} days {h} hours {m} minutes {s} seconds."),
        1 => format!("Your quota will reset after {}h{m}m{s}s.", d * 24 + h),
        2 => format!("Please retry in {seconds}s."),
        3 => format!("resets in {}:{m:02}:{s:02}", d * 24 + h),
        4 => format!(r#"{{"resets_in_seconds":{seconds}}}"#),
        _ => format!("Retry-After: {seconds}"),
    }
}

/// Pieces of what vendors print, put together at random, come closer to the edges than random letters do.
fn scraps() -> impl Strategy<Value = String> {
    let scraps = [
        "resets",
        "try again",
        "retry",
        "at",
        "in",
        "after",
        " ",
        " ",
        " ",
        ":",
        "(",
        ")",
        ",",
        ".",
        "-",
        "+",
        "/",
        "|",
        "pm",
        "am",
        "T",
        "Z",
        "UTC",
        "GMT",
        "Europe/Berlin",
        "Nov",
        "Feb",
        "29",
        "31",
        "0",
        "3",
        "12",
        "59",
        "2026",
        "1795259006",
        "99999999999999999999",
        "h",
        "days",
        "Monday",
        "next",
        "tomorrow",
        "midnight",
        "th",
        "\u{202f}",
        "é",
    ];
    prop::collection::vec(prop::sample::select(scraps.to_vec()), 0..16).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_day_and_a_minute_come_back(now in any_now(), ahead in 0_i64..50 * 24 * 60, here in place(), form in 0_usize..10) {
        let minute = SignedDuration::from_secs(now.as_second() / 60 * 60);
        let time = (Timestamp::UNIX_EPOCH + minute + ahead.minutes()).to_zoned(zone(here));
        prop_assume!(!twice(&time));
        let text = dated(&time, form);
        prop_assert_eq!(reset_in(&text, now, time.time_zone()), Some(time.timestamp()), "{}", text);
    }

    #[test]
    fn a_minute_of_the_day_comes_back(now in any_now(), ahead in -9_i64..23 * 60, here in place(), form in 0_usize..4) {
        let minute = SignedDuration::from_secs(now.as_second() / 60 * 60);
        let time = (Timestamp::UNIX_EPOCH + minute + ahead.minutes()).to_zoned(zone(here));
        // Where the clock was changed in between, the same minute may have come already.
        let settled = now.to_zoned(time.time_zone().clone()).offset() == time.offset();
        prop_assume!(settled && !twice(&time));
        let text = daily(&time, form);
        prop_assert_eq!(reset_in(&text, now, time.time_zone()), Some(time.timestamp()), "{}", text);
    }

    #[test]
    fn a_length_comes_back(now in any_now(), seconds in 0_u32..60 * 86_400, form in 0_usize..6) {
        let text = length(seconds, form);
        let expected = now + SignedDuration::from_secs(seconds.into());
        prop_assert_eq!(reset_in(&text, now, &zone("UTC")), Some(expected), "{}", text);
    }

    #[test]
    fn a_time_of_day_is_never_long_past(now in any_now(), h in 0_i8..24, m in 0_i8..60, here in place(), there in place()) {
        let clock = Time::new(h, m, 0, 0).unwrap();
        let text = format!("resets {} ({there})", clock.strftime("%-I:%M%P"));
        let time = reset_in(&text, now, &zone(here)).unwrap();
        let ahead = now.duration_until(time);
        // A day with a change of the clock is longer, and one that a place left out counts as two.
        let bounds = SignedDuration::from_mins(-10)..=SignedDuration::from_hours(49);
        prop_assert!(bounds.contains(&ahead), "{} at {} gives {}", text, now, time);
    }

    #[test]
    fn nothing_makes_it_stumble(now in any_now(), text in any::<String>(), scraps in scraps(), here in place()) {
        for text in [&text, &scraps, &format!("resets {text}"), &format!("try again in {scraps}")] {
            for said in [Some(ResetTime::Text(text.clone())), ResetTime::from_retry_after(text)].into_iter().flatten() {
                let time = said.resolve(now, &zone(here));
                prop_assert!(time.is_none_or(|time| now.duration_until(time).abs() <= FURTHEST), "{:?}", said);
            }
        }
    }

    #[test]
    fn no_number_makes_it_stumble(number in any::<f64>(), now in any_now()) {
        if let Some(said) = ResetTime::from_epoch(number) {
            prop_assert!((1e9..1e13).contains(&number));
            said.resolve(now, &zone("UTC"));
        }
    }

    #[test]
    fn the_edges_of_time_do_no_harm(scraps in scraps(), here in place()) {
        for now in [Timestamp::MIN, Timestamp::MAX] {
            reset_in(&format!("resets {scraps}"), now, &zone(here));
        }
    }
}
