//! How work flows: what came to its end, how long it took, what came back, what it waited for, and what it cost.

mod chart;
mod cost;
mod course;
mod html;
mod rework;
mod svg;
mod tables;
mod throughput;
mod waits;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;

use crate::{Anchor, PlanInput, ProjectName, Record, RecordError, Seq};

use super::attempts;

pub use cost::{CostLine, FlowCost, Substituted};
pub use rework::{GateLine, Rework, StageEnds};
pub use tables::FlowTable;
pub use throughput::{ChangeLine, FlowDay, FlowProject, FlowWeek, LeadTime, Throughput};
pub use waits::{WaitSum, WaitWhy, Waits};

use course::Courses;

/// What a report of flow is to cover.
#[derive(Debug, Clone)]
pub struct FlowQuery {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// In whose zone the days lie.
    pub zone: TimeZone,
    /// Only this project.
    pub project: Option<ProjectName>,
}

/// How work flowed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flow {
    /// The format of this report.
    pub version: u32,
    /// When it was made.
    pub at: Timestamp,
    /// The first day.
    pub from: Date,
    /// The last day; days that are yet to come are not among them.
    pub until: Date,
    /// The zone of the days, where it has a name.
    pub zone: Option<String>,
    /// The project, if it tells of only one.
    pub project: Option<ProjectName>,
    /// The first day of which the ledger knows anything, where that is later than the first day.
    pub began: Option<Date>,
    /// What came to its end.
    pub throughput: Throughput,
    /// What came back.
    pub rework: Rework,
    /// What was waited for.
    pub waits: Waits,
    /// What it cost.
    pub cost: FlowCost,
    /// The head of the ledger this was made from, as an [anchor](Anchor).
    pub ledger: String,
}

/// The time that a report covers.
struct Window {
    /// The first day, and the last one that has begun.
    days: (Date, Date),
    /// From when on, and before when.
    span: (Timestamp, Timestamp),
    zone: TimeZone,
    project: Option<ProjectName>,
}

impl Window {
    fn new(query: &FlowQuery, now: Timestamp) -> Self {
        let begins = |date: Date| date.to_zoned(query.zone.clone()).map(|day| day.timestamp());
        let today = now.to_zoned(query.zone.clone()).date();
        let last = query.until.min(today).max(query.from);
        let from = begins(query.from).unwrap_or(Timestamp::MIN);
        let until = last.tomorrow().and_then(begins).unwrap_or(Timestamp::MAX).min(now).max(from);
        Self { days: (query.from, last), span: (from, until), zone: query.zone.clone(), project: query.project.clone() }
    }

    fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Whether something lies on one of the days.
    fn holds(&self, at: Timestamp) -> bool {
        (self.days.0..=self.days.1).contains(&self.date(at))
    }

    fn wants(&self, project: &ProjectName) -> bool {
        self.project.as_ref().is_none_or(|wanted| wanted == project)
    }

    /// The days, in order.
    fn dates(&self) -> impl Iterator<Item = Date> {
        let last = self.days.1;
        self.days.0.series(Span::new().days(1)).take_while(move |date| *date <= last)
    }
}

/// Makes a report of flow. The records are those of the days, with all about every issue that is named in them or is not over.
///
/// # Errors
/// If a record cannot be read.
pub fn flow(query: &FlowQuery, input: &PlanInput<'_>, records: &[Record]) -> Result<Flow, RecordError> {
    let window = Window::new(query, input.now);
    let lines = attempts(records)?;
    let courses = Courses::read(records, &lines)?;
    let first = records.first().filter(|record| record.seq == Seq(1)).map(|record| window.date(record.at));
    let began = first.filter(|date| *date > window.days.0);
    let names: Vec<&ProjectName> = input.portfolio.projects.keys().collect();
    Ok(Flow {
        version: 1,
        at: input.now,
        from: window.days.0,
        until: window.days.1,
        zone: query.zone.iana_name().map(str::to_owned),
        project: query.project.clone(),
        began,
        throughput: throughput::throughput(&window, &courses, (&names, began)),
        rework: rework::rework(&window, &courses),
        waits: waits::waits(&window, &courses, input, records)?,
        cost: cost::cost(&window, &courses, records)?,
        ledger: Anchor::new(input.state.head, &input.state.hash).to_string(),
    })
}

#[cfg(test)]
mod tests;
