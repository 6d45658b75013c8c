//! How an attempt ended, by the records that tell it.

use dayfly_core::{End, Ending, ExitFacts, LimitNotice, LimitScope, LimitWhy, Opening, ResetTime};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::interface::api_facts;
use super::reader::{Reader, Seen};
use crate::agents::catalog::{Api, EndRule, EndWord, text};
use crate::agents::resets::resets;
use crate::subprocess::for_display;

/// The most characters of a reason.
const REASON_CHARS: usize = 400;

impl Reader {
    /// Classifies: the first rule that fits the facts decides.
    pub(super) fn ending(self, exit: ExitFacts) -> Ending {
        let Self { catalog, mut seen } = self;
        let form = catalog.form();
        let facts = seen.facts(&form.api, exit);
        let rule = form.end.iter().find(|rule| rule.when.holds(&facts));
        let end = match rule {
            _ if exit.signalled_by_us => End::Cancelled,
            Some(rule) => seen.end(rule, &facts, exit),
            None => End::Unknown { reason: seen.unknown_end(&facts, exit) },
        };
        let opening = seen
            .opening
            .take()
            .or_else(|| (!seen.billing.is_unknown()).then(|| Opening { billing: seen.billing, ..Opening::default() }));
        Ending {
            end,
            usage: seen.usage,
            model: seen.model,
            text: seen.text,
            limits: seen.limits,
            opening,
            answer: seen.answer,
        }
    }
}

impl Seen {
    /// All that the rules of endings look at.
    fn facts(&self, api: &Api, exit: ExitFacts) -> Value {
        let mut facts = self.kept.clone();
        facts.insert("records".into(), self.records.into());
        facts.insert("exit".into(), json!({ "code": exit.code, "signal": exit.signal }));
        facts.insert("denied".into(), self.tools.open_denials().into());
        facts.insert("answered".into(), self.answer.is_some().into());
        // Once there is a record that tells something, what stands there is of no account: it may be a tool's.
        if self.kept.is_empty() {
            facts.insert("stderr".into(), json!({ "text": some_lines(&self.stderr), "json": last_json(&self.stderr) }));
        }
        let mut facts = Value::Object(facts);
        facts["api"] = api_facts(api, &facts, exit);
        facts
    }

    fn end(&mut self, rule: &EndRule, facts: &Value, exit: ExitFacts) -> End {
        let reason = reason(rule, facts, exit);
        match rule.end {
            EndWord::Succeeded => End::Succeeded,
            EndWord::TaskFailed => End::TaskFailed { reason },
            EndWord::NeedsHuman => End::NeedsHuman { question: reason },
            EndWord::Quota => self.quota(rule, facts, reason),
            EndWord::ProviderDown => {
                let notice = notice(rule, facts, (LimitWhy::Down, LimitScope::Vendor), &reason);
                self.limits.push(notice);
                End::ProviderDown { reason }
            }
            EndWord::Auth => {
                let notice = notice(rule, facts, (LimitWhy::Auth, LimitScope::Account), &reason);
                self.limits.push(notice);
                End::Auth { reason }
            }
            EndWord::Misconfigured => End::Misconfigured { reason },
            EndWord::PermissionDenied => End::PermissionDenied {
                tools: self.tools.open_denials().iter().map(|tool| for_display(tool, REASON_CHARS)).collect(),
            },
            EndWord::Environment => End::Environment { reason },
            EndWord::Host => End::Host { reason },
            EndWord::Unknown => End::Unknown { reason },
        }
    }

    /// What a record of its own said of the refused limit outweighs what the failure says of it.
    fn quota(&mut self, rule: &EndRule, facts: &Value, reason: String) -> End {
        if !self.limits.iter().any(|limit| limit.refused) {
            self.limits.push(notice(rule, facts, (LimitWhy::Quota, LimitScope::Account), &reason));
        }
        let refused = self.limits.iter_mut().filter(|limit| limit.refused);
        let mut resets_at: Option<Timestamp> = None;
        for limit in refused {
            if limit.said.is_empty() {
                limit.said.clone_from(&reason);
            }
            if let Some(ResetTime::At(at)) = limit.resets {
                resets_at = resets_at.max(Some(at));
            }
        }
        End::Quota { resets_at }
    }

    fn unknown_end(&self, facts: &Value, exit: ExitFacts) -> String {
        let how = told(exit);
        let mut reason = match (self.records, text_at(facts, "/stderr/text")) {
            (0, Some(said)) => format!("it printed no record and ended with {how}: {said}"),
            (0, None) => format!("it printed nothing and ended with {how}"),
            _ => format!("it ended with {how}, and without a final record that is known"),
        };
        if let Some(said) = text_at(facts, "/api/text") {
            reason.push_str(&format!("; it said: {said}"));
        }
        if let Some(name) = &self.unknown {
            reason.push_str(&format!("; the last record that is not known was `{name}`"));
        }
        for_display(&reason, REASON_CHARS)
    }
}

fn text_at<'f>(facts: &'f Value, pointer: &str) -> Option<&'f str> {
    facts.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn reason(rule: &EndRule, facts: &Value, exit: ExitFacts) -> String {
    let said = text(&rule.reason, facts).or_else(|| Some(rule.say.as_str()).filter(|say| !say.is_empty()));
    let said = said.or_else(|| text_at(facts, "/api/text")).or_else(|| text_at(facts, "/stderr/text"));
    let said = said.unwrap_or("it gave no reason");
    // The status is of use to people, where the words do not have it.
    let status = facts.pointer("/api/status").and_then(Value::as_u64).map(|status| status.to_string());
    let status = status.filter(|status| !said.contains(status.as_str())).map(|status| format!("status {status}"));
    let signal = exit.signal.map(|signal| format!("signal {signal}"));
    let more: Vec<String> = status.into_iter().chain(signal).collect();
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
    format!("{}{more}", for_display(said, REASON_CHARS))
}

fn notice(rule: &EndRule, facts: &Value, (why, scope): (LimitWhy, LimitScope), reason: &str) -> LimitNotice {
    LimitNotice {
        scope: rule.scope.unwrap_or(scope),
        why,
        window: rule.window.clone(),
        used: None,
        refused: true,
        resets: resets(&rule.resets, facts).or_else(|| rule.resets_say.clone().map(ResetTime::Text)),
        said: reason.to_owned(),
    }
}

/// The last table of JSON in what was written for people, if that begins on a line of its own and is the end of it.
fn last_json(stderr: &str) -> Option<Value> {
    let starts = stderr.match_indices("\n{").map(|(at, _)| at + 1).collect::<Vec<_>>().into_iter().rev();
    let starts = starts.chain(stderr.starts_with('{').then_some(0));
    starts.filter_map(|at| serde_json::from_str::<Value>(stderr.get(at..)?.trim_end()).ok()).next()
}

/// The first and the last lines that say something: some programs name the fault before they explain their use.
fn some_lines(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = match lines.as_slice() {
        [first, second, .., third, second_last, last] if lines.len() > 6 => {
            [*first, *second, "…", *third, *second_last, *last].join(" / ")
        }
        few => few.join(" / "),
    };
    for_display(&said, REASON_CHARS)
}

/// How a process ended, in words.
fn told(exit: ExitFacts) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "neither an exit code nor a signal".into(),
    }
}
