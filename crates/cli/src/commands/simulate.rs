//! `dayfly simulate`: a rehearsal with the user's own configuration, of which nothing leads outside.

mod basis;
mod change;
mod shown;

use camino::Utf8Path;
use dayfly_core::Portfolio;
use dayfly_runner::simulate::{Faults, Settings, SimError, SimReport, Simulation, habits, prices};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::args::{FaultLevel, Simulate};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;

use super::scenarios;

/// The line that tells how far it is.
const BAR: &str = "{wide_bar} {pos} of {len} days, {msg}";

/// What was found, as data.
#[derive(Serialize)]
struct Found {
    /// How it would be.
    reports: Vec<SimReport>,
    /// How it would be with what was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<SimReport>,
    /// What was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<String>,
    /// What is not as it could be: of the ledger that was read, and of what the change does not do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Where its days begin.
    #[serde(skip)]
    zone: TimeZone,
}

pub(crate) async fn run(output: &Output, config: Option<&Utf8Path>, asked: Simulate) -> Result<Exit, CliError> {
    if asked.list || asked.scenario.is_some() {
        return scenarios::run(output, &asked).await;
    }
    let context = Context::load(config)?;
    let (settings, mut notes) = settings(&context, &asked).await?;
    let change = change::changed(&context, &asked)?;
    let portfolio = context.config.portfolio;
    let zone = portfolio.zone().unwrap_or(TimeZone::UTC);
    let reports = simulate(output, &portfolio, &settings, asked.seeds).await?;
    let found = match change {
        None => Found { reports, changed: Vec::new(), changes: Vec::new(), notes, zone },
        Some(change) => {
            let same = change.portfolio == portfolio;
            let changed = match same {
                true => reports.clone(),
                false => simulate(output, &change.portfolio, &settings, asked.seeds).await?,
            };
            notes.extend(change.notes);
            Found { reports, changed, changes: change.words, notes, zone }
        }
    };
    output.data(&found, || shown::text(&found, &asked))?;
    let violated = found.reports.iter().chain(&found.changed).any(|report| !report.violations.is_empty());
    Ok(if violated { Exit::Bug } else { Exit::Good })
}

/// What is simulated: agents work as the ledger says that they did, where there is one; and what of it could not be read.
async fn settings(context: &Context, asked: &Simulate) -> Result<(Settings, Vec<String>), CliError> {
    let mut notes = Vec::new();
    let (habits, prices) = match context.read_store()? {
        Some(store) => {
            let (records, left_out) = store.read_readable().await?;
            notes.extend(left_out.iter().map(|archive| {
                format!(
                    "The archive {} is missing or cannot be read: the records {} to {} are left out.",
                    archive.file, archive.first, archive.last
                )
            }));
            (habits(&records), prices(&records))
        }
        None => Default::default(),
    };
    let faults = match asked.faults {
        FaultLevel::None => Faults::none(),
        FaultLevel::Some => Faults::some(),
        FaultLevel::Many => Faults::many(),
    };
    if !(0.0..=1000.0).contains(&asked.issues) {
        return Err(CliError::usage("--issues is a number from 0 to 1000"));
    }
    let (seed, days) = (asked.seed, asked.days);
    Ok((Settings { seed, days, issues_per_day: asked.issues, habits, prices, faults, ..Settings::default() }, notes))
}

/// Simulates each seed. It takes a thread of its own and waits for nothing else.
async fn simulate(
    output: &Output,
    portfolio: &Portfolio,
    settings: &Settings,
    seeds: u64,
) -> Result<Vec<SimReport>, CliError> {
    let bar = if output.live { ProgressBar::new(seeds * u64::from(settings.days)) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut reports = Vec::new();
    for (number, seed) in (settings.seed..).take(usize::try_from(seeds).unwrap_or(usize::MAX)).enumerate() {
        bar.set_message(format!("seed {seed}"));
        let (shown, start, before) = (bar.clone(), settings.start, number as u64 * u64::from(settings.days));
        let days = move |at: Timestamp| u64::try_from(at.duration_since(start).as_hours() / 24).unwrap_or(0);
        let simulation = Simulation::new(portfolio.clone(), Settings { seed, ..settings.clone() });
        let simulation = simulation.progress(move |at| shown.set_position(before + days(at)));
        let mut report = on_a_thread(move || simulation.run()).await?;
        // Of many, it would fill the memory, and nobody is told of it.
        report.story.clear();
        for violation in &report.violations {
            bar.suspend(|| output.say(&format!("VIOLATION in seed {seed}: {violation}")));
        }
        reports.push(report);
    }
    bar.finish_and_clear();
    Ok(reports)
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SimError> + Send + 'static,
) -> Result<T, CliError> {
    let failed = |err| CliError::environment("the simulation failed").with_source(err);
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(err) => Err(CliError::environment("the simulation failed").with_source(err)),
    }
}
