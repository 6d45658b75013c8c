//! Failures of the vendors' interfaces of which there is no capture: all come out by their structure.

use dayfly_core::{AgentKind, End, LimitScope, LimitWhy, ResetTime};
use serde_json::{Value, json};

use super::{exited, read};

/// A failure of the interface as each program tells it.
fn failure(kind: AgentKind, status: u16, error: &Value) -> (Vec<u8>, i32) {
    let message = error["message"].as_str().unwrap_or("it failed");
    let record = match kind {
        AgentKind::Claude => json!({ "type": "result", "subtype": "success", "is_error": true, "num_turns": 1,
            "terminal_reason": "api_error", "api_error_status": status, "api_error_type": error["type"],
            "result": format!("API Error: {status} {message}") }),
        AgentKind::Codex => json!({ "type": "turn.failed", "error": {
            "message": format!("unexpected status {status} Some Reason: {message}, url: http://localhost/v1/responses") } }),
        AgentKind::OpenCode => json!({ "type": "error", "error": { "name": "APIError", "data": {
            "message": message, "statusCode": status, "isRetryable": false,
            "responseHeaders": { "retry-after": "7" }, "responseBody": json!({ "error": error }).to_string() } } }),
        AgentKind::Gemini => json!({ "type": "result", "status": "error", "error": { "type": "unknown", "message":
            format!("[API Error: {}]", json!({ "error": { "code": status, "message": message, "status": error["type"],
                "details": [{ "retryDelay": "7s" }] } })) } }),
        AgentKind::Copilot => {
            let failed = json!({ "type": "model.call_failure", "data": { "statusCode": status, "errorMessage": error.to_string() } });
            let told = json!({ "type": "session.error", "data": { "errorType": "query", "statusCode": status,
                "message": format!("{status} {message}") } });
            return (format!("{failed}\n{told}\n{}\n", json!({ "type": "result", "exitCode": 1 })).into_bytes(), 1);
        }
        kind => panic!("{kind:?}"),
    };
    let code = if kind == AgentKind::Gemini { i32::from(status % 256) } else { 1 };
    (format!("{record}\n").into_bytes(), code)
}

const KINDS: [AgentKind; 5] =
    [AgentKind::Claude, AgentKind::Codex, AgentKind::OpenCode, AgentKind::Gemini, AgentKind::Copilot];

#[test]
fn every_status_has_its_end_in_every_program() {
    for kind in KINDS {
        for status in 400..=599 {
            let (stdout, code) = failure(kind, status, &json!({ "type": "some_error" }));
            let (_, ending) = read(kind, (&stdout, b""), exited(code));
            let wanted = match status {
                401 | 403 | 407 => "auth",
                402 | 429 => "quota",
                413 => "task-failed",
                408 | 409 | 421 | 424 | 425 | 499.. => "provider-down",
                _ => "misconfigured",
            };
            assert_eq!(ending.end.word(), wanted, "{} {status}: {}", kind.word(), ending.end);
            let why: Vec<_> = ending.limits.iter().map(|limit| (limit.why, limit.scope)).collect();
            let wanted = match status {
                401 | 403 | 407 => vec![(LimitWhy::Auth, LimitScope::Account)],
                402 => vec![(LimitWhy::Quota, LimitScope::Account)],
                429 => vec![(LimitWhy::Quota, LimitScope::Model)],
                408 | 409 | 421 | 424 | 425 | 499.. => vec![(LimitWhy::Down, LimitScope::Vendor)],
                _ => vec![],
            };
            assert_eq!(why, wanted, "{} {status}", kind.word());
        }
    }
}

