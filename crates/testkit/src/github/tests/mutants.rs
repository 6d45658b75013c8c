//! The checks of answers, checked: each key that GitHub always sends is taken out of a good answer, and must be missed.

use serde_json::{Value, json};

use super::Scene;
use crate::github::description::Description;

/// Each operation with a path and a body that is answered well.
fn calls(scene: &Scene) -> Vec<(&'static str, &'static str, String, Value)> {
    let repo = "/repos/{owner}/{repo}";
    let web = "/repos/acme/web";
    let id = |number: u64| scene.web.issue(number).id;
    let comment = scene.web.issue(1).comments[0].id;
    let mut calls = Vec::new();
    let mut call = |method, template: &str, path: String, body| {
        let template: &'static str = Box::leak(format!("{repo}{template}").into_boxed_str());
        calls.push((method, template, format!("{web}{path}"), body));
    };
    call("GET", "", String::new(), Value::Null);
    call("GET", "/issues", "/issues".to_owned(), Value::Null);
    call("GET", "/issues/{issue_number}", "/issues/1".to_owned(), Value::Null);
    call("POST", "/issues", "/issues".to_owned(), json!({ "title": "t", "labels": ["bug"], "milestone": 1 }));
    call("PATCH", "/issues/{issue_number}", "/issues/1".to_owned(), json!({ "title": "new" }));
    call("POST", "/issues/{issue_number}/assignees", "/issues/1/assignees".to_owned(), json!({ "assignees": ["ann"] }));
    call("GET", "/labels", "/labels".to_owned(), Value::Null);
    call("POST", "/labels", "/labels".to_owned(), json!({ "name": "new" }));
    call("GET", "/labels/{name}", "/labels/bug".to_owned(), Value::Null);
    call("PATCH", "/labels/{name}", "/labels/bug".to_owned(), json!({ "color": "ff0000" }));
    call("GET", "/issues/{issue_number}/labels", "/issues/1/labels".to_owned(), Value::Null);
    call("POST", "/issues/{issue_number}/labels", "/issues/1/labels".to_owned(), json!({ "labels": ["more"] }));
    call("PUT", "/issues/{issue_number}/labels", "/issues/1/labels".to_owned(), json!({ "labels": ["bug", "more"] }));
    call("DELETE", "/issues/{issue_number}/labels/{name}", "/issues/1/labels/more".to_owned(), Value::Null);
    call("GET", "/issues/{issue_number}/comments", "/issues/1/comments".to_owned(), Value::Null);
    call("POST", "/issues/{issue_number}/comments", "/issues/1/comments".to_owned(), json!({ "body": "b" }));
    call("GET", "/issues/comments", "/issues/comments".to_owned(), Value::Null);
    call("PATCH", "/issues/comments/{comment_id}", format!("/issues/comments/{comment}"), json!({ "body": "c" }));
    call("POST", "/issues/{issue_number}/reactions", "/issues/1/reactions".to_owned(), json!({ "content": "eyes" }));
    call("GET", "/issues/events", "/issues/events".to_owned(), Value::Null);
    call("GET", "/milestones", "/milestones".to_owned(), Value::Null);
    call("POST", "/milestones", "/milestones".to_owned(), json!({ "title": "new" }));
    call("GET", "/milestones/{milestone_number}", "/milestones/1".to_owned(), Value::Null);
    call("PATCH", "/milestones/{milestone_number}", "/milestones/1".to_owned(), json!({ "description": "d" }));
    call("GET", "/milestones/{milestone_number}/labels", "/milestones/1/labels".to_owned(), Value::Null);
    call(
        "POST",
        "/issues/{issue_number}/sub_issues",
        "/issues/1/sub_issues".to_owned(),
        json!({ "sub_issue_id": id(2) }),
    );
    call("GET", "/issues/{issue_number}/sub_issues", "/issues/1/sub_issues".to_owned(), Value::Null);
    call("GET", "/issues/{issue_number}/parent", "/issues/2/parent".to_owned(), Value::Null);
    call(
        "DELETE",
        "/issues/{issue_number}/sub_issue",
        "/issues/1/sub_issue".to_owned(),
        json!({ "sub_issue_id": id(2) }),
    );
    let blocked_by = "/issues/{issue_number}/dependencies/blocked_by";
    call("POST", blocked_by, "/issues/1/dependencies/blocked_by".to_owned(), json!({ "issue_id": id(2) }));
    call("GET", blocked_by, "/issues/1/dependencies/blocked_by".to_owned(), Value::Null);
    call("GET", "/collaborators/{username}/permission", "/collaborators/ann/permission".to_owned(), Value::Null);
    for (method, path) in [("GET", "/user"), ("GET", "/rate_limit"), ("GET", "/meta")] {
        calls.push((method, path, path.to_owned(), Value::Null));
    }
    calls
}

/// Where the keys are that a schema demands and a value has.
fn demanded(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let description = Description::get();
    let schema = description.resolve(schema);
    if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        // A value of one of many kinds may be good as another: what all demand is missed for sure.
        let choices = choices.iter().filter(|choice| **choice != json!({ "type": "null" }));
        let lists = choices.map(|choice| {
            let mut found = Vec::new();
            demanded(choice, value, at, &mut found);
            found
        });
        let common = lists.reduce(|some, others| some.into_iter().filter(|key| others.contains(key)).collect());
        found.extend(common.filter(|_| !value.is_null()).unwrap_or_default());
        return;
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        demanded(part, value, at, found);
    }
    if let Some(first) = value.as_array().and_then(|items| items.first()) {
        demanded(&schema["items"], first, &format!("{at}/0"), found);
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if fields.contains_key(name) {
            found.push(format!("{at}/{name}"));
        }
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = fields.get(name) {
            demanded(field, value, &format!("{at}/{name}"), found);
        }
    }
}

/// Takes each key out of a good answer that must be there, and gives how many were missed, which must be all.
pub(crate) fn tried(method: &str, template: &str, status: u16, body: &Value) -> usize {
    let operation = Description::get().operation(method, template).expect("the description has it");
    assert_eq!(operation.check_response(status, Some(body)), Vec::<String>::new(), "{method} {template}");
    let schema = Description::get().response_schema(method, template, status);
    let mut keys = Vec::new();
    demanded(schema, body, "", &mut keys);
    assert!(!keys.is_empty(), "{method} {template} demands nothing");
    for key in &keys {
        let (at, name) = key.rsplit_once('/').unwrap();
        let mut mutant = body.clone();
        mutant.pointer_mut(at).and_then(Value::as_object_mut).unwrap().remove(name);
        let missed = operation.check_response(status, Some(&mutant));
        assert!(!missed.is_empty(), "{method} {template}: nobody misses {key}");
    }
    keys.len()
}

#[test]
fn each_key_that_is_always_there_is_missed_when_it_is_not() {
    let scene = Scene::new();
    scene.ann.make_milestone("acme/web", "March 2026", None);
    for title in ["one", "two"] {
        let number = scene.ann.open_issue("acme/web", title, "b");
        scene.ann.comment("acme/web", number, "c");
        scene.ann.label("acme/web", number, "bug");
        scene.ann.set_milestone("acme/web", number, Some(1));
    }
    let mut mutants = 0;
    for (method, template, path, body) in calls(&scene) {
        let answer = scene.call(method, &path, body);
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        mutants += tried(method, template, answer.status, &answer.body);
    }
    assert!(mutants > 1500, "only {mutants} mutants were tried");
}
