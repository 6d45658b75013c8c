//! Merging: at once, later, and by itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Scene, Told, of, scene};
use crate::github::{BranchRules, CheckState, GitHubServer};

fn merge(scene: &Scene, number: u64, body: &Value) -> Told {
    scene.put(&format!("/pulls/{number}/merge"), body)
}

fn merge_async(scene: &Scene, number: u64, body: &Value) -> Told {
    scene.put(&format!("/pulls/{number}/merge-async"), body)
}

/// Asks until the merge is pending no more, and gives how it ended and how often that was asked.
fn polled(scene: &Scene, number: u64, uuid: &str) -> (String, Value, usize) {
    for times in 1..10 {
        let told = scene.get(&format!("/pulls/{number}/merge-async/{uuid}")).body;
        if told["status"] != "pending" {
            return (told["status"].as_str().unwrap().to_owned(), told["details"].clone(), times);
        }
    }
    panic!("it is pending for ever");
}

fn needs_ci() -> BranchRules {
    BranchRules { checks: vec!["ci".to_owned()], ..BranchRules::default() }
}

#[test]
fn a_merge_needs_the_head_that_was_seen() {
    let scene = scene();
    let number = scene.opened("work");
    let seen = scene.repo.pull(number).head_sha;
    scene.repo.commit("work", "more", &[("c.txt", "1\n")]);
    let moved = merge(&scene, number, &json!({ "sha": seen }));
    assert_eq!(moved.said(), "409: Head branch was modified. Review and try the merge again.");
    assert_eq!(scene.get(&format!("/pulls/{number}/merge")).status, 404);
    let now = scene.repo.pull(number).head_sha;
    let told = merge(&scene, number, &json!({ "sha": now, "merge_method": "squash", "commit_title": "One change" }));
    assert_eq!((told.status, &told.body["merged"]), (200, &json!(true)));
    assert_eq!(scene.repo.git().log("main"), ["One change", "start"]);
    assert_eq!(scene.repo.git().head("main").as_deref(), told.body["sha"].as_str());
    assert_eq!(scene.get(&format!("/pulls/{number}/merge")).status, 204);
    let told = scene.get(&format!("/pulls/{number}")).body;
    assert_eq!(
        (&told["state"], &told["merged"], &told["merged_by"]["login"]),
        (&json!("closed"), &json!(true), &json!("dayfly-bot"))
    );
    assert_eq!(merge(&scene, number, &json!({})).said(), "405: Pull Request is not mergeable");
}

#[test]
fn a_merge_into_the_default_branch_closes_what_the_body_says() {
    let scene = scene();
    let (one, two) = (scene.ann.open_issue("ann/web", "One", ""), scene.ann.open_issue("ann/web", "Two", ""));
    scene.branch("work");
    let body = format!("Closes #{one}, and see #{two}");
    let number = scene.bot.open_pull("ann/web", ("work", "main"), "Work", &body);
    assert_eq!(merge(&scene, number, &json!({})).status, 200);
    assert_eq!((scene.repo.issue(one).open, scene.repo.issue(two).open), (false, true));
    assert_eq!(scene.repo.issue(one).state_reason.as_deref(), Some("completed"));
}

#[test]
fn drafts_conflicts_and_rules_are_in_the_way_of_a_merge() {
    let scene = scene();
    scene.branch("draft");
    let draft = scene.post("/pulls", &json!({ "title": "d", "head": "draft", "base": "main", "draft": true })).body;
    let number = draft["number"].as_u64().unwrap();
    assert_eq!(merge(&scene, number, &json!({})).said(), "405: Pull Request is still a draft");
    let number = scene.opened("work");
    scene.repo.protect("main", BranchRules { methods: vec!["squash"], ..needs_ci() });
    let squash = json!({ "merge_method": "squash" });
    let said = |body: &Value| merge(&scene, number, body).said();
    assert_eq!(said(&json!({})), "405: Merge commits are not allowed on this repository.");
    assert_eq!(said(&squash), "405: Required status check \"ci\" is expected.");
    let head = scene.repo.pull(number).head_sha;
    scene.repo.check(&head, "ci", CheckState::InProgress);
    assert_eq!(said(&squash), "405: Required status check \"ci\" is in progress.");
    scene.repo.check(&head, "ci", CheckState::Failure);
    assert_eq!(said(&squash), "405: Required status check \"ci\" is failing.");
    scene.repo.check(&head, "ci", CheckState::Success);
    scene.repo.commit("main", "meanwhile", &[("a.txt", "theirs\n")]);
    assert_eq!(said(&squash), "405: Pull Request is not mergeable");
    let eve = scene.send("PUT", &format!("/pulls/{number}/merge"), &json!({}), scene.eve.token());
    assert_eq!(eve.status, 403);
}

