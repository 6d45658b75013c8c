//! Sentences about parts of issues, and about what comes before what. Some Enterprise Servers know neither.

use serde_json::{Value, json};

use super::{Doubt, Ground, Sentence, expect, same, status};

pub(super) const SENTENCES: &[Sentence] = &[
    ("a part is added by its id, listed and counted, and knows its parent", parts),
    ("what waits for another says so until that is closed", waits),
];

/// Says that this GitHub lacks something that answers 404 for an issue that is there.
fn is_there(ground: &Ground<'_>, path: &str) -> Result<(), Doubt> {
    match ground.get(path).status {
        404 => Err(Doubt::Absent("it is not there".to_owned())),
        _ => Ok(()),
    }
}

fn parts(ground: &Ground<'_>) -> Result<(), Doubt> {
    let (parent, child) = (ground.issue("parent")?, ground.issue("part")?);
    let path = format!("/issues/{}/sub_issues", parent["number"]);
    is_there(ground, &path)?;
    status(&ground.call("POST", &path, &json!({ "sub_issue_id": child["id"] })), 201)?;
    same("the part", &ground.get(&path).body[0]["id"], &child["id"])?;
    let above = ground.get(&format!("/issues/{}/parent", child["number"]));
    same("the parent", &above.body["id"], &parent["id"])?;
    let again = ground.call("POST", &path, &json!({ "sub_issue_id": child["id"] }));
    status(&again, 422)?;
    ground.close(&child);
    let summary = ground.get(&format!("/issues/{}", parent["number"])).body["sub_issues_summary"].clone();
    ground.close(&parent);
    same("the parts", &summary["total"], &json!(1))?;
    same("the closed parts", &summary["completed"], &json!(1))
}

fn waits(ground: &Ground<'_>) -> Result<(), Doubt> {
    let (first, second) = (ground.issue("first")?, ground.issue("second")?);
    let path = format!("/issues/{}/dependencies/blocked_by", second["number"]);
    is_there(ground, &path)?;
    status(&ground.call("POST", &path, &json!({ "issue_id": first["id"] })), 201)?;
    let summary = || ground.get(&format!("/issues/{}", second["number"])).body["issue_dependencies_summary"].clone();
    let open = summary();
    ground.close(&first);
    let closed = summary();
    ground.call("DELETE", &format!("{path}/{}", first["id"]), &Value::Null);
    ground.close(&second);
    same("what it waits for", &open["blocked_by"], &json!(1))?;
    expect(closed["blocked_by"] == 0 && closed["total_blocked_by"] == 1, || format!("after closing: {closed}"))
}
