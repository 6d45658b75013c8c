//! The report as tables of words, for a terminal and for a page.

use std::time::Duration;

use serde::Serialize;

use super::chart::{Chart, ChartKind, ChartRow, Unit, lasted, share, tokens, usd};
use super::{CostLine, Flow, FlowProject, LeadTime, Rework, WaitSum};

/// The most rows of a table that can have many; the report's data has all of them.
const MOST: usize = 15;

/// The most days that are drawn one by one.
const DAYS: usize = 92;

/// One table of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowTable {
    /// Its title.
    pub title: &'static str,
    /// What it says, in a sentence; empty where the title says it.
    pub note: String,
    /// What the columns are.
    pub head: Vec<&'static str>,
    /// The rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// How many columns, from the first on, are words and no figures.
    pub words: usize,
    /// Whether it only lists what another one sums up: a terminal does without.
    pub long: bool,
    #[serde(skip)]
    pub(super) chart: Option<Chart>,
}

impl FlowTable {
    fn new(title: &'static str, head: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        Self { title, note: String::new(), head: head.to_vec(), rows, words: 1, long: false, chart: None }
    }

    fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    fn words(self, words: usize) -> Self {
        Self { words, ..self }
    }

    /// Gives its chart a title of its own.
    fn titled(mut self, title: &str) -> Self {
        if let Some(chart) = &mut self.chart {
            title.clone_into(&mut chart.title);
        }
        self
    }

    fn drawn(self, kind: ChartKind, unit: Unit, series: &[&'static str], rows: Vec<ChartRow>) -> Self {
        let chart = Chart { kind, title: self.title.to_owned(), unit, series: series.to_vec(), rows };
        Self { chart: Some(chart), ..self }
    }
}

impl Flow {
    /// What it comes to, each as what it is and how much.
    pub fn headline(&self) -> Vec<(&'static str, String)> {
        let (all, rework, cost) = (&self.throughput.all, &self.rework, &self.cost.all);
        let pace = all.per_week.map(|pace| format!(", {pace:.1} a week")).unwrap_or_default();
        let mut facts = vec![
            ("done", format!("{} ({} landed){pace}", all.done, all.landed)),
            ("from first attempt to done", lead(&all.lead)),
        ];
        if let Some(rounds) = rework.rounds_per_change {
            facts.push(("sent back for each change", format!("{rounds:.1} times")));
            facts.push(("went straight through", of(rework.straight, rework.accepted)));
        }
        facts.push(("attempts that led nowhere", of(rework.nowhere, rework.attempts)));
        let (worked, waited) = (self.waits.worked, self.waits.waited);
        if worked.saturating_add(waited) > Duration::ZERO {
            let part = share(waited.as_secs_f64(), worked.saturating_add(waited).as_secs_f64());
            facts
                .push(("waited", format!("{part} of the time ({} beside {} of work)", lasted(waited), lasted(worked))));
        }
        facts.push(("cost of a change", each(cost)));
        facts
    }

    /// The tables, in order.
    pub fn tables(&self) -> Vec<FlowTable> {
        let mut tables = vec![self.weeks(), self.days(), self.projects(), self.changes()];
        tables.extend([self.stages(), self.ends(), self.gates(), self.reasons(), self.waits_of_projects()]);
        tables.extend(self.costs());
        tables.push(self.substitutions());
        tables
    }

    fn weeks(&self) -> FlowTable {
        let row = |week: &super::FlowWeek| {
            let days = if week.days == 7 { String::new() } else { format!("{} days", week.days) };
            let (done, landed) = (week.done.to_string(), week.landed.to_string());
            vec![week.week.clone(), days, done, landed, time(week.lead.median), time(week.lead.p85)]
        };
        let head = ["week", "of it", "done", "landed", "median", "85 of 100"];
        let drawn = |week: &super::FlowWeek| ChartRow {
            label: week.week.clone(),
            values: [week.lead.median, week.lead.p85].map(|time| time.map(|time| time.as_secs_f64())).to_vec(),
        };
        let weeks = &self.throughput.weeks;
        FlowTable::new("Done by week, and how long it took", &head, weeks.iter().map(row).collect())
            .note("From the first attempt until a change was accepted: half took no longer than the median.")
            .words(2)
            .drawn(ChartKind::Lines, Unit::Time, &["median", "85 of 100"], weeks.iter().map(drawn).collect())
            .titled("From the first attempt until a change was accepted, by week")
    }

