//! GitHub's limits, as its answers tell them.

use dayfly_github::{Call, GitHubError, Limit, Pace, Priority};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::server::{Server, answer, noon, with};

const NOON: i64 = 1_795_176_000;

fn limited(error: &GitHubError) -> (Limit, i64) {
    match error {
        GitHubError::Limited { what, until, .. } => (*what, until.as_second() - NOON),
        other => panic!("not a limit: {other:?}"),
    }
}

fn reset(seconds: i64) -> String {
    (NOON + seconds).to_string()
}

#[test]
fn noon_is_what_the_tests_take_it_for() {
    assert_eq!("2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap().as_second(), NOON);
}

#[tokio::test]
async fn a_used_up_resource_leaves_the_others_alone() {
    let at = reset(600);
    let server = Server::start(move |seen, _| match seen.path.as_str() {
        "/graphql" => answer(200, r#"{"data":{"viewer":{"login":"me"}}}"#),
        _ => {
            let headers =
                [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", at.as_str())];
            with(403, &headers, r#"{"message":"API rate limit exceeded for user"}"#)
        }
    })
    .await;
    let (clock, github) = (noon(), server.client(&noon()));
    drop(clock);
    let error = github.get::<Value>("/repos/o/r").await.unwrap_err();
    assert_eq!(limited(&error), (Limit::Primary, 601));
    assert!(error.is_transient());
    // The second is refused here, without asking.
    github.get::<Value>("/repos/o/r").await.unwrap_err();
    assert_eq!(server.count(), 1);
    github.graphql::<Value>("query Q { viewer { login } }", &(), None).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_graphql_limit_comes_with_status_200() {
    let at = reset(900);
    let server = Server::start(move |_, _| {
        let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", at.as_str())];
        with(200, &headers, r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#)
    })
    .await;
    let github = server.client(&noon());
    for _ in 0..2 {
        let error = github.graphql::<Value>("query Q { viewer { login } }", &(), None).await.unwrap_err();
        assert_eq!(limited(&error).0, Limit::Primary);
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_secondary_limit_without_a_time_stops_all_calls_for_a_minute() {
    let server = Server::start(|_, n| match n {
        0 | 1 => answer(403, r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#),
        _ => answer(200, "{}"),
    })
    .await;
    let clock = noon();
    let github = server.client(&clock);
    let call = || Call::post("/repos/o/r/issues").json(&json!({ "title": "t" })).unwrap();
    let error = github.run(call()).await.unwrap_err();
    assert_eq!(limited(&error), (Limit::Secondary, 60));
    for call in [Call::get("/user"), Call::get("/search/issues?q=x"), call().priority(Priority::Merge)] {
        assert_eq!(limited(&github.run(call).await.unwrap_err()), (Limit::Secondary, 60));
    }
    let error = github.graphql::<Value>("query Q { viewer { login } }", &(), None).await.unwrap_err();
    assert_eq!((limited(&error), server.count()), ((Limit::Secondary, 60), 1));

    // The next one in a row waits for longer.
    clock.advance(SignedDuration::from_secs(61));
    assert_eq!(limited(&github.run(Call::get("/user")).await.unwrap_err()), (Limit::Secondary, 61 + 120));
    clock.advance(SignedDuration::from_secs(121));
    github.run(Call::get("/user")).await.unwrap();
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_secondary_limit_with_a_time_holds_until_then() {
    let server =
        Server::steps(vec![with(429, &[("retry-after", "240")], r#"{"message":"slow down"}"#), answer(200, "{}")])
            .await;
    let clock = noon();
    let github = server.client(&clock);
    assert_eq!(limited(&github.run(Call::get("/user")).await.unwrap_err()), (Limit::Secondary, 240));
    clock.advance(SignedDuration::from_secs(239));
    assert_eq!(limited(&github.run(Call::get("/user")).await.unwrap_err()), (Limit::Secondary, 240));
    clock.advance(SignedDuration::from_secs(1));
    github.run(Call::get("/user")).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_secondary_limit_of_graphql_comes_with_status_200_too() {
    let body = r#"{"errors":[{"message":"You have exceeded a secondary rate limit."}]}"#;
    let server = Server::steps(vec![with(200, &[("retry-after", "90")], body)]).await;
    let github = server.client(&noon());
    let error = github.graphql::<Value>("query Q { viewer { login } }", &(), None).await.unwrap_err();
    assert_eq!(limited(&error), (Limit::Secondary, 90));
    assert_eq!(limited(&github.run(Call::get("/user")).await.unwrap_err()), (Limit::Secondary, 90));
}

#[tokio::test]
async fn the_last_of_an_hour_is_kept_for_merging() {
    let at = reset(1800);
    let server = Server::start(move |_, _| {
        let headers =
            [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "400"), ("x-ratelimit-reset", at.as_str())];
        with(200, &headers, "{}")
    })
    .await;
    let pace = Pace { reserve: 500, ..Pace::none() };
    let github = server.builder(&noon()).pace(pace).build().unwrap();
    github.run(Call::get("/repos/o/r")).await.unwrap();
    let error = github.run(Call::get("/repos/o/r")).await.unwrap_err();
    assert_eq!(limited(&error), (Limit::Reserve, 1801));
    github.run(Call::get("/repos/o/r").priority(Priority::Merge)).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn many_writes_at_once_come_back_later() {
    let server = Server::steps(vec![answer(201, "{}")]).await;
    let pace = Pace { notifying: std::time::Duration::from_secs(3), ..Pace::none() };
    let pace = Pace { longest_wait: std::time::Duration::from_millis(10), ..pace };
    let github = server.builder(&noon()).pace(pace).build().unwrap();
    github.run(Call::post("/repos/o/r/issues")).await.unwrap();
    let error = github.run(Call::post("/repos/o/r/issues")).await.unwrap_err();
    assert_eq!((limited(&error), server.count()), ((Limit::Pace, 3), 1));
    github.run(Call::get("/repos/o/r")).await.unwrap();
}
