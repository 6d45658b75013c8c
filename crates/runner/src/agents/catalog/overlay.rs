//! Laying one catalog over another, and what a whole one must be like.

use std::collections::BTreeSet;

use dayfly_core::ResetTime;
use toml::{Table, Value};

use super::CatalogError;
use super::form::{EventRule, Form, Launch, Tells};

/// The lists whose entries have names. A new entry of a user's comes first in those of records and endings, where the
/// first that fits decides, and last elsewhere.
const NAMED: [(&str, New); 5] =
    [("launch", New::Last), ("key", New::Last), ("context", New::Last), ("event", New::First), ("end", New::First)];

#[derive(Clone, Copy, PartialEq)]
enum New {
    First,
    Last,
}

/// Lays the upper table over the lower one, key by key; entries of lists by their name.
pub(super) fn over(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        let list = NAMED.iter().find(|(name, _)| *name == key);
        match (list, lower.get_mut(&key), value) {
            (Some((_, new)), Some(Value::Array(below)), Value::Array(above)) => entries(below, above, *new),
            (_, Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, _, value) => {
                lower.insert(key, value);
            }
        }
    }
}

/// Puts a catalog's entries behind those that are there already.
pub(super) fn behind(first: &mut Table, last: Table) {
    for (key, value) in last {
        match (first.get_mut(&key), value) {
            (Some(Value::Array(before)), Value::Array(more)) => before.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                first.insert(key, value);
            }
        }
    }
}

fn entries(lower: &mut Vec<Value>, upper: Vec<Value>, new: New) {
    let mut fresh = Vec::new();
    for entry in upper {
        let same = lower.iter_mut().find(|old| name(old) == name(&entry));
        match (same, entry) {
            (Some(Value::Table(old)), Value::Table(entry)) => merge(old, entry),
            (_, entry) => fresh.push(entry),
        }
    }
    match new {
        New::First => drop(lower.splice(0..0, fresh)),
        New::Last => lower.extend(fresh),
    }
}

fn merge(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

fn name(entry: &Value) -> &str {
    entry.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Every entry of a list must have a name of its own: it is known by it.
pub(super) fn names(table: &Table) -> Result<(), CatalogError> {
    for (list, _) in NAMED {
        let mut seen = BTreeSet::new();
        for entry in table.get(list).and_then(Value::as_array).into_iter().flatten() {
            let name = name(entry);
            let problem = match (name.is_empty(), seen.insert(name)) {
                (true, _) => "has no `name`; give it one: an entry of that name is changed, a new name adds one",
                (false, false) => "is there twice; give each a name of its own",
                (false, true) => continue,
            };
            return Err(CatalogError::Entry { entry: format!("{list}.{name}"), problem: problem.into() });
        }
    }
    Ok(())
}

/// What a whole catalog must be like beyond its form.
pub(super) fn check(form: &Form) -> Result<(), CatalogError> {
    let wrong = |entry: String, problem: &str| Err(CatalogError::Entry { entry, problem: problem.into() });
    for rule in &form.event {
        let entry = format!("event.{}", rule.name);
        if rule.when.is_empty() {
            return wrong(entry, "has no `when`; say which records it is about");
        }
        if let Some(missing) = missing(rule) {
            return wrong(entry, &format!("does not say where `{missing}` is; name at least one place"));
        }
    }
    for rule in &form.end {
        if rule.when.is_empty() {
            return wrong(format!("end.{}", rule.name), "has no `when`; without one every attempt would end so");
        }
        if rule.resets_say.as_ref().is_some_and(|say| ResetTime::from_sentence(say).is_none()) {
            return wrong(format!("end.{}", rule.name), "has a `resets-say` without a time; try `resets at 3pm (UTC)`");
        }
    }
    for entry in &form.launch {
        if let Some(file) = files(entry).find(|file| !is_within(file)) {
            let problem =
                format!("writes `{file}`; name a place in the attempt's folder, such as `home/settings.json`");
            return wrong(format!("launch.{}", entry.name), &problem);
        }
    }
    Ok(())
}

/// What a rule must say for what it tells.
fn missing(rule: &EventRule) -> Option<&'static str> {
    let places = match rule.tells {
        Tells::Text | Tells::Part | Tells::Aside | Tells::Question => ("text", &rule.text),
        Tells::Tool => ("tool", &rule.tool),
        Tells::Denied | Tells::ToolResult => ("id", &rule.id),
        Tells::FileChange => ("path", &rule.path),
        Tells::Usage => ("output", &rule.output),
        Tells::Nothing | Tells::RateLimit | Tells::Retry | Tells::Opening => return None,
    };
    places.1.is_empty().then_some(places.0)
}

fn files(entry: &Launch) -> impl Iterator<Item = &String> {
    entry.files.keys().chain(entry.json_files.keys())
}

fn is_within(file: &str) -> bool {
    let path = camino::Utf8Path::new(file);
    path.file_name().is_some() && path.components().all(|part| matches!(part, camino::Utf8Component::Normal(_)))
}
