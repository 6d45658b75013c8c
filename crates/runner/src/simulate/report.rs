//! What a simulation tells.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{Digest, End, IssueRef, Phase, Record, State, attempts};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::basis::{Basis, bases};
use super::settings::Settings;
use super::tally::Tally;
use super::world::{FaultKind, Told, UsedUp, World};

/// What would have happened. The same portfolio and settings give the same report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimReport {
    /// The format of this report.
    pub version: u32,
    /// The number that all chance came from.
    pub seed: u64,
    /// How many days.
    pub days: u32,
    /// When the first of them begins.
    pub from: Timestamp,
    /// When the last of them ends.
    pub until: Timestamp,
    /// How many issues there were.
    pub issues: u64,
    /// How they stand, by the word of their phase; `new` are those that nobody began.
    pub standing: BTreeMap<String, u64>,
    /// Issues done, by day.
    pub done_by_day: BTreeMap<Date, u64>,
    /// How long it took from when it was written until half of all issues were done, those that are open being counted;
    /// `None` if that was not reached.
    pub half_done: Option<Duration>,
    /// The same of nine of ten.
    pub most_done: Option<Duration>,
    /// What waited, by its reason: hours of all issues together.
    pub waits: BTreeMap<String, f64>,
    /// Attempts by how they ended.
    pub ends: BTreeMap<String, u64>,
    /// What the figures of agents rest on.
    pub bases: Vec<Basis>,
    /// What was used, by agent and model.
    pub costs: Vec<CostRow>,
    /// The windows of vendors that accounts used up.
    pub windows: Vec<UsedUp>,
    /// What would have needed a person.
    pub people: Vec<Needed>,
    /// What went wrong, and how often.
    pub faults: BTreeMap<FaultKind, u64>,
    /// How often an engine was started.
    pub starts: u64,
    /// How often an engine held on because the store did not serve.
    pub holds: u64,
    /// Attempts that a new engine took up, and those that it settled as lost.
    pub taken_up: u64,
    /// Those that were settled as lost.
    pub lost: u64,
    /// How many records the ledger has.
    pub records: u64,
    /// The hash of the last of them.
    pub head: Digest,
    /// What happened that must never happen.
    pub violations: Vec<String>,
    /// The story.
    #[serde(skip)]
    pub story: Vec<Told>,
}

/// What an agent used.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CostRow {
    /// The agent.
    pub agent: String,
    /// The model, where one was asked for.
    pub model: Option<String>,
    /// Attempts.
    pub attempts: u64,
    /// Tokens.
    pub tokens: u64,
    /// What they cost by the token, or would have.
    pub usd: f64,
    /// Hours of the agent.
    pub hours: f64,
}

/// Something that would have needed a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Needed {
    /// When.
    pub at: Timestamp,
    /// Which issue.
    pub issue: String,
    /// What for.
    pub what: String,
}

