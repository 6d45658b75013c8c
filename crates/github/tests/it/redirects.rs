//! Things that have moved.

use dayfly_core::ForgeRepo;
use dayfly_github::{Call, GitHubError};
use serde_json::{Value, json};

use crate::server::{Server, answer, noon, with};

#[tokio::test]
async fn a_write_to_a_renamed_repository_keeps_its_method_and_body() {
    // So GitHub does it: a read is answered 301, a write 307, both with the address by number.
    let server = Server::start(|seen, _| match (seen.method.as_str(), seen.path.as_str()) {
        ("PATCH" | "POST", path) if path.starts_with("/repos/o/old") => {
            let to = path.replace("/repos/o/old", "/repositories/7");
            with(307, &[("location", &to)], r#"{"message":"Temporary Redirect"}"#)
        }
        ("GET", "/repos/o/old") => with(301, &[("location", "/repositories/7")], "{}"),
        _ => answer(200, r#"{"full_name":"o/new"}"#),
    })
    .await;
    let github = server.client(&noon());
    let call = Call::patch("/repos/o/old/issues/1").json(&json!({ "title": "t" })).unwrap();
    github.run(call).await.unwrap();
    let call = Call::post("/repos/o/old/issues").json(&json!({ "title": "t" })).unwrap();
    github.run(call).await.unwrap();
    let seen: Vec<_> = server.seen().into_iter().map(|s| (s.method, s.path, s.body)).collect();
    let body = r#"{"title":"t"}"#;
    let expected = [
        ("PATCH", "/repos/o/old/issues/1", body),
        ("PATCH", "/repositories/7/issues/1", body),
        ("POST", "/repos/o/old/issues", body),
        ("POST", "/repositories/7/issues", body),
    ];
    assert_eq!(seen, expected.map(|(m, p, b)| (m.to_owned(), p.to_owned(), b.to_owned())));

    let moved = github.moved().await.unwrap();
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].from, ForgeRepo::new("o/old").unwrap());
    assert_eq!(moved[0].to, ForgeRepo::new("o/new").unwrap());
}

#[tokio::test]
async fn a_post_answered_301_stays_a_post() {
    let server =
        Server::steps(vec![with(301, &[("location", "/repositories/7/issues")], "{}"), answer(201, "{}")]).await;
    let call = Call::post("/repos/o/r/issues").json(&json!({ "title": "t" })).unwrap();
    server.client(&noon()).run(call).await.unwrap();
    let second = &server.seen()[1];
    assert_eq!((second.method.as_str(), second.body.as_str()), ("POST", r#"{"title":"t"}"#));
}

#[tokio::test]
async fn another_host_is_given_neither_the_token_nor_the_question() {
    let other = Server::steps(vec![answer(200, "{}")]).await;
    let to = format!("{}/repositories/7", other.base);
    let server = Server::start(move |_, _| with(302, &[("location", &to)], "{}")).await;
    let github = server.client(&noon());
    let error = github.get::<Value>("/repos/o/r").await.unwrap_err();
    assert!(matches!(error, GitHubError::Malformed { .. }), "{error:?}");
    let error = github.run(Call::put("/repos/o/r/subscription")).await.unwrap_err();
    assert!(matches!(error, GitHubError::Malformed { .. }), "{error:?}");
    assert_eq!((server.count(), other.count()), (2, 0));
    assert!(!format!("{error} {error:?}").contains(&other.base));
}

#[tokio::test]
async fn a_transferred_issue_is_read_elsewhere_and_written_nowhere() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/repos/o/r/issues/5" => with(301, &[("location", "/repositories/9/issues/77")], "{}"),
        _ => answer(200, r#"{"number":77}"#),
    })
    .await;
    let github = server.client(&noon());
    let read: Value = github.get("/repos/o/r/issues/5").await.unwrap();
    assert_eq!(read["number"], 77);
    let error = github.run(Call::patch("/repos/o/r/issues/5")).await.unwrap_err();
    assert!(matches!(error, GitHubError::Rejected { .. }), "{error:?}");
    assert_eq!(server.count(), 3);
    // An issue that moves is no move of its repository.
    assert_eq!(github.moved().await.unwrap(), []);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::steps(vec![with(302, &[("location", "/a")], "{}")]).await;
    let error = server.client(&noon()).get::<Value>("/a").await.unwrap_err();
    assert!(matches!(error, GitHubError::Malformed { .. }), "{error:?}");
    assert_eq!(server.count(), 4);
}
