//! Checks, statuses, logs and reruns.

use serde_json::{Value, json};

use super::client::{request, scene};
use crate::github::{Annotation, BranchRules, CheckState, StatusState};

#[test]
fn the_latest_run_of_each_name_is_what_counts() {
    let scene = scene();
    let number = scene.opened("work");
    let head = scene.repo.pull(number).head_sha;
    scene.repo.check(&head, "ci", CheckState::Failure);
    scene.repo.check(&head, "docs", CheckState::InProgress);
    scene.repo.check(&head, "ci", CheckState::Success);
    let told = scene.get(&format!("/commits/{head}/check-runs")).body;
    let runs: Vec<_> =
        told["check_runs"].as_array().unwrap().iter().map(|run| (&run["name"], &run["conclusion"])).collect();
    assert_eq!(runs, [(&json!("ci"), &json!("success")), (&json!("docs"), &Value::Null)]);
    let all = scene.get("/commits/work/check-runs?filter=all").body;
    assert_eq!(all["total_count"], 3);
    assert_eq!(scene.get("/commits/work/check-runs?check_name=docs").body["total_count"], 1);
    assert_eq!(scene.get("/commits/nothing/check-runs").status, 422);
    let suites = scene.get("/commits/work/check-suites").body;
    assert_eq!(suites["check_suites"][0]["latest_check_runs_count"], 2);
    // Checks do not touch the time of the last update.
    let updated = scene.repo.issue(number).updated_at;
    scene.world.advance(std::time::Duration::from_secs(60));
    scene.repo.check(&head, "docs", CheckState::Success);
    assert_eq!(scene.repo.issue(number).updated_at, updated);
}

#[test]
fn a_commit_without_statuses_is_told_as_pending() {
    let scene = scene();
    let sha = scene.branch("work");
    let combined = || scene.get("/commits/work/status").body;
    assert_eq!((&combined()["state"], &combined()["total_count"]), (&json!("pending"), &json!(0)));
    scene.repo.status(&sha, "lint", StatusState::Success);
    assert_eq!(combined()["state"], "success");
    let told = scene.post(&format!("/statuses/{sha}"), &json!({ "state": "error", "context": "deploy" }));
    assert_eq!((told.status, &told.body["creator"]["login"]), (201, &json!("dayfly-bot")));
    assert_eq!((&combined()["state"], &combined()["total_count"]), (&json!("failure"), &json!(2)));
    scene.repo.status(&sha, "deploy", StatusState::Success);
    assert_eq!(combined()["state"], "success");
}

#[test]
fn what_is_required_is_told_by_the_rules_of_the_branch() {
    let scene = scene();
    assert_eq!(scene.get("/rules/branches/main").body, json!([]));
    let rules = BranchRules { checks: vec!["ci".into()], approvals: 2, up_to_date: true, ..BranchRules::default() };
    scene.repo.protect("main", rules);
    let told = scene.get("/rules/branches/main").body;
    assert_eq!(told[0]["parameters"]["required_approving_review_count"], 2);
    assert_eq!(told[1]["parameters"]["required_status_checks"], json!([{ "context": "ci" }]));
    assert_eq!(told[1]["parameters"]["strict_required_status_checks_policy"], true);
    let number = scene.opened("work");
    let state = || {
        scene.get(&format!("/pulls/{number}"));
        scene.get(&format!("/pulls/{number}")).body["mergeable_state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "blocked");
    scene.repo.protect("main", BranchRules { up_to_date: true, ..BranchRules::default() });
    scene.repo.commit("main", "meanwhile", &[("b.txt", "theirs\n")]);
    assert_eq!(state(), "behind");
    scene.repo.protect("main", BranchRules::default());
    scene.repo.check(&scene.repo.pull(number).head_sha, "optional", CheckState::Failure);
    assert_eq!(state(), "unstable");
}

#[test]
fn a_failed_job_has_a_log_elsewhere_and_can_be_run_again() {
    let scene = scene();
    let sha = scene.branch("work");
    let said = Annotation { path: "a.txt".into(), line: 1, level: "failure".into(), message: "bad word".into() };
    scene.repo.failing_check(&sha, "ci", "line 1\nassertion failed\n", vec![said]);
    let run = scene.get("/commits/work/check-runs").body["check_runs"][0].clone();
    let id = run["id"].as_u64().unwrap();
    assert_eq!(run["output"]["annotations_count"], 1);
    assert!(run["details_url"].as_str().unwrap().ends_with(&format!("/job/{id}")));
    let annotations = scene.get(&format!("/check-runs/{id}/annotations")).body;
    assert_eq!((&annotations[0]["path"], &annotations[0]["message"]), (&json!("a.txt"), &json!("bad word")));
    let log = scene.get(&format!("/actions/jobs/{id}/logs"));
    assert_eq!(log.status, 302);
    let to = log.header("location").unwrap();
    let (origin, path) = to.split_at(to.find("/job-logs").unwrap());
    assert_ne!(origin, scene.server.origin(), "the log lies with another host");
    let path = path.to_owned();
    assert_eq!(request(&scene.server.origin(), "GET", &path, "", &Value::Null).text, "line 1\nassertion failed\n");
    let given_away = request(&scene.server.origin(), "GET", &path, "authorization: Bearer x\r\n", &Value::Null);
    assert_eq!(given_away.status, 403);
    assert_eq!(scene.server.take_violations().len(), 1);
    let runs = scene.get("/actions/runs?branch=work").body;
    assert_eq!((&runs["total_count"], &runs["workflow_runs"][0]["conclusion"]), (&json!(1), &json!("failure")));
    let of = runs["workflow_runs"][0]["id"].as_u64().unwrap();
    assert_eq!(scene.post(&format!("/actions/runs/{of}/rerun-failed-jobs"), &json!({})).status, 201);
    let now = scene.get("/commits/work/check-runs").body["check_runs"][0].clone();
    assert_eq!((&now["status"], &now["conclusion"]), (&json!("queued"), &Value::Null));
    assert_ne!(now["id"], run["id"]);
}

#[test]
fn only_apps_make_check_runs() {
    let scene = scene();
    let sha = scene.branch("work");
    let told = scene.post("/check-runs", &json!({ "name": "dayfly", "head_sha": sha, "status": "in_progress" }));
    assert_eq!(told.said(), "403: You must authenticate via a GitHub App.");
}
