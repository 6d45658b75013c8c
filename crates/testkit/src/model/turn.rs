//! What a model says in one answer, before it is put into a vendor's words.

use serde_json::{Value, json};

use super::request::ModelRequest;
use super::scenario::Step;
use super::tools::{Call, Tools};

/// One answer of the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    /// Which answer of the server it is, counted from 1; ids are made from it.
    pub(super) number: usize,
    /// The model that was asked for.
    pub(super) model: String,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Text(String),
    Call(Call),
    Refusal,
    /// An answer that was ended by its bound.
    Truncated(String),
}

impl Turn {
    /// What the model says at a step; a step that is a fault in the stream begins as an answer.
    pub(super) fn of(step: &Step, request: &ModelRequest, number: usize) -> Self {
        let tools = Tools::of(request);
        let content = match step {
            Step::Shell(command) => tools.shell(command).map(Content::Call),
            Step::Edit { path, text } => tools.edit(path, text).map(Content::Call),
            Step::Structured(value) => {
                tools.structured(value).map(Content::Call).or_else(|| Some(Content::Text(value.to_string())))
            }
            Step::Answer(text) => Some(Content::Text(text.clone())),
            Step::Refusal => Some(Content::Refusal),
            Step::MaxTokens => Some(Content::Truncated("This goes on and".into())),
            _ => None,
        };
        let content = content.unwrap_or_else(|| Content::Text("All is well.".into()));
        Self { number, model: request.model(), content }
    }

    /// The id of its tool call.
    pub(super) fn call_id(&self) -> String {
        format!("call_{}", self.number)
    }
}

/// One event of a stream of server-sent events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StreamEvent {
    pub(super) name: Option<String>,
    pub(super) data: String,
}

impl StreamEvent {
    /// An event whose name is also the `type` of its data.
    pub(super) fn named(name: &str, mut data: Value) -> Self {
        data["type"] = json!(name);
        Self { name: Some(name.to_owned()), data: data.to_string() }
    }

    pub(super) fn unnamed(data: &Value) -> Self {
        Self { name: None, data: data.to_string() }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let name = self.name.as_ref().map(|name| format!("event: {name}\n")).unwrap_or_default();
        format!("{name}data: {}\n\n", self.data).into_bytes()
    }
}
