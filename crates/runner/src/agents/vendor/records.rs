//! What one record means.

use std::time::Duration;

use dayfly_core::{AgentEvent, LimitNotice, LimitScope, LimitWhy, Opening};
use serde_json::Value;

use super::reader::{Reader, Seen};
use crate::agents::catalog::{Count, EventRule, Place, Tells, first, number, sum, text};
use crate::agents::resets::resets;

/// The most characters of what a tool was used for.
const DETAIL_CHARS: usize = 200;

/// The most characters of a record that no rule is about. The log has it whole.
const UNKNOWN_CHARS: usize = 4000;

impl Reader {
    /// Takes one record.
    pub(super) fn record(&mut self, record: &Value) -> Vec<AgentEvent> {
        let rules = &self.catalog.form().event;
        let (mut events, mut known, mut parts) = (Vec::new(), false, false);
        for rule in rules.iter().filter(|rule| rule.when.holds(record)) {
            known = true;
            parts |= rule.tells == Tells::Part;
            for element in elements(rule, record) {
                self.seen.told(rule, &element, &mut events);
            }
        }
        if !known {
            let name = name(record);
            events.push(AgentEvent::Other(format!("{name} {record}").chars().take(UNKNOWN_CHARS).collect()));
            self.seen.unknown = Some(name);
        }
        if !parts && let Some(said) = self.seen.end_parts() {
            events.insert(0, AgentEvent::Text(said));
        }
        events
    }
}

/// What a rule is for: the record, or the elements of a list or a table in it.
fn elements(rule: &EventRule, record: &Value) -> Vec<Value> {
    let Some(each) = &rule.each else { return vec![record.clone()] };
    let elements = match each.one(record) {
        Some(Value::Array(list)) => list.clone(),
        Some(Value::Object(table)) => table.iter().map(|(key, value)| with_key(key, value)).collect(),
        _ => Vec::new(),
    };
    elements.into_iter().filter(|element| rule.of.holds(element)).collect()
}

fn with_key(key: &str, value: &Value) -> Value {
    let mut element = value.clone();
    if let Value::Object(table) = &mut element {
        table.insert("@key".into(), key.into());
    }
    element
}

/// What a record calls itself.
fn name(record: &Value) -> String {
    let word = |key: &str| record[key].as_str().filter(|word| word.len() < 80);
    match (word("type"), word("subtype")) {
        (Some(kind), Some(sub)) => format!("{kind}/{sub}"),
        (Some(kind), None) => kind.to_owned(),
        (None, _) => "a record without a type".into(),
    }
}

impl Seen {
    fn told(&mut self, rule: &EventRule, element: &Value, events: &mut Vec<AgentEvent>) {
        if let Some(slot) = &rule.keep {
            self.kept.insert(slot.clone(), element.clone());
        }
        if let Some(answer) = first(&rule.answer, element) {
            // What was said before the last words is no answer, however it looks.
            self.answer = as_answer(answer);
        }
        if rule.tells != Tells::Opening
            && let Some(model) = text(&rule.model, element)
        {
            self.model = Some(model.to_owned());
        }
        self.billed(rule, element);
        let said = || text(&rule.text, element).map(str::to_owned);
        match rule.tells {
            Tells::Nothing => {}
            Tells::Text => {
                if let Some(said) = said() {
                    self.text.clone_from(&said);
                    events.push(AgentEvent::Text(said));
                }
            }
            Tells::Part => {
                if let Some(said) = said() {
                    self.part(&said);
                }
            }
            Tells::Aside => events.extend(said().map(AgentEvent::Text)),
            Tells::Tool | Tells::ToolResult | Tells::Denied => self.tool(rule, element, events),
            Tells::FileChange => {
                let paths = rule.path.iter().flat_map(|place| place.all(element)).filter_map(Value::as_str);
                events.extend(paths.map(|path| AgentEvent::FileChange { path: path.to_owned() }));
            }
            Tells::Usage => self.used(rule, element, events),
            Tells::RateLimit => events.push(AgentEvent::RateLimit(self.limit(rule, element))),
            Tells::Retry => events.push(retry(rule, element)),
            Tells::Question => events.extend(said().map(AgentEvent::Question)),
            Tells::Opening => self.opened(rule, element, events),
        }
    }

    fn tool(&mut self, rule: &EventRule, element: &Value, events: &mut Vec<AgentEvent>) {
        let id = text(&rule.id, element).unwrap_or_default().to_owned();
        let name = text(&rule.tool, element).map(str::to_owned).or_else(|| self.tools.name(&id)).unwrap_or_default();
        match rule.tells {
            Tells::Denied => self.tools.denied(id, name),
            Tells::ToolResult => self.tools.ended(id, rule.worked.holds(element)),
            _ => {
                let detail = text(&rule.detail, element).and_then(|text| text.lines().next()).unwrap_or_default();
                let detail = detail.chars().take(DETAIL_CHARS).collect();
                self.tools.used(id, name.clone());
                events.push(AgentEvent::Tool { name, detail });
            }
        }
    }

