//! The checks of answers about pull requests, checked.

use serde_json::{Value, json};

use super::client::scene;
use crate::github::tests::mutants::tried;
use crate::github::{Annotation, BranchRules, CheckState, StatusState};

#[test]
fn each_key_that_is_always_there_is_missed_when_it_is_not() {
    let scene = scene();
    scene.repo.protect("main", BranchRules { checks: vec!["ci".into()], ..BranchRules::default() });
    let number = scene.opened("work");
    let sha = scene.repo.pull(number).head_sha;
    let said = Annotation { path: "a.txt".into(), line: 1, level: "failure".into(), message: "bad".into() };
    scene.repo.failing_check(&sha, "lint", "log", vec![said]);
    let job = scene.get("/commits/work/check-runs").body["check_runs"][0]["id"].clone();
    scene.repo.check(&sha, "ci", CheckState::Success);
    scene.repo.status(&sha, "deploy", StatusState::Success);
    scene.ann.request_changes("ann/web", number, "Not yet.");
    scene.ann.dismiss_reviews_of("ann/web", number, &scene.ann);
    scene.ann.remark("ann/web", number, ("a.txt", 1), "Why?");
    let pull = format!("/pulls/{number}");
    let review = json!({ "event": "COMMENT", "body": "Hm." });
    let calls = [
        ("GET", "/pulls", "/pulls".to_owned(), Value::Null),
        ("GET", "/pulls/{pull_number}", pull.clone(), Value::Null),
        ("PATCH", "/pulls/{pull_number}", pull.clone(), json!({ "title": "t" })),
        ("GET", "/pulls/{pull_number}/files", format!("{pull}/files"), Value::Null),
        ("GET", "/pulls/{pull_number}/commits", format!("{pull}/commits"), Value::Null),
        ("GET", "/pulls/{pull_number}/reviews", format!("{pull}/reviews"), Value::Null),
        ("POST", "/pulls/{pull_number}/reviews", format!("{pull}/reviews"), review),
        ("GET", "/pulls/{pull_number}/comments", format!("{pull}/comments"), Value::Null),
        ("GET", "/commits/{ref}/check-runs", "/commits/work/check-runs".to_owned(), Value::Null),
        ("GET", "/commits/{ref}/check-suites", "/commits/work/check-suites".to_owned(), Value::Null),
        ("GET", "/check-runs/{check_run_id}/annotations", format!("/check-runs/{job}/annotations"), Value::Null),
        ("GET", "/commits/{ref}/status", "/commits/work/status".to_owned(), Value::Null),
        ("POST", "/statuses/{sha}", format!("/statuses/{sha}"), json!({ "state": "success" })),
        ("GET", "/actions/runs", "/actions/runs".to_owned(), Value::Null),
        ("GET", "/git/ref/{ref}", "/git/ref/heads/work".to_owned(), Value::Null),
        ("POST", "/git/refs", "/git/refs".to_owned(), json!({ "ref": "refs/heads/more", "sha": sha })),
        ("GET", "/compare/{basehead}", "/compare/main...work".to_owned(), Value::Null),
        ("PUT", "/pulls/{pull_number}/merge-async", format!("{pull}/merge-async"), json!({})),
        ("PUT", "/pulls/{pull_number}/merge", format!("{pull}/merge"), json!({})),
    ];
    let mut mutants = 0;
    for (method, template, path, body) in calls {
        let told = scene.send(method, &path, &body, scene.bot.token());
        assert!(told.status < 300, "{method} {path}: {}", told.text);
        mutants += tried(method, &format!("/repos/{{owner}}/{{repo}}{template}"), told.status, &told.body);
    }
    assert!(mutants > 1500, "only {mutants} mutants were tried");
}
