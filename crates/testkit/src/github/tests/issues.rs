use serde_json::{Value, json};

use super::{Scene, code};
use crate::github::Permission;

const WEB: &str = "/repos/acme/web";

#[test]
fn what_a_person_opens_is_read_over_http_with_an_id_that_is_no_number() {
    let scene = Scene::new();
    let number = scene.ann.open_issue("acme/web", "It fails", "Always.");
    scene.ann.label("acme/web", number, "bug");
    let issue = scene.get(&format!("{WEB}/issues/{number}"));
    assert_eq!(issue.status, 200);
    assert_eq!(issue.body["title"], "It fails");
    assert_eq!(issue.body["user"]["login"], "ann");
    assert_eq!(issue.body["author_association"], "MEMBER");
    assert_eq!(issue.body["labels"][0]["name"], "bug");
    assert!(issue.body["id"].as_u64().unwrap() > 1_000_000);
    assert!(issue.header("x-github-request-id").is_some());
}

#[test]
fn an_issue_is_made_changed_closed_and_listed() {
    let scene = Scene::new();
    scene.ann.make_milestone("acme/web", "March 2026", Some("2026-03-30T12:00:00Z"));
    let made = scene.call(
        "POST",
        &format!("{WEB}/issues"),
        json!({ "title": "One", "body": "b", "labels": ["Bug"], "milestone": 1, "assignees": ["ann"] }),
    );
    assert_eq!(made.status, 201);
    assert_eq!(made.body["milestone"]["due_on"], "2026-03-30T07:00:00Z");
    assert_eq!(made.body["assignees"][0]["login"], "ann");
    let path = format!("{WEB}/issues/1");
    let closed = scene.call("PATCH", &path, json!({ "state": "closed", "state_reason": "not_planned" }));
    assert_eq!((closed.status, &closed.body["state_reason"]), (200, &json!("not_planned")));
    assert_eq!(scene.get(&format!("{WEB}/issues")).body, json!([]));
    assert_eq!(scene.get(&format!("{WEB}/issues?state=all&labels=bug&milestone=1")).body[0]["number"], 1);
    let opened = scene.call("PATCH", &path, json!({ "state": "open", "milestone": null, "labels": [] }));
    assert_eq!((&opened.body["state_reason"], &opened.body["milestone"]), (&json!("reopened"), &Value::Null));
    let words: Vec<_> = scene.get(&format!("{path}/timeline")).body.as_array().unwrap().clone();
    let words: Vec<_> = words.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let expected = ["labeled", "milestoned", "assigned", "closed", "demilestoned", "unlabeled", "reopened"];
    assert_eq!(words, expected);
    assert_eq!(scene.get(&format!("{path}/events")).body.as_array().unwrap().len(), 7);
    assert_eq!(scene.get(&format!("{WEB}/issues/events")).body.as_array().unwrap().len(), 7);
}

#[test]
fn labels_are_the_same_in_any_case_and_one_that_is_missing_is_not_there() {
    let scene = Scene::new();
    let number = scene.ann.open_issue("acme/web", "t", "b");
    let made = scene.call("POST", &format!("{WEB}/labels"), json!({ "name": "Ready", "color": "00ff00" }));
    assert_eq!(made.status, 201);
    let again = scene.call("POST", &format!("{WEB}/labels"), json!({ "name": "ready" }));
    assert_eq!((again.status, code(&again)), (422, "already_exists"));
    let path = format!("{WEB}/issues/{number}/labels");
    let put = scene.call("POST", &path, json!({ "labels": ["READY", "needs help"] }));
    assert_eq!(put.body[0]["name"], "Ready");
    assert_eq!(scene.call("DELETE", &format!("{path}/needs%20help"), Value::Null).status, 200);
    assert_eq!(scene.call("DELETE", &format!("{path}/needs%20help"), Value::Null).status, 404);
    assert_eq!(scene.get(&format!("{WEB}/labels/rEADY")).body["color"], "00ff00");
    assert_eq!(scene.get(&format!("{WEB}/labels")).body.as_array().unwrap().len(), 2);
    let renamed = scene.call("PATCH", &format!("{WEB}/labels/ready"), json!({ "new_name": "set" }));
    assert_eq!(renamed.body["name"], "set");
    assert_eq!(scene.web.issue(number).labels, ["set"]);
}

