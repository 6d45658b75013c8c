//! What GitHub refuses, and how the caller is told.

use dayfly_github::{Call, GitHubError};
use serde_json::Value;

use crate::server::{Server, answer, noon, with};

async fn refused(status: u16, headers: &[(&'static str, &str)], body: &str) -> GitHubError {
    let server = Server::steps(vec![with(status, headers, body)]).await;
    let error = server.client(&noon()).run(Call::post("/repos/o/r/labels")).await.unwrap_err();
    assert_eq!(server.count(), 1, "a refusal is not repeated");
    error
}

#[tokio::test]
async fn not_found_may_be_no_access_and_says_what_would_do() {
    let headers = [("x-accepted-github-permissions", "issues=write"), ("x-github-request-id", "AB:1")];
    let error = refused(404, &headers, r#"{"message":"Not Found"}"#).await;
    assert!(error.is_absent() && !error.is_transient());
    let text = "not found, or no access: POST /repos/o/r/labels (request AB:1); the token needs issues=write";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_missing_permission_is_not_a_limit() {
    let body = r#"{"message":"Resource not accessible by integration"}"#;
    let error = refused(403, &[("x-ratelimit-remaining", "4999")], body).await;
    assert!(matches!(error, GitHubError::Forbidden { .. }), "{error:?}");
    assert_eq!(error.to_string(), "not permitted: POST /repos/o/r/labels: Resource not accessible by integration");
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    let sentence = r#"{"message":"Because."}"#;
    assert!(matches!(refused(401, &[], sentence).await, GitHubError::Unauthorised { .. }));
    assert!(matches!(refused(405, &[], sentence).await, GitHubError::NotNow { .. }));
    assert!(matches!(refused(409, &[], sentence).await, GitHubError::Conflict { .. }));
    assert!(matches!(refused(410, &[], sentence).await, GitHubError::Gone { .. }));
    assert!(matches!(refused(400, &[], sentence).await, GitHubError::Rejected { status: 400, .. }));
    assert!(matches!(refused(451, &[], sentence).await, GitHubError::Rejected { status: 451, .. }));
    let error = refused(451, &[], "<html>a page</html>").await;
    assert_eq!(error.to_string(), "refused with 451: POST /repos/o/r/labels: without a reason");
}

#[tokio::test]
async fn what_exists_already_is_told_from_what_is_wrong() {
    let exists =
        r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"already_exists","field":"name"}]}"#;
    assert!(refused(422, &[], exists).await.already_exists());
    let pull = r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for o:b."}]}"#;
    assert!(refused(422, &[], pull).await.already_exists());
    let wrong =
        r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"missing_field","field":"name"}]}"#;
    let error = refused(422, &[], wrong).await;
    assert!(!error.already_exists());
    assert_eq!(error.to_string(), "refused: POST /repos/o/r/labels: Validation Failed; name: missing_field");
    let sentence = r#"{"message":"Validation Failed","errors":["No commits between main and b"]}"#;
    assert!(refused(422, &[], sentence).await.to_string().ends_with("; No commits between main and b"));
}

#[tokio::test]
async fn a_graphql_answer_with_errors_is_refused_whole() {
    let body = r#"{"data":{"a":{"id":1},"b":null},"errors":[{"type":"RESOURCE_LIMITS_EXCEEDED","path":["b"],"message":"Too much."}]}"#;
    let server = Server::steps(vec![answer(200, body)]).await;
    let github = server.client(&noon());
    let error = github.graphql::<Value>("query Q { a { id } b { id } }", &(), None).await.unwrap_err();
    assert!(error.to_string().ends_with("Too much."), "{error}");
    let partial = github.graphql_partial::<Value>("query Q { a { id } b { id } }", &(), None).await;
    assert!(matches!(partial, Err(GitHubError::GraphQl { .. })), "{partial:?}");
}

#[tokio::test]
async fn what_is_missing_from_a_graphql_answer_is_named() {
    let body = r#"{"data":{"a":{"id":1},"b":null},"errors":[{"type":"NOT_FOUND","path":["b"],"message":"Could not resolve."}]}"#;
    let server = Server::steps(vec![answer(200, body)]).await;
    let github = server.client(&noon());
    github.graphql::<Value>("query Q { a { id } b { id } }", &(), None).await.unwrap_err();
    let partial = github.graphql_partial::<Value>("query Q { a { id } b { id } }", &(), None).await.unwrap();
    assert_eq!(partial.data["a"]["id"], 1);
    assert_eq!(partial.missing[0].path, ["b"]);
    let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(sent["operationName"], "Q");
}

#[tokio::test]
async fn something_went_wrong_is_an_outage() {
    let wrong = r#"{"errors":[{"message":"Something went wrong while executing your query. Please include `AB:1`"}]}"#;
    let server = Server::steps(vec![answer(200, wrong), answer(200, r#"{"data":{"a":1}}"#)]).await;
    let value: Value = server.client(&noon()).graphql("query Q { a }", &(), None).await.unwrap();
    assert_eq!((value["a"].as_i64(), server.count()), (Some(1), 2));

    // A mutation may have been done.
    let server = Server::steps(vec![answer(200, wrong)]).await;
    let error = server.client(&noon()).graphql::<Value>("mutation M { a }", &(), None).await.unwrap_err();
    assert!(matches!(error, GitHubError::Indeterminate { .. }), "{error:?}");
    assert_eq!(server.count(), 1);
}
