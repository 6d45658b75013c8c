//! `dayfly agent classify`: what recorded output means.

use std::collections::BTreeMap;
use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    AgentConfig, AgentEvent, AgentKind, AgentName, Billing, Class, Clock as _, End, Ending, EventReader, ExitFacts,
    LimitNotice, Opening, ResetTime, Usage,
};
use dayfly_runner::{LogPart, LogReader, SystemClock, agent_for};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output::Output;
use crate::tables::{count, cut, one_line, time};

/// The most characters of a record that is shown to people.
const WIDTH: usize = 160;

/// What was recorded of an attempt.
pub(super) struct Recorded {
    pub(super) file: Utf8PathBuf,
    pub(super) stderr: Option<Utf8PathBuf>,
    pub(super) exit: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) at: Option<Timestamp>,
}

/// What it means.
#[derive(Debug, Serialize)]
struct Meaning {
    kind: AgentKind,
    exit: Option<i32>,
    signal: Option<i32>,
    /// The time from which the vendor's words on times are understood.
    at: Timestamp,
    #[serde(flatten)]
    understood: Understood,
}

/// What the records say.
#[derive(Debug, Serialize)]
struct Understood {
    end: End,
    class: Class,
    limits: Vec<Limit>,
    usage: Usage,
    model: Option<String>,
    billing: Billing,
    opening: Option<Opening>,
    answer: Option<serde_json::Value>,
    text: String,
    lines: usize,
    records: usize,
    unknown: Vec<Unknown>,
}

/// A limit, as the vendor put it.
#[derive(Debug, Serialize)]
struct Limit {
    #[serde(flatten)]
    said: LimitNotice,
    /// The time that the vendor's words mean.
    resets_at: Option<Timestamp>,
}

/// A record that was not understood.
#[derive(Debug, Serialize)]
struct Unknown {
    line: usize,
    record: String,
}

impl Recorded {
    fn facts(&self) -> ExitFacts {
        let code = self.exit.or(if self.signal.is_some() { None } else { Some(0) });
        ExitFacts { code, signal: self.signal, signalled_by_us: false }
    }
}

pub(super) fn run(
    output: &Output,
    context: Option<&Context>,
    named: &str,
    recorded: &Recorded,
) -> Result<(), CliError> {
    let (name, config) = agent(context, named)?;
    let zone = context.and_then(|context| context.config.portfolio.zone()).unwrap_or_else(TimeZone::system);
    let stdout = read(&recorded.file)?;
    let stderr = recorded.stderr.as_deref().map(read).transpose()?.unwrap_or_default();
    if recorded.file == "-" && recorded.stderr.as_ref().is_some_and(|file| file == "-") {
        return Err(CliError::usage("both streams cannot be read from standard input")
            .hint("put what was printed on standard error into a file"));
    }
    let at = recorded.at.or_else(|| written(&recorded.file)).unwrap_or_else(|| SystemClock.now());
    let reader = agent_for(&name, &config, &BTreeMap::new()).reader();
    let understood = Understood::of(reader, (&stdout, &stderr), recorded.facts(), (at, &zone));
    let meaning = Meaning { kind: config.kind, exit: recorded.facts().code, signal: recorded.signal, at, understood };
    output.data(&meaning, || text(&meaning))?;
    if recorded.exit.is_none() && recorded.signal.is_none() {
        output.say("note: it is taken to have ended with exit code 0; `--exit N` or `--signal N` says how it did");
    }
    Ok(())
}

