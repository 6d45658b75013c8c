//! Any program as an agent.

use dayfly_core::{
    Agent, AgentConfig, AgentError, AgentEvent, AgentName, CommandLine, End, Ending, EventReader, ExitFacts, JobSpec,
    Opening, PromptVia, Usage,
};
use jiff::Timestamp;
use serde::Deserialize;

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
/// {"dayfly":1,"text":"what is being done"}
/// {"dayfly":1,"usage":{"input_tokens":1200,"output_tokens":80,"cost_usd":0.01,"model":"small"}}
/// {"dayfly":1,"end":"quota","resets_at":"2026-01-01T05:00:00Z"}
/// ```
///
/// `usage` is the total so far. `end` is one of `succeeded`, `failed`, `needs-human`, `quota`,
/// `provider-down` and `auth`, with a `reason`, which for `needs-human` is the question. The last
/// `end` decides, but `succeeded` also needs exit code 0.
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

#[derive(Debug, Deserialize)]
struct Record {
    dayfly: u32,
    text: Option<String>,
    usage: Option<UsageRecord>,
    end: Option<String>,
    reason: Option<String>,
    resets_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct UsageRecord {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    cost_usd: Option<f64>,
    model: Option<String>,
}

#[derive(Debug, Default)]
struct CommandReader {
    /// Whether records are lines like any other.
    deaf: bool,
    usage: Usage,
    model: Option<String>,
    text: String,
    end: Option<End>,
}

impl EventReader for CommandReader {
    fn is_record(&self, line: &[u8]) -> bool {
        !self.deaf && line.starts_with(MARK)
    }

    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        if !self.is_record(line) {
            return Vec::new();
        }
        let record = match serde_json::from_slice::<Record>(line) {
            Ok(record) if record.dayfly == 1 => record,
            Ok(record) => return vec![AgentEvent::Other(format!("a record of format {}", record.dayfly))],
            Err(e) => return vec![AgentEvent::Other(format!("a record that cannot be read: {e}"))],
        };
        let mut events = Vec::new();
        if let Some(text) = record.text {
            self.text.clone_from(&text);
            events.push(AgentEvent::Text(text));
        }
        if let Some(UsageRecord { input_tokens, output_tokens, cost_usd, model }) = record.usage {
            self.usage = Usage { input_tokens, output_tokens, cost_usd, ..Usage::default() };
            if let Some(model) = model
                && self.model.as_ref() != Some(&model)
            {
                self.model = Some(model);
                events.push(AgentEvent::Started(Box::new(Opening { model: self.model.clone(), ..Opening::default() })));
            }
            events.push(AgentEvent::Usage(self.usage));
        }
        if let Some(end) = record.end {
            let reason = record.reason.unwrap_or_else(|| "no reason was given".into());
            self.end = Some(end_of(&end, reason, record.resets_at));
        }
        events
    }

    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending {
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
        Ending { usage: self.usage, model: self.model, text: self.text, ..Ending::new(end) }
    }
}

fn end_of(word: &str, reason: String, resets_at: Option<Timestamp>) -> End {
    match word {
        "succeeded" => End::Succeeded,
        "failed" => End::TaskFailed { reason },
        "needs-human" => End::NeedsHuman { question: reason },
        "quota" => End::Quota { resets_at },
        "provider-down" => End::ProviderDown { reason },
        "auth" => End::Auth { reason },
        other => End::Unknown { reason: format!("the program ended with `{other}`, which is no known end") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(lines: &[&str], code: i32) -> Ending {
        let mut reader = Box::<CommandReader>::default();
        for line in lines {
            reader.line(line.as_bytes());
        }
        reader.finish(ExitFacts { code: Some(code), signal: None, signalled_by_us: false })
    }

    #[test]
    fn the_exit_code_is_the_claim_without_records() {
        assert_eq!(ending(&["succeeded", "error: quota"], 0).end, End::Succeeded);
        assert_eq!(ending(&[], 3).end, End::TaskFailed { reason: "exit code 3".into() });
    }

    #[test]
    fn the_last_end_record_decides_but_cannot_outvote_the_exit_code() {
        let failed = r#"{"dayfly":1,"end":"failed","reason":"tests"}"#;
        let good = r#"{"dayfly":1,"end":"succeeded"}"#;
        assert_eq!(ending(&[good, failed], 0).end, End::TaskFailed { reason: "tests".into() });
        assert_eq!(ending(&[failed, good], 0).end, End::Succeeded);
        assert_eq!(ending(&[good], 1).end, End::TaskFailed { reason: "exit code 1".into() });
        let quota = r#"{"dayfly":1,"end":"quota","resets_at":"2026-01-01T05:00:00Z"}"#;
        let at = "2026-01-01T05:00:00Z".parse().unwrap();
        assert_eq!(ending(&[quota], 1).end, End::Quota { resets_at: Some(at) });
        assert!(matches!(ending(&[r#"{"dayfly":1,"end":"maybe"}"#], 0).end, End::Unknown { .. }));
    }

    #[test]
    fn usage_is_the_last_total() {
        let ending = ending(
            &[
                r#"{"dayfly":1,"usage":{"input_tokens":1,"output_tokens":1}}"#,
                r#"{"dayfly":1,"usage":{"input_tokens":12,"output_tokens":8,"cost_usd":0.5,"model":"small"}}"#,
                r#"{"dayfly":1,"usage":"much"}"#,
                "{\"dayfly\":1,\"usa",
            ],
            0,
        );
        assert_eq!(ending.usage, Usage { input_tokens: 12, output_tokens: 8, cost_usd: Some(0.5), ..Usage::default() });
        assert_eq!(ending.model.as_deref(), Some("small"));
    }

    #[test]
    fn a_signal_of_ours_is_a_cancellation_and_another_is_the_hosts() {
        let finish = |ours| {
            Box::<CommandReader>::default().finish(ExitFacts { code: None, signal: Some(9), signalled_by_us: ours }).end
        };
        assert_eq!(finish(true), End::Cancelled);
        assert!(matches!(finish(false), End::Host { .. }));
    }
}
