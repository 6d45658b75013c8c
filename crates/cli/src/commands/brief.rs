//! `dayfly brief`: the morning's view.

use dayfly_core::{BriefQuery, Clock as _, Filter, brief};
use dayfly_runner::{Past, SystemClock, moved_since};
use jiff::SignedDuration;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::moment::Moment;
use crate::output::Output;

/// What a project's pace is taken from.
const PACE: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(crate) async fn run(
    output: &Output,
    context: &Context,
    since: Option<Moment>,
    project: Option<&str>,
) -> Result<Exit, CliError> {
    let project = project.map(|p| context.project(Some(p))).transpose()?;
    let (zone, now) = (context.zone(), SystemClock.now());
    let today = now.to_zoned(zone.clone()).date();
    let since = since.unwrap_or(Moment::Day(today.yesterday().unwrap_or(today))).begin(&zone);
    if since > now {
        return Err(CliError::usage(format!("--since {since} is yet to come")));
    }
    let pace_from = now.checked_sub(PACE).unwrap_or(since);
    let past = Past::Span { from: since.min(pace_from), to: now };
    let overview = context.overview_of(Filter::default(), &past).await?;
    let query = BriefQuery { since, pace_from, zone, project };
    let brief = brief(&query, &overview.input(), &overview.plan, &overview.past);
    let mut brief = brief.map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    brief.ledger = overview.head.to_string();
    let moved = moved_since(&overview.portfolio, &overview.state);
    brief.drift.moved = moved.into_iter().filter(|name| query.project.as_ref().is_none_or(|p| p == name)).collect();
    output.data(&brief, || brief.to_markdown())?;
    Ok(Exit::Good)
}
