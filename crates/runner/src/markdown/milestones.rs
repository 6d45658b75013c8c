//! Changes to the file of milestones that keep how people wrote the rest of it.

use dayfly_core::TrackerState;
use jiff::civil::Date;
use toml_edit::{ArrayOfTables, Datetime, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::parse::Flaw;
use super::text::line_ending;

/// `whole` with a milestone that stands so, or nothing if it is there and does.
pub(super) fn changed(
    whole: &str,
    title: &str,
    due: Option<Date>,
    state: TrackerState,
) -> Result<Option<String>, Flaw> {
    let odd = |problem: &str| Flaw { line: 1, problem: problem.to_owned() };
    let mut document: DocumentMut = whole.parse().map_err(|_| odd("it is no TOML; correct it"))?;
    let list = document.entry("milestone").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let done = match list {
        Item::ArrayOfTables(tables) => {
            let at = tables.iter().position(|table| is_named(table, title));
            if at.is_none() {
                tables.push(entry(Table::new(), title, due, state));
            }
            at.and_then(|at| tables.get_mut(at)).is_none_or(|table| set(table, due, state))
        }
        Item::Value(Value::Array(array)) => {
            let named = |value: &Value| value.as_inline_table().is_some_and(|table| is_named(table, title));
            let at = array.iter().position(named);
            if at.is_none() {
                array.push(entry(InlineTable::new(), title, due, state));
            }
            let table = at.and_then(|at| array.get_mut(at)).and_then(Value::as_inline_table_mut);
            table.is_none_or(|table| set(table, due, state))
        }
        _ => return Err(odd("`milestone` is no list; write each below a line `[[milestone]]`")),
    };
    let text = document.to_string();
    let text = if line_ending(whole) == "\r\n" { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text };
    Ok(done.then_some(text))
}

fn is_named(table: &dyn TableLike, title: &str) -> bool {
    table.get("title").and_then(Item::as_str) == Some(title)
}

fn entry<T: TableLike>(mut table: T, title: &str, due: Option<Date>, state: TrackerState) -> T {
    table.insert("title", toml_edit::value(title));
    set(&mut table, due, state);
    table
}

/// Sets what differs; says whether anything did.
fn set(table: &mut dyn TableLike, due: Option<Date>, state: TrackerState) -> bool {
    let word = match state {
        TrackerState::Open => "open",
        TrackerState::Closed => "closed",
    };
    let mut changed = false;
    let due = due.map(|due| due.to_string());
    let known = table.get("due").and_then(Item::as_datetime).map(ToString::to_string);
    if let Some(due) = due.filter(|due| known.as_ref() != Some(due))
        && let Ok(due) = due.parse::<Datetime>()
    {
        put(table, "due", due.into());
        changed = true;
    }
    if table.get("state").and_then(Item::as_str).unwrap_or("open") != word {
        put(table, "state", word.into());
        changed = true;
    }
    changed
}

/// Puts a value in the place of the old one, between what stands around that.
fn put(table: &mut dyn TableLike, key: &str, mut new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, Item::Value(new));
        }
    }
}