#[test]
fn comments_are_written_edited_listed_since_a_moment_and_deleted() {
    let scene = Scene::new();
    let world = scene.server.world();
    let number = scene.ann.open_issue("acme/web", "t", "b");
    scene.ann.comment("acme/web", number, "early");
    world.advance(std::time::Duration::from_secs(60));
    let made = scene.call("POST", &format!("{WEB}/issues/{number}/comments"), json!({ "body": "late" }));
    assert_eq!((made.status, &made.body["user"]["type"]), (201, &json!("Bot")));
    let at = made.body["updated_at"].as_str().unwrap();
    // A moment counts itself.
    let since = scene.get(&format!("{WEB}/issues/{number}/comments?since={at}"));
    assert_eq!(since.body.as_array().unwrap().len(), 1);
    assert_eq!(scene.get(&format!("{WEB}/issues/comments?since={at}&sort=updated")).body.as_array().unwrap().len(), 1);
    assert_eq!(scene.get(&format!("{WEB}/issues?since={at}")).body[0]["comments"], 2);
    let path = format!("{WEB}/issues/comments/{}", made.body["id"]);
    assert_eq!(scene.call("PATCH", &path, json!({ "body": "later" })).body["body"], "later");
    let reaction = scene.call("POST", &format!("{path}/reactions"), json!({ "content": "eyes" }));
    assert_eq!(reaction.status, 201);
    assert_eq!(scene.call("POST", &format!("{path}/reactions"), json!({ "content": "eyes" })).status, 200);
    assert_eq!(scene.call("DELETE", &path, Value::Null).status, 204);
    assert_eq!(scene.call("DELETE", &path, Value::Null).status, 404);
    assert_eq!(scene.web.issue(number).comments.len(), 1);
    let blank = scene.call("POST", &format!("{WEB}/issues/{number}/comments"), json!({ "body": " " }));
    assert_eq!((blank.status, code(&blank)), (422, "missing_field"));
}

#[test]
fn milestones_have_titles_of_their_own_days_by_the_pacific_and_counts() {
    let scene = Scene::new();
    let path = format!("{WEB}/milestones");
    let made = scene.call("POST", &path, json!({ "title": "April 2026", "due_on": "2026-04-30T05:00:00Z" }));
    assert_eq!((made.status, &made.body["due_on"]), (201, &json!("2026-04-29T07:00:00Z")));
    let again = scene.call("POST", &path, json!({ "title": "April 2026" }));
    assert_eq!((again.status, code(&again)), (422, "already_exists"));
    for title in ["one", "two"] {
        let number = scene.ann.open_issue("acme/web", title, "");
        scene.ann.set_milestone("acme/web", number, Some(1));
    }
    scene.ann.close("acme/web", 1, "completed");
    let told = scene.get(&format!("{path}/1")).body;
    assert_eq!((&told["open_issues"], &told["closed_issues"]), (&json!(1), &json!(1)));
    assert_eq!(scene.call("PATCH", &format!("{path}/1"), json!({ "state": "closed" })).body["state"], "closed");
    assert_eq!(scene.get(&path).body, json!([]));
    assert_eq!(scene.get(&format!("{path}?state=all")).body[0]["number"], 1);
    assert_eq!(scene.call("DELETE", &format!("{path}/1"), Value::Null).status, 204);
    assert_eq!(scene.web.issue(2).milestone, None);
}

#[test]
fn pages_lead_to_each_other_by_addresses_that_name_the_repository_by_its_id() {
    let scene = Scene::new();
    for n in 0..7 {
        scene.ann.open_issue("acme/web", &format!("issue {n}"), "");
    }
    let first = scene.get(&format!("{WEB}/issues?per_page=3&sort=created&direction=asc"));
    let next = first.next().unwrap();
    assert!(next.contains(&format!("/repositories/{}/issues?", scene.web.id())), "{next}");
    let all = scene.client(&scene.bot).all(&format!("{WEB}/issues?per_page=3&sort=created&direction=asc"));
    let numbers: Vec<_> = all.iter().map(|issue| issue["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn what_whoever_asks_may_not_set_is_left_out_silently() {
    let scene = Scene::new();
    let guest = scene.server.world().person("guest", Permission::Read);
    scene.web.make_labels(&["bug"]);
    let sent = json!({ "title": "t", "labels": ["bug"], "assignees": ["ann"] });
    let made = scene.client(&guest).call("POST", &format!("{WEB}/issues"), &sent);
    assert_eq!((made.status, &made.body["labels"]), (201, &json!([])));
    let refused = scene.client(&guest).call("POST", &format!("{WEB}/issues/1/labels"), &json!({ "labels": ["bug"] }));
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("x-accepted-github-permissions"), Some("issues=write"));
}

#[test]
fn what_was_deleted_or_switched_off_is_gone() {
    let scene = Scene::new();
    let number = scene.ann.open_issue("acme/web", "t", "b");
    scene.ann.delete_issue("acme/web", number);
    assert_eq!(scene.get(&format!("{WEB}/issues/{number}")).status, 410);
    scene.web.without_issues();
    assert_eq!(scene.call("POST", &format!("{WEB}/issues"), json!({ "title": "t" })).status, 410);
    assert_eq!(scene.get(&format!("{WEB}/issues/99")).status, 404);
}

#[test]
fn a_request_that_github_would_refuse_is_a_violation() {
    let scene = Scene::new();
    let refused = scene.call("POST", &format!("{WEB}/issues"), json!({ "body": "no title" }));
    assert_eq!((refused.status, code(&refused)), (422, "missing_field"));
    let violations = scene.server.take_violations();
    assert_eq!(violations, ["POST /repos/acme/web/issues: the request is not valid: `title`: it is missing"]);
    scene.get(&format!("{WEB}/stargazers"));
    assert_eq!(scene.server.take_violations().len(), 1);
}
