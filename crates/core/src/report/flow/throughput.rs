//! What came to its end, by day, week and project, and how long it took.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use serde::Serialize;

use crate::{IssueRef, ProjectName, Spent};

use super::Window;
use super::course::{Courses, How, Life};

/// What came to its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throughput {
    /// All projects together.
    pub all: FlowProject,
    /// Each project, by name.
    pub projects: Vec<FlowProject>,
    /// Each day of which the ledger knows, those with nothing included.
    pub days: Vec<FlowDay>,
    /// Each such week, from Monday on, those with nothing included.
    pub weeks: Vec<FlowWeek>,
    /// The changes that were accepted, the slowest first.
    pub changes: Vec<ChangeLine>,
}

/// What came to its end on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowDay {
    /// The day.
    pub date: Date,
    /// Issues that were done, however.
    pub done: usize,
    /// Those of them whose change came onto the base branch.
    pub landed: usize,
    /// Attempts that ended.
    pub attempts: usize,
}

/// What came to its end in a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowWeek {
    /// Its name by ISO 8601, such as `2026-W05`.
    pub week: String,
    /// Its first day that the report covers.
    pub from: Date,
    /// How many of its days the report covers.
    pub days: usize,
    /// Issues that were done, however.
    pub done: usize,
    /// Those of them whose change came onto the base branch.
    pub landed: usize,
    /// How long the changes took that were accepted in it.
    pub lead: LeadTime,
}

/// What came to its end in a project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowProject {
    /// The project; none for all of them together.
    pub project: Option<ProjectName>,
    /// Issues that were done, however.
    pub done: usize,
    /// Those of them whose change came onto the base branch.
    pub landed: usize,
    /// Issues that were done in seven days, on average over the days of which the ledger knows; none if those are fewer.
    pub per_week: Option<f64>,
    /// How long the accepted changes took.
    pub lead: LeadTime,
}

/// How long changes took, from the first attempt until they were accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeadTime {
    /// Of how many.
    pub changes: usize,
    /// Half of them took no longer; none if there was none.
    pub median: Option<Duration>,
    /// 85 of 100 took no longer.
    pub p85: Option<Duration>,
}

impl LeadTime {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        // The nearest rank: one of the times themselves, never one between two of them.
        let rank = |part: usize| times.get((times.len() * part).div_ceil(100).max(1) - 1).copied();
        Self { changes: times.len(), median: rank(50), p85: rank(85) }
    }
}

/// A change that was accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeLine {
    /// The issue.
    pub issue: IssueRef,
    /// Its title at its last attempt.
    pub title: String,
    /// The day.
    pub date: Date,
    /// From the first attempt until it was accepted; none if that attempt is not known.
    pub lead: Option<Duration>,
    /// Its attempts, those on earlier days included.
    pub attempts: usize,
    /// How often its work was sent back.
    pub rounds: u32,
    /// What its attempts used, those on earlier days included.
    pub spent: Spent,
}

/// Something that was done.
struct Done<'a> {
    project: &'a ProjectName,
    date: Date,
    landed: bool,
    lead: Option<Duration>,
}

