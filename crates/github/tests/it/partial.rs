//! One repository of many that GitHub tells only a part of.

use std::collections::BTreeMap;

use dayfly_core::{ForgeRepo, Labels, ProjectName, Tracker as _};
use dayfly_github::{GitHubTracker, TrackerSettings};
use serde_json::json;

use crate::server::{Server, answer, noon};

#[tokio::test]
async fn a_part_that_is_missing_of_one_repository_keeps_no_other_from_being_read() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/user" => answer(200, r#"{"login":"dayfly-bot","type":"Bot"}"#),
        "/graphql" => {
            let none = json!({ "totalCount": 0, "nodes": [] });
            let whole =
                json!({ "databaseId": 1, "nameWithOwner": "o/a", "open": none, "issues": none, "milestones": none });
            let part =
                json!({ "databaseId": 2, "nameWithOwner": "o/b", "open": none, "issues": none, "milestones": null });
            let said = json!({ "type": "FORBIDDEN", "path": ["r1", "milestones"], "message": "not for you" });
            answer(200, &json!({ "data": { "r0": whole, "r1": part }, "errors": [said] }).to_string())
        }
        _ => answer(200, "[]"),
    })
    .await;
    let project = |name: &str| ProjectName::new(name).unwrap();
    let repos = ["a", "b"].map(|name| (project(name), ForgeRepo::new(&format!("o/{name}")).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let seen = camino::Utf8Path::from_path(folder.path()).unwrap();
    let settings = TrackerSettings::new(BTreeMap::from(repos), Labels::default(), seen);
    let tracker = GitHubTracker::new(server.client(&noon()), settings);
    let (a, b) = (project("a"), project("b"));
    let (a, b) = tokio::join!(tracker.issues(&a), tracker.issues(&b));
    assert_eq!(a.unwrap(), []);
    assert!(b.unwrap_err().to_string().contains("not for you"));
}
