use super::{NOW, check, check_now};

#[test]
fn days_times_and_zones_come_in_any_order() {
    check_now(&[
        ("resets 15:00", "2026-11-21T14:00:00Z"),
        ("resets at 15:00:30.", "2026-11-21T14:00:30Z"),
        ("resets at 3.30pm", "2026-11-21T14:30:00Z"),
        ("resets at noon", "2026-11-21T11:00:00Z"),
        ("resets at midnight UTC", "2026-11-22T00:00:00Z"),
        ("resets at midnight Pacific time", "2026-11-22T08:00:00Z"),
        ("resets tomorrow at 9am", "2026-11-22T08:00:00Z"),
        ("resets at 9am tomorrow (UTC)", "2026-11-22T09:00:00Z"),
        ("resets at 9am (tomorrow)", "2026-11-22T08:00:00Z"),
        ("resets today at 23:30", "2026-11-21T22:30:00Z"),
        ("resets tomorrow", "2026-11-21T23:00:00Z"),
        ("resets Monday", "2026-11-22T23:00:00Z"),
        ("resets next Saturday at 9:00", "2026-11-28T08:00:00Z"),
        ("resets next Saturday at 12:00", "2026-11-28T11:00:00Z"),
        ("resets on Saturday at 12:00", "2026-11-21T11:00:00Z"),
        ("resets on Saturday at 10:00", "2026-11-28T09:00:00Z"),
        ("resets Wed. 7 PM", "2026-11-25T18:00:00Z"),
        ("resets Thurs 7 PM EST", "2026-11-27T00:00:00Z"),
        ("resets on Monday, November 23 at 4pm", "2026-11-23T15:00:00Z"),
        ("resets on the 23rd of November at 4pm", "2026-11-23T15:00:00Z"),
        ("resets 23 Nov 2026 16:00", "2026-11-23T15:00:00Z"),
        ("resets at 4pm on Nov. 23rd", "2026-11-23T15:00:00Z"),
        ("resets Sept 3", "none"),
        ("resets at 2026-11-23T15:00:00Z", "2026-11-23T15:00:00Z"),
        ("resets at 2026-11-23T15:00:00.123456+02:00", "2026-11-23T13:00:00.123456Z"),
        ("resets at 2026-11-23T15:00:00-0330", "2026-11-23T18:30:00Z"),
        ("resets at 2026-11-23T15:00+01:00[Europe/Berlin]", "2026-11-23T14:00:00Z"),
        ("resets at 2026-11-23T15:00", "2026-11-23T14:00:00Z"),
        ("resets at 2026/11/23 15:00 UTC+5:30", "2026-11-23T09:30:00Z"),
        ("Credits reset on 2026-12-01.", "2026-11-30T23:00:00Z"),
        ("resets on Mon, 23 Nov 2026 08:49:37 GMT", "2026-11-23T08:49:37Z"),
        ("resets at 2026-11-23 15:00:00.5 -0500 EST m=+0.5", "2026-11-23T20:00:00.5Z"),
        ("resets at Mon Nov 23 2026 15:00:00 GMT+0100 (Central European Standard Time)", "2026-11-23T14:00:00Z"),
        ("resets at Mon Nov 23 15:00:00 UTC 2026", "2026-11-23T15:00:00Z"),
        ("resets at 11/23/2026, 3:00:00 PM", "none"),
        ("try again at 2:16 PM on Nov 23rd", "2026-11-23T13:16:00Z"),
        ("resets at 3pm (local time)", "2026-11-21T14:00:00Z"),
        ("resets at 3pm Europe/London", "2026-11-21T15:00:00Z"),
        ("resets at 3pm (UTC+02:00)", "2026-11-21T13:00:00Z"),
        ("resets at 3pm (see https://example.com/limits)", "2026-11-21T14:00:00Z"),
    ]);
}

