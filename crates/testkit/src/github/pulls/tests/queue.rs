//! Merge queues, and merges that wait for the rules.

use serde_json::{Value, json};

use super::client::{Scene, scene};
use crate::github::{BranchRules, CheckState};

fn queued() -> BranchRules {
    BranchRules { merge_queue: true, checks: vec!["ci".into()], ..BranchRules::default() }
}

/// A pull request whose own checks have succeeded.
fn checked(scene: &Scene, branch: &str, path: &str) -> u64 {
    let sha = scene.repo.commit(branch, branch, &[(path, "new\n")]);
    let number = scene.bot.open_pull("ann/web", (branch, "main"), branch, "");
    scene.repo.check(&sha, "ci", CheckState::Success);
    number
}

fn asked(scene: &Scene, number: u64) -> Value {
    let told = scene.put(&format!("/pulls/{number}/merge-async"), &json!({ "merge_action": "default" }));
    let uuid = told.body["details"]["uuid"].as_str().unwrap_or_else(|| panic!("{}", told.text)).to_owned();
    let poll = || scene.get(&format!("/pulls/{number}/merge-async/{uuid}")).body;
    poll();
    poll()
}

#[test]
fn a_queue_merges_in_order_once_the_groups_are_green() {
    let scene = scene();
    scene.repo.protect("main", queued());
    let (one, two) = (checked(&scene, "one", "1.txt"), checked(&scene, "two", "2.txt"));
    let plain = scene.put(&format!("/pulls/{one}/merge"), &json!({}));
    assert_eq!(plain.said(), "405: Changes must be made through the merge queue");
    assert_eq!(
        (asked(&scene, one)["status"].clone(), asked(&scene, two)["status"].clone()),
        (json!("enqueued"), json!("enqueued"))
    );
    let again = scene.put(&format!("/pulls/{one}/merge-async"), &json!({}));
    assert_eq!((again.status, &again.body["status"]), (200, &json!("enqueued")));
    assert_eq!((scene.repo.pull(one).queued, scene.repo.pull(two).queued), (Some(1), Some(2)));
    let groups = scene.repo.merge_groups();
    assert_eq!(scene.repo.git().files(&groups[1]), ["1.txt", "2.txt", "a.txt", "b.txt"]);
    scene.repo.check(&groups[1], "ci", CheckState::Success);
    assert!(scene.repo.pull(two).open, "the first is not green yet");
    scene.repo.check(&groups[0], "ci", CheckState::Success);
    let merged = |number| scene.repo.pull(number).merged;
    assert_eq!((merged(one), merged(two)), (Some(groups[0].clone()), Some(groups[1].clone())));
    assert_eq!(scene.repo.git().head("main"), Some(groups[1].clone()));
    assert!(scene.repo.git().branches().keys().all(|branch| !branch.starts_with("gh-readonly-queue")));
}

#[test]
fn a_red_group_leaves_the_queue_and_those_behind_are_made_anew() {
    let scene = scene();
    scene.repo.protect("main", queued());
    let (one, two) = (checked(&scene, "one", "1.txt"), checked(&scene, "two", "2.txt"));
    asked(&scene, one);
    asked(&scene, two);
    let before = scene.repo.merge_groups();
    scene.repo.check(&before[0], "ci", CheckState::Failure);
    assert_eq!((scene.repo.pull(one).queued, scene.repo.pull(two).queued), (None, Some(1)));
    assert!(scene.repo.pull(one).open);
    let after = scene.repo.merge_groups();
    assert_eq!(scene.repo.git().files(&after[0]), ["2.txt", "a.txt", "b.txt"]);
    scene.repo.check(&after[0], "ci", CheckState::Success);
    assert!(scene.repo.pull(two).merged.is_some());
}

#[test]
fn a_push_takes_a_pull_request_out_of_the_queue() {
    let scene = scene();
    scene.repo.protect("main", queued());
    let one = checked(&scene, "one", "1.txt");
    asked(&scene, one);
    assert_eq!(scene.repo.pull(one).queued, Some(1));
    scene.repo.commit("one", "more", &[("1.txt", "more\n")]);
    assert_eq!((scene.repo.pull(one).queued, scene.repo.merge_groups().len()), (None, 0));
    let failed = asked(&scene, one);
    assert_eq!(failed["details"]["message"], "Required status check \"ci\" is expected.");
}
