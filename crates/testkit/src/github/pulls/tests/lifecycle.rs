//! Opening, reading and changing pull requests.

use serde_json::{Value, json};

use super::client::{Scene, scene};

fn sent(scene: &Scene, head: &str) -> super::client::Told {
    scene.post("/pulls", &json!({ "title": "Work", "head": head, "base": "main", "body": "Closes #1", "draft": true }))
}

#[test]
fn a_pull_request_is_opened_listed_and_is_an_issue_too() {
    let scene = scene();
    scene.ann.open_issue("ann/web", "A bug", "");
    let sha = scene.branch("work");
    let told = sent(&scene, "ann:work");
    assert_eq!((told.status, &told.body["number"], &told.body["draft"]), (201, &json!(2), &json!(true)));
    assert_eq!((&told.body["head"]["sha"], &told.body["mergeable"]), (&json!(sha), &Value::Null));
    assert_eq!((&told.body["additions"], &told.body["commits"]), (&json!(1), &json!(1)));
    let listed = |query: &str| {
        let list = scene.get(&format!("/pulls?{query}")).body;
        list.as_array().unwrap().iter().map(|pull| pull["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(listed(""), [2]);
    assert_eq!(listed("head=ann:work&state=all"), [2]);
    assert_eq!(listed("head=ann:other"), Vec::<u64>::new());
    assert_eq!(listed("base=other"), Vec::<u64>::new());
    assert_eq!(listed("state=closed"), Vec::<u64>::new());
    let issue = scene.get("/issues/2").body;
    assert!(issue["pull_request"]["url"].as_str().unwrap().ends_with("/repos/ann/web/pulls/2"));
    assert_eq!(scene.get("/issues").body.as_array().unwrap().len(), 2);
    assert_eq!(scene.get("/pulls/1").status, 404);
}

#[test]
fn what_cannot_be_opened_is_refused_as_by_github() {
    let scene = scene();
    assert_eq!(sent(&scene, "missing").said(), "422: Validation Failed; ");
    assert_eq!(sent(&scene, "missing").body["errors"][0]["field"], "head");
    scene.branch("work");
    assert_eq!(sent(&scene, "work").status, 201);
    let again = "422: Validation Failed; A pull request already exists for ann:work.";
    assert_eq!(sent(&scene, "work").said(), again);
    let main = scene.repo.git().head("main").unwrap();
    assert_eq!(scene.post("/git/refs", &json!({ "ref": "refs/heads/same", "sha": main })).status, 201);
    assert_eq!(sent(&scene, "same").said(), "422: Validation Failed; No commits between main and same");
    let base = scene.post("/pulls", &json!({ "title": "x", "head": "work", "base": "nowhere" }));
    assert_eq!(base.body["errors"][0]["field"], "base");
    let eve = scene.send("POST", "/pulls", &json!({ "title": "x", "head": "work", "base": "main" }), scene.eve.token());
    assert_eq!(eve.status, 403, "{}", eve.text);
}

#[test]
fn whether_it_merges_is_known_at_the_second_look() {
    let scene = scene();
    let number = scene.opened("work");
    let looked = || {
        let told = scene.get(&format!("/pulls/{number}")).body;
        (told["mergeable"].clone(), told["mergeable_state"].as_str().unwrap().to_owned())
    };
    assert_eq!(looked(), (Value::Null, "unknown".to_owned()));
    assert_eq!(looked(), (json!(true), "clean".to_owned()));
    scene.repo.commit("main", "meanwhile", &[("a.txt", "theirs\n")]);
    assert_eq!(looked(), (Value::Null, "unknown".to_owned()));
    assert_eq!(looked(), (json!(false), "dirty".to_owned()));
    // A merge of the base cannot help, and the branch is left as it was.
    let head = scene.repo.git().head("work");
    assert_eq!(scene.put(&format!("/pulls/{number}/update-branch"), &json!({})).status, 422);
    assert_eq!(scene.repo.git().head("work"), head);
}

#[test]
fn a_branch_is_brought_up_to_date() {
    let scene = scene();
    let number = scene.opened("work");
    scene.repo.commit("main", "meanwhile", &[("b.txt", "theirs\n")]);
    let old = scene.repo.pull(number).head_sha;
    let path = format!("/pulls/{number}/update-branch");
    assert_eq!(scene.put(&path, &json!({ "expected_head_sha": "0".repeat(40) })).status, 422);
    assert_eq!(scene.put(&path, &json!({ "expected_head_sha": old })).status, 202);
    let pull = scene.repo.pull(number);
    assert_ne!(pull.head_sha, old);
    assert_eq!(scene.repo.git().file("work", "b.txt").as_deref(), Some("theirs\n"));
    let again = scene.put(&path, &json!({}));
    assert_eq!(again.said(), "422: There are no new commits on the base branch.");
}

#[test]
fn files_and_commits_are_those_of_the_branch_alone() {
    let scene = scene();
    let number = scene.opened("work");
    scene.repo.commit("work", "more", &[("new.txt", "1\n2\n")]);
    scene.repo.commit("main", "meanwhile", &[("b.txt", "theirs\n")]);
    let files = scene.get(&format!("/pulls/{number}/files")).body;
    let told: Vec<_> = files.as_array().unwrap().iter().map(|file| (&file["filename"], &file["status"])).collect();
    assert_eq!(told, [(&json!("a.txt"), &json!("modified")), (&json!("new.txt"), &json!("added"))]);
    assert_eq!(files[0]["patch"], "@@ -1 +1 @@\n-one\n+work");
    let commits = scene.get(&format!("/pulls/{number}/commits?per_page=1"));
    assert_eq!(commits.body[0]["commit"]["message"], "work on work");
    assert!(commits.header("link").unwrap().contains("rel=\"next\""));
    let compared = scene.get("/compare/main...work").body;
    assert_eq!(
        (&compared["status"], &compared["ahead_by"], &compared["behind_by"]),
        (&json!("diverged"), &json!(2), &json!(1))
    );
}

#[test]
fn a_pull_request_is_edited_closed_and_opened_again() {
    let scene = scene();
    let number = scene.opened("work");
    let path = format!("/pulls/{number}");
    let patch = |body: &Value, token: &str| scene.send("PATCH", &path, body, token);
    let told = patch(&json!({ "title": "Better", "body": "With words" }), scene.bot.token());
    assert_eq!((&told.body["title"], &told.body["body"]), (&json!("Better"), &json!("With words")));
    assert_eq!(patch(&json!({ "title": "Mine" }), scene.eve.token()).status, 403);
    assert_eq!(patch(&json!({ "state": "closed" }), scene.bot.token()).body["state"], "closed");
    assert_eq!(patch(&json!({ "state": "open" }), scene.bot.token()).body["state"], "open");
    scene.repo.delete_branch("work");
    assert!(!scene.repo.pull(number).open);
    assert_eq!(patch(&json!({ "state": "open" }), scene.bot.token()).status, 422);
    // Comments and labels come by the issue side.
    scene.repo.make_labels(&["ready"]);
    assert_eq!(scene.post(&format!("/issues/{number}/comments"), &json!({ "body": "hello" })).status, 201);
    assert_eq!(scene.post(&format!("/issues/{number}/labels"), &json!({ "labels": ["ready"] })).status, 200);
    assert_eq!(scene.get(&path).body["comments"], 1);
    assert_eq!(scene.get(&path).body["labels"][0]["name"], "ready");
}

#[test]
fn references_and_files_are_read_made_and_deleted() {
    let scene = scene();
    let sha = scene.branch("work/one");
    assert_eq!(scene.get("/git/ref/heads/work/one").body["object"]["sha"], json!(sha));
    assert_eq!(scene.get("/git/ref/heads/work").status, 404);
    let file = scene.get("/contents/a.txt?ref=work/one").body;
    assert_eq!((&file["content"], &file["size"]), (&json!("d29yay9vbmUK"), &json!(9)));
    assert_eq!(scene.get("/contents/missing.txt").status, 404);
    let delete = |name: &str| scene.send("DELETE", &format!("/git/refs/heads/{name}"), &Value::Null, scene.bot.token());
    assert_eq!(delete("work/one").status, 204);
    assert_eq!(delete("work/one").status, 422);
    assert_eq!(delete("main").status, 422);
    assert_eq!(scene.repo.git().branches().len(), 1);
}

#[test]
fn what_happened_to_a_pull_request_is_told_as_github_tells_it() {
    let scene = scene();
    let number = scene.opened("work");
    scene.ann.request_changes("ann/web", number, "Not yet.");
    scene.ann.dismiss_reviews_of("ann/web", number, &scene.ann);
    scene.ann.remark("ann/web", number, ("a.txt", 1), "Why?");
    scene.repo.commit("work", "more", &[("a.txt", "more\n")]);
    scene.ann.merge_pull("ann/web", number);
    scene.repo.delete_branch("work");
    let events = scene.get(&format!("/issues/{number}/events")).body;
    let words: Vec<_> = events.as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(words, ["review_dismissed", "merged", "closed"]);
    assert_eq!(events[1]["commit_id"], json!(scene.repo.pull(number).merged));
    assert_eq!(scene.get(&format!("/issues/{number}/timeline")).status, 200);
}
