//! OpenAI's chat completions.

use serde_json::{Value, json};

use crate::model::tools::Input;
use crate::model::turn::{Content, StreamEvent, Turn};
use crate::model::{INPUT_TOKENS, OUTPUT_TOKENS};

fn finish(content: &Content) -> &'static str {
    match content {
        Content::Text(_) => "stop",
        Content::Call(_) => "tool_calls",
        Content::Refusal => "content_filter",
        Content::Truncated(_) => "length",
    }
}

/// What the assistant says, whole; in a stream it is one delta.
fn message(turn: &Turn) -> Value {
    match &turn.content {
        Content::Text(text) | Content::Truncated(text) => json!({"role": "assistant", "content": text}),
        Content::Refusal => {
            json!({"role": "assistant", "content": null, "refusal": "I cannot help with that."})
        }
        Content::Call(call) => {
            let arguments = match &call.input {
                Input::Object(value) => value.to_string(),
                Input::Text(text) => json!({ "input": text }).to_string(),
            };
            let function = json!({"name": call.name, "arguments": arguments});
            let calls = json!([{"index": 0, "id": turn.call_id(), "type": "function", "function": function}]);
            json!({"role": "assistant", "content": null, "tool_calls": calls})
        }
    }
}

fn usage() -> Value {
    json!({
        "prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    })
}

fn frame(turn: &Turn, object: &str, choices: &Value) -> Value {
    json!({"id": format!("chatcmpl-{}", turn.number), "object": object, "created": 0, "model": turn.model,
        "choices": choices})
}

pub(super) fn whole(turn: &Turn) -> Value {
    let choices = json!([{"index": 0, "message": message(turn), "finish_reason": finish(&turn.content)}]);
    let mut whole = frame(turn, "chat.completion", &choices);
    whole["usage"] = usage();
    whole
}

pub(super) fn events(turn: &Turn) -> Vec<StreamEvent> {
    let chunk = |choices: Value| frame(turn, "chat.completion.chunk", &choices);
    let delta = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let mut last = chunk(json!([]));
    last["usage"] = usage();
    vec![
        StreamEvent::unnamed(&chunk(delta(json!({"role": "assistant", "content": ""}), Value::Null))),
        StreamEvent::unnamed(&chunk(delta(message(turn), Value::Null))),
        StreamEvent::unnamed(&chunk(delta(json!({}), json!(finish(&turn.content))))),
        StreamEvent::unnamed(&last),
        StreamEvent { name: None, data: "[DONE]".into() },
    ]
}

pub(super) fn stream_error() -> StreamEvent {
    let error = json!({"message": "The server is overloaded.", "type": "server_error", "code": "overloaded"});
    StreamEvent::unnamed(&json!({ "error": error }))
}
