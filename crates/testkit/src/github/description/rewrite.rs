//! From the schemas of OpenAPI 3.0 to those of JSON Schema.

use serde_json::{Map, Value, json};

/// What the description says and GitHub itself does not keep to. Nothing could be answered that pleases it.
pub(super) fn mend(document: &mut Value) {
    // The account would have to be a person and an enterprise at once.
    let at = "/paths/~1app~1installations/get/responses/200/content/application~1json/schema/items/properties/account";
    if let Some(Value::Object(account)) = document.pointer_mut(at)
        && let Some(kinds) = account.remove("allOf")
    {
        account.insert("anyOf".to_owned(), kinds);
    }
}

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
