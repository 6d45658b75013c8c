//! From a text to the file's form, section by section.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::{Problem, SourceText};
use super::{Raw, Section};

/// Reads a text; what can be read is read, and every problem is noted. `None` if it is not TOML: what it seems to hold
/// then is a guess, and problems of that would mislead.
pub(in crate::config) fn read(source: &SourceText, problems: &mut Vec<Problem>) -> Option<Raw> {
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
            "drift" => raw.drift = section("[drift]", value, problems).unwrap_or_default(),
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