pub(super) fn throughput(
    window: &Window,
    courses: &Courses<'_>,
    (names, began): (&[&ProjectName], Option<Date>),
) -> Throughput {
    let lives = courses.lives().filter(|(issue, ..)| window.wants(&issue.project));
    let (mut all, mut changes) = (Vec::new(), Vec::new());
    for (issue, _, life) in lives {
        let Some((at, how)) = life.done.filter(|(at, _)| window.holds(*at)) else { continue };
        let date = window.date(at);
        let lead = life.accepted().and_then(|_| lead(courses, life));
        all.push(Done { project: &issue.project, date, landed: how == How::Landed, lead });
        if life.accepted().is_some() {
            changes.push(change(courses, issue, life, (date, lead)));
        }
    }
    changes.sort_by(|a, b| b.lead.cmp(&a.lead).then_with(|| a.issue.cmp(&b.issue)));
    let since = began.unwrap_or(window.days.0);
    // Of what was before the ledger nobody knows whether nothing was done.
    let dates: Vec<Date> = window.dates().filter(|date| *date >= since).collect();
    let days = dates.len();
    // Projects that the configuration does not know any more have their past all the same.
    let mut named: Vec<&ProjectName> = names.iter().copied().chain(all.iter().map(|done| done.project)).collect();
    named.sort_unstable();
    named.dedup();
    let of = |project: Option<&ProjectName>| {
        let wanted = |done: &&Done<'_>| project.is_none_or(|project| project == done.project);
        let done: Vec<&Done<'_>> = all.iter().filter(wanted).collect();
        FlowProject {
            project: project.cloned(),
            done: done.len(),
            landed: done.iter().filter(|done| done.landed).count(),
            per_week: (days >= 7).then(|| done.len() as f64 * 7.0 / days as f64),
            lead: LeadTime::of(done.iter().filter_map(|done| done.lead).collect()),
        }
    };
    Throughput {
        all: of(None),
        projects: named.into_iter().filter(|name| window.wants(name)).map(|name| of(Some(name))).collect(),
        days: by_day(window, courses, (&dates, &all)),
        weeks: by_week(&dates, &all),
        changes,
    }
}

fn lead(courses: &Courses<'_>, life: &Life) -> Option<Duration> {
    let first = courses.lines.get(*life.lines.first()?)?;
    Some(span((first.started, life.done?.0)))
}

/// The length of a span; a clock that was set back makes none that is below zero.
pub(super) fn span((from, to): (jiff::Timestamp, jiff::Timestamp)) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

fn change(courses: &Courses<'_>, issue: &IssueRef, life: &Life, (date, lead): (Date, Option<Duration>)) -> ChangeLine {
    let lines = || life.lines.iter().filter_map(|n| courses.lines.get(*n));
    let mut spent = Spent::default();
    let agents = lines().filter(|line| line.agent.is_some());
    agents.filter_map(|line| line.outcome.as_ref()).for_each(|outcome| spent.add(&Spent::of(&outcome.receipt)));
    ChangeLine {
        issue: issue.clone(),
        title: lines().last().map(|line| line.title.clone()).unwrap_or_default(),
        date,
        lead,
        attempts: life.lines.len(),
        rounds: life.rounds,
        spent,
    }
}

fn by_day(window: &Window, courses: &Courses<'_>, (dates, all): (&[Date], &[Done<'_>])) -> Vec<FlowDay> {
    let none = |date| FlowDay { date, done: 0, landed: 0, attempts: 0 };
    let mut days: BTreeMap<Date, FlowDay> = dates.iter().map(|date| (*date, none(*date))).collect();
    for done in all {
        let Some(day) = days.get_mut(&done.date) else { continue };
        day.done += 1;
        day.landed += usize::from(done.landed);
    }
    for line in courses.lines.iter().filter(|line| window.wants(&line.issue.project)) {
        let day = line.ended.and_then(|ended| days.get_mut(&window.date(ended)));
        if let Some(day) = day {
            day.attempts += 1;
        }
    }
    days.into_values().collect()
}

fn by_week(dates: &[Date], all: &[Done<'_>]) -> Vec<FlowWeek> {
    let name = |date: Date| {
        let week = date.iso_week_date();
        format!("{:04}-W{:02}", week.year(), week.week())
    };
    let mut weeks: Vec<FlowWeek> = Vec::new();
    for date in dates.iter().copied() {
        match weeks.last_mut().filter(|week| week.week == name(date)) {
            Some(week) => week.days += 1,
            None => {
                let (week, lead) = (name(date), LeadTime::default());
                weeks.push(FlowWeek { week, from: date, days: 1, done: 0, landed: 0, lead });
            }
        }
    }
    for week in &mut weeks {
        let of: Vec<&Done<'_>> = all.iter().filter(|done| name(done.date) == week.week).collect();
        (week.done, week.landed) = (of.len(), of.iter().filter(|done| done.landed).count());
        week.lead = LeadTime::of(of.iter().filter_map(|done| done.lead).collect());
    }
    weeks
}
