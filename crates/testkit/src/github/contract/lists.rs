//! Sentences about lists: pages, moments, and what did not change.

use serde_json::{Value, json};

use super::{Doubt, Ground, Sentence, expect, same, status};

pub(super) const SENTENCES: &[Sentence] = &[
    ("a moment that a list is asked from counts itself", since),
    ("pages lead to each other by links, and hold each issue once", pages),
    ("what did not change is answered with 304", unchanged),
    ("an issue that is commented on is updated", updated),
];

fn since(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issue = ground.issue("since")?;
    let path = format!("/issues/{}/comments", issue["number"]);
    let made = ground.call("POST", &path, &json!({ "body": "now" }));
    status(&made, 201)?;
    let moment = made.body["updated_at"].as_str().unwrap_or_default().to_owned();
    let found = ground.get(&format!("{path}?since={moment}"));
    same("the comment", &found.body[0]["id"], &made.body["id"])?;
    ground.close(&issue);
    Ok(())
}

fn pages(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issues: Vec<Value> = (0..3).map(|_| ground.issue("on a page")).collect::<Result<_, _>>()?;
    let first = ground.get("/issues?state=all&per_page=2&sort=created&direction=desc");
    let next = first.next().unwrap_or_default();
    expect(next.contains("page=2"), || format!("the next page is at {next:?}"))?;
    let all: Vec<Value> = [first.body, ground.client.get(&next).body]
        .iter()
        .flat_map(|page| page.as_array().cloned().unwrap_or_default())
        .map(|issue| issue["number"].clone())
        .collect();
    let mine: Vec<Value> = issues.iter().rev().map(|issue| issue["number"].clone()).collect();
    for issue in &issues {
        ground.close(issue);
    }
    expect(all.starts_with(&mine), || format!("{all:?} does not begin with {mine:?}"))
}

fn unchanged(ground: &Ground<'_>) -> Result<(), Doubt> {
    let path = format!("{}/milestones?state=all&per_page=1", ground.repo);
    let first = ground.client.get(&path);
    let tag = first.header("etag").unwrap_or_default().to_owned();
    let again = ground.client.send("GET", &path, &Value::Null, &[("if-none-match", &tag)]);
    status(&again.map_err(|error| Doubt::Wrong(error.to_string()))?, 304)
}

fn updated(ground: &Ground<'_>) -> Result<(), Doubt> {
    let issue = ground.issue("updated")?;
    let path = format!("/issues/{}", issue["number"]);
    let made = ground.call("POST", &format!("{path}/comments"), &json!({ "body": "now" }));
    let seen = ground.get(&path).body;
    ground.close(&issue);
    let at = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (seen, made) = (at(&seen["updated_at"]), at(&made.body["created_at"]));
    expect(seen >= made, || format!("the issue was updated at {seen}, the comment made at {made}"))
}
