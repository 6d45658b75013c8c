//! The token is shown to GitHub, and to nobody else.

use std::error::Error;

use camino::Utf8Path;
use dayfly_github::{Auth, Call, GitHub, Token};
use serde_json::{Value, json};

use crate::server::{SECRET, Server, Step, answer, noon, with};

fn all_of(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(" {inner} {inner:?}"));
        source = inner.source();
    }
    text
}

#[tokio::test]
async fn no_error_and_no_file_holds_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let big = format!("\"{}\"", "x".repeat(11 << 20));
    let steps = [
        Step::HangUp,
        Step::Cut(200, "{".into()),
        answer(200, "not json"),
        answer(200, &big),
        answer(302, "{}"),
        with(302, &[("location", "https://other.example/?token=abc")], "{}"),
        with(403, &[("retry-after", "100")], "{}"),
        with(403, &[("x-ratelimit-remaining", "0")], "{}"),
        answer(304, ""),
    ];
    let statuses = [400, 401, 403, 404, 405, 409, 410, 422, 423, 429, 451, 500, 502, 503];
    let refusals = statuses.map(|status| answer(status, r#"{"message":"No."}"#));
    let mut text = String::new();
    for step in steps.into_iter().chain(refusals) {
        for method in [Call::get("/repos/o/r/issues"), Call::post("/repos/o/r/issues")] {
            let server = Server::steps(vec![step.clone()]).await;
            let github = server.builder(&noon()).journal(folder).build().unwrap();
            let call = method.json(&json!({ "title": "t" })).unwrap().key("k");
            let error = github.send::<Value>(call.clone()).await.unwrap_err();
            assert_eq!(server.seen()[0].header("authorization"), format!("Bearer {SECRET}"));
            text.push_str(&format!("{}\n{github:?} {call:?}\n", all_of(&error)));
        }
    }
    text.push_str(&std::fs::read_to_string(folder.join("writes.jsonl")).unwrap());
    text.push_str(&format!("{0} {0:?} {1:?}", Token::new(SECRET).unwrap(), Auth::Token(Token::new(SECRET).unwrap())));
    assert!(text.contains("***"));
    assert!(!text.contains(SECRET) && !text.contains("secretsecret"), "a token was shown");
    // Nor where a redirect leads: the address of a log is a secret itself.
    assert!(!text.contains("other.example"), "an address was shown");
}

#[test]
fn an_unencrypted_address_is_refused_but_on_this_machine() {
    let built = |base: &str| {
        let auth = Auth::Token(Token::new(SECRET).unwrap());
        GitHub::builder(auth, noon()).base(base).build().map(drop)
    };
    assert!(built("http://github.example/api/v3").is_err());
    assert!(built("https://user:pass@github.example/api/v3").is_err());
    assert!(built("github.example").is_err());
    assert!(built("https://github.example/api/v3").is_ok());
    assert!(built("http://127.0.0.1:9").is_ok());
    assert!(built("http://[::1]:9").is_ok());
}
