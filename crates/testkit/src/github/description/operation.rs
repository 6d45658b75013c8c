//! One operation: what may be sent, and what may be answered.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value;

use super::Description;

/// One operation of the description.
pub(crate) struct Operation {
    /// The word for what it is about, from its name: `issues`.
    pub(crate) resource: String,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    /// What each status answers; `None` is without a body.
    responses: BTreeMap<u16, Option<Validator>>,
}

struct Parameter {
    name: String,
    in_query: bool,
    required: bool,
    kind: String,
    validator: Validator,
}

struct Body {
    required: bool,
    /// The names of all fields, if there can be no others.
    fields: Option<Vec<String>>,
    validator: Validator,
}

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestFault {
    pub(crate) field: String,
    /// GitHub's code: `missing_field` or `invalid`.
    pub(crate) code: &'static str,
    pub(crate) text: String,
}

/// Statuses that any operation may answer, in the basic form, whether its description says so or not.
const ANYWHERE: [u16; 13] = [301, 302, 304, 307, 400, 401, 403, 404, 410, 422, 429, 500, 502];

impl Operation {
    pub(super) fn read(description: &'static Description, told: &'static Value) -> Self {
        let resource = told["operationId"].as_str().and_then(|id| id.split('/').next()).unwrap_or_default().to_owned();
        let parameters = told["parameters"].as_array().into_iter().flatten().map(|parameter| {
            let parameter = description.follow(parameter);
            Parameter {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                in_query: parameter["in"] == "query",
                required: parameter["required"] == true,
                kind: parameter["schema"]["type"].as_str().unwrap_or("string").to_owned(),
                validator: description.validator(&parameter["schema"]),
            }
        });
        let content = |told: &'static Value| told["content"].get("application/json").map(|json| &json["schema"]);
        let body = content(&told["requestBody"]).map(|schema| Body {
            required: told["requestBody"]["required"] == true,
            fields: fields(schema),
            validator: description.validator(schema),
        });
        let responses = told["responses"].as_object().into_iter().flatten().filter_map(|(status, response)| {
            let schema = content(description.follow(response));
            Some((status.parse().ok()?, schema.map(|schema| description.validator(schema))))
        });
        Self { resource, parameters: parameters.collect(), body, responses: responses.collect() }
    }

    /// What is wrong with the query of a request.
    pub(crate) fn check_query(&self, query: &[(String, String)]) -> Vec<RequestFault> {
        let mut faults = Vec::new();
        for (name, value) in query {
            let Some(known) = self.parameters.iter().find(|known| known.in_query && known.name == *name) else {
                faults.push(RequestFault::invalid(name, "GitHub knows no such parameter"));
                continue;
            };
            let value = match known.kind.as_str() {
                "integer" | "number" | "boolean" => {
                    serde_json::from_str(value).unwrap_or_else(|_| Value::from(value.as_str()))
                }
                _ => Value::from(value.as_str()),
            };
            if let Some(error) = known.validator.iter_errors(&value).next() {
                faults.push(RequestFault::invalid(name, &error.to_string()));
            }
        }
        let missing = self.parameters.iter().filter(|known| known.in_query && known.required);
        let missing = missing.filter(|known| !query.iter().any(|(name, _)| *name == known.name));
        faults.extend(missing.map(|known| RequestFault::missing(&known.name)));
        faults
    }

    /// What is wrong with the body of a request; null stands for none.
    pub(crate) fn check_body(&self, sent: &Value) -> Vec<RequestFault> {
        let Some(body) = &self.body else {
            let none = sent.is_null() || sent.as_object().is_some_and(serde_json::Map::is_empty);
            return if none { Vec::new() } else { vec![RequestFault::invalid("", "it takes no body")] };
        };
        if sent.is_null() {
            return if body.required { vec![RequestFault::missing("")] } else { Vec::new() };
        }
        let mut faults: Vec<RequestFault> = body.validator.iter_errors(sent).map(|error| fault(&error)).collect();
        if let (Some(known), Some(sent)) = (&body.fields, sent.as_object()) {
            let unknown = sent.keys().filter(|name| !known.contains(name));
            faults.extend(unknown.map(|name| RequestFault::invalid(name, "GitHub knows no such field")));
        }
        faults
    }

    /// What is wrong with an answer.
    pub(crate) fn check_response(&self, status: u16, body: Option<&Value>) -> Vec<String> {
        let Some(declared) = self.responses.get(&status) else {
            let known = ANYWHERE.contains(&status) || status >= 500;
            return if known { Vec::new() } else { vec![format!("the status {status} is not declared")] };
        };
        match (declared, body) {
            (Some(validator), Some(body)) => {
                validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
            }
            (Some(_), None) if status < 300 => vec![format!("the status {status} needs a body")],
            _ => Vec::new(),
        }
    }
}

impl RequestFault {
    fn invalid(field: &str, text: &str) -> Self {
        Self { field: field.to_owned(), code: "invalid", text: text.to_owned() }
    }

    fn missing(field: &str) -> Self {
        Self { field: field.to_owned(), code: "missing_field", text: "it is missing".to_owned() }
    }
}

fn fault(error: &jsonschema::ValidationError<'_>) -> RequestFault {
    let text = error.to_string();
    if let jsonschema::error::ValidationErrorKind::Required { property } = error.kind() {
        return RequestFault::missing(property.as_str().unwrap_or_default());
    }
    let path = error.instance_path().to_string();
    RequestFault::invalid(path.trim_start_matches('/').split('/').next().unwrap_or_default(), &text)
}

/// The names of all fields that a schema knows at the top, if it is a plain one, or one of plain ones.
fn fields(schema: &Value) -> Option<Vec<String>> {
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let lists: Option<Vec<_>> = choices.iter().map(fields).collect();
        return lists.map(|lists| lists.concat());
    }
    if schema["additionalProperties"].is_object() || schema["additionalProperties"] == true {
        return None;
    }
    Some(schema["properties"].as_object()?.keys().cloned().collect())
}
