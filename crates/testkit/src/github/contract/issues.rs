//! Sentences about issues, labels, comments and milestones.

use serde_json::{Value, json};

use super::{Doubt, Ground, Sentence, expect, same, status};

/// The label the suite uses.
const LABEL: &str = "dayfly-contract";

pub(super) const SENTENCES: &[Sentence] = &[
    ("an issue is opened with an id that is not its number, and read back", opens),
    ("an issue without a title is refused with 422", untitled),
    ("an issue that is closed says why, and one that is opened again says so", closes),
    ("a label is one in any case of letters, and a second is refused as already_exists", labels),
    ("a label that an issue does not have cannot be taken off it", takes_off),
    ("the timeline says who put a label on", timeline),
    ("a comment is written, edited and deleted", comments),
    ("a milestone's due date is the midnight of its day by the Pacific", due),
    ("a second milestone of the same title is refused as already_exists", second_milestone),
    ("GraphQL tells of the same comment, and can hide it", graphql),
    ("what is not there is answered with 404 and `Not Found`", missing),
    ("each answer says what is left of the limit, and by what it is known", headers),
];

fn opens(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issue = ground.issue("opened")?;
    let read = ground.get(&format!("/issues/{}", issue["number"]));
    status(&read, 200)?;
    same("the id", &read.body["id"], &issue["id"])?;
    same("the state", &read.body["state"], &json!("open"))?;
    expect(issue["id"] != issue["number"], || "they are the same".to_owned())?;
    expect(read.body["node_id"].is_string(), || "there is no node_id".to_owned())?;
    expect(read.body["author_association"].is_string(), || "there is no author_association".to_owned())?;
    ground.close(&issue);
    Ok(())
}

fn untitled(ground: &Ground<'_>) -> Result<(), Doubt> {
    let refused = ground.call("POST", "/issues", &json!({ "body": "without a title" }));
    status(&refused, 422)
}

fn closes(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issue = ground.issue("closed")?;
    let path = format!("/issues/{}", issue["number"]);
    let closed = ground.call("PATCH", &path, &json!({ "state": "closed", "state_reason": "not_planned" }));
    same("the reason", &closed.body["state_reason"], &json!("not_planned"))?;
    expect(closed.body["closed_at"].is_string(), || "there is no closed_at".to_owned())?;
    let opened = ground.call("PATCH", &path, &json!({ "state": "open" }));
    same("the reason", &opened.body["state_reason"], &json!("reopened"))?;
    same("the time of closing", &opened.body["closed_at"], &Value::Null)?;
    ground.close(&issue);
    Ok(())
}

/// Makes sure that the label is there.
fn label(ground: &Ground<'_>) {
    ground.call("POST", "/labels", &json!({ "name": LABEL, "color": "ededed" }));
}

fn labels(ground: &Ground<'_>) -> Result<(), Doubt> {
    label(ground);
    let again = ground.call("POST", "/labels", &json!({ "name": LABEL.to_uppercase(), "color": "ededed" }));
    status(&again, 422)?;
    same("the code", &again.body["errors"][0]["code"], &json!("already_exists"))?;
    let read = ground.get(&format!("/labels/{}", LABEL.to_uppercase()));
    status(&read, 200)?;
    same("the name", &read.body["name"], &json!(LABEL))
}

fn takes_off(ground: &Ground<'_>) -> Result<(), Doubt> {
    label(ground);
    let issue = ground.issue("labelled")?;
    let path = format!("/issues/{}/labels", issue["number"]);
    status(&ground.call("POST", &path, &json!({ "labels": [LABEL] })), 200)?;
    status(&ground.call("DELETE", &format!("{path}/{LABEL}"), &Value::Null), 200)?;
    status(&ground.call("DELETE", &format!("{path}/{LABEL}"), &Value::Null), 404)?;
    ground.close(&issue);
    Ok(())
}

