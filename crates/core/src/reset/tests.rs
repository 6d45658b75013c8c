use super::*;

mod calendar;
mod fields;
mod props;
mod refused;

/// A Saturday, 11 in the morning in Berlin.
const NOW: &str = "2026-11-21T10:00:00Z";

fn zone(name: &str) -> TimeZone {
    jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap()
}

fn said(text: &str, now: &str, place: &str) -> String {
    let time = reset_in(text, now.parse().unwrap(), &zone(place));
    time.map_or_else(|| "none".to_owned(), |time| time.to_string())
}

/// Compares a whole table before it fails, so that one run shows every row that is wrong.
fn check(rows: &[(&str, &str, &str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(text, now, place, expected)| (text, said(text, now, place), expected))
        .filter(|(_, found, expected)| found != *expected)
        .map(|(text, found, expected)| format!("{text:?}\n    gives {found}, not {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// The same, now and in Berlin.
fn check_now(rows: &[(&str, &str)]) {
    check(&rows.iter().map(|(text, expected)| (*text, NOW, "Europe/Berlin", *expected)).collect::<Vec<_>>());
}

#[test]
fn claude_says_when() {
    check_now(&[
        ("You've hit your 5-hour limit · resets 11:03am (UTC)", "2026-11-21T11:03:00Z"),
        ("You've hit your session limit · resets 11:20am (UTC)", "2026-11-21T11:20:00Z"),
        ("You've hit your limit · resets 3pm (Europe/Berlin)", "2026-11-21T14:00:00Z"),
        ("You’ve hit your limit · resets 3pm (Europe/Berlin) · progress saved", "2026-11-21T14:00:00Z"),
        ("You've hit your weekly limit · resets Nov 27, 3pm (America/New_York)", "2026-11-27T20:00:00Z"),
        ("You've hit your weekly limit · resets Nov 27 at 3pm (America/New_York)", "2026-11-27T20:00:00Z"),
        ("You've hit your weekly limit · resets Jan 3, 2027, 2:16pm (Asia/Calcutta)", "2027-01-03T08:46:00Z"),
        ("You've hit your Opus limit · resets Mon 12:00am", "2026-11-22T23:00:00Z"),
        ("You've hit your session limit · resets 5:40pm (America/Argentina/Buenos_Aires)", "2026-11-21T20:40:00Z"),
        ("5-hour limit reached ∙ resets 2am", "2026-11-22T01:00:00Z"),
        ("Session limit reached ∙ resets 5:00 PM\n/upgrade to increase your limit", "2026-11-21T16:00:00Z"),
        ("Claude usage limit reached. Your limit will reset at 1pm (Etc/GMT+5).", "2026-11-21T18:00:00Z"),
        ("Claude AI usage limit reached|1795259006", "2026-11-21T11:03:26Z"),
        ("usage limit; resets Nov 22 at 9:30am (UTC), too far out to wait for", "2026-11-22T09:30:00Z"),
        ("spend limit reached · resets Dec 1", "2026-11-30T23:00:00Z"),
        ("You will regain access on 2026-12-01 at 00:00 UTC.", "2026-12-01T00:00:00Z"),
        ("all accounts limited, try again in a minute", "2026-11-21T10:01:00Z"),
    ]);
}

#[test]
fn codex_says_when() {
    check_now(&[
        (
            "You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit \
             https://chatgpt.com/settings/usage to purchase more credits or try again at 2:16 PM.",
            "2026-11-21T13:16:00Z",
        ),
        ("You've hit your usage limit. Try again at 2:16\u{a0}PM.", "2026-11-21T13:16:00Z"),
        ("You've hit your usage limit. Try again at 2:16\u{202f}pm.", "2026-11-21T13:16:00Z"),
        ("YOU'VE HIT YOUR USAGE LIMIT. TRY AGAIN AT 2:16 P.M.", "2026-11-21T13:16:00Z"),
        ("or try again at Nov 23rd, 2026 4:05 PM.", "2026-11-23T15:05:00Z"),
        ("or try again at Jan 2nd, 2027 12:05 AM.", "2027-01-01T23:05:00Z"),
        ("You've hit your usage limit. Try again at Dec 4th.", "2026-12-03T23:00:00Z"),
        ("Upgrade to Pro (https://openai.com/x) or try again in 2 days 17 hours 14 minutes.", "2026-11-24T03:14:00Z"),
        ("or try again in 5 days 22 hours 11\nminutes.", "2026-11-27T08:11:00Z"),
        ("or try again in 3 hours 2 minutes.", "2026-11-21T13:02:00Z"),
        ("or try again in less than a minute.", "2026-11-21T10:01:00Z"),
        ("Upgrade your plan to continue, or try again at 10 de dez. de 2026, 11:52.", "none"),
        ("Upgrade your plan to continue, or try again at 10 de jan. de 2027, 11:52.", "2027-01-10T10:52:00Z"),
        (
            "Rate limit reached for gpt-5.5: Limit 30000, Used 29000. Please try again in 1.898s.",
            "2026-11-21T10:00:01.898Z",
        ),
        ("Please try again in 28ms. Visit https://platform.openai.com", "2026-11-21T10:00:00.028Z"),
    ]);
}

#[test]
fn gemini_opencode_and_copilot_say_when() {
    check_now(&[
        ("requests, limit: 250. Please retry in 3600s.',", "2026-11-21T11:00:00Z"),
        ("limit: 4000000\nPlease retry in 47.434392449s.", "2026-11-21T10:00:47.434392449Z"),
        (
            "You exceeded your current quota.\nSuggested retry after 120s.. Retrying after 5801ms...",
            "2026-11-21T10:02:00Z",
        ),
        ("Attempt 1 failed with status 429. Suggested retry after 2s.. Max attempts reached", "2026-11-21T10:00:02Z"),
        (
            "You have exhausted your capacity on this model. Your quota will reset after 12h34m56s.",
            "2026-11-21T22:34:56Z",
        ),
        ("Your quota will reset after 0s.", "2026-11-21T10:00:00Z"),
        ("Usage limit reached for gemini-3-pro. Access resets at 10:57 PM GMT-3.", "2026-11-22T01:57:00Z"),
        ("Usage limit reached for all Pro models.\nAccess resets at 11:00 AM GMT+2.\n/stats", "2026-11-22T09:00:00Z"),
        ("Access resets at 1:00 PM PST.", "2026-11-21T21:00:00Z"),
        ("Limit reached, resets in 3h 20m", "2026-11-21T13:20:00Z"),
        (
            "Monthly usage limit reached. It will reset in 9 days 4 hours. To continue using this",
            "2026-11-30T14:00:00Z",
        ),
        ("Rate limit exceeded, retry in 1 minute", "2026-11-21T10:01:00Z"),
        ("in a specific time period. Please try again in 51 hours. Please review our Terms", "2026-11-23T13:00:00Z"),
        ("Sorry, you have been rate-limited. Please wait 2 minutes before trying again", "2026-11-21T10:02:00Z"),
        ("Please wait 587 hours 33 minutes before trying again.", "2026-12-15T21:33:00Z"),
        ("Usage limit reached for 5 hour. Your limit will reset at 2026-11-21 18:55:29", "2026-11-21T17:55:29Z"),
        ("Daily limit reached. Your limit will reset at Nov 21, 11:59 PM PT.", "2026-11-22T07:59:00Z"),
    ]);
}

#[test]
fn a_length_is_read_in_many_ways() {
    check_now(&[
        ("try again in 2h 5m", "2026-11-21T12:05:00Z"),
        ("try again in 2h5m", "2026-11-21T12:05:00Z"),
        ("in 2 hours 5 minutes", "2026-11-21T12:05:00Z"),
        ("Resets in 3 days, 4 hours and 12 minutes!", "2026-11-24T14:12:00Z"),
        ("resets in 45 min", "2026-11-21T10:45:00Z"),
        ("limit · resets 45m", "2026-11-21T10:45:00Z"),
        ("resets in ~5h", "2026-11-21T15:00:00Z"),
        ("quota resets in about an hour", "2026-11-21T11:00:00Z"),
        ("resets in 1:30:05", "2026-11-21T11:30:05Z"),
        ("resets in 2 weeks", "2026-12-05T10:00:00Z"),
        ("cooldown: 300s", "2026-11-21T10:05:00Z"),
        ("retry in 500 milliseconds", "2026-11-21T10:00:00.5Z"),
        ("Please retry in 12.5s", "2026-11-21T10:00:12.5Z"),
        ("12h34m56s", "2026-11-21T22:34:56Z"),
    ]);
}
