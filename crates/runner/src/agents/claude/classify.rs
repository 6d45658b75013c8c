//! What a result record means. An API failure has the subtype `success`, so that word counts for nothing.

use dayfly_core::{End, ExitFacts};
use jiff::Timestamp;
use serde_json::Value;

use super::reader::{text, told};
use crate::subprocess::for_display;

/// The most characters of a reason.
const REASON_CHARS: usize = 400;

/// The records that decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) result: &'a Value,
    /// What the last message says went wrong.
    pub(super) error: Option<&'a str>,
    /// When a refused window opens again.
    pub(super) rejected: Option<Option<Timestamp>>,
    pub(super) exit: ExitFacts,
}

pub(super) fn classify(seen: &Seen<'_>) -> End {
    match seen.result["is_error"].as_bool() {
        Some(true) => failure(seen),
        Some(false) => success(seen),
        None => End::Unknown { reason: "its result does not say whether it is an error".into() },
    }
}

fn success(seen: &Seen<'_>) -> End {
    if seen.exit.signal.is_some() {
        return End::Host { reason: format!("{}, not of dayfly, ended the process", told(seen.exit)) };
    }
    let mut tools: Vec<String> = seen.result["permission_denials"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|denial| for_display(text(denial, "tool_name"), REASON_CHARS))
        .collect();
    tools.sort();
    tools.dedup();
    match seen.exit.code {
        _ if !tools.is_empty() => End::PermissionDenied { tools },
        Some(0) => End::Succeeded,
        _ => End::Unknown { reason: format!("its result is no error, but it ended with {}", told(seen.exit)) },
    }
}

fn failure(seen: &Seen<'_>) -> End {
    let result = seen.result;
    let reason = reason(result);
    let limit = matches!(text(result, "subtype"), "error_max_turns" | "error_max_budget_usd");
    if limit || text(result, "terminal_reason") == "prompt_too_long" {
        return End::TaskFailed { reason };
    }
    if text(result, "api_error") == "usage_limit_reached" {
        return End::Quota { resets_at: seen.rejected.flatten() };
    }
    match result["api_error_status"].as_u64() {
        Some(429) => End::Quota { resets_at: seen.rejected.flatten() },
        Some(401 | 403) => End::Auth { reason },
        Some(404) => End::Misconfigured { reason },
        Some(408 | 500..=599) => End::ProviderDown { reason },
        status => without_status(seen, status, reason),
    }
}

/// The words of the records where the status does not decide.
fn without_status(seen: &Seen<'_>, status: Option<u64>, reason: String) -> End {
    match (text(seen.result, "api_error"), seen.error) {
        ("connection_failed", _) | (_, Some("server_error" | "overloaded")) => End::ProviderDown { reason },
        (_, Some("authentication_failed" | "billing_error")) => End::Auth { reason },
        (_, Some("rate_limit")) => End::Quota { resets_at: seen.rejected.flatten() },
        (_, Some("model_not_found")) => End::Misconfigured { reason },
        ("max_output_tokens", _) | (_, Some("max_output_tokens" | "invalid_request")) => End::TaskFailed { reason },
        _ if status == Some(400) => End::TaskFailed { reason },
        _ => End::Unknown { reason },
    }
}

fn reason(result: &Value) -> String {
    let said = text(result, "result");
    let first = result["errors"].as_array().and_then(|errors| errors.first()?.as_str());
    let words = if said.is_empty() { first.unwrap_or("it gave no reason") } else { said };
    let status = result["api_error_status"].as_u64().map(|s| format!(" (status {s})")).unwrap_or_default();
    format!("{}{status}", for_display(words, REASON_CHARS))
}
