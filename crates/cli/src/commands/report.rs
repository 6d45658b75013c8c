//! `dayfly report`: how work flows, as tables or as a page with charts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Clock as _, Filter, Flow, FlowQuery, FlowTable, PlanInput, State, flow};
use dayfly_runner::{Past, SystemClock};
use jiff::Span;
use jiff::civil::Date;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, sparkline};

/// How many days are told of, the last one included, if nobody says the first.
const DAYS: i64 = 30;

/// What was asked for.
pub(crate) struct Settings {
    pub(crate) since: Option<Date>,
    pub(crate) until: Option<Date>,
    pub(crate) project: Option<String>,
    pub(crate) html: Option<Utf8PathBuf>,
}

pub(crate) async fn run(output: &Output, context: &Context, settings: Settings) -> Result<Exit, CliError> {
    let project = settings.project.as_deref().map(|p| context.project(Some(p))).transpose()?;
    let (zone, now) = (context.zone(), SystemClock.now());
    let today = now.to_zoned(zone.clone()).date();
    let until = settings.until.unwrap_or(today);
    let from = settings.since.or_else(|| until.checked_sub(Span::new().days(DAYS - 1)).ok()).unwrap_or(until);
    if from > until {
        let late = CliError::usage(format!("{from} is later than {until}"));
        return Err(late.hint("`--since` is the first day, `--until` the last"));
    }
    if from > today {
        return Err(CliError::usage(format!("--since {from} is yet to come")));
    }
    // The ledger knows all of it: no tracker is asked, and none can keep the report from being made.
    let past = Past::courses(from, until, &zone, project.clone());
    let (state, records) = match context.read_store()? {
        Some(store) => past.read(&store).await?,
        None => (State::default(), Vec::new()),
    };
    let (views, filter) = (BTreeMap::new(), Filter::default());
    let portfolio = &context.config.portfolio;
    let input = PlanInput { portfolio, state: &state, views: &views, now, zone: &zone, filter: &filter };
    let query = FlowQuery { from, until, zone: zone.clone(), project };
    let flow = flow(&query, &input, &records);
    let flow = flow.map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    match settings.html.as_deref() {
        None => output.data(&flow, || text(&flow))?,
        Some(file) if file == "-" => output.text(&flow.to_html())?,
        Some(file) => {
            write(file, &flow.to_html())?;
            output.say(&format!("{file} is written"));
        }
    }
    Ok(Exit::Good)
}

/// Writes the file whole or not at all: who reads it meanwhile sees the old one.
fn write(file: &Utf8Path, text: &str) -> Result<(), CliError> {
    // A link stays one, and what it leads to is replaced.
    let there = file.canonicalize_utf8().ok();
    let file = there.as_deref().unwrap_or(file);
    let folder = file.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let failed = |err| CliError::files(file, err);
    // As any file that a program writes, and not for its owner alone.
    let mode = std::fs::Permissions::from_mode(0o666);
    let written = tempfile::Builder::new().prefix(".dayfly-report").permissions(mode).tempfile_in(folder);
    let mut written = written.map_err(failed)?;
    written.write_all(text.as_bytes()).and_then(|()| written.as_file().sync_all()).map_err(failed)?;
    written.persist(file).map_err(|err| failed(err.error))?;
    Ok(())
}

fn text(flow: &Flow) -> String {
    let mut text = format!("{}\n{}\n\n", flow.title(), flow.span());
    let facts = flow.headline().into_iter().map(|(what, much)| vec![what.to_owned(), much]);
    text.push_str(&columns(&facts.collect::<Vec<_>>()));
    let days: Vec<u64> = flow.throughput.days.iter().map(|day| day.done as u64).collect();
    if days.len() > 1 && days.iter().any(|done| *done > 0) {
        text.push_str(&format!("\n{}  done by day\n", sparkline(&days)));
    }
    for table in flow.tables().iter().filter(|table| !table.long && !table.rows.is_empty()) {
        text.push_str(&shown(table));
    }
    text
}

fn shown(table: &FlowTable) -> String {
    let note = if table.note.is_empty() { String::new() } else { format!("{}\n", table.note) };
    let head = table.head.iter().map(|&word| word.to_owned()).collect();
    let rows: Vec<Vec<String>> = [head].into_iter().chain(table.rows.iter().cloned()).collect();
    format!("\n{}\n{note}{}", table.title, columns(&rows))
}