#[test]
fn a_merge_that_is_asked_for_is_done_later() {
    let scene = scene();
    let number = scene.opened("work");
    let head = scene.repo.pull(number).head_sha;
    let told = merge_async(&scene, number, &json!({ "sha": head, "merge_method": "squash" }));
    assert_eq!((told.status, &told.body["status"]), (202, &json!("pending")));
    let uuid = told.body["details"]["uuid"].as_str().unwrap().to_owned();
    assert!(scene.repo.pull(number).open);
    let again = merge_async(&scene, number, &json!({ "sha": head }));
    assert_eq!((again.status, again.body["details"]["uuid"].as_str()), (409, Some(uuid.as_str())));
    let (status, details, _) = polled(&scene, number, &uuid);
    assert_eq!((status.as_str(), details["sha"].as_str()), ("merged", scene.repo.git().head("main").as_deref()));
    assert_eq!(scene.repo.git().log("main"), [format!("work (#{number})"), "start".to_owned()]);
    let after = merge_async(&scene, number, &json!({ "sha": head }));
    assert_eq!((after.status, &after.body["status"]), (200, &json!("merged")));
    scene.world.advance(Duration::from_secs(25 * 3600));
    assert_eq!(scene.get(&format!("/pulls/{number}/merge-async/{uuid}")).status, 404);
}

#[test]
fn a_merge_that_is_asked_for_fails_late_by_the_rules_and_can_be_asked_for_again() {
    let scene = scene();
    scene.repo.protect("main", needs_ci());
    scene.repo.merges_after(3);
    let number = scene.opened("work");
    let head = scene.repo.pull(number).head_sha;
    let asked = || {
        let told = merge_async(&scene, number, &json!({ "sha": head }));
        assert_eq!(told.status, 202, "{}", told.text);
        polled(&scene, number, told.body["details"]["uuid"].as_str().unwrap())
    };
    let (status, details, times) = asked();
    let why = "Required status check \"ci\" is expected.";
    assert_eq!((status.as_str(), details["message"].as_str(), times), ("failed", Some(why), 4));
    scene.repo.check(&head, "ci", CheckState::Success);
    assert_eq!(asked().0, "merged");
}

#[test]
fn a_merge_that_nobody_asks_about_any_more_is_still_done() {
    let scene = scene();
    let number = scene.opened("work");
    assert_eq!(merge_async(&scene, number, &json!({})).status, 202);
    for _ in 0..2 {
        scene.get(&format!("/pulls/{number}"));
    }
    assert!(scene.repo.pull(number).merged.is_some());
}

#[test]
fn what_is_closed_or_a_draft_is_refused_at_once() {
    let scene = scene();
    let number = scene.opened("work");
    scene.ann.close_pull("ann/web", number);
    let told = merge_async(&scene, number, &json!({}));
    assert_eq!((told.status, &told.body["details"]["message"]), (400, &json!("Pull request is closed")));
    scene.branch("draft");
    let draft = scene.post("/pulls", &json!({ "title": "d", "head": "draft", "base": "main", "draft": true })).body;
    let told = merge_async(&scene, draft["number"].as_u64().unwrap(), &json!({}));
    assert_eq!((told.status, &told.body["status"]), (400, &json!("failed")));
}

#[test]
fn an_enterprise_server_merges_only_at_once() {
    let scene = of(GitHubServer::start_enterprise("3.19.0"));
    let number = scene.opened("work");
    assert_eq!(merge_async(&scene, number, &json!({})).status, 404);
    assert_eq!(merge(&scene, number, &json!({ "merge_method": "rebase" })).status, 200);
    assert_eq!(scene.repo.git().log("main"), ["work on work", "start"]);
}

#[test]
fn a_merged_branch_is_deleted_where_that_is_wanted() {
    let scene = scene();
    scene.repo.deletes_merged_branches();
    let number = scene.opened("work");
    assert_eq!(merge(&scene, number, &json!({})).status, 200);
    assert_eq!(scene.repo.git().branches().len(), 1);
    assert_eq!(scene.get(&format!("/pulls/{number}")).body["head"]["ref"], "work");
}
