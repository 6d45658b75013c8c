//! How attempts go, as a text of rules.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{AgentEvent, Attempt, AttemptEvent, End, GateFailure, Opening, Proposal, Stream, Usage};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use toml::Spanned;

use super::script::{MockRefusal, MockScript, WhenDropped};

/// A problem of a text of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what} ({remedy})")]
pub struct MockRulesError {
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub remedy: String,
}

/// Rules that were read.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) limits: bool,
    pub(super) reattach: bool,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    project: Option<String>,
    issue: Option<String>,
    stage: Option<String>,
    attempt: Option<u32>,
    script: MockScript,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    version: Spanned<u32>,
    #[serde(default)]
    limits: bool,
    #[serde(default)]
    reattach: bool,
    #[serde(default)]
    rule: Vec<Spanned<RawRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    project: Option<String>,
    issue: Option<NumberOrText>,
    stage: Option<String>,
    attempt: Option<u32>,
    after: Option<Spanned<String>>,
    #[serde(default)]
    hangs: bool,
    #[serde(default)]
    stubborn: bool,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    events: Vec<Spanned<RawEvent>>,
    #[serde(default)]
    flood: u64,
    #[serde(default)]
    files: BTreeMap<String, String>,
    proposal: Option<Spanned<toml::Value>>,
    #[serde(default)]
    usage: RawUsage,
    model: Option<String>,
    end: Option<Spanned<String>>,
    reason: Option<String>,
    question: Option<String>,
    gate: Option<String>,
    tools: Option<Vec<String>>,
    resets_at: Option<Spanned<String>>,
    when_dropped: Option<Spanned<String>>,
    start_error: Option<String>,
    transient: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawUsage {
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEvent {
    at: Option<Spanned<String>>,
    line: Option<String>,
    stream: Option<Stream>,
    say: Option<String>,
    tool: Option<String>,
    detail: Option<String>,
    waiting: Option<String>,
    started: Option<String>,
}

impl Rules {
    /// How this attempt goes, if a rule fits it.
    pub(super) fn script(&self, attempt: &Attempt) -> Option<MockScript> {
        let job = &attempt.job;
        let number = attempt.id.as_str().rsplit('.').next().and_then(|number| number.parse().ok());
        let is = |wanted: &Option<String>, seen: &str| wanted.as_deref().is_none_or(|wanted| wanted == seen);
        let rule = self.rules.iter().find(|rule| {
            is(&rule.project, job.issue.project.as_str())
                && is(&rule.issue, job.issue.issue.as_str())
                && is(&rule.stage, job.stage.as_str())
                && rule.attempt.is_none_or(|wanted| Some(wanted) == number)
        })?;
        let mut script = rule.script.clone();
        match &mut script.end {
            End::TimedOutWall { limit } => *limit = job.wall,
            End::TimedOutSilence { limit } => *limit = job.silence,
            _ => {}
        }
        Some(script)
    }
}

/// Reads a text of rules.
pub(super) fn read(text: &str) -> Result<Rules, MockRulesError> {
    let raw: RawRules = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        problem(text, at, error.message(), "the documentation of `MockRunner` has an example with every key")
    })?;
    if *raw.version.get_ref() != 1 {
        let what = format!("version {} is not known", raw.version.get_ref());
        return Err(problem(text, raw.version.span().start, &what, "write `version = 1`"));
    }
    let mut rules = Vec::new();
    for rule in raw.rule {
        let at = rule.span().start;
        rules.push(Reader { text, at }.rule(rule.into_inner())?);
    }
    // To be found after a drop is nothing without it.
    let found = rules.iter().any(|rule: &Rule| rule.script.when_dropped == WhenDropped::Found);
    Ok(Rules { limits: raw.limits, reattach: raw.reattach || found, rules })
}

fn problem(text: &str, at: usize, what: &str, remedy: &str) -> MockRulesError {
    let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    MockRulesError { line, what: what.trim().replace('\n', ", "), remedy: remedy.to_owned() }
}

