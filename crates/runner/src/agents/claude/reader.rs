//! Reads the records of `--output-format stream-json`.

use dayfly_core::{AgentEvent, End, Ending, EventReader, ExitFacts, Opening, Usage};
use jiff::Timestamp;
use serde_json::Value;

use super::classify::{Seen, classify};

/// The most characters of what a tool was used for.
const DETAIL_CHARS: usize = 200;

#[derive(Debug, Default)]
pub(super) struct ClaudeReader {
    model: Option<String>,
    text: String,
    usage: Usage,
    /// What the newest message of the main conversation says went wrong.
    error: Option<String>,
    /// When the account's window opens again, if the newest record of it refuses.
    rejected: Option<Option<Timestamp>>,
    /// The last result so far: a run that was woken by a background task has several.
    result: Option<Value>,
}

impl EventReader for ClaudeReader {
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        let Ok(record) = serde_json::from_slice::<Value>(line) else { return Vec::new() };
        match (text(&record, "type"), text(&record, "subtype")) {
            ("system", "init") => {
                self.model = record["model"].as_str().map(str::to_owned);
                vec![AgentEvent::Started(Box::new(Opening { model: self.model.clone(), ..Opening::default() }))]
            }
            ("system", "api_retry") => {
                vec![AgentEvent::Retry { attempt: record["attempt"].as_u64(), delay: None, reason: retry(&record) }]
            }
            ("system", subtype) => vec![AgentEvent::Other(format!("system/{subtype}"))],
            ("assistant", _) => self.assistant(&record),
            ("rate_limit_event", _) => {
                let info = &record["rate_limit_info"];
                let resets_at = info["resetsAt"].as_i64().and_then(|at| Timestamp::from_second(at).ok());
                self.rejected = (text(info, "status") == "rejected").then_some(resets_at);
                vec![AgentEvent::Other("rate_limit_event".into())]
            }
            ("result", _) => {
                self.usage = usage(&record);
                self.result = Some(record);
                vec![AgentEvent::Usage(self.usage)]
            }
            _ => Vec::new(),
        }
    }

    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending {
        let end = if exit.signalled_by_us {
            End::Cancelled
        } else {
            match &self.result {
                Some(result) => classify(&Seen { result, error: self.error.as_deref(), rejected: self.rejected, exit }),
                None => End::Unknown { reason: format!("it ended without a result, with {}", told(exit)) },
            }
        };
        let last = self.result.as_ref().map(|r| text(r, "result")).filter(|t| !t.is_empty());
        let text = last.unwrap_or(&self.text).to_owned();
        Ending { usage: self.usage, model: self.model, text, ..Ending::new(end) }
    }
}

impl ClaudeReader {
    fn assistant(&mut self, record: &Value) -> Vec<AgentEvent> {
        let main = record["parent_tool_use_id"].is_null();
        if main {
            self.error = record["error"].as_str().map(str::to_owned);
        }
        let mut events = Vec::new();
        for block in record["message"]["content"].as_array().into_iter().flatten() {
            match text(block, "type") {
                "text" => {
                    let said = text(block, "text").to_owned();
                    if main {
                        self.text.clone_from(&said);
                    }
                    events.push(AgentEvent::Text(said));
                }
                "tool_use" => events
                    .push(AgentEvent::Tool { name: text(block, "name").to_owned(), detail: detail(&block["input"]) }),
                _ => {}
            }
        }
        events
    }
}

/// The string at `key`, or nothing.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// How a process ended, in words.
pub(super) fn told(exit: ExitFacts) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "neither an exit code nor a signal".into(),
    }
}

fn retry(record: &Value) -> String {
    let number = |key: &str| record[key].as_u64().unwrap_or_default();
    format!(
        "retry {} of {} in {} ms: {}",
        number("attempt"),
        number("max_retries"),
        record["retry_delay_ms"].as_f64().unwrap_or_default().round(),
        text(record, "error"),
    )
}

/// What a tool is used for, from whichever of its arguments says it best.
fn detail(input: &Value) -> String {
    let key = ["command", "file_path", "pattern", "url", "query", "skill", "description"]
        .into_iter()
        .find(|key| input[*key].is_string());
    let line = key.map(|key| text(input, key)).unwrap_or_default();
    line.lines().next().unwrap_or_default().chars().take(DETAIL_CHARS).collect()
}

/// The whole run's use: `usage` holds only what came since the result before.
fn usage(result: &Value) -> Usage {
    let sum = |record: &Value, keys: &[&str]| -> u64 {
        keys.iter().filter_map(|key| record[*key].as_u64()).fold(0, u64::saturating_add)
    };
    let per_model: Vec<&Value> = result["modelUsage"].as_object().map(|m| m.values().collect()).unwrap_or_default();
    let total = |keys: &[&str]| per_model.iter().map(|m| sum(m, keys)).fold(0, u64::saturating_add);
    let mut usage = Usage {
        input_tokens: total(&["inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"]),
        output_tokens: total(&["outputTokens"]),
        cost_usd: result["total_cost_usd"].as_f64(),
        ..Usage::default()
    };
    if per_model.is_empty() {
        let last = &result["usage"];
        usage.input_tokens = sum(last, &["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]);
        usage.output_tokens = sum(last, &["output_tokens"]);
    }
    usage
}
