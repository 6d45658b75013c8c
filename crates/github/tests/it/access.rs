//! With what dayfly shows who it is.

use std::sync::Arc;

use dayfly_core::{FixedClock, ForgeRepo};
use dayfly_github::{App, Auth, Call, Feature, GitHub, GitHubError, Pace};
use jiff::SignedDuration;
use serde_json::Value;

use crate::server::{SECRET, Seen, Server, Step, answer, noon, with};

const KEY: &str = include_str!("../data/test-only-pkcs1.pem");

#[tokio::test]
async fn each_call_says_what_it_is() {
    let server = Server::steps(vec![answer(200, "{}")]).await;
    server.client(&noon()).get::<Value>("/user").await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("accept"), "application/vnd.github+json");
    assert_eq!(seen.header("x-github-api-version"), "2022-11-28");
    assert_eq!(seen.header("authorization"), format!("Bearer {SECRET}"));
    assert_eq!(seen.header("user-agent"), concat!("dayfly/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_token_is_looked_for_where_it_may_be() {
    let found = |auth: Result<Auth, GitHubError>| match auth.unwrap() {
        Auth::Token(token) => token.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    let both = |name: &str| Some(format!("of-{name}"));
    assert_eq!(found(Auth::discover(both, async { None }).await), "of-GITHUB_TOKEN");
    let second = |name: &str| Some(if name == "GH_TOKEN" { "of-gh".to_owned() } else { String::new() });
    assert_eq!(found(Auth::discover(second, async { Some("of-program".into()) }).await), "of-gh");
    assert_eq!(found(Auth::discover(|_| None, async { Some("of-program\n".into()) }).await), "of-program");
    let error = Auth::discover(|_| None, async { None }).await.unwrap_err();
    assert!(error.to_string().contains("GITHUB_TOKEN"), "{error}");
    assert!(matches!(
        Auth::discover(|_| Some("a b".into()), async { None }).await,
        Err(GitHubError::Credentials { .. })
    ));
}

fn app_of(server: &Server, clock: &Arc<FixedClock>) -> GitHub {
    let app = App::builder("12", KEY).unwrap().permission("issues", "write");
    let app = app.repositories(["o/r", "o/s", "p/t"].map(|name| ForgeRepo::new(name).unwrap())).build();
    let github = GitHub::builder(Auth::App(Box::new(app)), clock.clone());
    github.base(server.base.clone()).pace(Pace::none()).build().unwrap()
}

/// A GitHub that gives tokens `ghs_N`, of which those before `good_from` are refused.
fn installations(good_from: usize) -> impl Fn(&Seen, usize) -> Step {
    let given = std::sync::atomic::AtomicUsize::new(0);
    move |seen, _| match seen.path.as_str() {
        "/app" => answer(200, r#"{"slug":"mender"}"#),
        path if path.ends_with("/installation") => answer(200, r#"{"id":5}"#),
        "/app/installations/5/access_tokens" => {
            let n = given.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            answer(201, &format!(r#"{{"token":"ghs_{n}","expires_at":"2026-11-20T13:00:00Z"}}"#))
        }
        _ => {
            let n = seen.header("authorization").trim_start_matches("Bearer ghs_").parse().unwrap_or(0);
            if n < good_from { answer(401, r#"{"message":"Bad credentials"}"#) } else { answer(200, "{}") }
        }
    }
}

fn paths(server: &Server) -> Vec<String> {
    server.seen().into_iter().map(|s| format!("{} {}", s.method, s.path)).collect()
}

#[tokio::test]
async fn an_app_takes_a_token_for_its_installation_and_keeps_it() {
    let (server, clock) = (Server::start(installations(0)).await, noon());
    let github = app_of(&server, &clock);
    for _ in 0..2 {
        github.run(Call::get("/repos/o/r/issues")).await.unwrap();
    }
    let asked = [
        "GET /repos/o/r/installation",
        "POST /app/installations/5/access_tokens",
        "GET /repos/o/r/issues",
        "GET /repos/o/r/issues",
    ];
    assert_eq!(paths(&server), asked);
    let scoped: Value = serde_json::from_str(&server.seen()[1].body).unwrap();
    assert_eq!(scoped, serde_json::json!({ "repositories": ["r", "s"], "permissions": { "issues": "write" } }));
    assert!(server.seen()[1].header("authorization").starts_with("Bearer ey"));
    assert_eq!(server.seen()[3].header("authorization"), "Bearer ghs_0");

    // Five minutes before its end it is no longer used.
    clock.advance(SignedDuration::from_mins(54));
    github.run(Call::get("/repos/o/r/issues")).await.unwrap();
    assert_eq!(server.count(), 5);
    clock.advance(SignedDuration::from_mins(1));
    github.run(Call::get("/repos/o/r/issues")).await.unwrap();
    assert_eq!(server.seen()[6].header("authorization"), "Bearer ghs_1");
}

#[tokio::test]
async fn a_refused_installation_token_is_renewed_once() {
    let server = Server::start(installations(1)).await;
    let github = app_of(&server, &noon());
    github.run(Call::post("/repos/o/r/issues")).await.unwrap();
    let calls = paths(&server).iter().filter(|p| p.as_str() == "POST /repos/o/r/issues").count();
    assert_eq!(calls, 2);

    let server = Server::start(installations(99)).await;
    let error = app_of(&server, &noon()).run(Call::get("/repos/o/r/issues")).await.unwrap_err();
    assert!(matches!(error, GitHubError::Unauthorised { .. }), "{error:?}");
    let calls = paths(&server).iter().filter(|p| p.as_str() == "GET /repos/o/r/issues").count();
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn a_repository_that_is_gone_keeps_the_token_from_no_other() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/repos/o/s/installation" => answer(404, "{}"),
        path if path.ends_with("/installation") => answer(200, r#"{"id":5}"#),
        "/app/installations/5/access_tokens" if seen.body.contains("\"s\"") => answer(422, r#"{"message":"no"}"#),
        "/app/installations/5/access_tokens" => answer(201, r#"{"token":"ghs_1","expires_at":"2026-11-20T13:00:00Z"}"#),
        _ => answer(200, "{}"),
    })
    .await;
    let github = app_of(&server, &noon());
    github.run(Call::get("/repos/o/r/issues")).await.unwrap();
    let asked: Vec<Value> =
        server.seen().iter().filter(|s| s.method == "POST").map(|s| serde_json::from_str(&s.body).unwrap()).collect();
    assert_eq!(asked[1]["repositories"], serde_json::json!(["r"]), "never one for all there are");
}

#[tokio::test]
async fn an_app_that_was_installed_anew_is_found_again() {
    let installed = Arc::new(std::sync::atomic::AtomicUsize::new(5));
    let now = installed.clone();
    let server = Server::start(move |seen, _| {
        let id = now.load(std::sync::atomic::Ordering::SeqCst);
        match seen.path.as_str() {
            path if path.ends_with("/installation") => answer(200, &format!(r#"{{"id":{id}}}"#)),
            path if path == format!("/app/installations/{id}/access_tokens") => {
                answer(201, r#"{"token":"ghs_1","expires_at":"2026-11-20T13:00:00Z"}"#)
            }
            path if path.starts_with("/app/") => answer(404, "{}"),
            _ => answer(200, "{}"),
        }
    })
    .await;
    let clock = noon();
    let github = app_of(&server, &clock);
    github.run(Call::get("/repos/o/r/issues")).await.unwrap();
    installed.store(6, std::sync::atomic::Ordering::SeqCst);
    clock.advance(jiff::SignedDuration::from_hours(1));
    github.run(Call::get("/repos/o/r/issues")).await.unwrap();
}

#[tokio::test]
async fn gits_token_is_good_for_one_repository() {
    let server = Server::start(installations(0)).await;
    let repository: ForgeRepo = ForgeRepo::new("o/r").unwrap();
    let token = app_of(&server, &noon()).git_token(&repository).await.unwrap();
    assert_eq!(token.expose(), "ghs_0");
    let scoped: Value = serde_json::from_str(&server.seen()[1].body).unwrap();
    assert_eq!(scoped["repositories"], serde_json::json!(["r"]));
}

#[tokio::test]
async fn dayfly_knows_who_it_is() {
    let server = Server::start(installations(0)).await;
    let github = app_of(&server, &noon());
    assert_eq!(github.identity().await.unwrap().login, "mender[bot]");
    github.identity().await.unwrap();
    assert_eq!(server.count(), 1);

    let server = Server::steps(vec![answer(200, r#"{"login":"ada","type":"User"}"#)]).await;
    let github = server.client(&noon());
    let me = github.identity().await.unwrap();
    assert_eq!((me.login.as_str(), me.is_person), ("ada", true));

    // So it is with the token of a CI job.
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/user" => answer(403, r#"{"message":"Resource not accessible by integration"}"#),
        _ => answer(200, r#"{"data":{"viewer":{"login":"github-actions[bot]"}}}"#),
    })
    .await;
    let github = server.client(&noon());
    let me = github.identity().await.unwrap();
    assert_eq!((me.login.as_str(), me.is_person), ("github-actions[bot]", false));
}

#[tokio::test]
async fn a_server_is_asked_for_what_it_can_do_once() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/api/v3/meta" => answer(200, r#"{"installed_version":"3.19.1"}"#),
        "/api/v3/repos/o/r" => answer(200, "{}"),
        "/api/graphql" => answer(200, r#"{"data":{}}"#),
        _ => with(404, &[], "{}"),
    })
    .await;
    let github = server.builder(&noon()).base(format!("{}/api/v3/", server.base)).build().unwrap();
    let can = github.capabilities().await.unwrap();
    assert!(can.dependencies && !can.sub_issues && !can.merge_async);
    github.capabilities().await.unwrap();
    assert_eq!(server.count(), 1);
    github.graphql::<Value>("query Q { a }", &(), None).await.unwrap();

    // What it turns out to lack, it lacks for good; what cannot be read proves nothing.
    let repository = |name: &str| ForgeRepo::new(name).unwrap();
    assert!(!github.lacks(Feature::Dependencies, &repository("o/hidden")).await.unwrap());
    assert!(github.capabilities().await.unwrap().dependencies);
    assert!(github.lacks(Feature::Dependencies, &repository("o/r")).await.unwrap());
    assert!(!github.capabilities().await.unwrap().dependencies);
}
