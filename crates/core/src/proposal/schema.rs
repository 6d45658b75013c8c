//! The form of a proposal, as a JSON schema.

use serde_json::{Map, Value, json};

use super::{Allowed, Proposal, VerdictRule};

impl Proposal {
    /// The JSON schema of what is allowed, for agents whose vendor holds their answer against one.
    ///
    /// It is of the strict form that all vendors take: every property is required, and no other is allowed.
    pub fn schema(allowed: &Allowed<'_>, verdict: VerdictRule) -> Value {
        let mut properties = Map::new();
        properties.insert("version".into(), json!({ "type": "integer", "enum": [1] }));
        let what = "what was found or done; later stages read it";
        properties.insert("summary".into(), json!({ "type": "string", "description": what }));
        if verdict == VerdictRule::Required {
            properties.insert("verdict".into(), json!({ "type": "string", "enum": ["pass", "fail"] }));
        }
        let effects: Vec<_> = allowed.effects.iter().filter_map(|word| effect(word, allowed)).collect();
        if !effects.is_empty() {
            let what = "what is asked for besides; often nothing";
            let items = json!({ "anyOf": effects });
            properties.insert("effects".into(), json!({ "type": "array", "description": what, "items": items }));
        }
        object(properties)
    }
}

/// The schema of one effect; nothing for a word that is none, or of which nothing could be asked.
fn effect(word: &str, allowed: &Allowed<'_>) -> Option<Value> {
    let labels = || json!({ "type": "array", "items": { "type": "string", "enum": allowed.caps.labels } });
    let inner = match word {
        "ask" => {
            let mut ask = texts(&["question", "default"]);
            let what = "0 to 6 ways to answer: a short word, and what follows from it";
            ask.extend(list("options", what, texts(&["word", "follows"])));
            ask
        }
        "comment" => texts(&["body"]),
        "split" => {
            let mut child = texts(&["key", "title", "body"]);
            let after = "the keys of children before it that must be done first";
            child.insert(
                "after".into(),
                json!({ "type": "array", "description": after, "items": { "type": "string" } }),
            );
            let what = format!("1 to {} children, in the order in which they should be done", allowed.children);
            list("children", &what, child)
        }
        "label" if !allowed.caps.labels.is_empty() => {
            Map::from_iter([("add".to_owned(), labels()), ("remove".to_owned(), labels())])
        }
        "create" => {
            let mut issue = texts(&["key", "title", "body"]);
            if !allowed.caps.labels.is_empty() {
                issue.insert("labels".into(), labels());
            }
            let what = format!("1 to {} issues; the same thing has the same key every time", allowed.caps.issues);
            list("issues", &what, issue)
        }
        _ => return None,
    };
    Some(object(Map::from_iter([(word.to_owned(), object(inner))])))
}

fn texts(keys: &[&str]) -> Map<String, Value> {
    keys.iter().map(|key| ((*key).to_owned(), json!({ "type": "string" }))).collect()
}

fn list(key: &str, what: &str, item: Map<String, Value>) -> Map<String, Value> {
    let list = json!({ "type": "array", "description": what, "items": object(item) });
    Map::from_iter([(key.to_owned(), list)])
}

fn object(properties: Map<String, Value>) -> Value {
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
