//! What was seen of a run.

use std::time::Duration;

use dayfly_core::{Event, Next, Outcome, Record};
use jiff::Timestamp;

use crate::expected::Limited;

/// What was seen of one run.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) cli: String,
    pub(crate) case: &'static str,
    /// The end of the attempt; none if there was no attempt.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) limited: Limited,
    /// What is limited.
    pub(crate) scope: String,
    pub(crate) next: String,
    pub(crate) requests: usize,
    /// The model that was asked in the end.
    pub(crate) model: String,
    pub(crate) keys: Vec<String>,
    /// What dayfly printed.
    pub(crate) said: String,
    /// What is not as it must be.
    pub(crate) problems: Vec<String>,
}

impl Seen {
    /// What follows; what is limited is waited for.
    pub(crate) fn follows(&self) -> &str {
        match (self.limited, self.next.as_str()) {
            (Limited::No, next) => next,
            (_, "tried again") => "waits for capacity",
            (_, next) => next,
        }
    }

    pub(crate) fn end(&self) -> &str {
        self.outcome.as_ref().map_or("no attempt", |outcome| outcome.end.word())
    }

    /// How the process ended.
    pub(crate) fn exit(&self) -> String {
        let Some(receipt) = self.outcome.as_ref().map(|outcome| &outcome.receipt) else { return "-".into() };
        match (receipt.exit_code, receipt.signal) {
            (Some(code), _) => code.to_string(),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "-".into(),
        }
    }

    pub(crate) fn took(&self) -> Duration {
        self.outcome.as_ref().map_or(Duration::ZERO, |outcome| outcome.receipt.took)
    }

    /// What is limited, and until when.
    pub(crate) fn capacity(&self) -> String {
        format!("{}{}", self.scope, self.limited.word())
    }

    /// One line for a terminal.
    pub(crate) fn line(&self) -> String {
        let mark = if self.problems.is_empty() { "ok" } else { "NOT" };
        let name = format!("{}/{}", self.cli, self.case);
        let (end, limited, took) = (self.end(), self.capacity(), self.took().as_secs_f64());
        format!(
            "{mark:3} {name:28} {end:18} {limited:31} {:2} requests, exit {:8} {took:5.1} s  {}",
            self.requests,
            self.exit(),
            self.follows()
        )
    }

    /// All of it, for somebody who looks for the reason.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("== {}/{}\n", self.cli, self.case);
        for problem in &self.problems {
            text.push_str(&format!("   {problem}\n"));
        }
        if let Some(outcome) = &self.outcome {
            text.push_str(&format!("   {}\n   {:?}\n", outcome.end, outcome.receipt.usage));
            text.push_str(&indented(&outcome.receipt.tail));
        }
        text + &indented(&self.said)
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   | {}\n", line.chars().take(300).collect::<String>())).collect()
}

/// The first attempt's end in a ledger, with what follows.
pub(crate) fn first_end(records: &[Record]) -> Option<(Outcome, String)> {
    records.iter().find_map(|record| match record.event() {
        Ok(Event::AttemptEnded { outcome, next, .. }) => Some((*outcome, follows(&next).to_owned())),
        _ => None,
    })
}

/// What the ledger says of capacity: until when, and on what.
pub(crate) fn limited(records: &[Record], resets_at: Timestamp) -> (Limited, String) {
    let mut limits = records.iter().filter_map(|record| match record.event() {
        Ok(Event::CapacityLimited { limit }) => Some(limit),
        _ => None,
    });
    let Some(limit) = limits.next_back() else { return (Limited::No, String::new()) };
    let scope = match (&limit.key.model, &limit.key.account) {
        (Some(_), _) => "model",
        (None, Some(_)) => "account",
        (None, None) => "vendor",
    };
    // Some vendors print no more than minutes.
    let is_reset = |at: Timestamp| (at.as_second() - resets_at.as_second()).abs() <= 120;
    let until = match limit.until {
        None => Limited::ForAPerson,
        Some(at) if is_reset(at) => Limited::UntilReset,
        Some(_) => Limited::ForAWhile,
    };
    (until, format!("{scope}: "))
}

fn follows(next: &Next) -> &'static str {
    match next {
        Next::Go { not_before: Some(_), .. } => "tried again later",
        Next::Go { stage, .. } if stage.as_str() == "exec" => "tried again",
        Next::Go { .. } => "goes on",
        Next::Block { .. } => "waits for a person",
        Next::Ask { .. } => "asks",
        Next::Land { .. } | Next::Hand { .. } => "lands",
        _ => "other",
    }
}
