//! Reviews, and whose counts.

use serde_json::{Value, json};

use super::client::{Scene, scene};
use crate::github::{BranchRules, Permission};

fn reviewed(scene: &Scene, number: u64, event: &str, token: &str) -> super::client::Told {
    scene.send("POST", &format!("/pulls/{number}/reviews"), &json!({ "event": event, "body": "words" }), token)
}

fn why_not(scene: &Scene, number: u64) -> String {
    scene.put(&format!("/pulls/{number}/merge"), &json!({})).said()
}

#[test]
fn approvals_of_people_who_may_write_are_what_counts() {
    let scene = scene();
    scene.repo.protect("main", BranchRules { approvals: 1, dismiss_stale: true, ..BranchRules::default() });
    let number = scene.opened("work");
    let missing = "405: At least 1 approving review is required by reviewers with write access.";
    assert_eq!(why_not(&scene, number), missing);
    assert_eq!(reviewed(&scene, number, "APPROVE", scene.eve.token()).body["state"], "APPROVED");
    assert_eq!(why_not(&scene, number), missing);
    let own = reviewed(&scene, number, "APPROVE", scene.bot.token());
    assert_eq!(own.said(), "422: Unprocessable Entity; Can not approve your own pull request");
    let zoe = scene.world.person("zoe", Permission::Write);
    scene.ann.approve("ann/web", number);
    zoe.request_changes("ann/web", number, "Not yet.");
    assert_eq!(why_not(&scene, number), "405: Changes have been requested on this pull request.");
    // A comment takes nothing back; another opinion of theirs does.
    zoe.review_with_comment("ann/web", number, "Hm.");
    assert_eq!(why_not(&scene, number), "405: Changes have been requested on this pull request.");
    zoe.approve("ann/web", number);
    scene.repo.commit("work", "more", &[("c.txt", "1\n")]);
    assert_eq!(why_not(&scene, number), missing);
    scene.ann.approve("ann/web", number);
    assert_eq!(scene.put(&format!("/pulls/{number}/merge"), &json!({})).status, 200);
    let told = scene.get(&format!("/pulls/{number}/reviews")).body;
    let states: Vec<_> = told.as_array().unwrap().iter().map(|review| review["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["DISMISSED", "DISMISSED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "APPROVED"]);
}

#[test]
fn a_review_is_dismissed() {
    let scene = scene();
    let number = scene.opened("work");
    let told = reviewed(&scene, number, "REQUEST_CHANGES", scene.ann.token());
    assert_eq!(why_not(&scene, number), "405: Changes have been requested on this pull request.");
    let path = format!("/pulls/{number}/reviews/{}/dismissals", told.body["id"]);
    assert_eq!(scene.put(&path, &json!({ "message": "done" })).body["state"], "DISMISSED");
    assert_eq!(scene.put(&path, &json!({ "message": "done" })).status, 422);
    assert_eq!(scene.put(&format!("/pulls/{number}/merge"), &json!({})).status, 200);
}

#[test]
fn threads_are_begun_answered_outdated_and_resolved() {
    let scene = scene();
    scene.repo.protect("main", BranchRules { threads_resolved: true, ..BranchRules::default() });
    let number = scene.opened("work");
    let comments = format!("/pulls/{number}/comments");
    let thread = scene.ann.remark("ann/web", number, ("a.txt", 1), "Why?");
    let first = scene.get(&comments).body[0].clone();
    assert_eq!((&first["line"], &first["body"]), (&json!(1), &json!("Why?")));
    let reply = scene.post(&format!("{comments}/{}/replies", first["id"]), &json!({ "body": "Because." }));
    assert_eq!((reply.status, &reply.body["in_reply_to_id"]), (201, &first["id"]));
    assert_eq!(why_not(&scene, number), "405: A conversation must be resolved before this pull request can be merged.");
    scene.repo.commit("work", "more", &[("a.txt", "other\n")]);
    assert_eq!(scene.get(&comments).body[0]["line"], Value::Null);
    assert_eq!(scene.get(&format!("/pulls/{number}")).body["review_comments"], 2);
    scene.ann.resolve(thread);
    assert_eq!(scene.put(&format!("/pulls/{number}/merge"), &json!({})).status, 200);
}

#[test]
fn reviews_are_requested_of_collaborators_alone() {
    let scene = scene();
    let number = scene.opened("work");
    let path = format!("/pulls/{number}/requested_reviewers");
    let told = scene.post(&path, &json!({ "reviewers": ["ann"] }));
    assert_eq!((told.status, &told.body["requested_reviewers"][0]["login"]), (201, &json!("ann")));
    assert_eq!(scene.post(&path, &json!({ "reviewers": ["nobody"] })).status, 422);
    scene.ann.approve("ann/web", number);
    assert_eq!(scene.get(&format!("/pulls/{number}")).body["requested_reviewers"], json!([]));
}
