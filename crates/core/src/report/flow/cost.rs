//! What accepted changes cost, by stage, agent and model.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{AgentName, End, Event, Receipt, Record, RecordError, Spent, StageName};

use super::super::AttemptLine;
use super::super::usage::model_of;
use super::Window;
use super::course::Courses;

/// What accepted changes cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowCost {
    /// All attempts of agents together.
    pub all: CostLine,
    /// By stage.
    pub stages: Vec<CostLine>,
    /// By agent and model.
    pub models: Vec<CostLine>,
    /// By stage, agent and model.
    pub both: Vec<CostLine>,
    /// What probes used, which belong to no change and to no project.
    pub probes: Spent,
    /// Attempts by an agent that was not the stage's first choice, the most frequent first.
    pub substituted: Vec<Substituted>,
}

/// What some attempts of agents cost, whatever came of them, and for how many accepted changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CostLine {
    /// The stage, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// The agent, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The model that it said it used, or was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the attempts used that ended on these days.
    pub spent: Spent,
    /// Attempts of which the price is known, paid for by the token or covered by a subscription.
    pub priced: u32,
    /// Attempts that told their tokens and no price.
    pub unpriced: u32,
    /// The tokens of those.
    pub unpriced_tokens: u64,
    /// Attempts that told neither.
    pub silent: u32,
    /// Attempts that were lost, of which nobody knows how long they worked.
    pub lost: u32,
    /// The changes accepted on these days that such attempts worked at.
    pub changes: u32,
    /// Millionths of a US dollar for each of them that were paid for by the token; none without a change or a price.
    pub usd_micros_per_change: Option<u64>,
    /// The same for what a subscription covered.
    pub flat_usd_micros_per_change: Option<u64>,
    /// Tokens for each of them; none without a change, or if no attempt told any.
    pub tokens_per_change: Option<u64>,
    /// Seconds of agents for each of them; none without a change.
    pub seconds_per_change: Option<f64>,
}

/// Attempts by an agent that was not the stage's first choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Substituted {
    /// The stage.
    pub stage: StageName,
    /// Who worked instead.
    pub agent: Option<AgentName>,
    /// With which model.
    pub model: String,
    /// Why.
    pub why: String,
    /// How many.
    pub attempts: u32,
}

/// What a row is told apart by.
type Key = (Option<StageName>, Option<(AgentName, String)>);

pub(super) fn cost(window: &Window, courses: &Courses<'_>, records: &[Record]) -> Result<FlowCost, RecordError> {
    let rows = |key: fn(&AttemptLine) -> Key| rows(window, courses, key);
    let all = rows(|_| (None, None)).into_iter().next().unwrap_or_default();
    Ok(FlowCost {
        all,
        stages: rows(|line| (Some(line.stage.clone()), None)),
        models: rows(|line| (None, with(line))),
        both: rows(|line| (Some(line.stage.clone()), with(line))),
        probes: probes(window, records)?,
        substituted: substituted(window, courses),
    })
}

fn with(line: &AttemptLine) -> Option<(AgentName, String)> {
    Some((line.agent.clone()?, model_of(line)))
}

/// The attempts of agents that ended on these days.
fn agents<'a>(window: &'a Window, courses: &'a Courses<'_>) -> impl Iterator<Item = &'a AttemptLine> {
    let wanted = |line: &&AttemptLine| line.agent.is_some() && window.wants(&line.issue.project);
    courses.lines.iter().filter(wanted).filter(|line| line.ended.is_some_and(|at| window.holds(at)))
}

fn rows(window: &Window, courses: &Courses<'_>, key: fn(&AttemptLine) -> Key) -> Vec<CostLine> {
    let mut rows: BTreeMap<Key, CostLine> = BTreeMap::new();
    for line in agents(window, courses) {
        rows.entry(key(line)).or_default().add(line);
    }
    for (_, _, life) in courses.lives().filter(|(issue, ..)| window.wants(&issue.project)) {
        if life.accepted().is_some_and(|at| window.holds(at)) {
            let lines = life.lines.iter().filter_map(|n| courses.lines.get(*n)).filter(|line| line.agent.is_some());
            let keys: BTreeSet<Key> = lines.map(key).collect();
            keys.into_iter().for_each(|key| rows.entry(key).or_default().changes += 1);
        }
    }
    let line = |((stage, with), mut row): (Key, CostLine)| {
        row.stage = stage;
        (row.agent, row.model) = with.unzip();
        row.share();
        row
    };
    let mut rows: Vec<CostLine> = rows.into_iter().map(line).collect();
    rows.sort_by_key(|row| {
        std::cmp::Reverse((row.spent.usd_micros.saturating_add(row.spent.flat_usd_micros), row.spent.tokens()))
    });
    rows
}

impl CostLine {
    fn add(&mut self, line: &AttemptLine) {
        let Some(outcome) = &line.outcome else { return };
        let usage = &outcome.receipt.usage;
        let lost = outcome.end == End::Lost;
        // Of a lost attempt nobody has seen how long it worked.
        let time = if lost { std::time::Duration::ZERO } else { outcome.receipt.took };
        self.spent.add(&Spent { time, ..Spent::of(&outcome.receipt) });
        self.lost += u32::from(lost);
        match (usage.cost_usd, usage.tokens()) {
            (Some(_), _) => self.priced += 1,
            (None, 0) => self.silent += 1,
            (None, tokens) => {
                self.unpriced += 1;
                self.unpriced_tokens = self.unpriced_tokens.saturating_add(tokens);
            }
        }
    }

    /// Shares what was used among the changes.
    fn share(&mut self) {
        let changes = u64::from(self.changes);
        let told = self.priced + self.unpriced > 0;
        let each = |all: u64, known: bool| all.checked_div(changes).filter(|_| known);
        self.usd_micros_per_change = each(self.spent.usd_micros, self.priced > 0);
        self.flat_usd_micros_per_change = each(self.spent.flat_usd_micros, self.priced > 0);
        self.tokens_per_change = each(self.spent.tokens(), told);
        self.seconds_per_change = (changes > 0).then(|| self.spent.time.as_secs_f64() / changes as f64);
    }
}

fn probes(window: &Window, records: &[Record]) -> Result<Spent, RecordError> {
    let mut spent = Spent::default();
    for record in records.iter().filter(|record| window.project.is_none() && window.holds(record.at)) {
        if let Event::CapacityProbed { usage, billing, .. } = record.event()? {
            let receipt = Receipt { usage, billing, ..Receipt::default() };
            spent.add(&Spent { attempts: 0, ..Spent::of(&receipt) });
        }
    }
    Ok(spent)
}

fn substituted(window: &Window, courses: &Courses<'_>) -> Vec<Substituted> {
    let mut all: BTreeMap<(&StageName, Option<&AgentName>, String, &str), u32> = BTreeMap::new();
    for line in agents(window, courses) {
        if let Some(why) = &line.substitution {
            *all.entry((&line.stage, line.agent.as_ref(), model_of(line), why)).or_default() += 1;
        }
    }
    let line = |((stage, agent, model, why), attempts): ((&StageName, Option<&AgentName>, String, &str), u32)| {
        Substituted { stage: stage.clone(), agent: agent.cloned(), model, why: why.to_owned(), attempts }
    };
    let mut all: Vec<Substituted> = all.into_iter().map(line).collect();
    all.sort_by_key(|line| std::cmp::Reverse(line.attempts));
    all
}