    fn days(&self) -> FlowTable {
        let days = &self.throughput.days;
        let row = |day: &super::FlowDay| {
            [day.date.to_string(), day.done.to_string(), day.landed.to_string(), day.attempts.to_string()].to_vec()
        };
        let parts = |done: usize, landed: usize| [landed as f64, done.saturating_sub(landed) as f64];
        let drawn: Vec<ChartRow> = if days.len() <= DAYS {
            let label = |day: &super::FlowDay| day.date.strftime("%b %-d").to_string();
            days.iter().map(|day| ChartRow::new(label(day), parts(day.done, day.landed))).collect()
        } else {
            let weeks = self.throughput.weeks.iter();
            weeks.map(|week| ChartRow::new(week.week.clone(), parts(week.done, week.landed))).collect()
        };
        let table =
            FlowTable::new("Done by day", &["day", "done", "landed", "attempts"], days.iter().map(row).collect());
        let series = ["landed", "done without a landing"];
        FlowTable { long: true, ..table.drawn(ChartKind::Columns, Unit::Count("issues"), &series, drawn) }
    }

    fn projects(&self) -> FlowTable {
        let row = |project: &FlowProject| {
            let name = project.project.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
            let (done, landed) = (project.done.to_string(), project.landed.to_string());
            let pace = project.per_week.map_or_else(|| "-".to_owned(), |pace| format!("{pace:.1}"));
            vec![name, done, landed, pace, time(project.lead.median), time(project.lead.p85)]
        };
        let projects = &self.throughput.projects;
        let rows = projects.iter().chain([&self.throughput.all]).map(row).collect();
        let drawn = |project: &FlowProject| {
            let rest = project.done.saturating_sub(project.landed);
            let name = project.project.as_ref().map(ToString::to_string).unwrap_or_default();
            ChartRow::new(name, [project.landed as f64, rest as f64])
        };
        let head = ["project", "done", "landed", "a week", "median", "85 of 100"];
        FlowTable::new("Projects", &head, rows).drawn(
            ChartKind::Bars,
            Unit::Count("issues"),
            &["landed", "done without a landing"],
            projects.iter().map(drawn).collect(),
        )
    }

    fn changes(&self) -> FlowTable {
        let changes = &self.throughput.changes;
        let row = |change: &super::ChangeLine| {
            let (attempts, rounds) = (change.attempts.to_string(), change.rounds.to_string());
            let used = tokens(change.spent.tokens());
            let (issue, date) = (change.issue.to_string(), change.date.to_string());
            vec![issue, change.title.clone(), date, time(change.lead), attempts, rounds, used]
        };
        let head = ["issue", "title", "accepted", "took", "attempts", "sent back", "tokens"];
        let rows = changes.iter().take(MOST).map(row).collect();
        FlowTable::new("Changes that took longest", &head, rows).note(first(changes.len(), "accepted")).words(3)
    }

    fn stages(&self) -> FlowTable {
        let stages = &self.rework.stages;
        let row = |stage: &super::StageEnds| {
            let counts = [stage.attempts, stage.forward, stage.asked, stage.back, stage.again, stage.stuck];
            let nowhere = share(stage.nowhere() as f64, stage.attempts as f64);
            let name = [stage.stage.to_string()].into_iter();
            name.chain(counts.map(|count| count.to_string())).chain([nowhere]).collect()
        };
        let drawn = |stage: &super::StageEnds| {
            let counts = [stage.forward, stage.asked, stage.back, stage.again, stage.stuck];
            ChartRow::new(stage.stage.to_string(), counts.map(|count| count as f64))
        };
        let head = ["stage", "attempts", "went on", "asked", "sent back", "again", "stuck", "led nowhere"];
        let (series, rows) = (&head[2..7], stages.iter().map(drawn).collect());
        FlowTable::new("What followed attempts", &head, stages.iter().map(row).collect())
            .note(self.rework.note())
            .drawn(ChartKind::Bars, Unit::Count("attempts"), series, rows)
    }

    fn ends(&self) -> FlowTable {
        let row = |stage: &super::StageEnds| {
            let mut ends: Vec<(&String, &usize)> = stage.ends.iter().collect();
            ends.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let ends: Vec<String> = ends.into_iter().map(|(end, count)| format!("{count} {end}")).collect();
            vec![stage.stage.to_string(), ends.join(", ")]
        };
        FlowTable::new("How attempts ended", &["stage", "ends"], self.rework.stages.iter().map(row).collect()).words(2)
    }

