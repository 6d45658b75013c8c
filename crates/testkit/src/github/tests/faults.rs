use std::time::Duration;

use serde_json::{Value, json};

use super::Scene;
use crate::github::{Fault, Match};

const COMMENTS: &str = "/repos/acme/web/issues/1/comments";

fn comment(scene: &Scene) -> std::io::Result<u16> {
    let sent = scene.client(&scene.bot).send("POST", COMMENTS, &json!({ "body": "hello" }), &[]);
    sent.map(|response| response.status)
}

#[test]
fn a_lost_answer_leaves_what_was_written() {
    let scene = Scene::new();
    scene.ann.open_issue("acme/web", "t", "b");
    scene.server.fault(Match::post("/issues/*/comments"), Fault::LostAfterWrite);
    scene.server.fault(Match::post("/issues/*/comments").nth(2), Fault::BadGatewayAfterWrite);
    scene.server.fault(Match::post("/issues/*/comments").nth(3), Fault::Unavailable(503));
    scene.server.fault(Match::post("/issues/*/comments").nth(4), Fault::Reset);
    assert!(comment(&scene).is_err());
    assert_eq!(scene.web.issue(1).comments.len(), 1);
    assert_eq!(comment(&scene).unwrap(), 502);
    assert_eq!(scene.web.issue(1).comments.len(), 2);
    assert_eq!(comment(&scene).unwrap(), 503);
    assert!(comment(&scene).is_err());
    assert_eq!(scene.web.issue(1).comments.len(), 2);
    assert_eq!(comment(&scene).unwrap(), 201);
    assert_eq!(scene.server.journal().count("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"), 3);
}

#[test]
fn a_lagging_replica_shows_what_was_before_for_some_reads() {
    let scene = Scene::new();
    scene.ann.open_issue("acme/web", "t", "b");
    scene.server.fault(Match::post(COMMENTS), Fault::Lag(2));
    let count = || scene.get(COMMENTS).body.as_array().unwrap().len();
    assert_eq!(comment(&scene).unwrap(), 201);
    assert_eq!((count(), count(), count()), (0, 0, 1));
}

#[test]
fn refusals_can_be_planned_for_one_account() {
    let scene = Scene::new();
    let user = |person| scene.client(person).get("/user").status;
    scene.server.fault(Match::get("/user").by("dayfly-bot"), Fault::Unauthorised);
    scene.server.fault(Match::get("/user").by("dayfly-bot").nth(2), Fault::NoAccess);
    scene.server.fault(Match::get("/user").by("dayfly-bot").nth(3), Fault::Forbidden);
    assert_eq!((user(&scene.ann), user(&scene.bot), user(&scene.bot), user(&scene.bot)), (200, 401, 404, 403));
    scene.server.fault(Match::reads(), Fault::PrimaryLimit(Duration::from_secs(600)));
    let limited = scene.get("/user");
    assert_eq!((limited.status, limited.header("x-ratelimit-remaining")), (403, Some("0")));
    assert_eq!(scene.get("/user").status, 403);
    scene.server.world().advance(Duration::from_secs(601));
    assert_eq!(scene.get("/user").status, 200);
    assert_eq!(scene.server.world().unmet_faults(), []);
}

#[test]
fn graphql_can_go_wrong_with_status_200() {
    let scene = Scene::new();
    let ask = || scene.graphql("query Who { viewer { login } rateLimit { cost } }", Value::Null);
    scene.server.fault(Match::graphql("Who"), Fault::GraphQlTrouble);
    scene.server.fault(Match::graphql("Who").nth(2), Fault::GraphQlPartial);
    assert!(ask()["errors"][0]["message"].as_str().unwrap().starts_with("Something went wrong"));
    let partial = ask();
    assert_eq!((partial["data"]["viewer"].is_null(), partial["errors"][0]["type"].is_string()), (true, true));
    assert_eq!(ask()["errors"], Value::Null);
    scene.server.fault(Match::graphql("Who"), Fault::GraphQlSecondaryLimit);
    assert!(ask()["errors"][0]["message"].as_str().unwrap().contains("secondary rate limit"));
    scene.server.world().advance(Duration::from_secs(60));
    assert_eq!(ask()["errors"], Value::Null);
}

#[test]
fn a_slow_answer_comes() {
    let scene = Scene::new();
    let started = std::time::Instant::now();
    scene.server.fault(Match::get("/user"), Fault::Delay(Duration::from_millis(50)));
    assert_eq!(scene.get("/user").status, 200);
    assert!(started.elapsed() >= Duration::from_millis(50));
}
