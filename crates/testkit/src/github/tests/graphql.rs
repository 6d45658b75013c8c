use serde_json::{Value, json};

use super::Scene;

#[test]
fn a_portfolio_is_asked_for_at_once_under_aliases() {
    let scene = Scene::new();
    scene.ann.open_issue("acme/web", "one", "");
    scene.ann.make_milestone("acme/web", "March 2026", None);
    scene.ann.set_milestone("acme/web", 1, Some(1));
    let fields = "id databaseId nameWithOwner issues(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) \
                  { totalCount nodes { updatedAt } } pullRequests(first: 1, states: OPEN) { totalCount } \
                  milestones(first: 5, states: [OPEN]) { nodes { title issues(states: [OPEN]) { totalCount } } }";
    let query = format!(
        "query Portfolio($o: String!) {{ r0: repository(owner: $o, name: \"web\") {{ ...F }} \
         r1: repository(owner: $o, name: \"none\") {{ ...F }} }} fragment F on Repository {{ {fields} }}"
    );
    let told = scene.graphql(&query, json!({ "o": "acme" }));
    let web = &told["data"]["r0"];
    assert_eq!(web["nameWithOwner"], "acme/web");
    assert_eq!(web["issues"]["totalCount"], 1);
    assert_eq!(web["milestones"]["nodes"][0]["issues"]["totalCount"], 1);
    assert_eq!((&told["data"]["r1"], &told["errors"][0]["type"]), (&Value::Null, &json!("NOT_FOUND")));
}

#[test]
fn comments_say_who_hid_and_edited_them_and_can_be_hidden() {
    let scene = Scene::new();
    scene.ann.open_issue("acme/web", "one", "");
    let first = scene.ann.comment("acme/web", 1, "hello");
    scene.ann.edit_comment(first, "hello again");
    let query = "query C($n: Int!) { repository(owner: \"acme\", name: \"web\") { issue(number: $n) { comments(first: 50) \
                 { nodes { id databaseId isMinimized lastEditedAt editor { login __typename } author { login } } } } } }";
    let nodes = || {
        let told = scene.graphql(query, json!({ "n": 1 }));
        told["data"]["repository"]["issue"]["comments"]["nodes"].clone()
    };
    let told = nodes();
    assert_eq!((&told[0]["databaseId"], &told[0]["isMinimized"]), (&json!(first), &json!(false)));
    assert_eq!(told[0]["editor"], json!({ "login": "ann", "__typename": "User" }));
    let hide = "mutation Hide($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) \
                { minimizedComment { isMinimized minimizedReason } } }";
    let hidden = scene.graphql(hide, json!({ "id": told[0]["id"] }));
    assert_eq!(hidden["data"]["minimizeComment"]["minimizedComment"]["isMinimized"], true);
    assert_eq!(nodes()[0]["isMinimized"], true);
    assert_eq!(scene.get("/repos/acme/web/issues/1/comments").body[0]["minimized"]["reason"], "outdated");
    let journal = scene.server.journal();
    assert_eq!((journal.graphql_calls(), journal.writes()), (3, 1));
}

#[test]
fn a_field_that_is_not_there_is_a_violation() {
    let scene = Scene::new();
    let told = scene.graphql("{ repository(owner: \"acme\", name: \"web\") { stars } }", Value::Null);
    assert_eq!(told["errors"][0]["message"], "Field 'stars' doesn't exist on type 'Repository'");
    assert_eq!(scene.server.take_violations().len(), 1);
}

#[test]
fn five_hundred_repositories_are_told_of_in_five_calls() {
    let scene = Scene::new();
    let world = scene.server.world();
    let names: Vec<String> = (0..500).map(|n| format!("repo-{n}")).collect();
    for name in &names {
        world.repo(&format!("acme/{name}"));
        scene.ann.open_issue(&format!("acme/{name}"), "t", "");
    }
    let fields = "databaseId issues(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { nodes { updatedAt } } \
                  pullRequests(first: 1, states: OPEN) { totalCount } milestones(first: 5) { totalCount }";
    for some in names.chunks(100) {
        let block = |(n, name): (usize, &String)| {
            format!("r{n}: repository(owner: \"acme\", name: \"{name}\") {{ {fields} }} ")
        };
        let query = format!("query Portfolio {{ {} }}", some.iter().enumerate().map(block).collect::<String>());
        let told = scene.graphql(&query, Value::Null);
        assert_eq!(told["data"].as_object().unwrap().len(), 100);
    }
    let journal = scene.server.journal();
    assert_eq!((journal.graphql_calls(), journal.paid_rest(), journal.writes()), (5, 0, 0));
    // A hundred lists that are asked for cost a point.
    assert!(journal.entries().iter().all(|entry| entry.cost == 3), "{journal}");
}