    fn gates(&self) -> FlowTable {
        let gates: Vec<&super::GateLine> = self.rework.gates.iter().filter(|gate| gate.failed > 0).collect();
        let row = |gate: &&super::GateLine| {
            let failed = share(gate.failed as f64, gate.checked as f64);
            vec![gate.gate.clone(), gate.checked.to_string(), gate.failed.to_string(), failed]
        };
        let drawn = |gate: &&super::GateLine| ChartRow::new(gate.gate.clone(), [gate.failed as f64]);
        let rows = gates.iter().take(MOST).map(row).collect();
        FlowTable::new("Gates that failed", &["gate", "checked", "failed", "share"], rows)
            .note(first(gates.len(), "failed"))
            .drawn(ChartKind::Bars, Unit::Count("times"), &["failed"], gates.iter().take(MOST).map(drawn).collect())
    }

    fn reasons(&self) -> FlowTable {
        let (waits, all) = (&self.waits, self.waits.waited.as_secs_f64());
        let row = |sum: &WaitSum| {
            let part = share(sum.time.as_secs_f64(), all);
            vec![sum.why.to_string(), lasted(sum.time), part, sum.issues.to_string()]
        };
        let drawn = |sum: &WaitSum| ChartRow::new(sum.why.to_string(), [sum.time.as_secs_f64()]);
        let rows = waits.reasons.iter().map(row).collect();
        let (worked, waited) = (lasted(waits.worked), lasted(waits.waited));
        FlowTable::new("What issues waited for", &["for", "time", "share", "issues"], rows)
            .note(format!("Attempts worked {worked}; issues waited {waited} between and after them."))
            .drawn(ChartKind::Bars, Unit::Time, &["waited"], waits.reasons.iter().map(drawn).collect())
    }

    fn waits_of_projects(&self) -> FlowTable {
        let row = |(project, sums): (&crate::ProjectName, &Vec<WaitSum>)| {
            let sums: Vec<String> = sums.iter().map(|sum| format!("{} {}", sum.why, lasted(sum.time))).collect();
            vec![project.to_string(), sums.join(", ")]
        };
        let rows = self.waits.projects.iter().map(row).collect();
        FlowTable::new("What issues waited for, by project", &["project", "for"], rows).words(2)
    }

