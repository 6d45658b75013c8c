//! The file's form, before anything is resolved.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{
    Access, AfterCrash, AgentKind, AnswerRule, Answers, Billing, Choose, Fallback, GateSpec, Labels, Landing, MergeBy,
    MergeMethod, Network, Permissions, Price, ProjectKind, RollOver, Sandbox as Rung, SessionDone, SessionPrompt,
    StageRun, TrackerKind,
};

use super::{Problem, SourceText};

/// The whole file. Every section is read by itself, so that one bad section hides no other.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) root: Root,
    pub(super) limits: Limits,
    pub(super) retry: Retry,
    pub(super) sandbox: Sandbox,
    pub(super) labels: Option<Labels>,
    pub(super) budget: Budget,
    pub(super) capacity: Capacity,
    pub(super) github: GitHub,
    pub(super) triage: Triage,
    pub(super) agents: BTreeMap<String, Section<Agent>>,
    pub(super) accounts: BTreeMap<String, Section<Account>>,
    pub(super) stages: BTreeMap<String, Section<Stage>>,
    pub(super) projects: BTreeMap<String, Section<Project>>,
}

/// A section with the place of its name.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub(super) span: Range<usize>,
    pub(super) value: T,
    /// Whether a part of it could not be read; what is missing then is no second problem.
    pub(super) damaged: bool,
}