/// Reads one rule, which begins at some place of the text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong<T>(&self, at: Option<usize>, what: &str, remedy: &str) -> Result<T, MockRulesError> {
        Err(problem(self.text, at.unwrap_or(self.at), what, remedy))
    }

    fn rule(&self, raw: RawRule) -> Result<Rule, MockRulesError> {
        let end = self.end(&raw)?;
        let mut script = if raw.hangs { MockScript::hangs() } else { MockScript::ends(end) };
        if let Some(after) = &raw.after {
            if raw.hangs {
                return self.wrong(Some(after.span().start), "what `hangs` has no `after`", "leave one of them out");
            }
            script.after = self.duration(after)?;
        }
        if raw.hangs && raw.end.is_some() {
            return self.wrong(None, "what `hangs` has no `end` of its own", "leave one of them out");
        }
        if raw.transient.is_some() && raw.start_error.is_none() {
            return self.wrong(None, "`transient` says what kind of `start_error` it is", "add one, or leave it out");
        }
        let line = |text| AttemptEvent::Line { stream: Stream::Stdout, text };
        script.events = raw.lines.into_iter().map(line).collect();
        for event in &raw.events {
            script.later.push(self.event(event)?);
        }
        script.proposal_json = raw.proposal.as_ref().map(|proposal| self.proposal(proposal)).transpose()?;
        script.when_dropped = self.when_dropped(raw.when_dropped.as_ref())?;
        script.refusal = raw.start_error.map(|why| MockRefusal { why, transient: raw.transient == Some(true) });
        script.flood = raw.flood;
        script.stubborn = raw.stubborn;
        script.files = raw.files.into_iter().collect();
        script.model = raw.model;
        let RawUsage { input_tokens, output_tokens, cost_usd } = raw.usage;
        script.usage = Usage { input_tokens, output_tokens, cost_usd, ..Usage::default() };
        let issue = raw.issue.map(|issue| match issue {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        });
        Ok(Rule { project: raw.project, issue, stage: raw.stage, attempt: raw.attempt, script })
    }

    fn duration(&self, text: &Spanned<String>) -> Result<Duration, MockRulesError> {
        let parsed = text.get_ref().parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
        parsed.map_or_else(
            || {
                let what = format!("`{}` is not a duration", text.get_ref());
                self.wrong(Some(text.span().start), &what, "write it as \"90s\", \"45m\", \"6h\" or \"1h 30m\"")
            },
            Ok,
        )
    }

    fn event(&self, raw: &Spanned<RawEvent>) -> Result<(Duration, AttemptEvent), MockRulesError> {
        let at = Some(raw.span().start);
        let raw = raw.get_ref();
        let time = raw.at.as_ref().map_or(Ok(Duration::ZERO), |time| self.duration(time))?;
        let line =
            raw.line.clone().map(|text| AttemptEvent::Line { stream: raw.stream.unwrap_or(Stream::Stdout), text });
        let detail = raw.detail.clone().unwrap_or_default();
        let mut events = [
            line,
            raw.say.clone().map(|text| AttemptEvent::Agent(AgentEvent::Text(text))),
            raw.tool.clone().map(|name| AttemptEvent::Agent(AgentEvent::Tool { name, detail })),
            raw.waiting
                .clone()
                .map(|why| AttemptEvent::Agent(AgentEvent::Retry { attempt: None, delay: None, reason: why })),
            raw.started.clone().map(|model| {
                AttemptEvent::Agent(AgentEvent::Started(Box::new(Opening { model: Some(model), ..Opening::default() })))
            }),
        ]
        .into_iter()
        .flatten();
        let (Some(event), None) = (events.next(), events.next()) else {
            let remedy = "give each event one of `line`, `say`, `tool`, `waiting` and `started`";
            return self.wrong(at, "an event that is not one thing", remedy);
        };
        if (raw.stream.is_some() && raw.line.is_none()) || (raw.detail.is_some() && raw.tool.is_none()) {
            return self.wrong(at, "`stream` goes with `line`, and `detail` with `tool`", "leave it out");
        }
        Ok((time, event))
    }

    fn proposal(&self, raw: &Spanned<toml::Value>) -> Result<String, MockRulesError> {
        let mut table = match raw.get_ref() {
            toml::Value::String(text) => return Ok(text.clone()),
            toml::Value::Table(table) => table.clone(),
            _ => return self.wrong(Some(raw.span().start), "a proposal is a table or a string", "write a table"),
        };
        table.entry("version").or_insert(toml::Value::Integer(1));
        let json = serde_json::to_value(&table)
            .and_then(|value| serde_json::from_value::<Proposal>(value.clone()).map(|_| value.to_string()));
        json.or_else(|error| {
            let what = format!("the proposal is not of the documented form: {error}");
            self.wrong(Some(raw.span().start), &what, "mend it, or write it as a string if it shall be wrong")
        })
    }

    fn when_dropped(&self, raw: Option<&Spanned<String>>) -> Result<WhenDropped, MockRulesError> {
        let Some(word) = raw else { return Ok(WhenDropped::Killed) };
        match word.get_ref().as_str() {
            "killed" => Ok(WhenDropped::Killed),
            "found" => Ok(WhenDropped::Found),
            "lost" => Ok(WhenDropped::Lost),
            other => {
                let what = format!("`{other}` does not say what becomes of it");
                self.wrong(Some(word.span().start), &what, "write \"killed\", \"found\" or \"lost\"")
            }
        }
    }

    /// The end. One that names a limit gets the job's own, once there is a job.
    fn end(&self, raw: &RawRule) -> Result<End, MockRulesError> {
        let at = raw.end.as_ref().map(|word| word.span().start);
        let word = raw.end.as_ref().map_or("succeeded", |word| word.get_ref().as_str());
        let Some(takes) = takes(word) else {
            let remedy = "docs/outcomes.md lists the words, such as \"task-failed\" or \"quota\"";
            return self.wrong(at, &format!("`{word}` is no end"), remedy);
        };
        let given = [
            ("reason", raw.reason.is_some()),
            ("question", raw.question.is_some()),
            ("gate", raw.gate.is_some()),
            ("tools", raw.tools.is_some()),
            ("resets_at", raw.resets_at.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !takes.contains(key)) {
            let what = format!("`{key}` does not go with the end `{word}`");
            return self.wrong(at, &what, "leave it out, or name another end");
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "as it was scripted".into());
        let (reason, limit) = (text(&raw.reason), Duration::ZERO);
        Ok(match word {
            "no-op" => End::NoOp { reason },
            "task-failed" => End::TaskFailed { reason },
            "provider-down" => End::ProviderDown { reason },
            "auth" => End::Auth { reason },
            "misconfigured" => End::Misconfigured { reason },
            "environment" => End::Environment { reason },
            "host" => End::Host { reason },
            "unknown" => End::Unknown { reason },
            "gate-failed" => {
                let gate = raw.gate.clone().unwrap_or_else(|| "commands".into());
                End::GateFailed(GateFailure { gate, reason, tail: String::new() })
            }
            "needs-human" => End::NeedsHuman { question: text(&raw.question) },
            "quota" => End::Quota { resets_at: raw.resets_at.as_ref().map(|time| self.timestamp(time)).transpose()? },
            "permission-denied" => End::PermissionDenied { tools: raw.tools.clone().unwrap_or_default() },
            "timed-out-wall" => End::TimedOutWall { limit },
            "timed-out-silence" => End::TimedOutSilence { limit },
            "cancelled" => End::Cancelled,
            "lost" => End::Lost,
            _ => End::Succeeded,
        })
    }

    fn timestamp(&self, text: &Spanned<String>) -> Result<Timestamp, MockRulesError> {
        text.get_ref().parse().or_else(|_| {
            let what = format!("`{}` is not a time", text.get_ref());
            self.wrong(Some(text.span().start), &what, "write it as \"2030-01-02T03:04:05Z\"")
        })
    }
}

/// The keys that go with an end of that word, if there is one.
fn takes(word: &str) -> Option<&'static [&'static str]> {
    Some(match word {
        "succeeded" | "cancelled" | "lost" | "timed-out-wall" | "timed-out-silence" => &[],
        "no-op" | "task-failed" | "provider-down" | "auth" | "misconfigured" | "environment" | "host" | "unknown" => {
            &["reason"]
        }
        "gate-failed" => &["gate", "reason"],
        "needs-human" => &["question"],
        "quota" => &["resets_at"],
        "permission-denied" => &["tools"],
        _ => return None,
    })
}
