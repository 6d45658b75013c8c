//! The briefing: what happened since somebody last looked, what is in the way, what needs a person, how long the
//! prepared work lasts, and the money.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{
    Anchor, Event, IssueRef, Order, Pause, Plan, PlanInput, ProjectName, Receipt, Record, RecordError, Seq, Spent, Wait,
};

use super::backlog::goes_on_by_itself;
use super::capacity::{CapacityLine, capacity};
use super::log::{DoneLine, Finished, finished};
use super::status::{IssueLine, MilestoneLine, ServiceLine, WaitLine, milestones, running, services};
use super::usage::{BudgetLine, budgets};
use super::{AttemptLine, attempts};

mod drift;
mod text;

pub use drift::{DriftBrief, DriftLine};

/// What a briefing is to cover.
#[derive(Debug, Clone)]
pub struct BriefQuery {
    /// What happened from here on is told.
    pub since: Timestamp,
    /// The records reach back to here. The pace of a project is what it finished from here on.
    pub pace_from: Timestamp,
    /// In whose zone times are written.
    pub zone: TimeZone,
    /// Only this project.
    pub project: Option<ProjectName>,
}

/// A briefing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Brief {
    /// The format of this report.
    pub version: u32,
    /// When it was made.
    pub at: Timestamp,
    /// Since when it tells what happened.
    pub since: Timestamp,
    /// The zone in which it writes times.
    #[serde(skip)]
    zone: TimeZone,
    /// Set while everything is stopped: who did, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Order>,
    /// What people paused or cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<Pause>,
    /// What needs a person, with what helps.
    pub person: Vec<WaitLine>,
    /// Projects of which nothing is done, and why.
    pub held: Vec<WaitLine>,
    /// Services that do not serve, and what waits for them.
    pub services: Vec<ServiceLine>,
    /// Accounts and models that take nothing now.
    pub closed: Vec<CapacityLine>,
    /// Trackers that could not be read: what is said of these projects may be old.
    pub unread: BTreeMap<ProjectName, String>,
    /// The projects, by name.
    pub projects: Vec<ProjectBrief>,
    /// What runs now.
    pub running: Vec<IssueLine>,
    /// What was used, probes included.
    pub spent: Spent,
    /// How the budgets stand.
    pub budgets: Vec<BudgetLine>,
    /// What came apart from the record, as it was last looked at.
    pub drift: DriftBrief,
    /// The head of the ledger this was made from, as an [anchor](Anchor).
    pub ledger: String,
}

/// What is said of one project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectBrief {
    /// Its name.
    pub project: ProjectName,
    /// What landed or was merged.
    pub landed: Vec<DoneLine>,
    /// What was finished without a landing.
    pub finished: Vec<DoneLine>,
    /// How many attempts ended, by their end.
    pub ends: BTreeMap<String, usize>,
    /// What they used.
    pub spent: Spent,
    /// How long the prepared work lasts; none where the tracker could not be read.
    pub runway: Option<Runway>,
    /// Progress of the milestones.
    pub milestones: Vec<MilestoneLine>,
}

/// How long the prepared work of a project lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Runway {
    /// Issues that an engine can work on, or does, without a person.
    pub prepared: usize,
    /// Issues that were finished in the time that the pace is taken from.
    pub finished: usize,
    /// That time, in days.
    pub over_days: f64,
    /// How many days the prepared work lasts at that pace; none if nothing was finished.
    pub days: Option<f64>,
}

impl Runway {
    fn new(prepared: usize, finished: usize, over_days: f64) -> Self {
        let days = (finished > 0).then(|| prepared as f64 * over_days / finished as f64);
        Self { prepared, finished, over_days, days }
    }
}