type Text = Option<Spanned<String>>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Root {
    pub(super) version: Option<Spanned<u32>>,
    pub(super) time_zone: Text,
    pub(super) state_dir: Option<String>,
    pub(super) issues_dir: Option<String>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) after_crash: Option<AfterCrash>,
    pub(super) pipeline: Option<Spanned<Vec<String>>>,
    pub(super) loop_backs: Option<Spanned<u32>>,
    pub(super) protected: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) wall: Text,
    pub(super) silence_report: Text,
    pub(super) silence: Text,
    pub(super) grace: Text,
    pub(super) gate_timeout: Text,
    pub(super) issue_attempts: Option<u32>,
    pub(super) issue_tokens: Option<u64>,
    pub(super) issue_time: Text,
    pub(super) issue_usd: Option<Spanned<f64>>,
    pub(super) attempt_tokens: Option<Spanned<u64>>,
    pub(super) attempt_usd: Option<Spanned<f64>>,
    pub(super) output_bytes: Option<u64>,
    pub(super) diff_lines: Option<u64>,
    pub(super) children: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Retry {
    pub(super) base: Text,
    pub(super) max: Text,
    pub(super) transient: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Sandbox {
    pub(super) trusted: Option<Rung>,
    pub(super) strangers: Option<Rung>,
    pub(super) network: Option<Spanned<Network>>,
    pub(super) read: Option<Spanned<Vec<String>>>,
    pub(super) write: Option<Spanned<Vec<String>>>,
    pub(super) memory_bytes: Option<Spanned<u64>>,
    pub(super) processes: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) kind: Option<AgentKind>,
    pub(super) argv: Option<Spanned<Vec<String>>>,
    pub(super) model: Option<String>,
    pub(super) effort: Option<String>,
    pub(super) turns: Option<Spanned<u32>>,
    pub(super) permissions: Option<Permissions>,
    pub(super) accounts: Option<Spanned<Vec<String>>>,
    pub(super) choose: Option<Choose>,
    pub(super) catalog: Text,
    #[serde(default)]
    pub(super) prices: BTreeMap<String, Price>,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default)]
    pub(super) redact: Vec<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) concurrency: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Account {
    pub(super) vendor: Text,
    pub(super) state_dir: Text,
    pub(super) billing: Option<Billing>,
    pub(super) proxy_key: Text,
    pub(super) upstream: Text,
    #[serde(default)]
    pub(super) pass_env: Vec<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) concurrency: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Budget {
    pub(super) day_tokens: Option<Spanned<u64>>,
    pub(super) day_usd: Option<Spanned<f64>>,
    pub(super) day_time: Text,
    pub(super) day_attempts: Option<Spanned<u32>>,
    pub(super) month_tokens: Option<Spanned<u64>>,
    pub(super) month_usd: Option<Spanned<f64>>,
    pub(super) month_time: Text,
    pub(super) month_attempts: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Capacity {
    pub(super) probe: Text,
    pub(super) wait: Text,
    pub(super) correlated: Option<Spanned<u32>>,
    pub(super) correlated_within: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GitHub {
    pub(super) api: Text,
    pub(super) app_id: Option<Spanned<u64>>,
    pub(super) app_key: Text,
    pub(super) poll: Text,
    pub(super) checks_start: Text,
    pub(super) wait: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Triage {
    pub(super) answers: Option<Answers>,
    pub(super) stale_after: Text,
    pub(super) exempt: Option<Vec<String>>,
    pub(super) writes: Option<Spanned<u32>>,
    pub(super) roll_over: Option<RollOver>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Stage {
    pub(super) run: Option<StageRun>,
    pub(super) access: Option<Access>,
    pub(super) agents: Option<Spanned<Vec<String>>>,
    pub(super) fallback: Option<Fallback>,
    pub(super) answer: Option<AnswerRule>,
    pub(super) effects: Option<Spanned<Vec<String>>>,
    pub(super) prompt: Text,
    pub(super) prompt_file: Text,
    pub(super) skills: Option<Vec<String>>,
    pub(super) admission: Option<Vec<GateSpec>>,
    pub(super) gates: Option<Vec<GateSpec>>,
    pub(super) on_fail: Text,
    pub(super) rounds: Option<Spanned<u32>>,
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) entry_label: Option<String>,
    pub(super) label: Option<String>,
    pub(super) wall: Text,
    pub(super) silence: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Project {
    pub(super) path: Text,
    pub(super) repository: Option<bool>,
    pub(super) kind: Option<ProjectKind>,
    pub(super) base: Option<String>,
    pub(super) focus: Option<String>,
    pub(super) github: Text,
    pub(super) tracker: Option<Spanned<TrackerKind>>,
    pub(super) landing: Option<Landing>,
    pub(super) merge: Option<Spanned<MergeBy>>,
    pub(super) merge_method: Option<Spanned<MergeMethod>>,
    pub(super) draft: Option<bool>,
    pub(super) squash: Option<bool>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) runner: Option<Spanned<RunnerWord>>,
    pub(super) session: Option<Spanned<Session>>,
    pub(super) pipeline: Option<Spanned<Vec<String>>>,
    pub(super) agents: Option<Spanned<Vec<String>>>,
    pub(super) protected: Option<Spanned<Vec<String>>>,
    pub(super) limits: Option<Limits>,
    pub(super) sandbox: Option<Sandbox>,
    pub(super) budget: Option<Budget>,
    pub(super) trusted: Option<bool>,
    pub(super) paused: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RunnerWord {
    Subprocess,
    Tmux,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Session {
    pub(super) command: Option<Spanned<Vec<String>>>,
    pub(super) submit: Option<Spanned<Vec<String>>>,
    pub(super) interrupt: Option<Spanned<Vec<String>>>,
    pub(super) ready: Text,
    pub(super) settle: Text,
    pub(super) prompt: Option<SessionPrompt>,
    pub(super) done: Option<SessionDone>,
    pub(super) pass_env: Option<Vec<String>>,
    pub(super) env: Option<BTreeMap<String, String>>,
    pub(super) redact: Option<Vec<String>>,
}

/// Reads a text; what can be read is read, and every problem is noted. `None` if it is not TOML: what it seems to hold
/// then is a guess, and problems of that would mislead.
pub(super) fn read(source: &SourceText, problems: &mut Vec<Problem>) -> Option<Raw> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        problems.extend(errors.iter().map(|err| Problem {
            span: visible(&source.text, err.span().unwrap_or(0..0)),
            message: first_line(err.message()),
            help: "this is not valid TOML; mend the line".into(),
        }));
        return None;
    }
    let mut raw = Raw::default();
    let mut root = DeTable::new();
    for (key, value) in table.into_inner() {
        match key.get_ref().as_ref() {
            "limits" => raw.limits = section("[limits]", value, problems).unwrap_or_default(),
            "retry" => raw.retry = section("[retry]", value, problems).unwrap_or_default(),
            "sandbox" => raw.sandbox = section("[sandbox]", value, problems).unwrap_or_default(),
            "budget" => raw.budget = section("[budget]", value, problems).unwrap_or_default(),
            "capacity" => raw.capacity = section("[capacity]", value, problems).unwrap_or_default(),
            "github" => raw.github = section("[github]", value, problems).unwrap_or_default(),
            "triage" => raw.triage = section("[triage]", value, problems).unwrap_or_default(),
            "labels" => raw.labels = section("[labels]", value, problems),
            "agents" => raw.agents = sections("agents", value, problems),
            "accounts" => raw.accounts = sections("accounts", value, problems),
            "stages" => raw.stages = sections("stages", value, problems),
            "projects" => raw.projects = sections("projects", value, problems),
            _ => {
                root.insert(key, value);
            }
        }
    }
    let span = 0..source.text.len();
    raw.root = section("the file", Spanned::new(span, DeValue::Table(root)), problems).unwrap_or_default();
    Some(raw)
}

/// A place with at least one character, so that it can be shown: of an empty one the character before, which is
/// where something is missing.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() {
        return span;
    }
    let before = text.get(..span.start).unwrap_or(text).trim_end_matches(['\n', '\r']);
    match before.char_indices().next_back() {
        Some((at, _)) => at..before.len(),
        None => 0..text.chars().next().map_or(0, char::len_utf8),
    }
}

fn sections<T: DeserializeOwned>(
    what: &str,
    value: Spanned<DeValue<'_>>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Section<T>> {
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        let help = format!("write a section per name: [{what}.NAME]");
        problems.push(Problem { span, message: format!("`{what}` is not a table"), help });
        return BTreeMap::new();
    };
    let mut sections = BTreeMap::new();
    for (key, value) in table {
        let name = key.get_ref().to_string();
        let before = problems.len();
        if let Some(read) = section(&format!("[{what}.{name}]"), value, problems) {
            sections.insert(name, Section { span: key.span(), value: read, damaged: problems.len() > before });
        }
    }
    sections
}

