//! How things stand, and why an issue stands where it does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::triage::counts;
use crate::{
    Card, Counts, Feedback, IssueRef, IssueState, Milestone, Order, Outage, Pause, Phase, Plan, PlanInput, Portfolio,
    Priority, ProjectName, ProjectView, Ready, Record, RecordError, Service, StageName, State, TrackerState, Wait,
    Waiting, cards,
};

use super::{AttemptLine, Backlog, attempts, backlog};

/// How things stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// When this was made.
    pub at: Timestamp,
    /// Set while everything is stopped: who did, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Order>,
    /// What people paused or cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<Pause>,
    /// The attempts that run.
    pub running: Vec<IssueLine>,
    /// What would be started now.
    pub ready: Vec<Ready>,
    /// What waits for a person.
    pub person: Vec<WaitLine>,
    /// How many cards are open: `dayfly inbox` shows them.
    pub cards: usize,
    /// What else waits.
    pub waiting: Vec<WaitLine>,
    /// Services that are left alone for a while, because they do not serve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceLine>,
    /// Issues that are done.
    pub done: usize,
    /// Progress of the milestones.
    pub milestones: Vec<MilestoneLine>,
    /// What waits, if nothing is prepared: an engine would idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unprepared: Option<Backlog>,
}

/// A service that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceLine {
    /// Which.
    pub service: Service,
    /// Why, as it was last heard.
    pub reason: String,
    /// Since when it does not serve.
    pub since: Timestamp,
    /// When it is tried again, at the earliest.
    pub until: Timestamp,
    /// How many effects wait for it.
    pub effects: usize,
}

/// The services that are left alone, with what waits for each.
pub fn services(portfolio: &Portfolio, state: &State) -> Vec<ServiceLine> {
    let line = |(service, outage): (&Service, &Outage)| ServiceLine {
        service: service.clone(),
        reason: outage.reason.clone(),
        since: outage.since,
        until: outage.until,
        effects: state.outbox.iter().filter(|p| Service::of(&p.entry.effect, portfolio) == *service).count(),
    };
    state.services.iter().map(line).collect()
}

/// An issue at work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssueLine {
    /// The issue.
    pub issue: IssueRef,
    /// Its title.
    pub title: String,
    /// The stage.
    pub stage: StageName,
    /// The attempt.
    pub attempt: String,
    /// Since when.
    pub since: Timestamp,
}

/// Something that waits, with its reason in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitLine {
    /// The issue or project.
    pub what: String,
    /// Its title.
    pub title: String,
    /// Why, in words.
    pub reason: String,
    /// When it is looked at again; `None` means when something changes.
    pub until: Option<Timestamp>,
    /// What helps.
    pub remedy: Option<String>,
}

/// A milestone's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MilestoneLine {
    /// The project.
    pub project: ProjectName,
    /// Its title.
    pub title: String,
    /// Closed issues.
    pub closed: usize,
    /// Open issues.
    pub open: usize,
    /// The day it is due.
    pub due: Option<Date>,
}

impl From<&Waiting> for WaitLine {
    fn from(waiting: &Waiting) -> Self {
        Self {
            what: waiting.issue.as_ref().map_or_else(|| waiting.project.to_string(), ToString::to_string),
            title: waiting.title.clone(),
            reason: waiting.why.to_string(),
            until: waiting.until,
            remedy: waiting.remedy.clone(),
        }
    }
}

/// Makes the status from what a plan is made from, and the plan.
pub fn status(input: &PlanInput<'_>, plan: &Plan) -> Status {
    let state = input.state;
    let (person, waiting): (Vec<&Waiting>, Vec<&Waiting>) =
        plan.waiting.iter().filter(|w| !matches!(w.why, Wait::Running { .. })).partition(|w| w.remedy.is_some());
    Status {
        at: input.now,
        halt: state.control.halt.clone(),
        paused: state.control.paused.clone(),
        running: running(state),
        ready: plan.ready.clone(),
        person: person.into_iter().map(WaitLine::from).collect(),
        cards: cards(input, plan, &[]).iter().filter(|card| asked_for(input, card)).count(),
        waiting: waiting.into_iter().map(WaitLine::from).collect(),
        services: services(input.portfolio, state),
        done: state.done(),
        milestones: milestones(input.views),
        unprepared: backlog(input, plan).filter(|backlog| backlog.issues > 0),
    }
}

/// Whether a card is about what was asked for.
fn asked_for(input: &PlanInput<'_>, card: &Card) -> bool {
    let filter = input.filter;
    filter.project.as_ref().is_none_or(|project| *project == card.project)
        && filter.issue.as_ref().is_none_or(|issue| *issue == card.issue)
}

pub(super) fn running(state: &State) -> Vec<IssueLine> {
    let line = |(id, live): (&crate::AttemptId, &crate::LiveAttempt)| IssueLine {
        issue: live.issue.clone(),
        title: state.issues.get(&live.issue).map(|k| k.title.clone()).unwrap_or_default(),
        stage: live.stage.clone(),
        attempt: id.to_string(),
        since: live.since,
    };
    state.live.iter().map(line).collect()
}