impl Understood {
    fn of(
        mut reader: Box<dyn EventReader>,
        (stdout, stderr): (&[u8], &[u8]),
        exit: ExitFacts,
        (at, zone): (Timestamp, &TimeZone),
    ) -> Self {
        let (mut unknown, mut lines, mut records) = (Vec::new(), 0, 0);
        for (number, line) in lines_of(stdout) {
            lines += 1;
            records += usize::from(reader.is_record(line));
            let others = reader.line(line).into_iter().filter_map(|event| match event {
                AgentEvent::Other(record) => Some(Unknown { line: number, record }),
                _ => None,
            });
            unknown.extend(others);
        }
        lines_of(stderr).for_each(|(_, line)| reader.error_line(line));
        let (ending, limits) = resolved(reader.finish(exit), at, zone);
        Self {
            class: ending.end.class(),
            end: ending.end,
            limits,
            usage: ending.usage,
            model: ending.model,
            billing: ending.opening.as_ref().map(|opening| opening.billing).unwrap_or_default(),
            opening: ending.opening,
            answer: ending.answer.and_then(|answer| serde_json::from_str(&answer).ok()),
            text: ending.text,
            lines,
            records,
            unknown,
        }
    }
}

/// An agent of the configuration, or else one of that kind with the defaults.
fn agent(context: Option<&Context>, named: &str) -> Result<(AgentName, AgentConfig), CliError> {
    let agents = context.map(|context| &context.config.portfolio.agents);
    if let Some((name, agent)) = agents.into_iter().flatten().find(|(name, _)| name.as_str() == named) {
        return Ok((name.clone(), agent.clone()));
    }
    if let Some(kind) = AgentKind::ALL.into_iter().find(|kind| kind.word() == named) {
        let name = AgentName::new(named).map_err(|err| CliError::usage(err.to_string()))?;
        return Ok((name, AgentConfig::new(kind, vec![named.to_owned()])));
    }
    let kinds = AgentKind::ALL.map(AgentKind::word).join(", ");
    let there: Vec<&str> = agents.into_iter().flat_map(|agents| agents.keys()).map(AgentName::as_str).collect();
    let err = CliError::usage(format!("there is neither an agent nor a kind of agent `{named}`"))
        .hint(format!("the kinds are {kinds}"));
    Err(if there.is_empty() { err } else { err.hint(format!("the agents are {}", there.join(", "))) })
}

/// All of a file; the log of an attempt as a whole, also while it grows.
fn read(file: &Utf8Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    if file == "-" {
        std::io::stdin().read_to_end(&mut bytes).map_err(|err| CliError::files("standard input", err))?;
        return Ok(bytes);
    }
    // A log that is not there would look like one without a line.
    std::fs::metadata(file)
        .and_then(|facts| if facts.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(()) })
        .map_err(|err| CliError::files(file, err))?;
    let (mut log, mut buffer) = (LogReader::new(file), vec![0; 1 << 16]);
    loop {
        match log.read(&mut buffer).map_err(|err| CliError::files(file, err))? {
            LogPart::Bytes(read) => bytes.extend_from_slice(&buffer[..read]),
            // What was cut parts the line it stands in.
            LogPart::Cut(_) => bytes.push(b'\n'),
            LogPart::End => return Ok(bytes),
        }
    }
}

fn written(file: &Utf8Path) -> Option<Timestamp> {
    Timestamp::try_from(std::fs::metadata(file).ok()?.modified().ok()?).ok()
}

/// The lines that are not empty, with their numbers from 1.
fn lines_of(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.is_empty())
}

/// The ending with its times as times.
fn resolved(mut ending: Ending, at: Timestamp, zone: &TimeZone) -> (Ending, Vec<Limit>) {
    let limit = |said: LimitNotice| {
        let resets_at = said.resets.as_ref().and_then(|resets| resets.resolve(at, zone));
        Limit { said, resets_at }
    };
    let limits: Vec<Limit> = std::mem::take(&mut ending.limits).into_iter().map(limit).collect();
    let latest = limits.iter().filter(|limit| limit.said.refused).filter_map(|limit| limit.resets_at).max();
    if let (End::Quota { resets_at }, Some(latest)) = (&mut ending.end, latest) {
        *resets_at = Some(latest);
    }
    (ending, limits)
}

