//! Lists in pages, and answers that have not changed.

use dayfly_github::{Call, GitHubError};
use serde_json::{Value, json};

use crate::server::{Server, answer, noon, with};

#[tokio::test]
async fn the_address_of_the_next_page_is_followed_as_it_is() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/repos/o/r/issues?state=all&per_page=100" => {
            let next = format!("<http://{}/repositories/7/issues?after=Y3%3D>; rel=\"next\"", seen.header("host"));
            with(200, &[("link", &next)], "[1,2]")
        }
        "/repositories/7/issues?after=Y3%3D" => answer(200, "[3]"),
        other => panic!("{other}"),
    })
    .await;
    let list: Vec<u32> = server.client(&noon()).pages(Call::get("/repos/o/r/issues?state=all")).await.unwrap();
    assert_eq!(list, [1, 2, 3]);
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for() {
    let other = Server::steps(vec![answer(200, "[]")]).await;
    let next = format!("<{}/repositories/7/issues?page=2>; rel=\"next\"", other.base);
    let server = Server::start(move |_, _| with(200, &[("link", &next)], "[1]")).await;
    let error = server.client(&noon()).pages::<u32>(Call::get("/repos/o/r/issues")).await.unwrap_err();
    assert!(matches!(error, GitHubError::Malformed { .. }), "{error:?}");
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn pages_without_an_end_end() {
    let server = Server::start(|seen, _| {
        let next = format!("<http://{}/a>; rel=\"next\"", seen.header("host"));
        with(200, &[("link", &next)], "[1]")
    })
    .await;
    let error = server.client(&noon()).pages::<u32>(Call::get("/a")).await.unwrap_err();
    assert!(matches!(error, GitHubError::TooLarge { .. }), "{error:?}");
    assert_eq!(server.count(), 200);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start(|seen, _| match seen.header("if-none-match") {
        "\"one\"" => with(304, &[], ""),
        _ => with(200, &[("etag", "\"one\"")], r#"{"a":1}"#),
    })
    .await;
    let github = server.client(&noon());
    for _ in 0..3 {
        assert_eq!(github.get::<Value>("/repos/o/r").await.unwrap(), json!({ "a": 1 }));
    }
    let tags: Vec<_> = server.seen().iter().map(|s| s.header("if-none-match").to_owned()).collect();
    assert_eq!(tags, ["", "\"one\"", "\"one\""]);
    // Another place is another answer.
    github.get::<Value>("/repos/o/other").await.unwrap();
    assert_eq!(server.seen()[3].header("if-none-match"), "");
}

#[tokio::test]
async fn a_refusal_is_never_kept() {
    let server = Server::start(|_, _| with(404, &[("etag", "\"none\"")], "{}")).await;
    let github = server.client(&noon());
    for _ in 0..2 {
        github.get::<Value>("/repos/o/r").await.unwrap_err();
    }
    assert_eq!(server.seen()[1].header("if-none-match"), "");
}