    fn used(&mut self, rule: &EventRule, element: &Value, events: &mut Vec<AgentEvent>) {
        let mut usage = self.usage;
        let add = rule.count == Count::Add;
        let tokens = |places, before: u64| match sum(places, element) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float cast keeps to the bounds"
            )]
            Some(number) if add => before.saturating_add(number as u64),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float cast keeps to the bounds"
            )]
            Some(number) => number as u64,
            None => before,
        };
        usage.input_tokens = tokens(&rule.input, usage.input_tokens);
        usage.cached_tokens = tokens(&rule.cached, usage.cached_tokens);
        usage.output_tokens = tokens(&rule.output, usage.output_tokens);
        if let Some(cost) = sum(&rule.cost, element) {
            usage.cost_usd = Some(if add { usage.cost_usd.unwrap_or_default() + cost } else { cost });
        }
        self.usage = usage;
        events.push(AgentEvent::Usage(usage));
    }

    fn limit(&mut self, rule: &EventRule, element: &Value) -> LimitNotice {
        let notice = LimitNotice {
            scope: rule.scope.unwrap_or(LimitScope::Account),
            why: LimitWhy::Quota,
            window: text(&rule.window, element).map(str::to_owned),
            used: number(&rule.used, element),
            refused: !rule.refused.is_empty() && rule.refused.holds(element),
            resets: resets(&rule.resets, element),
            said: text(&rule.text, element).unwrap_or_default().to_owned(),
        };
        // The newest word on a limit is the one that counts.
        self.limits.retain(|old| (old.scope, &old.window) != (notice.scope, &notice.window));
        self.limits.push(notice.clone());
        notice
    }

    fn opened(&mut self, rule: &EventRule, element: &Value, events: &mut Vec<AgentEvent>) {
        let mut opening = self.opening.take().unwrap_or_default();
        let one = |places, before: Option<String>| text(places, element).map(str::to_owned).or(before);
        opening.model = one(&rule.model, opening.model);
        opening.version = one(&rule.program, opening.version);
        opening.session = one(&rule.session, opening.session);
        opening.key_source = one(&rule.key_source, opening.key_source);
        opening.tools = list(&rule.tools, element).or(opening.tools);
        opening.skills = list(&rule.skills, element).or(opening.skills);
        opening.instructions = list(&rule.instructions, element).or(opening.instructions);
        opening.servers = list(&rule.servers, element).or(opening.servers);
        opening.billing = self.billing;
        self.model = opening.model.clone().or(self.model.take());
        self.opening = Some(opening.clone());
        events.push(AgentEvent::Started(Box::new(opening)));
    }

    fn billed(&mut self, rule: &EventRule, element: &Value) {
        let source = text(&rule.key_source, element);
        let billing = source.and_then(|source| rule.billing.get(source)).or_else(|| rule.billing.get("*"));
        if let Some(billing) = billing.filter(|billing| !billing.is_unknown()) {
            self.billing = *billing;
            if let Some(opening) = &mut self.opening {
                opening.billing = *billing;
            } else if rule.tells != Tells::Opening {
                self.opening = Some(Opening { billing: *billing, ..Opening::default() });
            }
        }
    }
}

fn retry(rule: &EventRule, element: &Value) -> AgentEvent {
    let millis = number(&rule.delay_ms, element);
    AgentEvent::Retry {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast keeps to the bounds"
        )]
        attempt: number(&rule.attempt, element).map(|number| number as u64),
        delay: millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok()),
        reason: text(&rule.text, element).unwrap_or("it did not say why").to_owned(),
    }
}

/// All texts at the places, in order and once each; nothing where none of the places is there.
fn list(places: &[Place], element: &Value) -> Option<Vec<String>> {
    let found: Vec<&Value> = places.iter().flat_map(|place| place.all(element)).collect();
    let there = !found.is_empty() || places.iter().any(|place| place.before_all(element).is_some());
    let mut texts: Vec<String> = Vec::new();
    for value in found {
        let some = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        for text in some.into_iter().filter_map(Value::as_str).map(|text| text.trim_start_matches('/')) {
            if !texts.iter().any(|old| old == text) {
                texts.push(text.to_owned());
            }
        }
    }
    there.then_some(texts)
}

/// A structured answer as JSON: a table, or a text that is one.
fn as_answer(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) => Some(value.to_string()),
        Value::String(text) => {
            let read: Value = serde_json::from_str(text.trim()).ok()?;
            read.is_object().then(|| read.to_string())
        }
        _ => None,
    }
}
