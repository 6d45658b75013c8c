use super::{NOW, check, check_now};

#[test]
fn a_number_that_is_no_time_is_none() {
    for text in [
        "",
        "429",
        "API Error: Request rejected (429)",
        "limit: 250",
        "You've hit your 5-hour limit",
        "5-hour limit",
        "127.0.0.1:8080",
        "retry at 127.0.0.1:8080",
        "check your inference gateway (127.0.0.1:8791), then try again",
        "request id 1755615600abc",
        "try again: request 1795259006abc",
        "resets at 1795259006abc",
        "Claude AI usage limit reached|179525900",
        "Please try again later. It is 15:00.",
        "try again in a moment",
        "try again in a few minutes",
        "retry after 429",
        "Retry after: 3 attempts",
        "retry in 30",
        "retried 5 times (total retry wait time: 16.21 seconds)",
        "last reset: 2026-11-21T09:00:00Z",
        "retry 5 times",
        "Connection reset by peer (os error 104)",
        "reset 5 hours ago",
        "resets your 5 hour window",
        "available 24 hours a day",
        "git reset HEAD~3",
        "resets every 5 hours",
        "resets at 13pm",
        "resets at 25:00",
        "resets at 15:00x",
        "resets on 2026-11-23x",
        "resets at 12:60",
        "resets at 3:99 PM",
        "resets on 2026-13-40",
        "resets Nov 31",
        "resets on 11/23/2026",
        "resets in 3 months",
        "resets in 12:30",
        "resets at 10",
        "resets v1.2.3",
        "resets in 2h5",
        "may reset may 3 sat on the sun",
        "\u{1F600}\u{202f}\u{0}resets\u{0301} \u{fffd}",
    ] {
        check(&[(text, NOW, "Europe/Berlin", "none")]);
    }
}

#[test]
fn what_is_absurdly_far_away_is_none() {
    check_now(&[
        ("resets in 60 days", "2027-01-20T10:00:00Z"),
        ("resets in 60 days 1 second", "none"),
        ("resets in 99999999999999999999999999 hours", "none"),
        ("resets in 9999999999999 weeks 9999999999999 weeks", "none"),
        ("resets at 4000000000", "none"),
        ("resets at 1000000001", "none"),
        ("resets Mar 3rd, 2027 2:16 PM", "none"),
        ("resets 2926-11-23", "none"),
    ]);
    check(&[("resets Mar 3rd, 2027 2:16 PM", "2027-02-01T00:00:00Z", "Europe/Berlin", "2027-03-03T13:16:00Z")]);
}
