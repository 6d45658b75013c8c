//! Gemini's `generateContent`.

use serde_json::{Value, json};

use crate::model::tools::Input;
use crate::model::turn::{Content, StreamEvent, Turn};
use crate::model::{INPUT_TOKENS, OUTPUT_TOKENS};

fn finish(content: &Content) -> &'static str {
    match content {
        Content::Text(_) | Content::Call(_) => "STOP",
        Content::Refusal => "SAFETY",
        Content::Truncated(_) => "MAX_TOKENS",
    }
}

fn parts(content: &Content) -> Vec<Value> {
    match content {
        Content::Text(text) | Content::Truncated(text) => vec![json!({ "text": text })],
        Content::Refusal => Vec::new(),
        Content::Call(call) => {
            let args = match &call.input {
                Input::Object(value) => value.clone(),
                Input::Text(text) => json!({ "input": text }),
            };
            vec![json!({"functionCall": {"name": call.name, "args": args}})]
        }
    }
}

fn response(turn: &Turn, parts: &[Value], finish: Option<&str>) -> Value {
    let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    json!({
        "responseId": format!("response-{}", turn.number), "modelVersion": turn.model, "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": OUTPUT_TOKENS,
            "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
        },
    })
}

pub(super) fn whole(turn: &Turn) -> Value {
    response(turn, &parts(&turn.content), Some(finish(&turn.content)))
}

pub(super) fn events(turn: &Turn) -> Vec<StreamEvent> {
    // A call comes whole. Of a text the first word comes first, so that there is a middle to break in.
    let mut parts = parts(&turn.content);
    let mut events = Vec::new();
    if let Some(text) = parts.first().and_then(|part| part["text"].as_str())
        && let Some((first, rest)) = text.split_once(' ')
    {
        events.push(StreamEvent::unnamed(&response(turn, &[json!({"text": format!("{first} ")})], None)));
        parts = vec![json!({ "text": rest })];
    }
    events.push(StreamEvent::unnamed(&response(turn, &parts, Some(finish(&turn.content)))));
    events
}

pub(super) fn stream_error() -> StreamEvent {
    let error = json!({"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"});
    StreamEvent::unnamed(&json!({ "error": error }))
}
