//! GraphQL, answered from the state by walking what is selected.

mod branches;
mod connection;
mod discussion;
mod mutation;
mod object;
mod pull;
mod pull_mutation;
mod repository;
mod rollup;
mod root;
mod selection;

use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::state::State;
use super::users::Viewer;
use super::wire::View;

pub(crate) use connection::connection;
pub(crate) use object::{Object, Told};
pub(crate) use selection::{Document, Selected, operation};

/// One GraphQL request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) viewer: Viewer,
    /// The API's base address.
    pub(crate) api: String,
    /// How many points it costs.
    pub(crate) cost: u32,
    /// Errors beside the data.
    pub(crate) errors: Vec<Value>,
}

/// A field cannot be answered at all. The whole request then has no data.
#[derive(Debug)]
pub(crate) struct Trouble(pub(crate) String);

/// What was answered, and what is wrong with the request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) body: Value,
    pub(crate) violation: Option<String>,
}

impl Ask<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { state: self.state, api: &self.api }
    }

    /// Writes down that something was not found; its field is then null.
    pub(crate) fn not_found(&mut self, selected: &Selected, message: String) -> Told {
        self.error(selected, "NOT_FOUND", message)
    }

    /// Writes down an error of a type; its field is then null.
    pub(crate) fn error(&mut self, selected: &Selected, kind: &str, message: String) -> Told {
        self.errors.push(json!({ "type": kind, "path": [selected.key], "message": message }));
        Told::Value(Value::Null)
    }

    /// What is selected of an object.
    pub(crate) fn select(&mut self, object: &Object, fields: &[Selected]) -> Result<Value, Trouble> {
        let mut told = Map::new();
        for field in fields.iter().filter(|field| field.is_for(object.type_name())) {
            let value = match field.name.as_str() {
                "__typename" => Value::from(object.type_name()),
                _ => {
                    let found = object.field(self, field)?;
                    self.tell(found, field, object.type_name())?
                }
            };
            told.insert(field.key.clone(), value);
        }
        Ok(Value::Object(told))
    }

    fn tell(&mut self, found: Told, field: &Selected, of: &str) -> Result<Value, Trouble> {
        match found {
            Told::Value(value) => Ok(value),
            Told::Object(object) => self.select(&object, &field.fields),
            Told::List(objects) => {
                let told = objects.into_iter().map(|known| match known {
                    Some(object) => self.select(&object, &field.fields),
                    None => Ok(Value::Null),
                });
                Ok(Value::Array(told.collect::<Result<_, _>>()?))
            }
            Told::Unknown => Err(Trouble(format!("Field '{}' doesn't exist on type '{of}'", field.name))),
        }
    }
}

/// Answers a request.
pub(crate) fn answer(ask: &mut Ask<'_>, document: &Document) -> Answered {
    let root = if document.is_mutation { Object::Mutation } else { Object::Query };
    match ask.select(&root, &document.fields) {
        Ok(data) if ask.errors.is_empty() => Answered { body: json!({ "data": data }), violation: None },
        Ok(data) => Answered { body: json!({ "data": data, "errors": ask.errors }), violation: None },
        Err(Trouble(message)) => Answered::refused(message),
    }
}

impl Answered {
    pub(crate) fn refused(message: String) -> Self {
        Self { body: json!({ "errors": [{ "message": message }] }), violation: Some(message) }
    }
}

impl From<Reply> for Trouble {
    fn from(reply: Reply) -> Self {
        Self(format!("it was refused with {}", reply.status))
    }
}