fn text(meaning: &Meaning) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let how = match (meaning.exit, meaning.signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (code, None) => format!("exit code {}", code.unwrap_or_default()),
    };
    rows.push(("process", how));
    let understood = &meaning.understood;
    rows.extend(understood.limits.iter().map(|limit| ("limit", limit_text(limit, meaning.at))));
    rows.push(("usage", usage(&understood.usage)));
    rows.extend(understood.model.clone().map(|model| ("model", model)));
    rows.push(("billing", understood.billing.word().to_owned()));
    rows.extend(understood.opening.iter().flat_map(opening));
    if !understood.text.is_empty() {
        rows.push(("last words", cut(&one_line(&understood.text), WIDTH)));
    }
    rows.extend(understood.answer.iter().map(|answer| ("answer", answer.to_string())));
    let (lines, records) = (count(understood.lines, "line"), count(understood.records, "record"));
    rows.push(("read", format!("{lines}, {records}, {} not understood", understood.unknown.len())));
    let unknown = understood.unknown.iter();
    rows.extend(
        unknown.map(|unknown| ("", format!("line {}: {}", unknown.line, cut(&one_line(&unknown.record), WIDTH)))),
    );
    let mut text = format!("{} ({})\n", one_line(&understood.end.to_string()), counts(understood.class));
    for (what, found) in rows {
        text.push_str(&format!("  {what:<12}{found}\n"));
    }
    text
}

fn counts(class: Class) -> &'static str {
    match class {
        Class::Good => "the gates have the verdict",
        Class::Charged => "uses up an attempt of the issue",
        Class::Idle => "uses up nothing; tried again a few times",
        Class::Transient => "uses up nothing; tried again later",
        Class::Person => "uses up nothing; a person must act",
    }
}

fn limit_text(limit: &Limit, now: Timestamp) -> String {
    let said = &limit.said;
    let mut text = format!("{:?}", said.scope).to_lowercase();
    if let Some(window) = &said.window {
        text.push_str(&format!(", {window}"));
    }
    text.push_str(if said.refused { ": refused" } else { ": open" });
    if said.refused {
        text.push_str(&format!(" ({})", said.why.word()));
    }
    if let Some(used) = said.used {
        text.push_str(&format!(", {:.0} % used", used * 100.0));
    }
    match (limit.resets_at, &said.resets) {
        (Some(at), Some(ResetTime::Text(words))) => {
            text.push_str(&format!(", resets {}, from `{}`", time(at, now), cut(&one_line(words), WIDTH)));
        }
        (Some(at), _) => text.push_str(&format!(", resets {}", time(at, now))),
        (None, Some(_)) => text.push_str(", resets at a time that is not understood"),
        (None, None) => {}
    }
    let repeats = matches!(&said.resets, Some(ResetTime::Text(words)) if said.said.starts_with(words.as_str()));
    if !said.said.is_empty() && !repeats {
        text.push_str(&format!("; it said: {}", cut(&one_line(&said.said), WIDTH)));
    }
    text
}

fn usage(usage: &Usage) -> String {
    let cost = usage.cost_usd.map(|cost| format!(", ${cost:.4}")).unwrap_or_default();
    format!(
        "{} tokens read, {} of them cached, {} written{cost}",
        usage.input_tokens, usage.cached_tokens, usage.output_tokens
    )
}

/// What the agent said of itself.
fn opening(opening: &Opening) -> Vec<(&'static str, String)> {
    let list = |names: &Option<Vec<String>>| names.as_ref().map(|names| cut(&names.join(", "), WIDTH));
    let rows = [
        ("version", opening.version.clone()),
        ("session", opening.session.clone()),
        ("key", opening.key_source.clone()),
        ("tools", list(&opening.tools)),
        ("skills", list(&opening.skills)),
        ("told by", list(&opening.instructions)),
        ("servers", list(&opening.servers)),
    ];
    rows.into_iter()
        .filter_map(|(what, found)| Some((what, one_line(&found.filter(|text| !text.is_empty())?))))
        .collect()
}
