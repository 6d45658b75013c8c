//! What flows, what it costs, and when it stops.

use dayfly_core::Price;

use super::*;

#[tokio::test]
async fn a_part_of_an_answer_arrives_before_the_next_is_written() {
    let world = World::new().await;
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.begin().await;
    for part in ["one", "two", "three"] {
        asked.say(&format!("data: {{\"text\":\"{part}\"}}\n\n")).await;
        attempt.hears(&format!("{part}\"}}\n\n")).await;
    }
    drop(asked);
    attempt.hears("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_part_of_a_request_arrives_before_the_next_is_written() {
    let world = World::new().await;
    let mut attempt = world.connect().await;
    let head =
        format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {TOKEN}\r\ntransfer-encoding: chunked\r\n\r\n");
    attempt.say(&format!("{head}5\r\nfirst\r\n")).await;
    let (mut stream, _) = soon("a connection", world.vendor.accept()).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("first") {
        Asked::more(&mut stream, &mut seen).await;
    }
    attempt.say("6\r\nsecond\r\n0\r\n\r\n").await;
    while !String::from_utf8_lossy(&seen).contains("second") {
        Asked::more(&mut stream, &mut seen).await;
    }
}

#[tokio::test]
async fn when_the_budget_is_spent_what_runs_may_finish_and_nothing_more_is_passed_on() {
    let world = World::with(|spec| spec.budget.tokens = Some(40)).await;
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.begin().await;
    asked.say("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m-1\",").await;
    asked.say("\"usage\":{\"input_tokens\":38,\"output_tokens\":2}}}\n\n").await;
    world.until("the first tokens are counted", |state| state.spent.tokens() == 40).await;
    let mut late = world.send("{}").await;
    let refused = late.answer().await;
    assert!(refused.starts_with("HTTP/1.1 403 ") && refused.contains("x-should-retry: false"), "{refused}");
    assert_eq!(json(&refused)["error"]["type"], "budget_exhausted");
    asked.say("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":25}}\n\n").await;
    drop(asked);
    let heard = attempt.hears("0\r\n\r\n").await;
    assert!(heard.contains("\"output_tokens\":25}}\n\n"), "{heard}");
    let state = world.until("all is counted", |state| state.spent.tokens() == 63).await;
    assert_eq!((state.spent.input, state.spent.output, state.spent.estimated), (38, 25, 0));
    assert_eq!((state.spent.requests, state.over_budget), (1, 1));
}

#[tokio::test]
async fn money_is_a_budget_too_and_one_that_was_spent_before_goes_on() {
    let world = World::with(|spec| {
        spec.budget.micro_usd = Some(100);
        spec.budget.prices = [("m-".into(), Price { input: 1.0, cached: 0.1, output: 5.0 })].into();
        spec.spent.micro_usd = 9;
    })
    .await;
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.answer("200 OK", "", USAGE).await;
    attempt.answer().await;
    assert_eq!(world.until("it is counted", |s| s.spent.output == 12).await.spent.micro_usd, 9 + 30 + 60);
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.answer("200 OK", "", USAGE).await;
    attempt.answer().await;
    let mut attempt = world.send("{}").await;
    assert!(attempt.answer().await.contains("budget_exhausted"));
}

#[tokio::test]
async fn what_the_attempt_gives_up_is_given_up_at_the_vendor_and_costs_what_it_seems_to() {
    let world = World::with(|spec| spec.budget.tokens = Some(1000)).await;
    // Before the answer, in the middle of it, and with its end unsaid.
    let attempt = world.send(&"x".repeat(400)).await;
    let asked = world.asked().await;
    drop(attempt);
    asked.left().await;
    world.until("the request is estimated", |state| state.spent.estimated == 100).await;

    let mut attempt = world.send("").await;
    let mut asked = world.asked().await;
    asked.begin().await;
    asked.say(&format!("data: {}\n\n", "y".repeat(7992))).await;
    attempt.hears("yy\n\n").await;
    drop(attempt);
    asked.left().await;
    world.until("the answer is estimated", |state| state.spent.estimated == 1100).await;
    let mut attempt = world.send("{}").await;
    assert!(attempt.answer().await.contains("budget_exhausted"));
}

#[tokio::test]
async fn what_the_vendor_says_of_its_limits_is_kept_as_it_says_it() {
    let world = World::new().await;
    let mut attempt = world.send(&"x".repeat(4000)).await;
    let mut asked = world.asked().await;
    let limits = "retry-after: 17\r\nanthropic-ratelimit-unified-reset: 1795259006\r\nx-other: 1\r\n";
    asked.answer("429 wait", limits, r#"{"type":"error","error":{"type":"rate_limit_error"}}"#).await;
    let heard = attempt.answer().await;
    assert!(heard.starts_with("HTTP/1.1 429 ") && heard.contains("retry-after: 17"), "{heard}");
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.answer("200 OK", "anthropic-ratelimit-requests-remaining: 9\r\n", USAGE).await;
    attempt.answer().await;
    let state = world.until("both notices", |state| state.latest.as_ref().is_some_and(|n| n.status == 200)).await;
    let resets = vec![("anthropic-ratelimit-unified-reset".to_owned(), "1795259006".to_owned())];
    let expected = ProxyNotice { status: 429, retry_after: Some("17".into()), resets };
    assert_eq!(state.limited, Some(expected));
    assert_eq!(state.spent.estimated, 0, "what is refused costs nothing: {state:?}");
}

#[tokio::test]
async fn what_is_more_than_may_run_at_once_waits_for_its_turn() {
    let world = World::with(|spec| spec.limits.requests = 1).await;
    let mut first = world.send("{\"n\":1}").await;
    let mut asked = world.asked().await;
    let mut second = world.send("{\"n\":2}").await;
    // By the time that a third is refused, the second has been read.
    let mut third = world.connect().await;
    third.say(&post("/v1/messages", "", "")).await;
    third.answer().await;
    assert_eq!(world.proxy().spent().requests, 1, "two were on their way");
    asked.answer("200 OK", "", USAGE).await;
    first.answer().await;
    let mut asked = world.asked().await;
    assert_eq!(asked.body, "{\"n\":2}");
    asked.answer("200 OK", "", USAGE).await;
    second.answer().await;
}

#[tokio::test]
async fn an_answer_that_could_not_be_read_is_not_passed_on() {
    let world = World::new().await;
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    assert!(asked.head.contains("accept-encoding: identity"), "{}", asked.head);
    asked.answer("200 OK", "content-encoding: gzip\r\n", "squeezed").await;
    let heard = attempt.answer().await;
    assert!(heard.starts_with("HTTP/1.1 502 ") && !heard.contains("squeezed"), "{heard}");
}