/// Makes the briefing.
///
/// # Errors
/// If a record cannot be read.
pub fn brief(query: &BriefQuery, input: &PlanInput<'_>, plan: &Plan, records: &[Record]) -> Result<Brief, RecordError> {
    let wanted = |project: &ProjectName| query.project.as_ref().is_none_or(|p| p == project);
    let lines = attempts(records)?;
    let since = |at: Timestamp| at >= query.since;
    let all = finished(records, &lines, input, |issue, at| wanted(&issue.project) && at >= query.pace_from)?;
    let told = finished(records, &lines, input, |issue, at| wanted(&issue.project) && since(at))?;
    let ended: Vec<&AttemptLine> = lines.iter().filter(|line| line.ended.is_some_and(since)).collect();
    // A ledger that is younger has no days in which nothing was done.
    let began = records.first().filter(|record| record.seq == Seq(1)).map(|record| record.at);
    let over = input.now.duration_since(began.unwrap_or_default().max(query.pace_from)).as_secs_f64() / 86_400.0;
    let over = over.max(1.0);
    let names = input.portfolio.projects.keys().filter(|name| wanted(name));
    let projects: Vec<ProjectBrief> = names
        .map(|name| {
            let finished = count(&all.landed, name) + count(&all.finished, name);
            let read = input.views.get(name).is_some_and(|view| view.fault.is_none());
            let runway = read.then(|| Runway::new(prepared(input, plan, name), finished, over));
            project(name, input, (&told, &ended), runway)
        })
        .collect();
    let waiting = || plan.waiting.iter().filter(|waiting| wanted(&waiting.project));
    let needs = |waiting: &&crate::Waiting| waiting.issue.is_some() && waiting.remedy.is_some();
    let ordered = |waiting: &&crate::Waiting| matches!(waiting.why, Wait::Ordered { .. } | Wait::Halted { .. });
    let mut spent = probes(records, query.since)?;
    projects.iter().for_each(|project| spent.add(&project.spent));
    Ok(Brief {
        version: 1,
        at: input.now,
        since: query.since,
        zone: query.zone.clone(),
        halt: input.state.control.halt.clone(),
        paused: input.state.control.paused.clone(),
        person: waiting().filter(needs).filter(|w| !ordered(w)).map(WaitLine::from).collect(),
        held: waiting().filter(|w| w.issue.is_none()).filter(|w| !ordered(w)).map(WaitLine::from).collect(),
        services: services(input.portfolio, input.state),
        closed: capacity(input).lines.into_iter().filter(|line| line.standing == "closed").collect(),
        unread: unread(input, wanted),
        projects,
        running: running(input.state).into_iter().filter(|line| wanted(&line.issue.project)).collect(),
        spent,
        budgets: budgets(input, query.project.as_ref()),
        drift: DriftBrief::of(input, wanted),
        ledger: Anchor::new(input.state.head, &input.state.hash).to_string(),
    })
}

fn count(done: &[DoneLine], project: &ProjectName) -> usize {
    done.iter().filter(|done| done.issue.project == *project).count()
}

fn project(
    name: &ProjectName,
    input: &PlanInput<'_>,
    (told, ended): (&Finished, &[&AttemptLine]),
    runway: Option<Runway>,
) -> ProjectBrief {
    let of = |done: &[DoneLine]| done.iter().filter(|done| done.issue.project == *name).cloned().collect();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut spent = Spent::default();
    for line in ended.iter().filter(|line| line.issue.project == *name) {
        *ends.entry(line.end.clone()).or_default() += 1;
        line.outcome.iter().for_each(|outcome| spent.add(&Spent::of(&outcome.receipt)));
    }
    let milestones = milestones(input.views).into_iter().filter(|line| line.project == *name).collect();
    let (landed, finished) = (of(&told.landed), of(&told.finished));
    ProjectBrief { project: name.clone(), landed, finished, ends, spent, runway, milestones }
}

/// The issues of a project that an engine can work on, or does, without a person.
fn prepared(input: &PlanInput<'_>, plan: &Plan, project: &ProjectName) -> usize {
    let ready = plan.ready.iter().map(|ready| &ready.issue);
    let live = input.state.live.values().map(|live| &live.issue);
    let waiting = plan.waiting.iter().filter(|waiting| goes_on_by_itself(waiting));
    let all = ready.chain(live).chain(waiting.filter_map(|waiting| waiting.issue.as_ref()));
    let mut all: Vec<&IssueRef> = all.filter(|issue| issue.project == *project).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

/// What probes used, which belong to no project.
fn probes(records: &[Record], since: Timestamp) -> Result<Spent, RecordError> {
    let mut spent = Spent::default();
    for record in records.iter().filter(|record| record.at >= since) {
        if let Event::CapacityProbed { usage, billing, .. } = record.event()? {
            let receipt = Receipt { usage, billing, ..Receipt::default() };
            spent.add(&Spent { attempts: 0, ..Spent::of(&receipt) });
        }
    }
    Ok(spent)
}

fn unread(input: &PlanInput<'_>, wanted: impl Fn(&ProjectName) -> bool) -> BTreeMap<ProjectName, String> {
    let views = input.views.iter().filter(|(name, _)| wanted(name));
    views.filter_map(|(name, view)| Some((name.clone(), view.fault.clone()?))).collect()
}

#[cfg(test)]
mod tests;
