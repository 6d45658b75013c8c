//! OpenAI's Responses.

use serde_json::{Value, json};

use crate::model::tools::Input;
use crate::model::turn::{Content, StreamEvent, Turn};
use crate::model::{INPUT_TOKENS, OUTPUT_TOKENS};

/// The response around an output.
fn response(turn: &Turn, status: &str, output: &[Value]) -> Value {
    let usage = json!({
        "input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": OUTPUT_TOKENS, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    });
    let reason = json!({"reason": "max_output_tokens"});
    json!({
        "id": format!("resp_{}", turn.number), "object": "response", "created_at": 0, "model": turn.model,
        "status": status, "output": output, "error": null,
        "usage": if status == "in_progress" { Value::Null } else { usage },
        "incomplete_details": if status == "incomplete" { reason } else { Value::Null },
    })
}

fn item(turn: &Turn) -> Value {
    let message = |part: Value| {
        json!({"type": "message", "id": format!("msg_{}", turn.number), "role": "assistant", "status": "completed",
            "content": [part]})
    };
    match &turn.content {
        Content::Text(text) | Content::Truncated(text) => {
            message(json!({"type": "output_text", "text": text, "annotations": []}))
        }
        Content::Refusal => message(json!({"type": "refusal", "refusal": "I cannot help with that."})),
        Content::Call(call) => {
            let (kind, key, input) = match &call.input {
                Input::Object(value) => ("function_call", "arguments", value.to_string()),
                Input::Text(text) => ("custom_tool_call", "input", text.clone()),
            };
            let id = format!("item_{}", turn.number);
            let mut item = json!({"type": kind, "id": id, "call_id": turn.call_id(), "name": call.name,
                "status": "completed"});
            item[key] = json!(input);
            item
        }
    }
}

fn status(turn: &Turn) -> &'static str {
    if matches!(turn.content, Content::Truncated(_)) { "incomplete" } else { "completed" }
}

pub(super) fn whole(turn: &Turn) -> Value {
    response(turn, status(turn), &[item(turn)])
}

pub(super) fn events(turn: &Turn) -> Vec<StreamEvent> {
    let item = item(turn);
    let mut events = vec![
        StreamEvent::named("response.created", json!({"response": response(turn, "in_progress", &[])})),
        StreamEvent::named("response.output_item.added", json!({"output_index": 0, "item": item})),
    ];
    if let Content::Text(text) | Content::Truncated(text) = &turn.content {
        let delta = json!({"item_id": item["id"], "output_index": 0, "content_index": 0, "delta": text});
        events.push(StreamEvent::named("response.output_text.delta", delta));
    }
    events.push(StreamEvent::named("response.output_item.done", json!({"output_index": 0, "item": item})));
    let last = format!("response.{}", status(turn));
    events.push(StreamEvent::named(&last, json!({"response": response(turn, status(turn), &[item])})));
    for (number, event) in events.iter_mut().enumerate() {
        let mut data: Value = serde_json::from_str(&event.data).expect("it was written as JSON");
        data["sequence_number"] = json!(number);
        event.data = data.to_string();
    }
    events
}

pub(super) fn stream_error(code: &str, message: &str) -> StreamEvent {
    let error = json!({"code": code, "message": message});
    let response = json!({"id": "resp_0", "object": "response", "status": "failed", "error": error, "output": []});
    StreamEvent::named("response.failed", json!({ "response": response }))
}