impl SimReport {
    /// How many faults there were.
    pub fn fault_count(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Issues that are done.
    pub fn done(&self) -> u64 {
        self.standing.get("done").copied().unwrap_or(0)
    }

    /// Attempts of agents.
    pub fn attempts(&self) -> u64 {
        self.costs.iter().map(|row| row.attempts).sum()
    }

    /// What they used.
    pub fn tokens(&self) -> u64 {
        self.costs.iter().map(|row| row.tokens).sum()
    }

    /// What all of it cost by the token, or would have.
    pub fn usd(&self) -> f64 {
        self.costs.iter().map(|row| row.usd).sum()
    }
}

/// Makes the report.
pub(super) fn report(world: &World, tally: &Tally, (records, state): (&[Record], &State)) -> SimReport {
    let settings: &Settings = &world.settings;
    let inner = world.look();
    let seen = Seen::read(records);
    let mut standing: BTreeMap<String, u64> = BTreeMap::new();
    for (project, id) in inner.arrived.keys() {
        let known = state.issues.get(&IssueRef::new(project.clone(), id.clone()));
        *standing.entry(known.map_or("new", |known| known.phase.word()).to_owned()).or_default() += 1;
    }
    let mut took: Vec<Duration> = Vec::new();
    let mut by_day: BTreeMap<Date, u64> = BTreeMap::new();
    for (issue, at) in &seen.done {
        *by_day.entry(at.to_zoned(world.zone.clone()).date()).or_default() += 1;
        let arrived = inner.arrived.get(&(issue.project.clone(), issue.issue.clone()));
        took.extend(arrived.and_then(|arrived| Duration::try_from(at.duration_since(*arrived)).ok()));
    }
    took.sort_unstable();
    // What is not done took longer than any that is: who does less is not to look faster for it.
    let all = inner.arrived.len();
    let within = |part: usize| took.get((all * part).div_ceil(100).saturating_sub(1)).copied();
    let tally = tally.lock();
    let hours = |(word, long): (&String, &Duration)| (word.clone(), round(long.as_secs_f64() / 3600.0));
    SimReport {
        version: 1,
        seed: settings.seed,
        days: settings.days,
        from: settings.day(&world.zone, 0),
        until: settings.day(&world.zone, settings.days),
        issues: inner.arrived.len() as u64,
        standing,
        done_by_day: by_day,
        half_done: within(50),
        most_done: within(90),
        waits: tally.waits.iter().map(hours).collect(),
        ends: seen.ends,
        bases: bases(world, records),
        costs: seen.costs,
        windows: inner.vendors.used_up.clone(),
        people: seen.people,
        faults: inner.faults.clone(),
        starts: tally.starts,
        holds: tally.holds,
        taken_up: tally.taken_up,
        lost: tally.recovered,
        records: records.len() as u64,
        head: state.hash.clone(),
        violations: inner.violations.iter().cloned().collect(),
        story: inner.story.clone(),
    }
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// What the ledger tells.
#[derive(Default)]
struct Seen {
    done: BTreeMap<IssueRef, Timestamp>,
    ends: BTreeMap<String, u64>,
    costs: Vec<CostRow>,
    people: Vec<Needed>,
}

impl Seen {
    fn read(records: &[Record]) -> Self {
        let mut this = Self::default();
        let mut state = State::default();
        for record in records {
            let Ok(event) = record.event() else { break };
            let issue = event.issue().cloned().or_else(|| Some(state.live.get(event.attempt()?)?.issue.clone()));
            let before = issue.as_ref().and_then(|issue| Some(state.issues.get(issue)?.phase.word()));
            if state.apply(record).is_err() {
                break;
            }
            let Some(issue) = issue else { continue };
            let Some(known) = state.issues.get(&issue) else { continue };
            if before == Some(known.phase.word()) {
                continue;
            }
            let needs = match &known.phase {
                Phase::Done => {
                    this.done.entry(issue).or_insert(record.at);
                    continue;
                }
                Phase::Asked { question, .. } => format!("an answer to: {question}"),
                Phase::Blocked { reason, .. } => reason.clone(),
                Phase::Handed { branch, .. } => format!("a merge of {branch}"),
                _ => continue,
            };
            this.people.push(Needed { at: record.at, issue: issue.to_string(), what: needs });
        }
        this.attempts(records);
        this
    }

    fn attempts(&mut self, records: &[Record]) {
        let mut rows: BTreeMap<(String, Option<String>), CostRow> = BTreeMap::new();
        for line in attempts(records).unwrap_or_default() {
            *self.ends.entry(line.end.clone()).or_default() += 1;
            let (Some(agent), Some(outcome)) = (&line.agent, &line.outcome) else { continue };
            let model = line.using.as_ref().and_then(|using| using.model.clone());
            let row = rows.entry((agent.to_string(), model.clone())).or_insert_with(|| CostRow {
                agent: agent.to_string(),
                model,
                ..CostRow::default()
            });
            row.attempts += 1;
            row.tokens += outcome.receipt.usage.tokens();
            row.usd += outcome.receipt.usage.cost_usd.unwrap_or_default();
            let lost = outcome.end == End::Lost;
            row.hours += if lost { 0.0 } else { outcome.receipt.took.as_secs_f64() / 3600.0 };
        }
        self.costs =
            rows.into_values().map(|row| CostRow { usd: round(row.usd), hours: round(row.hours), ..row }).collect();
    }
}
