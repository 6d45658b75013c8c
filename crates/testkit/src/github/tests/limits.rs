use std::time::Duration;

use serde_json::{Value, json};

use super::Scene;
use crate::github::{Fault, Limits, Match};

#[test]
fn what_was_seen_before_is_free_and_its_tag_is_the_tokens_own() {
    let scene = Scene::new();
    scene.ann.open_issue("acme/web", "t", "b");
    let path = "/repos/acme/web/issues";
    let first = scene.get(path);
    let tag = first.header("etag").unwrap().to_owned();
    let again = |person| scene.client(person).send("GET", path, &Value::Null, &[("if-none-match", &tag)]).unwrap();
    let mark = scene.server.journal().len();
    let same = again(&scene.bot);
    assert_eq!((same.status, same.header("x-ratelimit-remaining")), (304, Some("4999")));
    assert_eq!(scene.server.journal().since(mark).paid_rest(), 0);
    assert_eq!(again(&scene.ann).status, 200);
    scene.ann.comment("acme/web", 1, "more");
    assert_eq!(again(&scene.bot).status, 200);
}

#[test]
fn a_used_up_limit_refuses_until_it_is_reset() {
    let scene = Scene::new();
    scene.server.world().limit(Limits { core: 2, graphql: 1, ..Limits::default() });
    assert_eq!(scene.get("/user").status, 200);
    assert_eq!(scene.get("/user").header("x-ratelimit-remaining"), Some("0"));
    let refused = scene.get("/user");
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (403, Some("0")));
    assert_eq!(scene.client(&scene.ann).get("/user").status, 200);
    assert!(scene.graphql("{ viewer { login } }", Value::Null)["data"].is_object());
    let limited = scene.graphql("{ viewer { login } }", Value::Null);
    assert_eq!(limited["errors"][0]["type"], "RATE_LIMITED");
    scene.server.world().advance(Duration::from_secs(3600));
    assert_eq!(scene.get("/user").status, 200);
    let told = scene.get("/rate_limit").body;
    assert_eq!((&told["resources"]["core"]["used"], &told["rate"]["limit"]), (&json!(1), &json!(2)));
}

#[test]
fn who_asks_again_before_a_secondary_limit_is_over_is_found_out() {
    let scene = Scene::new();
    scene.server.fault(Match::get("/user"), Fault::SecondaryLimit(Some(Duration::from_secs(90))));
    let limited = scene.get("/user");
    assert_eq!((limited.status, limited.header("retry-after")), (403, Some("90")));
    scene.server.world().advance(Duration::from_secs(30));
    assert_eq!(scene.get("/user").header("retry-after"), Some("60"));
    assert_eq!(scene.server.take_violations().len(), 1);
    scene.server.world().advance(Duration::from_secs(60));
    assert_eq!(scene.get("/user").status, 200);
    scene.server.fault(Match::get("/user"), Fault::SecondaryLimit(None));
    assert_eq!(scene.get("/user").header("retry-after"), None);
}

#[test]
fn who_makes_too_much_in_a_minute_is_told_so() {
    let scene = Scene::new();
    scene.server.world().limit(Limits { content: Some((2, 500)), ..Limits::default() });
    let make = || scene.call("POST", "/repos/acme/web/issues", json!({ "title": "t" })).status;
    assert_eq!((make(), make(), make()), (201, 201, 403));
    scene.server.world().advance(Duration::from_secs(61));
    assert_eq!(make(), 201);
    assert_eq!(scene.web.issues().len(), 3);
}
