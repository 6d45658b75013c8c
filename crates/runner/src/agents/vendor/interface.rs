//! What a vendor's interface said of a failure, wherever the records hold it.

use dayfly_core::ExitFacts;
use serde_json::{Map, Value, json};

use crate::agents::catalog::{Api, first, number, text};

/// The facts of which the rules of endings know as `api`.
pub(super) fn api_facts(api: &Api, facts: &Value, exit: ExitFacts) -> Value {
    let told = text(&api.text, facts).map(|said| strip(said, &api.strip));
    let said = told.map(|(said, _)| said);
    let behind = said.and_then(|said| status_in(said, &api.status_after));
    let behind = behind.map(|(status, rest)| (status, words(rest, api.words_after.as_deref())));
    let mut found = Map::new();
    let texts = api.json.iter().flat_map(|place| place.all(facts)).filter_map(Value::as_str);
    if let Some(json) = texts.chain(said).chain(behind.map(|(_, words)| words)).find_map(leading_json) {
        found.insert("json".into(), json);
    }
    let with_json = json!({ "api": found });
    let all = [facts, &with_json];
    let status = all.iter().find_map(|facts| number(&api.status, facts)).or(behind.map(|(status, _)| status));
    let is_interfaces = told.is_some_and(|(_, stripped)| stripped);
    let by_exit = || api.exit_is_status.then(|| status_of(exit)).flatten().filter(|_| is_interfaces);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast keeps to the bounds")]
    let status = status.map(|status| status as u64).filter(|status| (100..600).contains(status)).or_else(by_exit);
    let kind = all.iter().find_map(|facts| text(&api.kind, facts)).map(Value::from);
    let wait = all.iter().find_map(|facts| number(&api.resets_ms, facts)).map(|millis| json!(millis / 1000.0));
    let resets = wait.or_else(|| all.iter().find_map(|facts| first(&api.resets, facts)).cloned());
    let in_json = |place| with_json.pointer(place).and_then(Value::as_str);
    let message = in_json("/api/json/error/message").or_else(|| in_json("/api/json/message")).or(said);
    let words = behind.map(|(_, words)| words).filter(|words| !words.starts_with('{')).or(message).map(Value::from);
    let message = message.map(Value::from);
    let status = status.map(Value::from);
    let facts = [("status", status), ("type", kind), ("resets", resets), ("text", message), ("words", words)];
    for (key, value) in facts {
        found.extend(value.map(|value| (key.to_owned(), value)));
    }
    Value::Object(found)
}

/// Without what stands before the vendor's words, and whether that was there. A bracket it opens is closed behind them.
fn strip<'t>(said: &'t str, prefixes: &[String]) -> (&'t str, bool) {
    let found = prefixes.iter().find_map(|prefix| said.strip_prefix(prefix.as_str()).map(|rest| (rest, prefix)));
    match found {
        Some((rest, prefix)) if prefix.starts_with('[') => {
            (rest.rsplit_once(']').map_or(rest, |(words, _)| words), true)
        }
        Some((rest, _)) => (rest, true),
        None => (said, false),
    }
}

/// The table of JSON at the beginning of a text.
fn leading_json(text: &str) -> Option<Value> {
    let mut values = serde_json::Deserializer::from_str(text.trim_start()).into_iter::<Value>();
    values.next()?.ok().filter(Value::is_object)
}

/// The status behind one of the beginnings that a vendor's words can have, and what follows it.
fn status_in<'t>(said: &'t str, beginnings: &[String]) -> Option<(f64, &'t str)> {
    let rest = beginnings.iter().find_map(|beginning| said.strip_prefix(beginning.as_str()))?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at(end);
    Some((digits.parse().ok()?, rest))
}

/// What is said of a status, without its name.
fn words<'t>(rest: &'t str, after: Option<&str>) -> &'t str {
    let behind = after.and_then(|after| rest.split_once(after)).map_or(rest, |(_, words)| words);
    behind.trim_start_matches([' ', ':', '·'])
}

/// The status of which an exit code is the rest by 256: that of the two possible ones which servers use.
fn status_of(exit: ExitFacts) -> Option<u64> {
    let code = u64::try_from(exit.code?).ok()?;
    [code + 256, code + 512].into_iter().find(|status| matches!(status, 400..=511 | 520..=530))
}
