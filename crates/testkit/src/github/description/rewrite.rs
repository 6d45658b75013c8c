//! From the schemas of OpenAPI 3.0 to those of JSON Schema.

use serde_json::{Map, Value, json};

/// Makes references absolute, and says in JSON Schema's words that something may be null.
pub(super) fn rewrite(value: &mut Value, name: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, name)),
        Value::Object(fields) => {
            // Examples are data, which may hold anything.
            fields.retain(|key, _| key != "example" && key != "examples");
            fields.values_mut().for_each(|field| rewrite(field, name));
            if let Some(Value::String(reference)) = fields.get_mut("$ref")
                && reference.starts_with('#')
            {
                *reference = format!("{name}{reference}");
            }
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                fields.remove("nullable");
                let rest = Value::Object(std::mem::take(fields));
                *fields = Map::from_iter([("anyOf".to_owned(), json!([rest, { "type": "null" }]))]);
            }
        }
        _ => {}
    }
}