#[test]
fn a_quota_that_is_told_with_403_is_no_refused_key() {
    for kind in KINDS {
        for words in ["You have reached the usage limit of this billing cycle.", "Insufficient balance"] {
            let (stdout, code) = failure(kind, 403, &json!({ "type": "permission_denied", "message": words }));
            let (_, ending) = read(kind, (&stdout, b""), exited(code));
            assert_eq!(ending.end.word(), "quota", "{} {words}: {}", kind.word(), ending.end);
            assert_eq!(ending.limits[0].scope, LimitScope::Account, "{}", kind.word());
        }
        // Only at the beginning of what the provider says.
        let error =
            json!({ "type": "permission_denied", "message": "Your key is not for: You have reached the usage limit" });
        let (stdout, code) = failure(kind, 403, &error);
        assert_eq!(read(kind, (&stdout, b""), exited(code)).1.end.word(), "auth", "{}", kind.word());
    }
    for kind in [AgentKind::Claude, AgentKind::OpenCode, AgentKind::Copilot] {
        let (stdout, code) = failure(kind, 403, &json!({ "type": "insufficient_quota", "message": "no" }));
        assert_eq!(read(kind, (&stdout, b""), exited(code)).1.end.word(), "quota", "{}", kind.word());
    }
}

#[test]
fn an_overloaded_provider_is_down_and_not_limited() {
    for kind in [AgentKind::Claude, AgentKind::OpenCode, AgentKind::Copilot] {
        for error in ["overloaded_error", "server_error", "api_error"] {
            let (stdout, code) = failure(kind, 529, &json!({ "type": error }));
            assert!(
                matches!(read(kind, (&stdout, b""), exited(code)).1.end, End::ProviderDown { .. }),
                "{}",
                kind.word()
            );
        }
    }
}

#[test]
fn the_wait_that_a_provider_states_is_kept() {
    for kind in [AgentKind::OpenCode, AgentKind::Gemini] {
        let (stdout, code) = failure(kind, 429, &json!({ "type": "RESOURCE_EXHAUSTED" }));
        let limits = read(kind, (&stdout, b""), exited(code)).1.limits;
        assert_eq!(limits[0].resets, Some(ResetTime::After(std::time::Duration::from_secs(7))), "{}", kind.word());
    }
}

#[test]
fn a_limit_by_the_day_is_over_at_midnight_in_california() {
    let text = "[API Error: You have exhausted your daily quota on this model.]\nPlease wait and try again later.";
    let result = json!({ "type": "result", "status": "error", "error": { "type": "unknown", "message": text } });
    let (_, ending) = read(AgentKind::Gemini, (format!("{result}\n").as_bytes(), b""), exited(173));
    let now = "2026-11-21T10:50:48Z".parse().unwrap();
    let over = ending.limits[0].resets.as_ref().and_then(|resets| resets.resolve(now, &jiff::tz::TimeZone::UTC));
    assert_eq!(over, "2026-11-22T08:00:00Z".parse().ok());
}

