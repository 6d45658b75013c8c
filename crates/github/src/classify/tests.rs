use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;

const NOW: i64 = 1_795_176_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let one =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    list.iter().map(one).collect()
}

fn rest(status: u16, list: &[(&'static str, &str)], body: &str) -> Verdict {
    let headers = headers(list);
    classify(Facts { status, headers: &headers, body: body.as_bytes(), graphql: false }, now())
}

fn graphql(list: &[(&'static str, &str)], body: &str) -> Verdict {
    let headers = headers(list);
    classify(Facts { status: 200, headers: &headers, body: body.as_bytes(), graphql: true }, now())
}

#[test]
fn what_was_done_what_moved_and_what_is_as_before() {
    for status in [200, 201, 202, 204] {
        assert_eq!(rest(status, &[], ""), Verdict::Good);
    }
    assert_eq!(rest(304, &[], ""), Verdict::NotModified);
    assert_eq!(rest(301, &[], ""), Verdict::Redirect { permanent: true });
    assert_eq!(rest(308, &[], ""), Verdict::Redirect { permanent: true });
    assert_eq!(rest(302, &[], ""), Verdict::Redirect { permanent: false });
    assert_eq!(rest(307, &[], ""), Verdict::Redirect { permanent: false });
}

#[test]
fn what_stays_refused() {
    for status in [400, 401, 404, 405, 409, 410, 422, 423, 451] {
        assert_eq!(rest(status, &[], "{}"), Verdict::Refused, "{status}");
    }
    let missing = r#"{"message":"Resource not accessible by integration"}"#;
    assert_eq!(rest(403, &[("x-ratelimit-remaining", "17")], missing), Verdict::Refused);
}

#[test]
fn an_outage_may_be_a_page() {
    for status in [408, 500, 502, 503, 504] {
        assert_eq!(rest(status, &[], "<html>Unicorn!</html>"), Verdict::Unavailable, "{status}");
    }
}

#[test]
fn the_hourly_limit_comes_with_403_and_with_429() {
    let reset = (NOW + 100).to_string();
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    for status in [403, 429] {
        assert_eq!(rest(status, &used_up, "{}"), Verdict::Primary { until: at(101) }, "{status}");
    }
    // Without a time, or with one that is over, a minute is waited.
    assert_eq!(rest(403, &[("x-ratelimit-remaining", "0")], "{}"), Verdict::Primary { until: at(60) });
    let over = (NOW - 5).to_string();
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", over.as_str())];
    assert_eq!(rest(403, &used_up, "{}"), Verdict::Primary { until: at(60) });
    let said = r#"{"message":"API rate limit exceeded for 1.2.3.4."}"#;
    assert_eq!(rest(403, &[], said), Verdict::Primary { until: at(60) });
}

#[test]
fn a_secondary_limit_shows_in_many_ways() {
    let said = r#"{"message":"You have exceeded a Secondary Rate Limit."}"#;
    assert_eq!(rest(403, &[], said), Verdict::Secondary { until: None });
    assert_eq!(rest(429, &[("retry-after", "30")], said), Verdict::Secondary { until: Some(at(30)) });
    assert_eq!(rest(403, &[("retry-after", "30")], "{}"), Verdict::Secondary { until: Some(at(30)) });
    assert_eq!(rest(429, &[], "{}"), Verdict::Secondary { until: None });
    let reset = (NOW + 100).to_string();
    let both = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    assert_eq!(rest(403, &both, said), Verdict::Secondary { until: Some(at(101)) });
    let abuse = r#"{"message":"You have triggered an abuse detection mechanism."}"#;
    assert_eq!(rest(403, &[], abuse), Verdict::Secondary { until: None });
    let date = [("retry-after", "Fri, 20 Nov 2026 12:02:00 +0000")];
    assert_eq!(rest(429, &date, "{}"), Verdict::Secondary { until: Some(at(120)) });
}

#[test]
fn graphql_says_it_with_status_200() {
    let reset = (NOW + 100).to_string();
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    let limit = r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#;
    assert_eq!(graphql(&used_up, limit), Verdict::Primary { until: at(101) });
    let secondary = r#"{"errors":[{"message":"You have exceeded a secondary rate limit"}]}"#;
    assert_eq!(graphql(&[], secondary), Verdict::Secondary { until: None });
    let wrong = r#"{"data":null,"errors":[{"message":"Something went wrong while executing your query on ..."}]}"#;
    assert_eq!(graphql(&[], wrong), Verdict::Unavailable);
    // An issue that quotes the sentence is no limit.
    let quoted = r#"{"data":{"issue":{"body":"RATE_LIMITED: secondary rate limit"}}}"#;
    assert_eq!(graphql(&[], quoted), Verdict::Good);
    assert_eq!(graphql(&[], r#"{"data":null,"errors":[{"type":"NOT_FOUND","message":"No."}]}"#), Verdict::Good);
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(
        status in 100u16..1000,
        remaining in "[0-9a-z]{0,22}",
        reset in "-?[0-9]{0,22}",
        after in "[ -~]{0,40}",
        body in ".{0,200}",
        graphql in any::<bool>(),
    ) {
        let list = [
            ("x-ratelimit-remaining", remaining.as_str()),
            ("x-ratelimit-reset", reset.as_str()),
            ("retry-after", after.as_str()),
        ];
        let headers = headers(&list);
        let facts = Facts { status, headers: &headers, body: body.as_bytes(), graphql };
        // Whatever it says, nobody is told to come back at once.
        match classify(facts, now()) {
            Verdict::Primary { until } | Verdict::Secondary { until: Some(until) } => prop_assert!(until > now()),
            _ => {}
        }
        let at = CallSite { method: "GET", path: "/".into(), request_id: None };
        prop_assert!(!refusal(facts, at).to_string().is_empty());
    }
}
