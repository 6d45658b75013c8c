use serde_json::json;

use super::Description;

fn faults(method: &str, template: &str, body: serde_json::Value) -> Vec<(String, &'static str)> {
    let operation = Description::get().operation(method, template).expect("the description has it");
    operation.check_body(&body).into_iter().map(|fault| (fault.field, fault.code)).collect()
}

#[test]
fn a_request_that_github_would_refuse_is_told_by_field_and_code() {
    let issues = "/repos/{owner}/{repo}/issues";
    assert_eq!(faults("POST", issues, json!({ "title": "It fails" })), []);
    assert_eq!(faults("POST", issues, json!({ "body": "no title" })), [("title".to_owned(), "missing_field")]);
    assert_eq!(faults("POST", issues, json!({ "title": "t", "labels": "bug" })), [("labels".to_owned(), "invalid")]);
    assert_eq!(faults("POST", issues, json!({ "title": "t", "lables": [] })), [("lables".to_owned(), "invalid")]);
    let issue = "/repos/{owner}/{repo}/issues/{issue_number}";
    assert_eq!(faults("PATCH", issue, json!({ "milestone": null })), []);
    assert_eq!(faults("PATCH", issue, json!({ "state_reason": "bored" })), [("state_reason".to_owned(), "invalid")]);
}

#[test]
fn a_query_is_held_against_the_description() {
    let operation = Description::get().operation("GET", "/repos/{owner}/{repo}/issues").unwrap();
    let faults = |name: &str, value: &str| operation.check_query(&[(name.to_owned(), value.to_owned())]).len();
    assert_eq!(faults("state", "all"), 0);
    assert_eq!(faults("since", "2026-01-01T00:00:00Z"), 0);
    assert_eq!(faults("per_page", "100"), 0);
    assert_eq!(faults("state", "shut"), 1);
    assert_eq!(faults("per_page", "many"), 1);
    assert_eq!(faults("order", "asc"), 1);
}

#[test]
fn a_status_that_no_description_names_is_told() {
    let operation = Description::get().operation("POST", "/repos/{owner}/{repo}/labels").unwrap();
    assert_eq!(operation.check_response(203, None).len(), 1);
    assert_eq!(operation.check_response(201, None).len(), 1);
    assert_eq!(operation.check_response(201, Some(&json!({ "id": 1 }))).len(), 6);
}