    fn costs(&self) -> [FlowTable; 3] {
        let cost = &self.cost;
        let name = |line: &CostLine| {
            let agent = line.agent.as_ref().map(ToString::to_string);
            [line.stage.as_ref().map(ToString::to_string), agent, line.model.clone()].into_iter().flatten()
        };
        let rows = |lines: &[CostLine]| lines.iter().take(MOST).map(|l| name(l).chain(figures(l)).collect()).collect();
        let head = |keys: &[&'static str]| [keys, &FIGURES].concat();
        let table = |title, keys: &[&'static str], lines: &[CostLine]| {
            let drawn = |line: &CostLine| {
                let money = [line.usd_micros_per_change, line.flat_usd_micros_per_change];
                let values = match priced(lines) {
                    true => money.map(|micros| micros.map(|micros| micros as f64 / 1e6)).to_vec(),
                    false => vec![line.tokens_per_change.map(|count| count as f64)],
                };
                ChartRow { label: name(line).collect::<Vec<_>>().join(" "), values }
            };
            let (unit, series): (_, &[&'static str]) = match priced(lines) {
                true => (Unit::Money, &["paid for each change", "covered by a subscription for each change"]),
                false => (Unit::Tokens, &["tokens for each change"]),
            };
            FlowTable::new(title, &head(keys), rows(lines)).words(keys.len()).drawn(
                ChartKind::Bars,
                unit,
                series,
                lines.iter().take(MOST).map(drawn).collect(),
            )
        };
        let mut by_stage = table("Cost of a change, by stage", &["stage"], &cost.stages).note(known(&cost.all));
        by_stage.rows.push(["all".to_owned()].into_iter().chain(figures(&cost.all)).collect());
        [
            by_stage,
            table("Cost of a change, by agent and model", &["agent", "model"], &cost.models),
            table("Cost of a change, by stage, agent and model", &["stage", "agent", "model"], &cost.both),
        ]
    }

    fn substitutions(&self) -> FlowTable {
        let all = &self.cost.substituted;
        let row = |line: &super::Substituted| {
            let agent = line.agent.as_ref().map(ToString::to_string).unwrap_or_default();
            vec![line.stage.to_string(), agent, line.model.clone(), line.why.clone(), line.attempts.to_string()]
        };
        let rows = all.iter().take(MOST).map(row).collect();
        FlowTable::new("Substitutions", &["stage", "agent", "model", "why", "attempts"], rows)
            .note(first(all.len(), "kinds"))
            .words(4)
    }
}

impl Rework {
    fn note(&self) -> String {
        let mut said = format!("{} led nowhere", of(self.nowhere, self.attempts));
        said.push_str(&format!(", in {} of work.", lasted(self.nowhere_time)));
        for (count, what) in [(self.reopened, "opened again after they were done"), (self.overtaken, "overtaken")] {
            let noun = if what == "overtaken" { "Landings that were" } else { "Issues that were" };
            if count > 0 {
                said.push_str(&format!(" {noun} {what}: {count}."));
            }
        }
        said
    }
}

const FIGURES: [&str; 9] =
    ["attempts", "changes", "paid each", "flat each", "tokens each", "time each", "paid", "flat", "price known"];

fn figures(line: &CostLine) -> [String; 9] {
    let spent = &line.spent;
    let none = || "-".to_owned();
    // Where the price of some is not known, what is known is the least that it can have been.
    let least = if line.unpriced + line.silent > 0 { "+" } else { "" };
    let money = |micros: Option<u64>| match micros {
        Some(0) | None => none(),
        Some(micros) => format!("{}{least}", usd(micros)),
    };
    [
        spent.attempts.to_string(),
        line.changes.to_string(),
        money(line.usd_micros_per_change),
        money(line.flat_usd_micros_per_change),
        line.tokens_per_change.map_or_else(none, tokens),
        line.seconds_per_change.map_or_else(none, |secs| time(Duration::try_from_secs_f64(secs).ok())),
        money(Some(spent.usd_micros)),
        money(Some(spent.flat_usd_micros)),
        format!("{} of {}", line.priced, spent.attempts),
    ]
}

/// What a change cost, in one line.
fn each(line: &CostLine) -> String {
    let money = [(line.usd_micros_per_change, ""), (line.flat_usd_micros_per_change, " of a subscription")];
    let money = money.into_iter().filter_map(|(micros, of)| Some(format!("{}{of}", usd(micros.filter(|m| *m > 0)?))));
    let mut parts: Vec<String> = money.collect();
    parts.extend(line.tokens_per_change.map(|count| format!("{} tokens", tokens(count))));
    let time = line.seconds_per_change.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    parts.extend(time.map(|time| format!("{} of agents", lasted(time))));
    if parts.is_empty() { "not known: nothing was accepted".to_owned() } else { parts.join(", ") }
}

/// How much of the cost is known.
fn known(line: &CostLine) -> String {
    let mut said =
        format!("The price of {} attempts is known.", of(line.priced as usize, line.spent.attempts as usize));
    if line.unpriced > 0 {
        said.push_str(&format!(" {} told tokens and no price: {}.", line.unpriced, tokens(line.unpriced_tokens)));
    }
    if line.silent > 0 {
        said.push_str(&format!(" {} told nothing.", line.silent));
    }
    if line.lost > 0 {
        said.push_str(&format!(" {} were lost, and nobody saw how long they worked.", line.lost));
    }
    said
}

fn priced(lines: &[CostLine]) -> bool {
    lines.iter().any(|line| line.spent.usd_micros + line.spent.flat_usd_micros > 0)
}

fn lead(lead: &LeadTime) -> String {
    match (lead.median, lead.p85) {
        (Some(median), Some(p85)) => format!("{} (median), {} (85 of 100)", lasted(median), lasted(p85)),
        _ => "not known: nothing was accepted".to_owned(),
    }
}

fn time(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), lasted)
}

fn of(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "none of none".to_owned();
    }
    format!("{part} of {whole} ({})", share(part as f64, whole as f64))
}

fn first(count: usize, what: &str) -> String {
    if count > MOST { format!("The first {MOST} of {count} that were {what}.") } else { String::new() }
}
