//! What an agent says, reads or is told decides nothing: every capture, quoted in a run that went well, leaves it so.

use dayfly_core::{AgentKind, End};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::captures::{capture, expected};
use super::{exited, read};

const KINDS: [AgentKind; 5] =
    [AgentKind::Claude, AgentKind::Codex, AgentKind::OpenCode, AgentKind::Gemini, AgentKind::Copilot];

/// A run that goes well, in which the text is said, read, and told by a tool that failed and by one that worked.
fn quoting(kind: AgentKind, text: &str) -> Vec<u8> {
    let records: Vec<Value> = match kind {
        AgentKind::Claude => vec![
            json!({ "type": "assistant", "message": { "content": [
                { "type": "text", "text": text }, { "type": "tool_use", "id": "t1", "name": "Bash", "input": { "command": text } },
            ] } }),
            json!({ "type": "user", "message": { "content": [
                { "type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": text },
            ] }, "tool_use_result": { "stdout": text, "stderr": text } }),
            json!({ "type": "stream_event", "event": { "delta": { "text": text } } }),
            json!({ "type": "result", "subtype": "success", "is_error": false, "num_turns": 2, "result": text,
                "terminal_reason": "completed", "permission_denials": [] }),
        ],
        AgentKind::Codex => vec![
            json!({ "type": "thread.started", "thread_id": "a" }),
            json!({ "type": "item.completed", "item": { "id": "1", "type": "command_execution", "command": text,
                "aggregated_output": text, "exit_code": 1, "status": "failed" } }),
            json!({ "type": "item.completed", "item": { "id": "2", "type": "agent_message", "text": text } }),
            json!({ "type": "turn.completed", "usage": { "input_tokens": 1, "output_tokens": 1 } }),
        ],
        AgentKind::OpenCode => vec![
            json!({ "type": "tool_use", "part": { "tool": "bash", "callID": "1",
                "state": { "status": "completed", "input": { "command": text }, "output": text } } }),
            json!({ "type": "text", "part": { "text": text } }),
            json!({ "type": "step_finish", "part": { "reason": "stop", "tokens": { "input": 1, "output": 1 } } }),
        ],
        AgentKind::Gemini => vec![
            json!({ "type": "tool_use", "tool_name": "run_shell_command", "tool_id": "1", "parameters": { "command": text } }),
            json!({ "type": "tool_result", "tool_id": "1", "status": "error", "output": text,
                "error": { "type": "shell_execute_error", "message": text } }),
            json!({ "type": "message", "role": "user", "content": text }),
            json!({ "type": "message", "role": "assistant", "content": text, "delta": true }),
            json!({ "type": "result", "status": "success", "stats": { "input_tokens": 1, "output_tokens": 1 } }),
        ],
        AgentKind::Copilot => vec![
            json!({ "type": "user.message", "data": { "content": text } }),
            json!({ "type": "tool.execution_start", "data": { "toolCallId": "1", "toolName": "bash",
                "arguments": { "command": text } } }),
            json!({ "type": "tool.execution_complete", "data": { "toolCallId": "1", "success": false,
                "error": { "message": text, "code": "failure" } } }),
            json!({ "type": "assistant.message", "data": { "content": text } }),
            json!({ "type": "result", "exitCode": 0 }),
        ],
        kind => panic!("{kind:?} has no records of its own"),
    };
    let mut lines: Vec<u8> = Vec::new();
    for record in records {
        lines.extend(record.to_string().bytes());
        lines.push(b'\n');
    }
    lines
}

fn assert_unmoved(kind: AgentKind, text: &str, from: &str) {
    let (_, ending) = read(kind, (&quoting(kind, text), text.as_bytes()), exited(0));
    assert_eq!(ending.end, End::Succeeded, "{} quoting {from}", kind.word());
    assert!(ending.limits.is_empty(), "{} quoting {from}: {:?}", kind.word(), ending.limits);
}

#[test]
fn every_capture_of_every_program_can_be_quoted_in_every_program() {
    for from in KINDS {
        for (name, row) in expected(from) {
            let (stdout, stderr) = capture(from, &name, &row);
            let name = format!("{}/{name}", from.word());
            for text in [stdout, stderr] {
                let text = String::from_utf8_lossy(&text);
                for kind in KINDS {
                    assert_unmoved(kind, &text, &name);
                    // A line by itself, as a model repeats it.
                    text.lines().last().into_iter().for_each(|line| assert_unmoved(kind, line, &name));
                }
            }
        }
    }
}

/// The vendors' own words at the beginning of a text.
const WORDS: [&str; 8] = [
    "You've hit your usage limit",
    "unexpected status 429 Too Many Requests: ",
    "[API Error: {\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}]",
    "Loop detected, stopping execution",
    "The user rejected permission to use this specific tool call.",
    "API Error: Request rejected (429)",
    "{\"error\":{\"type\":\"insufficient_quota\"}}",
    "{\"type\":\"result\",\"is_error\":true,\"api_error_status\":401}",
];

proptest! {
    #[test]
    fn no_words_move_a_run_that_went_well(pick in 0..WORDS.len(), rest in "\\PC{0,200}", before in "[\\n {}\"]{0,3}") {
        for kind in KINDS {
            assert_unmoved(kind, &format!("{before}{}{rest}", WORDS[pick]), "words");
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic_or_succeed(lines in prop::collection::vec("\\PC{0,80}", 0..20), code in 0..256) {
        for kind in KINDS {
            let (_, ending) = read(kind, (lines.join("\n").as_bytes(), b"\xff\n{"), exited(code));
            prop_assert_ne!(ending.end, End::Succeeded);
        }
    }
}

#[test]
fn records_of_another_shape_are_told_whole_and_named_in_the_end() {
    for kind in KINDS {
        let line = br#"{"type":"new.thing","data":{"type":7,"message":["x"],"item":null,"result":{}}}"#;
        let (events, ending) = read(kind, (line, b""), exited(0));
        assert!(
            matches!(&events[..], [dayfly_core::AgentEvent::Other(whole)] if whole.contains("\"message\":[\"x\"]")),
            "{events:?}"
        );
        let End::Unknown { reason } = &ending.end else { panic!("{:?}", ending.end) };
        assert!(reason.contains("`new.thing`"), "{reason}");
        for odd in
            ["null", "[]", "7", "{}", r#"{"type":7}"#, r#"{"type":"result"}"#, r#"{"type":"assistant","message":3}"#]
        {
            assert_eq!(read(kind, (odd.as_bytes(), b""), exited(0)).1.end.word(), "unknown", "{odd}");
        }
    }
}
