//! What is tried with any bytes: what comes from outside is read, and what must hold of it is asserted.
//!
//! Not a part of the interface: the targets in `fuzz/` and the short run of the tests share these bodies. Those over
//! what is private to a module lie beside it.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::classify::{Facts, Verdict, classify, refusal};
use crate::place::Place;
use crate::{Call, HintReason, Method, client, parse_webhook, pulls, tracker, verify_webhook};

/// Tries one input; it panics where something does not hold.
pub type Body = fn(&[u8]);

/// All bodies, by the names of their targets.
pub const BODIES: &[(&str, Body)] =
    &[("webhook", webhook), ("answers", answers), ("mapping", tracker::fuzz::mapping), ("said", pulls::fuzz::said)];

/// A delivery: a line with the event, and its body. Only what was signed passes, and what is told is bounded.
fn webhook(data: &[u8]) {
    const SECRET: &[u8] = b"It's a Secret to Everybody";
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (event, body) = (String::from_utf8_lossy(&data[..at]), data.get(at + 1..).unwrap_or_default());
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    let tag = ring::hmac::sign(&key, body);
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = format!("sha256={digits}");
    assert!(verify_webhook(&[SECRET], body, Some(&signed)).is_ok());
    assert!(verify_webhook(&[b"another secret"], body, Some(&signed)).is_err());
    let by_chance = verify_webhook(&[SECRET], body, Some(&event)).is_ok();
    assert!(!by_chance || event.eq_ignore_ascii_case(&signed), "{event:?} passes for a signature");
    let events = ["issues", "issue_comment", "sub_issues", "issue_dependencies", "pull_request", "check_run", "push"];
    for event in [&*event].into_iter().chain(events).chain(["create", "merge_group", "repository"]) {
        let Ok(hint) = parse_webhook(event, "d-1", body) else { continue };
        assert_eq!(parse_webhook(event, "d-1", body).ok().as_ref(), Some(&hint), "it is read in two ways");
        assert!(hint.reason.is_nothing() || hint.reason == HintReason::Access || hint.repo.is_some(), "{hint:?}");
        let told = hint.to_string();
        assert!(told.len() <= 2000 && !told.contains(['\n', '\u{1b}']), "{told:?}");
    }
}

/// An answer: a line with its status, headers, a blank line and its body. A limit is waited for, and not for ever.
fn answers(data: &[u8]) {
    let at = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = at.map_or((data, &b""[..]), |at| (&data[..at], &data[at + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let told = lines.next().and_then(|line| line.trim().parse::<u16>().ok());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.trim().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_795_259_006);
    let call = Call::new(Method::Get, "/repos/a/b/issues");
    for status in told.into_iter().chain([200, 403, 409, 422, 429]) {
        for graphql in [false, true] {
            let facts = Facts { status, headers: &headers, body, graphql };
            let until = match classify(facts, now) {
                Verdict::Primary { until } => Some(until),
                Verdict::Secondary { until } => until,
                _ => None,
            };
            assert!(until.is_none_or(|until| until > now), "{head:?} is a limit that has passed: {until:?}");
            assert!(refusal(facts, call.site()).to_string().len() <= 10_000);
        }
    }
    for link in headers.values().filter_map(|value| value.to_str().ok()) {
        assert!(client::next_in(link).is_none_or(|next| link.contains(next)));
        let Ok(place) = Place::new("https://api.github.com") else { panic!("the usual place is none") };
        let Ok(url) = link.parse::<reqwest::Url>() else { continue };
        assert!(!place.is_own(&url) || url.host_str() == Some("api.github.com"), "{url} takes the token away");
        assert!(
            place.below(&url).is_none_or(|below| place.is_own(&url) && (below.is_empty() || below.starts_with('/')))
        );
        place.same_below(&url, &url);
    }
}
