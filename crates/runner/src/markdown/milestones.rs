//! Changes to the file of milestones that keep every byte of how people wrote the rest of it.

use std::ops::Range;

use dayfly_core::TrackerState;
use jiff::civil::Date;
use toml_edit::{Document, Item, TableLike, Value};

use super::parse::Flaw;
use super::text::line_ending;

/// A part of the file, and what is written in its place.
type Edit = (Range<usize>, String);

/// `whole` with a milestone that stands so, or nothing if it is there and does.
pub(super) fn changed(
    whole: &str,
    title: &str,
    due: Option<Date>,
    state: TrackerState,
) -> Result<Option<String>, Flaw> {
    let odd = |problem: &str| Flaw { line: 1, problem: problem.to_owned() };
    let document = Document::parse(whole).map_err(|_| odd("it is no TOML; correct it"))?;
    let wanted = |table: Option<&dyn TableLike>| wanted(table, due, state);
    let new = || [("title", Value::from(title).to_string())].into_iter().chain(wanted(None));
    let edits = match document.as_table().get("milestone") {
        None => vec![appended(whole, new())],
        Some(Item::ArrayOfTables(tables)) => match tables.iter().find(|table| is_named(*table, title)) {
            None => vec![appended(whole, new())],
            Some(table) => put(table, wanted(Some(table)), |at, lines| below(whole, at, lines)),
        },
        Some(Item::Value(Value::Array(array))) => {
            match array.iter().filter_map(Value::as_inline_table).find(|table| is_named(*table, title)) {
                None => {
                    let entry = format!("{{ {} }}", new().map(written).collect::<Vec<_>>().join(", "));
                    let last = array.iter().filter_map(Value::span).map(|span| (span.end, format!(", {entry}"))).last();
                    let first = || array.span().map(|span| (span.start + 1, entry.clone()));
                    last.or_else(first).map(|(at, with)| (at..at, with)).into_iter().collect()
                }
                Some(table) => {
                    put(table, wanted(Some(table)), |at, values| (at..at, format!(", {}", values.join(", "))))
                }
            }
        }
        Some(_) => return Err(odd("`milestone` is no list; write each below a line `[[milestone]]`")),
    };
    Ok((!edits.is_empty()).then(|| applied(whole, edits)))
}

fn is_named(table: &dyn TableLike, title: &str) -> bool {
    table.get("title").and_then(Item::as_str) == Some(title)
}

/// What the milestone does not say yet, of all that it should.
fn wanted(table: Option<&dyn TableLike>, due: Option<Date>, state: TrackerState) -> Vec<(&'static str, String)> {
    let word = match state {
        TrackerState::Open => "open",
        TrackerState::Closed => "closed",
    };
    let said = |key: &str| table.and_then(|table| table.get(key));
    let day = said("due").and_then(Item::as_datetime).map(ToString::to_string);
    let due = due.map(|due| due.to_string()).filter(|due| day.as_ref() != Some(due)).map(|due| ("due", due));
    let is_so = said("state").and_then(Item::as_str).unwrap_or("open") == word;
    due.into_iter().chain((!is_so).then(|| ("state", format!("\"{word}\"")))).collect()
}

fn written((key, value): (&str, String)) -> String {
    format!("{key} = {value}")
}

/// Values in the place of old ones, and those that have none by `insert`, behind the last value that is there.
fn put(
    table: &dyn TableLike,
    values: Vec<(&'static str, String)>,
    insert: impl Fn(usize, &[String]) -> Edit,
) -> Vec<Edit> {
    let span = |key: &str| table.get(key).and_then(Item::span);
    let (mut edits, mut missing) = (Vec::new(), Vec::new());
    for (key, value) in values {
        match span(key) {
            Some(old) => edits.push((old, value)),
            None => missing.push(written((key, value))),
        }
    }
    let last = table.iter().filter_map(|(_, item)| item.span()).map(|span| span.end).max();
    if let Some(at) = last.filter(|_| !missing.is_empty()) {
        edits.push(insert(at, &missing));
    }
    edits
}

/// Lines below the one with that place.
fn below(whole: &str, at: usize, lines: &[String]) -> Edit {
    let end = whole[at..].find('\n').map_or(whole.len(), |length| at + length);
    let end = end - usize::from(whole[at..end].ends_with('\r'));
    let eol = line_ending(whole);
    (end..end, lines.iter().map(|line| format!("{eol}{line}")).collect())
}

/// A milestone of its own at the end of the file.
fn appended<'a>(whole: &str, values: impl Iterator<Item = (&'a str, String)>) -> Edit {
    let eol = line_ending(whole);
    let mut text = String::new();
    if !whole.is_empty() {
        text.push_str(&eol.repeat(if whole.ends_with('\n') { 1 } else { 2 }));
    }
    text.push_str(&format!("[[milestone]]{eol}"));
    for value in values {
        text.push_str(&format!("{}{eol}", written(value)));
    }
    (whole.len()..whole.len(), text)
}

fn applied(whole: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| place.start);
    let (mut text, mut at) = (String::with_capacity(whole.len() + 80), 0);
    for (place, with) in edits {
        text.push_str(&whole[at..place.start]);
        text.push_str(&with);
        at = place.end;
    }
    text + &whole[at..]
}
