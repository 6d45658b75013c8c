//! Any program as an agent.

use std::time::Duration;

use dayfly_core::{
    Agent, AgentConfig, AgentError, AgentEvent, AgentName, CommandLine, End, Ending, EventReader, ExitFacts, JobSpec,
    LimitNotice, LimitScope, LimitWhy, Opening, PromptVia, ResetTime, Usage,
};
use serde::Deserialize;
use serde_json::Value;

use super::resets::reset_time;
use super::split_argv;

/// The beginning of a line that is a record for dayfly.
const MARK: &[u8] = b"{\"dayfly\":";

/// Runs any program: the prompt on its standard input, the model in `DAYFLY_MODEL` if one is asked for.
///
/// Exit code 0 is the claim to have succeeded; the engine's gates have the verdict. Another code is a
/// failed task. A program that knows more may print records, one JSON object a line that begins with
/// `{"dayfly":` and has format 1; every other line is for people:
///
/// ```text
/// {"dayfly":1,"opening":{"model":"small","version":"3.1","skills":["close"],"billing":"api-key"}}
/// {"dayfly":1,"text":"what is being done"}
/// {"dayfly":1,"tool":{"name":"shell","detail":"cargo test"}}
/// {"dayfly":1,"file":"src/lib.rs"}
/// {"dayfly":1,"usage":{"input_tokens":1200,"output_tokens":80,"cost_usd":0.01,"model":"small"}}
/// {"dayfly":1,"limit":{"scope":"account","window":"day","used":0.8,"resets":"2026-01-01T05:00:00Z"}}
/// {"dayfly":1,"retry":{"attempt":2,"delay_s":1.5,"reason":"overloaded"}}
/// {"dayfly":1,"question":"Which of the two?"}
/// {"dayfly":1,"answer":{"version":1,"summary":"it is done"}}
/// {"dayfly":1,"end":"quota","scope":"model","resets":1795259006}
/// ```
///
/// `usage` is the total so far. `end` is one of `succeeded`, `failed`, `needs-human`, `quota`, `provider-down`, `auth`,
/// `misconfigured`, `permission-denied` and `environment`, with a `reason`, which for `needs-human` is the question. The
/// last `end` decides, but `succeeded` also needs exit code 0. `resets` is a number of seconds, from now or since 1970,
/// an ISO time, a duration such as `30s`, or words.
#[derive(Debug)]
pub struct CommandAgent {
    name: AgentName,
    config: AgentConfig,
    records: bool,
}

impl CommandAgent {
    /// The adapter for a configured command.
    pub fn new(name: AgentName, config: AgentConfig) -> Self {
        Self { name, config, records: true }
    }

    /// The adapter for a command whose exit code alone counts: it prints no records.
    pub(crate) fn without_records(name: AgentName, config: AgentConfig) -> Self {
        Self { name, config, records: false }
    }
}

impl Agent for CommandAgent {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError> {
        let (program, args) = split_argv(&self.name, &self.config)?;
        let mut env = self.config.env.clone();
        if let Some(model) = job.model.as_ref().or(self.config.model.as_ref()) {
            env.entry("DAYFLY_MODEL".into()).or_insert_with(|| model.clone());
        }
        Ok(CommandLine {
            program: program.to_owned(),
            args: args.to_vec(),
            prompt: PromptVia::Stdin,
            env,
            pass_env: self.config.pass_env.clone(),
            redact: self.config.redact.clone(),
            ..CommandLine::default()
        })
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::new(CommandReader { deaf: !self.records, ..CommandReader::default() })
    }
}

/// A reader for what such a program prints.
pub(super) fn reader() -> Box<dyn EventReader> {
    Box::<CommandReader>::default()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    dayfly: u32,
    text: Option<String>,
    opening: Option<Opening>,
    tool: Option<ToolRecord>,
    file: Option<String>,
    usage: Option<UsageRecord>,
    limit: Option<LimitRecord>,
    retry: Option<RetryRecord>,
    question: Option<String>,
    answer: Option<Value>,
    end: Option<String>,
    reason: Option<String>,
    scope: Option<LimitScope>,
    resets: Option<Value>,
    /// The name that `resets` had first.
    resets_at: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct ToolRecord {
    name: String,
    #[serde(default)]
    detail: String,
}

#[derive(Debug, Deserialize)]
struct UsageRecord {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    cached_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    cost_usd: Option<f64>,
    model: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LimitRecord {
    scope: LimitScope,
    #[serde(default)]
    why: LimitWhy,
    window: Option<String>,
    used: Option<f64>,
    #[serde(default)]
    refused: bool,
    resets: Option<Value>,
    #[serde(default)]
    said: String,
}

#[derive(Debug, Deserialize)]
struct RetryRecord {
    attempt: Option<u64>,
    delay_s: Option<f64>,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Default)]
struct CommandReader {
    /// Whether records are lines like any other.
    deaf: bool,
    usage: Usage,
    model: Option<String>,
    opening: Option<Opening>,
    text: String,
    limits: Vec<LimitNotice>,
    answer: Option<String>,
    end: Option<End>,
    /// What the last end says of a limit.
    ended_by: Option<LimitNotice>,
}

impl EventReader for CommandReader {
    fn is_record(&self, line: &[u8]) -> bool {
        !self.deaf && line.starts_with(MARK)
    }

    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        if !self.is_record(line) {
            return Vec::new();
        }
        match serde_json::from_slice::<Record>(line) {
            Ok(record) if record.dayfly == 1 => self.record(record),
            Ok(record) => vec![AgentEvent::Other(format!("a record of format {}", record.dayfly))],
            Err(e) => vec![AgentEvent::Other(format!("a record that cannot be read: {e}"))],
        }
    }

    fn finish(mut self: Box<Self>, exit: ExitFacts) -> Ending {
        let end = match (exit.signal, exit.code) {
            _ if exit.signalled_by_us => End::Cancelled,
            (Some(signal), _) => End::Host { reason: format!("signal {signal}, not of dayfly, ended the process") },
            (None, Some(code)) => match self.end {
                Some(End::Succeeded) | None if code != 0 => End::TaskFailed { reason: format!("exit code {code}") },
                Some(end) => end,
                None => End::Succeeded,
            },
            (None, None) => End::Unknown { reason: "the process has neither an exit code nor a signal".into() },
        };
        if matches!(end, End::Quota { .. } | End::ProviderDown { .. } | End::Auth { .. }) {
            self.limits.extend(self.ended_by);
        }
        Ending {
            usage: self.usage,
            model: self.model,
            text: self.text,
            limits: self.limits,
            opening: self.opening,
            answer: self.answer,
            ..Ending::new(end)
        }
    }
}

