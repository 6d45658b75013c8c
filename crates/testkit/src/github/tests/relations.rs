use serde_json::{Value, json};

use super::Scene;

const ISSUES: &str = "/repos/acme/web/issues";

#[test]
fn parts_are_added_by_id_listed_and_counted_and_their_parent_is_found() {
    let scene = Scene::new();
    for title in ["parent", "one", "two"] {
        scene.ann.open_issue("acme/web", title, "");
    }
    let id = |number: u64| scene.web.issue(number).id;
    let path = format!("{ISSUES}/1/sub_issues");
    assert_eq!(scene.call("POST", &path, json!({ "sub_issue_id": id(2) })).status, 201);
    assert_eq!(scene.call("POST", &path, json!({ "sub_issue_id": id(3) })).status, 201);
    assert_eq!(scene.call("POST", &path, json!({ "sub_issue_id": id(3) })).status, 422);
    assert_eq!(scene.call("POST", &path, json!({ "sub_issue_id": 3 })).status, 404);
    scene.ann.close("acme/web", 2, "completed");
    let summary = scene.get(&format!("{ISSUES}/1")).body["sub_issues_summary"].clone();
    assert_eq!(summary, json!({ "total": 2, "completed": 1, "percent_completed": 50 }));
    assert_eq!(scene.get(&format!("{ISSUES}/3/parent")).body["number"], 1);
    let after = json!({ "sub_issue_id": id(2), "after_id": id(3) });
    assert_eq!(scene.call("PATCH", &format!("{path}/priority"), after).status, 200);
    assert_eq!(scene.web.issue(1).sub_issues, [3, 2]);
    let removed = scene.call("DELETE", &format!("{ISSUES}/1/sub_issue"), json!({ "sub_issue_id": id(2) }));
    assert_eq!(removed.status, 200);
    assert_eq!(scene.get(&path).body.as_array().unwrap().len(), 1);
    assert_eq!(scene.get(&format!("{ISSUES}/2/parent")).status, 404);
    let timeline = scene.get(&format!("{ISSUES}/1/timeline")).body;
    assert_eq!(timeline[0]["sub_issue"]["number"], 2);
}

#[test]
fn an_issue_has_a_hundred_parts_at_most_closed_ones_among_them() {
    let scene = Scene::new();
    let parent = scene.ann.open_issue("acme/web", "parent", "");
    for n in 0..100 {
        let child = scene.ann.open_issue("acme/web", &format!("part {n}"), "");
        scene.ann.add_sub_issue("acme/web", parent, child);
        scene.ann.close("acme/web", child, "completed");
    }
    let one_more = scene.ann.open_issue("acme/web", "one more", "");
    let id = scene.web.issue(one_more).id;
    let refused = scene.call("POST", &format!("{ISSUES}/{parent}/sub_issues"), json!({ "sub_issue_id": id }));
    assert_eq!(refused.status, 422);
}

#[test]
fn what_waits_for_another_says_so_until_that_is_closed() {
    let scene = Scene::new();
    for title in ["first", "second"] {
        scene.ann.open_issue("acme/web", title, "");
    }
    let id = scene.web.issue(1).id;
    let path = format!("{ISSUES}/2/dependencies/blocked_by");
    assert_eq!(scene.call("POST", &path, json!({ "issue_id": id })).status, 201);
    assert_eq!(scene.call("POST", &path, json!({ "issue_id": id })).status, 422);
    let summary = || scene.get(&format!("{ISSUES}/2")).body["issue_dependencies_summary"].clone();
    assert_eq!((&summary()["blocked_by"], &summary()["total_blocked_by"]), (&json!(1), &json!(1)));
    assert_eq!(scene.get(&path).body[0]["number"], 1);
    assert_eq!(scene.get(&format!("{ISSUES}/1/dependencies/blocking")).body[0]["number"], 2);
    scene.ann.close("acme/web", 1, "completed");
    assert_eq!((&summary()["blocked_by"], &summary()["total_blocked_by"]), (&json!(0), &json!(1)));
    assert_eq!(scene.call("DELETE", &format!("{path}/{id}"), Value::Null).status, 200);
    assert_eq!(scene.call("DELETE", &format!("{path}/{id}"), Value::Null).status, 404);
}

#[test]
fn an_enterprise_server_lacks_what_its_version_lacks() {
    use crate::github::contract::Client;
    use crate::github::{GitHubServer, Permission};
    let server = GitHubServer::start_enterprise("3.18.2");
    let world = server.world();
    let ann = world.person("ann", Permission::Admin);
    world.repo("acme/web");
    ann.open_issue("acme/web", "t", "");
    let client = Client::new(&server.url(), ann.token());
    assert!(server.url().ends_with("/api/v3"));
    assert_eq!(client.get(&format!("{ISSUES}/1")).status, 200);
    assert_eq!(client.get(&format!("{ISSUES}/1/sub_issues")).status, 404);
    assert_eq!(client.get(&format!("{ISSUES}/1/dependencies/blocked_by")).status, 404);
    assert_eq!(client.get("/meta").body["installed_version"], "3.18.2");
    let body = json!({ "query": "{ viewer { login } }" });
    assert_eq!(client.call("POST", &server.graphql_url(), &body).body["data"]["viewer"]["login"], "ann");
    assert_eq!(client.call("POST", "/graphql", &body).status, 404);
    server.take_violations();
}
