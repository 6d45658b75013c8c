//! Anthropic's Messages.

use serde_json::{Value, json};

use crate::model::tools::Input;
use crate::model::turn::{Content, StreamEvent, Turn};
use crate::model::{INPUT_TOKENS, OUTPUT_TOKENS};

fn stop(content: &Content) -> &'static str {
    match content {
        Content::Text(_) => "end_turn",
        Content::Call(_) => "tool_use",
        Content::Refusal => "refusal",
        Content::Truncated(_) => "max_tokens",
    }
}

/// The message around a content, as it ends or as it begins.
fn message(turn: &Turn, content: &[Value], stop: Option<&str>) -> Value {
    json!({
        "id": format!("msg_{}", turn.number), "type": "message", "role": "assistant", "model": turn.model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {
            "input_tokens": INPUT_TOKENS, "output_tokens": if stop.is_some() { OUTPUT_TOKENS } else { 1 },
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        },
    })
}

/// The blocks of a content.
fn blocks(turn: &Turn) -> Vec<Value> {
    match &turn.content {
        Content::Text(text) | Content::Truncated(text) => vec![json!({"type": "text", "text": text})],
        Content::Call(call) => {
            let input = match &call.input {
                Input::Object(value) => value.clone(),
                Input::Text(text) => json!({ "input": text }),
            };
            vec![json!({"type": "tool_use", "id": turn.call_id(), "name": call.name, "input": input})]
        }
        Content::Refusal => Vec::new(),
    }
}

pub(super) fn whole(turn: &Turn) -> Value {
    message(turn, &blocks(turn), Some(stop(&turn.content)))
}

pub(super) fn events(turn: &Turn) -> Vec<StreamEvent> {
    let mut events = vec![StreamEvent::named("message_start", json!({"message": message(turn, &[], None)}))];
    for mut block in blocks(turn) {
        let delta = if block["type"] == "text" {
            json!({"type": "text_delta", "text": std::mem::replace(&mut block["text"], json!(""))})
        } else {
            let input = std::mem::replace(&mut block["input"], json!({}));
            json!({"type": "input_json_delta", "partial_json": input.to_string()})
        };
        events.push(StreamEvent::named("content_block_start", json!({"index": 0, "content_block": block})));
        events.push(StreamEvent::named("content_block_delta", json!({"index": 0, "delta": delta})));
        events.push(StreamEvent::named("content_block_stop", json!({"index": 0})));
    }
    let end = json!({
        "delta": {"stop_reason": stop(&turn.content), "stop_sequence": null},
        "usage": {"output_tokens": OUTPUT_TOKENS},
    });
    events.push(StreamEvent::named("message_delta", end));
    events.push(StreamEvent::named("message_stop", json!({})));
    events
}

pub(super) fn stream_error() -> StreamEvent {
    StreamEvent::named("error", json!({"error": {"type": "overloaded_error", "message": "Overloaded"}}))
}