#[test]
fn a_record_is_read_whatever_the_bytes_around_it() {
    let result =
        json!({ "type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "x" }).to_string();
    let end = |line: &[u8]| read(AgentKind::Claude, (line, b""), exited(0)).1.end.word();
    for (before, after) in [("\u{feff}", "\r"), ("\0\0\0", ""), ("", "\0"), ("  ", "\t")] {
        assert_eq!(end(format!("{before}{result}{after}").as_bytes()), "succeeded", "{before:?} {after:?}");
    }
    let long = json!({ "type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "x".repeat(2_000_000) });
    let long = long.to_string();
    assert_eq!(end(long.as_bytes()), "succeeded");
    for no_record in [&long.as_bytes()[..1_048_576], format!("{result}{result}").as_bytes(), b"\0\0", b"\xef\xbb\xbf"] {
        assert_eq!(end(no_record), "unknown");
    }
}

#[test]
fn a_limit_of_a_model_stays_with_the_model() {
    let event = json!({ "type": "rate_limit_event", "rate_limit_info": { "status": "rejected", "unifiedWindows": {
        "five_hour": { "utilization": 0.5, "resetsAt": 1_795_259_006, "status": "allowed" },
        "seven_day_opus": { "utilization": 1, "resetsAt": 1_795_559_006, "status": "rejected" } } } });
    let result = json!({ "type": "result", "subtype": "success", "is_error": true, "api_error_status": 429,
        "api_error_type": "rate_limit_error", "api_error": "usage_limit_reached", "result": "a limit" });
    let (_, ending) = read(AgentKind::Claude, (format!("{event}\n{result}\n").as_bytes(), b""), exited(1));
    let refused: Vec<_> = ending.limits.iter().filter(|limit| limit.refused).collect();
    assert_eq!(refused.len(), 1, "{:?}", ending.limits);
    assert_eq!((refused[0].scope, refused[0].window.as_deref()), (LimitScope::Model, Some("seven_day_opus")));
    assert_eq!(ending.end, End::Quota { resets_at: "2026-11-24T22:23:26Z".parse().ok() });

    let event = json!({ "type": "rate_limit_event", "rate_limit_info": { "status": "rejected", "rateLimitType": "seven_day_opus",
        "resetsAt": 1_795_559_006, "unifiedWindows": {
            "five_hour": { "utilization": 0.1, "resetsAt": 1_795_259_006, "status": "allowed" } } } });
    let (_, ending) = read(AgentKind::Claude, (format!("{event}\n{result}\n").as_bytes(), b""), exited(1));
    let refused: Vec<_> = ending.limits.iter().filter(|limit| limit.refused).map(|limit| limit.scope).collect();
    assert_eq!(refused, [LimitScope::Model], "{:?}", ending.limits);

    let failed = json!({ "type": "turn.failed", "error": { "message": "You’ve hit your usage limit for gpt-x. Try again at 3 PM." } });
    let (_, ending) = read(AgentKind::Codex, (format!("{failed}\n").as_bytes(), b""), exited(1));
    assert_eq!(ending.limits[0].scope, LimitScope::Model);
}

#[test]
fn the_words_by_which_claude_tells_a_failure_have_their_ends() {
    for (word, end) in [
        ("usage_limit_reached", "quota"),
        ("model_requires_usage_credits", "quota"),
        ("gateway_session_expired", "auth"),
        ("api_key_auth_disabled", "auth"),
        ("connection_failed", "provider-down"),
        ("no_response", "provider-down"),
        ("gateway_content_type", "provider-down"),
        ("tls_untrusted_ca", "environment"),
        ("effort_requires_thinking", "misconfigured"),
        ("message_over_context_limit", "task-failed"),
        ("max_output_tokens", "task-failed"),
        ("never_seen_before", "unknown"),
    ] {
        let message =
            json!({ "type": "assistant", "message": { "content": [] }, "error": "unknown", "api_error": word });
        let result = json!({ "type": "result", "subtype": "success", "is_error": true, "num_turns": 1,
            "terminal_reason": "api_error", "api_error_status": null, "api_error": word, "result": "it failed" });
        let (_, ending) = read(AgentKind::Claude, (format!("{message}\n{result}\n").as_bytes(), b""), exited(1));
        assert_eq!(ending.end.word(), end, "{word}: {}", ending.end);
    }
}

#[test]
fn a_denied_tool_counts_only_where_nothing_worked_after_it() {
    let denied = json!({ "type": "user", "message": { "content": [
        { "type": "tool_result", "tool_use_id": "a", "is_error": true, "content": "denied" }] } });
    let worked = json!({ "type": "user", "message": { "content": [
        { "type": "tool_result", "tool_use_id": "b", "content": "ok" }] } });
    let result = json!({ "type": "result", "subtype": "success", "is_error": false, "num_turns": 3,
        "permission_denials": [{ "tool_name": "Bash", "tool_use_id": "a" }] });
    let end = |lines: &[&Value]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        read(AgentKind::Claude, (text.as_bytes(), b""), exited(0)).1.end
    };
    assert_eq!(end(&[&denied, &worked, &result]), End::Succeeded);
    assert_eq!(end(&[&worked, &denied, &result]), End::PermissionDenied { tools: vec!["Bash".into()] });
    assert_eq!(end(&[&result]), End::PermissionDenied { tools: vec!["Bash".into()] });
    let mut answered = result.clone();
    answered["structured_output"] = json!({ "version": 1 });
    assert_eq!(end(&[&worked, &denied, &answered]), End::Succeeded);
}
