//! GitHub's own description of what it sends.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

/// The description, cut to the payloads that are announced here.
const TEXT: &str = include_str!("../../../data/github/webhooks.json");

/// The name under which the parts of the description are found.
const NAME: &str = "urn:github:webhooks";

struct Payloads {
    names: Vec<String>,
    registry: Registry<'static>,
    known: Mutex<BTreeMap<String, Arc<Validator>>>,
}

static PAYLOADS: LazyLock<Payloads> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(TEXT).expect("the description is JSON");
    let names = document["payloads"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    let registry = Registry::new().draft(Draft::Draft202012).add(NAME, document).and_then(|named| named.prepare());
    let registry = registry.expect("the description refers to nothing but itself");
    Payloads { names, registry, known: Mutex::default() }
});

/// What is wrong with a payload; empty if nothing is, or if the cut does not describe its event.
pub(super) fn problems(event: &str, action: &str, payload: &Value) -> Vec<String> {
    let name = format!("{event}-{action}").replace('_', "-");
    if !PAYLOADS.names.contains(&name) {
        return Vec::new();
    }
    let mut known = PAYLOADS.known.lock().unwrap_or_else(PoisonError::into_inner);
    let check = known.entry(name.clone()).or_insert_with(|| {
        let options = jsonschema::options().with_draft(Draft::Draft202012).with_registry(&PAYLOADS.registry);
        let schema = json!({ "$ref": format!("{NAME}#/payloads/{name}") });
        Arc::new(options.build(&schema).expect("GitHub's schemas are schemas"))
    });
    let wrong = check
        .iter_errors(payload)
        .map(|error| format!("the webhook {name} is not valid: {}: {error}", error.instance_path()));
    wrong.collect()
}