#[test]
fn a_time_of_day_is_the_next_one_or_just_now() {
    let rows = |text, now, expected| (text, now, "Europe/Berlin", expected);
    check(&[
        rows("resets 11am", "2026-11-21T09:59:00Z", "2026-11-21T10:00:00Z"),
        rows("resets 11am", "2026-11-21T10:10:00Z", "2026-11-21T10:00:00Z"),
        rows("resets 11am", "2026-11-21T10:10:01Z", "2026-11-22T10:00:00Z"),
        // Seven minutes ago was yesterday.
        rows("resets 11:58pm", "2026-11-21T23:05:00Z", "2026-11-21T22:58:00Z"),
        rows("resets 12am", "2026-11-21T22:30:00Z", "2026-11-21T23:00:00Z"),
        rows("resets 12pm", "2026-11-21T22:30:00Z", "2026-11-22T11:00:00Z"),
    ]);
    // It is still Saturday in Honolulu, and Sunday already in Auckland.
    check(&[
        ("resets 11pm (Pacific/Honolulu)", "2026-11-22T01:00:00Z", "Pacific/Auckland", "2026-11-22T09:00:00Z"),
        ("resets tomorrow at 1am", "2026-11-22T01:00:00Z", "Pacific/Auckland", "2026-11-22T12:00:00Z"),
        ("resets tomorrow at 1am", "2026-11-22T01:00:00Z", "Pacific/Honolulu", "2026-11-22T11:00:00Z"),
    ]);
}

#[test]
fn a_date_without_a_year_is_the_next_one_or_was_read_late() {
    let utc = |text, now, expected| (text, now, "UTC", expected);
    check(&[
        utc("resets Jan 2 at 3am", "2026-12-31T23:00:00Z", "2027-01-02T03:00:00Z"),
        utc("resets Dec 31 at 11pm", "2027-01-01T02:00:00Z", "2026-12-31T23:00:00Z"),
        utc("resets Nov 21 at 1am", "2026-11-21T13:00:00Z", "2026-11-21T01:00:00Z"),
        // A year from now is nobody's limit.
        utc("resets Nov 21 at 1am", "2026-11-21T13:00:01Z", "none"),
        utc("resets Nov 21", "2026-11-21T23:00:00Z", "2026-11-21T00:00:00Z"),
        utc("resets Nov 21", "2026-11-22T00:00:01Z", "none"),
        utc("resets Feb 29 at 1am", "2028-02-20T00:00:00Z", "2028-02-29T01:00:00Z"),
        utc("resets Feb 29 at 1am", "2027-02-20T00:00:00Z", "none"),
        // With its year it may have passed.
        utc("resets Oct 21, 2026 at 1am", "2026-11-21T13:00:00Z", "2026-10-21T01:00:00Z"),
    ]);
}

#[test]
fn a_clock_that_is_put_forward_or_back_has_one_answer() {
    check(&[
        // The hour from two to three is left out.
        ("resets 2:30am", "2027-03-28T00:00:00Z", "Europe/Berlin", "2027-03-28T01:30:00Z"),
        // The hour from one to two comes twice: the first, and after it the second.
        ("resets 1:30am", "2026-11-01T04:00:00Z", "America/New_York", "2026-11-01T05:30:00Z"),
        ("resets 1:30am", "2026-11-01T05:45:00Z", "America/New_York", "2026-11-01T06:30:00Z"),
        ("resets 1:30am", "2026-11-01T06:45:00Z", "America/New_York", "2026-11-02T06:30:00Z"),
        ("resets Nov 1 at 1:30am", "2026-10-30T06:45:00Z", "America/New_York", "2026-11-01T05:30:00Z"),
        // Midnight is left out in Beirut.
        ("resets Mar 28", "2027-03-27T10:00:00Z", "Asia/Beirut", "2027-03-27T22:00:00Z"),
        // A length of time does not mind.
        ("resets in 3h", "2027-03-28T00:00:00Z", "Europe/Berlin", "2027-03-28T03:00:00Z"),
    ]);
}

#[test]
fn an_abbreviation_is_the_machines_own_first() {
    check(&[
        ("resets 3pm IST", NOW, "Asia/Kolkata", "2026-11-22T09:30:00Z"),
        ("resets 3pm IST", NOW, "Europe/Berlin", "none"),
        ("resets 3pm CST", NOW, "Asia/Shanghai", "2026-11-22T07:00:00Z"),
        ("resets 3pm CST", NOW, "Europe/Berlin", "2026-11-21T21:00:00Z"),
        ("resets 3pm (CET)", NOW, "America/New_York", "2026-11-21T14:00:00Z"),
        ("resets 3pm ET", NOW, "Europe/Berlin", "2026-11-21T20:00:00Z"),
        ("resets 3pm (Mars/Olympus)", NOW, "Europe/Berlin", "none"),
        ("resets 3pm (Etc/Unknown)", NOW, "Europe/Berlin", "none"),
        ("resets 3pm (UTC+25)", NOW, "Europe/Berlin", "none"),
        // No other time takes the place of one that could not be read.
        ("resets 3pm (Mars/Olympus). Retrying in 5s", NOW, "Europe/Berlin", "none"),
    ]);
}