/// Reads one table. A key that is refused is noted and taken out, and the rest is read again, so
/// that all problems of a table are found in one go.
fn section<T: DeserializeOwned>(what: &str, mut value: Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<T> {
    loop {
        let err = match T::deserialize(toml::de::ValueDeserializer::from(value.clone())) {
            Ok(read) => return Some(read),
            Err(err) => err,
        };
        let span = err.span().unwrap_or_else(|| value.span());
        let DeValue::Table(table) = value.get_mut() else {
            problems.push(problem(what, &span, err.message()));
            return None;
        };
        let inner = take_out(table, &span);
        let place =
            inner.iter().flatten().fold(what.trim_end_matches(']').to_owned(), |path, key| format!("{path}.{key}"));
        let place = if what.starts_with('[') { format!("{place}]") } else { what.to_owned() };
        problems.push(problem(&place, &span, err.message()));
        inner.as_ref()?;
    }
}

/// Takes the innermost key out that holds the place. Gives the names of the tables around it, below this one; `None`
/// if no key holds it.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    for (key, value) in table.iter_mut() {
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(mut path) = take_out(inner, span)
        {
            path.insert(0, key.get_ref().to_string());
            return Some(path);
        }
    }
    let before = table.len();
    let kept = std::mem::take(table).into_iter().filter(|(key, value)| {
        let whole = key.span().start..value.span().end.max(key.span().end);
        !(whole.start <= span.start && span.end <= whole.end)
    });
    table.extend(kept);
    (table.len() < before).then(Vec::new)
}

fn problem(what: &str, span: &Range<usize>, message: &str) -> Problem {
    let message = first_line(message);
    let mut help = String::new();
    if let Some((unknown, known)) = unknown_field(&message) {
        match known.iter().max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)))
        {
            Some(near) if strsim::jaro_winkler(unknown, near) > 0.8 => {
                let _ = write!(help, "did you mean `{near}`?");
            }
            _ => {
                let _ = write!(help, "{what} may hold {}", known.join(", "));
            }
        }
        return Problem { span: span.clone(), message: format!("unknown key `{unknown}` in {what}"), help };
    }
    let _ = write!(help, "see `dayfly config show --defaults` for the form of {what}");
    Problem { span: span.clone(), message, help }
}

/// Takes serde's message about an unknown field apart.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    Some((unknown, rest.split('`').skip(1).step_by(2).collect()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