fn timeline(ground: &Ground<'_>) -> Result<(), Doubt> {
    label(ground);
    let issue = ground.issue("told of")?;
    let path = format!("/issues/{}", issue["number"]);
    status(&ground.call("POST", &format!("{path}/labels"), &json!({ "labels": [LABEL] })), 200)?;
    let told = ground.get(&format!("{path}/timeline"));
    status(&told, 200)?;
    let events = told.body.as_array().cloned().unwrap_or_default();
    let labeled = events.iter().find(|event| event["event"] == "labeled").cloned().unwrap_or_default();
    same("the label", &labeled["label"]["name"], &json!(LABEL))?;
    same("the actor", &labeled["actor"]["login"], &issue["user"]["login"])?;
    ground.close(&issue);
    Ok(())
}

fn comments(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issue = ground.issue("commented on")?;
    let made = ground.call("POST", &format!("/issues/{}/comments", issue["number"]), &json!({ "body": "one" }));
    status(&made, 201)?;
    let path = format!("/issues/comments/{}", made.body["id"]);
    let edited = ground.call("PATCH", &path, &json!({ "body": "two" }));
    same("the text", &edited.body["body"], &json!("two"))?;
    status(&ground.call("DELETE", &path, &Value::Null), 204)?;
    status(&ground.call("PATCH", &path, &json!({ "body": "three" })), 404)?;
    ground.close(&issue);
    Ok(())
}

fn due(ground: &Ground<'_>) -> Result<(), Doubt> {
    let sent = json!({ "title": format!("due ({})", ground.mark), "due_on": "2031-09-24T06:59:00Z" });
    let made = ground.call("POST", "/milestones", &sent);
    status(&made, 201)?;
    ground.call("DELETE", &format!("/milestones/{}", made.body["number"]), &Value::Null);
    same("the due date", &made.body["due_on"], &json!("2031-09-23T07:00:00Z"))
}

fn second_milestone(ground: &Ground<'_>) -> Result<(), Doubt> {
    let sent = json!({ "title": format!("twice ({})", ground.mark) });
    let made = ground.call("POST", "/milestones", &sent);
    status(&made, 201)?;
    let again = ground.call("POST", "/milestones", &sent);
    ground.call("DELETE", &format!("/milestones/{}", made.body["number"]), &Value::Null);
    status(&again, 422)?;
    same("the code", &again.body["errors"][0]["code"], &json!("already_exists"))
}

fn graphql(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issue = ground.issue("hidden")?;
    let made = ground.call("POST", &format!("/issues/{}/comments", issue["number"]), &json!({ "body": "hide me" }));
    status(&made, 201)?;
    let ask = |query: &str| {
        let body = json!({ "query": query, "variables": { "id": made.body["node_id"] } });
        ground.client.call("POST", &ground.client.graphql_url(), &body).body
    };
    let seen = ask("query($id: ID!) { node(id: $id) { ... on IssueComment { databaseId isMinimized lastEditedAt } } }");
    let node = &seen["data"]["node"];
    same("the id", &node["databaseId"], &made.body["id"])?;
    same("whether it is hidden", &node["isMinimized"], &json!(false))?;
    let hidden = ask("mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) \
         { minimizedComment { isMinimized minimizedReason } } }");
    let told = &hidden["data"]["minimizeComment"]["minimizedComment"];
    same("whether it is hidden", &told["isMinimized"], &json!(true))?;
    same("the reason", &told["minimizedReason"], &json!("outdated"))?;
    ground.close(&issue);
    Ok(())
}

fn missing(ground: &Ground<'_>) -> Result<(), Doubt> {
    let answer = ground.get("/issues/999999999");
    status(&answer, 404)?;
    same("the message", &answer.body["message"], &json!("Not Found"))
}

fn headers(ground: &Ground<'_>) -> Result<(), Doubt> {
    let answer = ground.get("");
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-github-request-id", "etag"];
    let lacking = names.into_iter().find(|name| answer.header(name).is_none());
    expect(lacking.is_none(), || format!("there is no {}", lacking.unwrap_or_default()))
}
