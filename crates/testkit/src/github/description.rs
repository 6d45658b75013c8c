//! GitHub's own description of its REST interface, against which requests and answers are held.

mod operation;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;

pub(crate) use operation::Operation;

/// The description, cut to the operations that are of interest here.
const TEXT: &str = include_str!("../../data/github/openapi.json");

/// The name under which the parts of the description refer to each other.
const NAME: &str = "urn:github:description";

/// The whole description.
pub(crate) struct Description {
    document: &'static Value,
    registry: Registry<'static>,
    operations: Mutex<Operations>,
}

/// Operations by method and form of path, and those the description was found to lack.
type Operations = BTreeMap<(String, String), Option<Arc<Operation>>>;

impl Description {
    /// The description. It is read once in a process, and an operation's checks are made when they are first asked for.
    pub(crate) fn get() -> &'static Self {
        static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
            let mut document: Value = serde_json::from_str(TEXT).expect("the description is JSON");
            rewrite::mend(&mut document);
            rewrite::rewrite(&mut document, NAME);
            let document: &'static Value = Box::leak(Box::new(document));
            let registry = Registry::new().draft(Draft::Draft7).add(NAME, document).and_then(|named| named.prepare());
            let registry = registry.expect("the description refers to nothing but itself");
            Description { document, registry, operations: Mutex::default() }
        });
        &DESCRIPTION
    }

    /// The operation of a method on a path of that form, if the description has it.
    pub(crate) fn operation(&'static self, method: &str, template: &str) -> Option<Arc<Operation>> {
        let mut known = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (method.to_owned(), template.to_owned());
        known.entry(key).or_insert_with(|| self.read(method, template).map(Arc::new)).clone()
    }

    fn read(&'static self, method: &str, template: &str) -> Option<Operation> {
        let told = self.document["paths"].get(template)?.get(method.to_lowercase())?;
        Some(Operation::read(self, told))
    }

    /// What a reference leads to, or the value itself if it is none.
    fn follow(&self, value: &'static Value) -> &'static Value {
        let pointer = value["$ref"].as_str().and_then(|name| name.strip_prefix(NAME)?.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }

    /// The check of a schema.
    fn validator(&self, schema: &Value) -> Validator {
        let options = jsonschema::options().with_draft(Draft::Draft7).with_registry(&self.registry);
        options.should_validate_formats(true).build(schema).expect("GitHub's schemas are schemas")
    }

    /// The schema of an answer.
    #[cfg(test)]
    pub(crate) fn response_schema(&'static self, method: &str, template: &str, status: u16) -> &'static Value {
        let told = &self.document["paths"][template][method.to_lowercase()];
        &self.follow(&told["responses"][status.to_string()])["content"]["application/json"]["schema"]
    }

    /// What a schema refers to, or the schema itself.
    #[cfg(test)]
    pub(crate) fn resolve<'a>(&'static self, schema: &'a Value) -> &'a Value {
        let pointer = schema["$ref"].as_str().and_then(|name| name.strip_prefix(NAME)?.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(schema)
    }
}
