//! Answers that do not come.

use camino::Utf8Path;
use dayfly_github::{Call, GitHub, GitHubError};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::server::{Server, Step, answer, noon};

fn comment() -> Call {
    Call::post("/repos/o/r/issues/1/comments").json(&json!({ "body": "hello" })).unwrap().key("comment-1")
}

async fn sent(github: &GitHub, call: Call) -> GitHubError {
    github.send::<Value>(call).await.unwrap_err()
}

#[tokio::test]
async fn a_post_answered_502_is_not_repeated() {
    let server = Server::steps(vec![answer(502, "<html>Bad gateway</html>")]).await;
    let error = sent(&server.client(&noon()), comment()).await;
    assert!(matches!(error, GitHubError::Indeterminate { .. }), "{error:?}");
    assert!(!error.is_transient());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_post_whose_connection_breaks_is_not_repeated() {
    let server = Server::steps(vec![Step::HangUp]).await;
    let error = sent(&server.client(&noon()), comment()).await;
    assert!(matches!(error, GitHubError::Indeterminate { .. }), "{error:?}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_post_whose_answer_is_cut_is_not_repeated() {
    let server = Server::steps(vec![Step::Cut(201, r#"{"id":"#.into())]).await;
    let error = sent(&server.client(&noon()), comment()).await;
    assert!(matches!(error, GitHubError::Indeterminate { .. }), "{error:?}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_post_whose_answer_cannot_be_read_has_to_be_looked_for() {
    let server = Server::steps(vec![answer(201, "<html>welcome</html>")]).await;
    let error = sent(&server.client(&noon()), comment()).await;
    assert!(matches!(error, GitHubError::Indeterminate { .. }), "{error:?}");
}

#[tokio::test]
async fn a_post_that_found_nobody_is_sent_again() {
    // Nothing listens there, so nothing was sent.
    let server = Server::steps(vec![answer(200, "{}")]).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let github = server.builder(&noon()).base(format!("http://{closed}")).build().unwrap();
    let error = sent(&github, comment()).await;
    assert!(matches!(error, GitHubError::Unavailable { status: None, .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_read_is_repeated_twice() {
    let html = answer(502, "<html>Bad gateway</html>");
    let server = Server::steps(vec![html.clone(), Step::HangUp, answer(200, r#"{"a":1}"#)]).await;
    let value: Value = server.client(&noon()).get("/repos/o/r").await.unwrap();
    assert_eq!((value, server.count()), (json!({ "a": 1 }), 3));

    let server = Server::steps(vec![html]).await;
    let error = server.client(&noon()).get::<Value>("/repos/o/r").await.unwrap_err();
    assert!(matches!(error, GitHubError::Unavailable { status: Some(502), .. }), "{error:?}");
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_change_is_repeated_because_twice_is_once() {
    let server = Server::steps(vec![Step::HangUp, answer(200, "{}")]).await;
    let call = Call::patch("/repos/o/r/issues/1").json(&json!({ "state": "closed" })).unwrap();
    server.client(&noon()).run(call).await.unwrap();
    let bodies: Vec<_> = server.seen().into_iter().map(|s| (s.method, s.body)).collect();
    let same = ("PATCH".to_owned(), r#"{"state":"closed"}"#.to_owned());
    assert_eq!(bodies, [same.clone(), same]);
}

#[tokio::test]
async fn the_next_process_knows_what_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let clock = noon();
    let server = Server::steps(vec![Step::HangUp, answer(201, r#"{"id":1}"#), answer(404, "{}")]).await;
    let github = server.builder(&clock).journal(folder).build().unwrap();
    sent(&github, comment()).await;
    github.send::<Value>(comment().key("comment-2")).await.unwrap();
    sent(&github, comment().key("comment-3")).await;
    drop(github);

    let github = server.builder(&clock).journal(folder).build().unwrap();
    let begun = "2026-11-20T12:00:00Z".parse().unwrap();
    assert_eq!(github.all_unsettled(), [("comment-1".to_owned(), begun)]);
    assert_eq!(github.quiet_until("comment-1"), Some(begun + SignedDuration::from_secs(15)));
    clock.advance(SignedDuration::from_secs(15));
    assert_eq!(github.quiet_until("comment-1"), None);
    assert_eq!(github.unsettled("comment-1"), Some(begun));
    github.settle("comment-1").await.unwrap();
    drop(github);

    let github = server.builder(&clock).journal(folder).build().unwrap();
    assert_eq!(github.all_unsettled(), []);
}

/// The engine drops a call that takes too long. Whoever asks again must find out that it may have been done.
#[tokio::test]
async fn a_write_that_is_given_up_stays_begun() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let server = Server::steps(vec![Step::Silence]).await;
    let github = server.builder(&noon()).journal(folder).build().unwrap();
    let asked = async {
        while server.count() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = github.send::<Value>(comment()) => panic!("{answer:?}"),
        () = asked => {}
    }
    let begun = "2026-11-20T12:00:00Z".parse().unwrap();
    assert_eq!(github.all_unsettled(), [("comment-1".to_owned(), begun)]);
    assert_eq!(github.quiet_until("comment-1"), Some(begun + SignedDuration::from_secs(15)));
    drop(github);
    let github = server.builder(&noon()).journal(folder).build().unwrap();
    assert_eq!(github.unsettled("comment-1"), Some(begun), "the next process knows it, too");
}

#[tokio::test]
async fn what_is_too_large_is_not_taken_in() {
    let server = Server::start(|_, _| answer(200, &format!("\"{}\"", "x".repeat(11 << 20)))).await;
    let error = server.client(&noon()).get::<Value>("/repos/o/r").await.unwrap_err();
    assert!(matches!(error, GitHubError::TooLarge { .. }), "{error:?}");
}
