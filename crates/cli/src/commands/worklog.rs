//! `dayfly worklog`: what was done on a day.

use dayfly_core::{Clock as _, Filter, WorkLogQuery, work_log};
use dayfly_runner::{Past, SystemClock};
use jiff::civil::Date;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;

pub(crate) async fn run(
    output: &Output,
    context: &Context,
    day: Option<Date>,
    project: Option<&str>,
) -> Result<Exit, CliError> {
    let project = project.map(|p| context.project(Some(p))).transpose()?;
    let zone = context.zone();
    let day = day.unwrap_or_else(|| SystemClock.now().to_zoned(zone.clone()).date());
    let overview = context.overview_of(Filter::default(), &Past::days(day, day, &zone)).await?;
    let query = WorkLogQuery { day, zone, project };
    let log = work_log(&query, &overview.input(), &overview.plan, &overview.past);
    let mut log = log.map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    log.ledger = overview.head.to_string();
    output.data(&log, || log.to_markdown())?;
    Ok(Exit::Good)
}
