//! `dayfly plan`: what would be done now, and why the rest waits. It writes nothing.

use dayfly_core::{Plan, Priority, WaitLine, Why};
use jiff::Timestamp;

use crate::args::Scope;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, cut, one_line, time};

pub(crate) async fn run(output: &Output, context: &Context, scope: &Scope) -> Result<Exit, CliError> {
    let overview = context.overview(context.filter(scope).await?).await?;
    output.data(&overview.plan, || text(&overview.plan, overview.now))?;
    Ok(Exit::Good)
}

/// The plan as text.
pub(crate) fn text(plan: &Plan, now: Timestamp) -> String {
    let mut text = String::new();
    if !plan.ready.is_empty() {
        text.push_str("Would start now:\n");
        let rows = plan.ready.iter().map(|ready| {
            let why = match ready.why {
                Why::InProgress => "in progress",
                Why::Answered => "answered",
                Why::Labelled => "labelled",
                Why::NeedsDecompose => "needs-decompose",
                Why::Untriaged => "untriaged",
            };
            let why = match ready.priority {
                Priority::Normal => why.to_owned(),
                priority => format!("{why}, {priority}"),
            };
            let agent = ready.agent.as_ref().map_or("", |a| a.as_str());
            let agent = match &ready.substitution {
                Some(reason) => format!("{agent} (because {reason})"),
                None => agent.to_owned(),
            };
            vec![format!("  {}", ready.issue), ready.stage.to_string(), agent, why, cut(&ready.title, 50)]
        });
        text.push_str(&columns(&rows.collect::<Vec<_>>()));
    }
    let lines: Vec<WaitLine> = plan.waiting.iter().map(WaitLine::from).collect();
    if !lines.is_empty() {
        text.push_str(if text.is_empty() { "Waits:\n" } else { "\nWaits:\n" });
        text.push_str(&waits(&lines, now));
    }
    if text.is_empty() {
        text.push_str("There is no open issue. `dayfly issue new TITLE` writes one.\n");
    }
    text
}

/// A reason up to this length stands beside its issue, a longer one below it; none is cut.
const SHORT: usize = 60;

/// Lines of what waits, with the remedy below each that has one.
pub(crate) fn waits(lines: &[WaitLine], now: Timestamp) -> String {
    let short = |line: &WaitLine| line.reason.chars().count() <= SHORT;
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let until = line.until.map(|at| format!("until {}", time(at, now))).unwrap_or_default();
            let reason = if short(line) { one_line(&line.reason) } else { String::new() };
            vec![format!("  {}", line.what), cut(&line.title, 40), reason, until]
        })
        .collect();
    let table = columns(&rows);
    let mut text = String::new();
    for (row, line) in table.lines().zip(lines) {
        text.push_str(row);
        text.push('\n');
        if !short(line) {
            text.push_str(&format!("      {}\n", one_line(&line.reason)));
        }
        if let Some(remedy) = &line.remedy {
            text.push_str(&format!("      what helps: {remedy}\n"));
        }
    }
    text
}
