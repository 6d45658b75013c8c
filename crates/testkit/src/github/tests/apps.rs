use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dayfly_core::Clock;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::Scene;
use crate::github::GitHubApp;
use crate::github::contract::Client;

const KEY: &str = include_str!("../../../data/github/test-only-pkcs1.pem");

/// An assertion of an app that holds so many seconds.
fn assertion(scene: &Scene, issuer: &Value, seconds: i64) -> String {
    let lines: String = KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = RsaKeyPair::from_der(&STANDARD.decode(lines).unwrap()).unwrap();
    let now = scene.server.world().clock().now().as_second();
    let claims = json!({ "iat": now - 60, "exp": now + seconds, "iss": issuer }).to_string();
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn scene() -> (Scene, GitHubApp) {
    let scene = Scene::new();
    let app = scene.server.world().app("dayfly", KEY);
    (scene, app)
}

#[test]
fn an_app_shows_who_it_is_by_its_key_and_gets_a_token_that_ends() {
    let (scene, app) = scene();
    let as_app = |token: &str| Client::new(&scene.server.url(), token);
    let good = assertion(&scene, &json!(app.client_id()), 540);
    assert_eq!(as_app(&good).get("/app").body["slug"], "dayfly");
    assert_eq!(as_app(&good).get("/app/installations").body[0]["id"], app.installation());
    let of_repo = as_app(&good).get("/repos/acme/web/installation");
    assert_eq!((of_repo.status, &of_repo.body["account"]["login"]), (200, &json!("acme")));
    let path = format!("/app/installations/{}/access_tokens", app.installation());
    let narrow = json!({ "repository_ids": [scene.web.id()], "permissions": { "issues": "write" } });
    let made = as_app(&good).call("POST", &path, &narrow);
    assert_eq!((made.status, &made.body["permissions"]["issues"]), (201, &json!("write")));
    let client = as_app(made.body["token"].as_str().unwrap());
    let issue = client.call("POST", "/repos/acme/web/issues", &json!({ "title": "t" }));
    assert_eq!((&issue.body["user"]["login"], issue.status), (&json!("dayfly[bot]"), 201));
    assert_eq!(issue.body["performed_via_github_app"]["slug"], "dayfly");
    assert_eq!(client.get("/installation/repositories").body["total_count"], 1);
    assert_eq!(client.get("/user").status, 403);
    scene.server.world().advance(Duration::from_secs(3601));
    assert_eq!(client.get("/repos/acme/web").status, 401);
}

#[test]
fn an_assertion_that_is_too_long_over_or_of_another_is_refused() {
    let (scene, app) = scene();
    let status = |token: &str| Client::new(&scene.server.url(), token).get("/app").status;
    assert_eq!(status(&assertion(&scene, &json!(app.id()), 540)), 200);
    assert_eq!(status(&assertion(&scene, &json!(app.id()), 601)), 401);
    assert_eq!(status(&assertion(&scene, &json!(app.id()), 0)), 401);
    assert_eq!(status(&assertion(&scene, &json!(1), 540)), 404);
    let good = assertion(&scene, &json!(app.id()), 540);
    let (text, _) = good.rsplit_once('.').unwrap();
    assert_eq!(status(&format!("{text}.c2lnbmVk")), 401);
    assert_eq!(status(scene.bot.token()), 401);
}

#[test]
fn a_token_reaches_no_further_than_its_installation() {
    let (scene, app) = scene();
    let world = scene.server.world();
    let _ = world.repo("acme/secret").private();
    let app = app.only_in(&["acme/web"]).permitted("issues", Some("read"));
    let client = Client::new(&scene.server.url(), &app.token());
    assert_eq!(client.get("/repos/acme/secret").status, 404);
    assert_eq!(client.get("/repos/acme/web/issues").status, 200);
    let refused = client.call("POST", "/repos/acme/web/issues", &json!({ "title": "t" }));
    assert_eq!((refused.status, refused.header("x-accepted-github-permissions")), (403, Some("issues=write")));
    assert_eq!(refused.body["message"], "Resource not accessible by integration");
}