impl CommandReader {
    fn record(&mut self, record: Record) -> Vec<AgentEvent> {
        let mut events = Vec::new();
        if let Some(opening) = record.opening {
            self.model = opening.model.clone().or(self.model.take());
            self.opening = Some(opening.clone());
            events.push(AgentEvent::Started(Box::new(opening)));
        }
        if let Some(text) = record.text {
            self.text.clone_from(&text);
            events.push(AgentEvent::Text(text));
        }
        events.extend(record.tool.map(|tool| AgentEvent::Tool { name: tool.name, detail: tool.detail }));
        events.extend(record.file.map(|path| AgentEvent::FileChange { path }));
        events.extend(record.question.map(AgentEvent::Question));
        events.extend(record.retry.map(retry));
        if let Some(UsageRecord { input_tokens, cached_tokens, output_tokens, cost_usd, model }) = record.usage {
            self.usage = Usage { input_tokens, cached_tokens, output_tokens, cost_usd };
            if let Some(model) = model
                && self.model.as_ref() != Some(&model)
            {
                let opening = Opening { model: Some(model.clone()), ..self.opening.take().unwrap_or_default() };
                self.model = Some(model);
                self.opening = Some(opening.clone());
                events.push(AgentEvent::Started(Box::new(opening)));
            }
            events.push(AgentEvent::Usage(self.usage));
        }
        if let Some(limit) = record.limit {
            let notice = limit.notice();
            self.limits.retain(|old| (old.scope, &old.window) != (notice.scope, &notice.window));
            self.limits.push(notice.clone());
            events.push(AgentEvent::RateLimit(notice));
        }
        if let Some(answer) = record.answer.filter(Value::is_object) {
            self.answer = Some(answer.to_string());
        }
        if let Some(end) = record.end {
            let resets = record.resets.or(record.resets_at).as_ref().and_then(reset_time);
            self.ended_by = refused(&end, record.scope, resets.clone(), record.reason.as_deref().unwrap_or_default());
            let reason = record.reason.unwrap_or_else(|| "no reason was given".into());
            self.end = Some(end_of(&end, reason, resets));
        }
        events
    }
}

impl LimitRecord {
    fn notice(self) -> LimitNotice {
        let Self { scope, why, window, used, refused, resets, said } = self;
        LimitNotice { scope, why, window, used, refused, resets: resets.as_ref().and_then(reset_time), said }
    }
}

fn retry(record: RetryRecord) -> AgentEvent {
    let delay = record.delay_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    AgentEvent::Retry { attempt: record.attempt, delay, reason: record.reason }
}

/// What an end says of a limit, if it is one that a limit causes.
fn refused(end: &str, scope: Option<LimitScope>, resets: Option<ResetTime>, said: &str) -> Option<LimitNotice> {
    let (why, usual) = match end {
        "quota" => (LimitWhy::Quota, LimitScope::Account),
        "provider-down" => (LimitWhy::Down, LimitScope::Vendor),
        "auth" => (LimitWhy::Auth, LimitScope::Account),
        _ => return None,
    };
    let scope = scope.unwrap_or(usual);
    Some(LimitNotice { scope, why, window: None, used: None, refused: true, resets, said: said.to_owned() })
}

fn end_of(word: &str, reason: String, resets: Option<ResetTime>) -> End {
    match word {
        "succeeded" => End::Succeeded,
        "failed" => End::TaskFailed { reason },
        "needs-human" => End::NeedsHuman { question: reason },
        "quota" => End::Quota {
            resets_at: match resets {
                Some(ResetTime::At(at)) => Some(at),
                _ => None,
            },
        },
        "provider-down" => End::ProviderDown { reason },
        "auth" => End::Auth { reason },
        "misconfigured" => End::Misconfigured { reason },
        "permission-denied" => End::PermissionDenied { tools: vec![reason] },
        "environment" => End::Environment { reason },
        other => End::Unknown { reason: format!("the program ended with `{other}`, which is no known end") },
    }
}

#[cfg(test)]
mod tests;