/// The progress of the milestones that have issues or are open.
pub(super) fn milestones(views: &BTreeMap<ProjectName, ProjectView>) -> Vec<MilestoneLine> {
    let mut lines = Vec::new();
    for (project, view) in views {
        let mut titles: Vec<&String> = view.milestones.iter().map(|m| &m.title).collect();
        titles.extend(view.issues.iter().filter_map(|i| i.milestone.as_ref()));
        titles.sort();
        titles.dedup();
        for title in titles {
            let listed = view.milestones.iter().find(|m| m.title == *title).cloned();
            let milestone = listed.unwrap_or_else(|| Milestone { title: title.clone(), ..Milestone::default() });
            let Counts { open, closed } = counts(&milestone, &view.issues);
            lines.push(MilestoneLine {
                project: project.clone(),
                title: title.clone(),
                closed: closed as usize,
                open: open as usize,
                due: milestone.due,
            });
        }
    }
    lines
}

/// Why an issue stands where it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhyReport {
    /// The issue.
    pub issue: IssueRef,
    /// Its title.
    pub title: String,
    /// Where it stands, in a word.
    pub phase: String,
    /// The stage it is at.
    pub stage: Option<StageName>,
    /// Its priority.
    pub priority: Priority,
    /// What happens next, or why nothing does.
    pub verdict: String,
    /// When it is looked at again.
    pub until: Option<Timestamp>,
    /// What helps.
    pub remedy: Option<String>,
    /// Why the work came back, if it did.
    pub feedback: Option<Feedback>,
    /// Its attempts.
    pub attempts: Vec<AttemptLine>,
}

/// Explains an issue; `None` if neither the tracker nor the ledger knows it.
///
/// # Errors
/// If a record cannot be read.
pub fn why(
    input: &PlanInput<'_>,
    plan: &Plan,
    records: &[Record],
    issue: &IssueRef,
) -> Result<Option<WhyReport>, RecordError> {
    let known = input.state.issues.get(issue);
    let seen = input.views.get(&issue.project).and_then(|v| v.issues.iter().find(|i| i.id == issue.issue));
    let fault = input.views.get(&issue.project).and_then(|v| v.fault.as_ref());
    let Some(title) = seen.map(|i| &i.title).or(known.map(|k| &k.title)) else { return Ok(None) };
    let priority = seen.zip(input.views.get(&issue.project));
    let priority = priority.map(|(seen, view)| crate::plan::priority(&input.portfolio.labels, view, seen));
    let priority = priority.unwrap_or_default();
    let is_open = seen.is_some_and(|i| i.state == TrackerState::Open);
    let ready = plan.ready.iter().find(|r| r.issue == *issue);
    let waiting = plan.waiting_for(issue);
    let waiting = waiting.or_else(|| whole_project(plan, issue, known).filter(|_| is_open));
    let verdict = match (ready, waiting, known) {
        (Some(ready), _, _) => match &ready.agent {
            Some(agent) => format!("it would be started now: stage {} with agent {agent}", ready.stage),
            None => format!("it would be started now: stage {}", ready.stage),
        },
        (_, Some(waiting), _) => waiting.why.to_string(),
        _ if fault.is_some() => Wait::Tracker { reason: fault.cloned().unwrap_or_default() }.to_string(),
        (_, _, Some(known)) if seen.is_none() && !known.phase.is_final() => {
            "it is no longer in the tracker, and nothing is done for it".into()
        }
        (_, _, Some(known)) => match (&known.phase, &known.landed) {
            (Phase::Done, Some(commit)) => format!("it is done: landed as {}", commit.short()),
            (phase, _) => format!("it is {}", phase.word()),
        },
        (None, None, None) if seen.is_some_and(|i| i.state == TrackerState::Closed) => "it is closed".into(),
        _ => "its project waits".into(),
    };
    Ok(Some(WhyReport {
        issue: issue.clone(),
        title: title.clone(),
        phase: known.map_or("new", |k| k.phase.word()).to_owned(),
        stage: known.map(|k| k.stage.clone()).or(ready.map(|r| r.stage.clone())),
        priority,
        verdict,
        until: waiting.and_then(|w| w.until),
        remedy: waiting.and_then(|w| w.remedy.clone()),
        feedback: known.and_then(|k| k.feedback.clone()),
        attempts: attempts(records)?.into_iter().filter(|a| a.issue == *issue).collect(),
    }))
}

/// What keeps the whole project of an issue waiting, where that is what keeps the issue.
fn whole_project<'a>(plan: &'a Plan, issue: &IssueRef, known: Option<&IssueState>) -> Option<&'a Waiting> {
    let stands = known.is_some_and(|k| k.phase.is_final() || matches!(k.phase, Phase::Running { .. }));
    let whole = |w: &&Waiting| w.issue.is_none() && w.project == issue.project;
    plan.waiting.iter().find(whole).filter(|_| !stands)
}
