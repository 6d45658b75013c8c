//! What was used: tokens, money and time, by whatever is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::capacity::{day, month};
use crate::{Billing, Budget, Budgets, Event, PlanInput, ProjectName, Record, RecordError, Spent, Using};

use super::{AttemptLine, attempts};

/// What the use is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageBy {
    /// The day on which an attempt ended.
    Day,
    /// The project.
    Project,
    /// The stage.
    Stage,
    /// The agent, as configured.
    Agent,
    /// The vendor and the account.
    Account,
    /// The model that the agent said it used.
    Model,
    /// How it was billed.
    Billing,
}

impl UsageBy {
    /// All of them, with their words.
    pub const ALL: [(UsageBy, &'static str); 7] = [
        (UsageBy::Day, "day"),
        (UsageBy::Project, "project"),
        (UsageBy::Stage, "stage"),
        (UsageBy::Agent, "agent"),
        (UsageBy::Account, "account"),
        (UsageBy::Model, "model"),
        (UsageBy::Billing, "billing"),
    ];
}

impl fmt::Display for UsageBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(UsageBy::ALL.iter().find(|(by, _)| by == self).map_or("", |(_, word)| word))
    }
}

impl FromStr for UsageBy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let words = || UsageBy::ALL.map(|(_, word)| word).join(", ");
        let found = UsageBy::ALL.iter().find(|(_, word)| *word == text).map(|(by, _)| *by);
        found.ok_or_else(|| format!("there is no `{text}`; there are {}", words()))
    }
}

/// What a usage report is to cover.
#[derive(Debug, Clone)]
pub struct UsageQuery {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// In whose zone the days lie.
    pub zone: TimeZone,
    /// What the rows are told apart by; the first comes first.
    pub by: Vec<UsageBy>,
    /// Only this project.
    pub project: Option<ProjectName>,
}

/// What was used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageReport {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// What the rows are told apart by.
    pub by: Vec<UsageBy>,
    /// The rows, by their keys.
    pub rows: Vec<UsageRow>,
    /// All of them together.
    pub total: Spent,
    /// The tokens of each day, from the first to the last.
    pub days: Vec<u64>,
    /// How the budgets stand now.
    pub budgets: Vec<BudgetLine>,
}

/// One row of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsageRow {
    /// One key for each of what the rows are told apart by.
    pub keys: Vec<String>,
    /// What was used.
    #[serde(flatten)]
    pub spent: Spent,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetLine {
    /// Whose: a project's, or that of all.
    pub project: Option<ProjectName>,
    /// For a day or a month.
    pub span: &'static str,
    /// The most.
    pub budget: Budget,
    /// What is used of it.
    pub spent: Spent,
    /// When it begins anew.
    pub until: Timestamp,
    /// What is used up, if anything is.
    pub reached: Option<String>,
}

/// Makes a usage report.
///
/// # Errors
/// If a record cannot be read.
pub fn usage(query: &UsageQuery, input: &PlanInput<'_>, records: &[Record]) -> Result<UsageReport, RecordError> {
    let mut rows: BTreeMap<Vec<String>, Spent> = BTreeMap::new();
    let mut days: BTreeMap<Date, u64> = BTreeMap::new();
    let mut total = Spent::default();
    let mut add = |date: Date, keys: Vec<String>, spent: &Spent| {
        if (query.from..=query.to).contains(&date) {
            rows.entry(keys).or_default().add(spent);
            *days.entry(date).or_default() += spent.tokens();
            total.add(spent);
        }
    };
    for line in attempts(records)?.iter().filter(|a| query.project.as_ref().is_none_or(|p| *p == a.issue.project)) {
        let (Some(ended), Some(outcome), Some(_)) = (line.ended, &line.outcome, &line.agent) else { continue };
        let date = ended.to_zoned(query.zone.clone()).date();
        let keys = query.by.iter().map(|by| key(*by, date, line)).collect();
        add(date, keys, &Spent::of(&outcome.receipt));
    }
    for record in records.iter().filter(|_| query.project.is_none()) {
        let Event::CapacityProbed { using, usage, billing, .. } = record.event()? else { continue };
        let receipt = crate::Receipt { usage, billing, ..crate::Receipt::default() };
        let spent = Spent { attempts: 0, ..Spent::of(&receipt) };
        if spent.tokens() > 0 {
            let date = record.at.to_zoned(query.zone.clone()).date();
            add(date, query.by.iter().map(|by| probe_key(*by, date, &using, billing)).collect(), &spent);
        }
    }
    let rows = rows.into_iter().map(|(keys, spent)| UsageRow { keys, spent }).collect();
    let every = query.from.series(jiff::Span::new().days(1)).take_while(|date| *date <= query.to);
    let days = every.map(|date| days.get(&date).copied().unwrap_or(0)).collect();
    let (from, to, by) = (query.from, query.to, query.by.clone());
    Ok(UsageReport { from, to, by, rows, total, days, budgets: budgets(input, query.project.as_ref()) })
}

fn key(by: UsageBy, date: Date, line: &AttemptLine) -> String {
    let receipt = line.outcome.as_ref().map(|outcome| &outcome.receipt);
    match by {
        UsageBy::Day => date.to_string(),
        UsageBy::Project => line.issue.project.to_string(),
        UsageBy::Stage => line.stage.to_string(),
        UsageBy::Agent => line.agent.as_ref().map(ToString::to_string).unwrap_or_default(),
        UsageBy::Account => line.using.as_ref().map(|using| using.account_key().to_string()).unwrap_or_default(),
        UsageBy::Model => model_of(line),
        UsageBy::Billing => receipt.map(|r| r.billing.word()).unwrap_or_default().into(),
    }
}

/// The model that an attempt's agent said it used, or was asked for.
pub(super) fn model_of(line: &AttemptLine) -> String {
    let told = line.outcome.as_ref().and_then(|outcome| outcome.receipt.model.clone());
    told.or_else(|| line.using.as_ref()?.model.clone()).unwrap_or_else(|| "not told".into())
}

fn probe_key(by: UsageBy, date: Date, using: &Using, billing: Billing) -> String {
    match by {
        UsageBy::Day => date.to_string(),
        UsageBy::Account => using.account_key().to_string(),
        UsageBy::Model => using.model.clone().unwrap_or_else(|| "not told".into()),
        UsageBy::Billing => billing.word().into(),
        UsageBy::Project | UsageBy::Stage | UsageBy::Agent => "probes".into(),
    }
}

/// How the budgets stand that bound anything: those of all projects first.
pub(super) fn budgets(input: &PlanInput<'_>, project: Option<&ProjectName>) -> Vec<BudgetLine> {
    let spending = &input.state.capacity.spending;
    let projects = input.portfolio.projects.values().filter(|p| project.is_none_or(|name| *name == p.name));
    let all = [(None, input.portfolio.budgets)].into_iter();
    let all = all.chain(projects.map(|p| (Some(p.name.clone()), p.budgets)));
    let mut lines = Vec::new();
    for (project, Budgets { day: a_day, month: a_month }) in all {
        let spans = [("day", a_day, day(input.now, input.zone)), ("month", a_month, month(input.now, input.zone))];
        for (span, budget, (from, until)) in spans.into_iter().filter(|(_, budget, _)| *budget != Budget::default()) {
            let spent = spending.between(from, until, project.as_ref());
            let reached = spent.reached(&budget);
            lines.push(BudgetLine { project: project.clone(), span, budget, spent, until, reached });
        }
    }
    lines
}
