//! `dayfly status`: how things stand.

use std::collections::BTreeSet;

use dayfly_core::{Control, MilestoneLine, ServiceLine, Status, Target, status};
use dayfly_runner::kept_attempts;
use jiff::Timestamp;

use crate::args::Scope;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, count, cut, one_line, sentence, time};

use super::plan::waits;

pub(crate) async fn run(output: &Output, context: &Context, scope: &Scope) -> Result<Exit, CliError> {
    let overview = context.overview(context.filter(scope).await?).await?;
    let dir = &context.config.portfolio.state_dir;
    let status = status(&overview.input(), &overview.plan);
    output.data(&status, || text(&status, overview.engine, &kept_attempts(dir)))?;
    Ok(Exit::Good)
}

fn text(status: &Status, engine: bool, kept: &BTreeSet<String>) -> String {
    let now = status.at;
    let mut text = String::new();
    let mut section = |title: &str, body: String| {
        if !body.is_empty() {
            let title = if title.is_empty() { String::new() } else { format!("{title}\n") };
            text.push_str(&format!("{title}{body}\n"));
        }
    };
    if let Some(halt) = &status.halt {
        let said = format!("  {} at {}: {}\n", halt.by, time(halt.at, now), one_line(&halt.reason));
        section("EVERYTHING IS STOPPED", format!("{said}      what helps: {}\n", Control::LIFT));
    }
    let running = |kept: &dyn Fn(&String) -> bool| {
        let lines = status.running.iter().filter(|line| kept(&line.attempt)).map(|line| {
            let since = format!("since {}", time(line.since, now));
            vec![format!("  {}", line.issue), line.stage.to_string(), since, line.attempt.clone(), cut(&line.title, 40)]
        });
        columns(&lines.collect::<Vec<_>>())
    };
    if engine {
        section("Running", running(&|_| true));
    } else {
        section("Without an engine: the next `dayfly run` takes these up", running(&|id| kept.contains(id)));
        section("Left by an engine: the next `dayfly run` settles these", running(&|id| !kept.contains(id)));
    }
    let ready = status.ready.iter().map(|ready| {
        let agent = ready.agent.as_ref().map_or("", |a| a.as_str());
        vec![format!("  {}", ready.issue), ready.stage.to_string(), agent.to_owned(), cut(&ready.title, 50)]
    });
    section("Ready", columns(&ready.collect::<Vec<_>>()));
    section("Needs you", waits(&status.person, now));
    section("", cards(status.cards));
    section("Waiting", waits(&status.waiting, now));
    section("Held, and not waiting for anything else", columns(&held(status)));
    section("Services that do not serve", services(&status.services, now));
    let milestones = status.milestones.iter().map(|line| vec![format!("  {}", milestone(line))]);
    section("Milestones", columns(&milestones.collect::<Vec<_>>()));
    if let Some(backlog) = &status.unprepared {
        text.push_str(&format!("{}\n", sentence(&backlog.to_string())));
    }
    text.push_str(&format!("{} done.", count(status.done, "issue")));
    text
}

/// How many cards are open, and what shows them.
fn cards(open: usize) -> String {
    match open {
        0 => String::new(),
        1 => "1 card is open: `dayfly inbox`.\n".to_owned(),
        open => format!("{open} cards are open: `dayfly inbox`.\n"),
    }
}

/// What people hold and nothing else above tells of, such as an issue that is no longer there.
fn held(status: &Status) -> Vec<Vec<String>> {
    let told = |what: &str| {
        let issues = status.running.iter().map(|line| line.issue.to_string());
        let waits = status.person.iter().chain(&status.waiting).map(|line| line.what.clone());
        issues.chain(waits).any(|told| told == what)
    };
    let issues = status.paused.iter().filter(|pause| matches!(pause.what, Target::Issue(_)));
    let rows = issues.filter(|pause| !told(&pause.what.to_string())).map(|pause| {
        let said = format!("by {}: {}", pause.order.by, one_line(&pause.order.reason));
        vec![format!("  {}", pause.what), said, format!("what helps: {}", pause.remedy())]
    });
    rows.collect()
}

/// What is left alone, since when and until when, and why.
pub(crate) fn services(lines: &[ServiceLine], now: Timestamp) -> String {
    let mut text = String::new();
    for line in lines {
        let (since, until, waits) = (time(line.since, now), time(line.until, now), count(line.effects, "write"));
        text.push_str(&format!(
            "  {}: left alone until {until}, does not serve since {since}; {waits} waiting\n",
            line.service
        ));
        text.push_str(&format!("      {}\n", one_line(&line.reason)));
    }
    text
}

/// A milestone's progress in a line.
pub(crate) fn milestone(line: &MilestoneLine) -> String {
    let due = line.due.map(|due| format!(", due {due}")).unwrap_or_default();
    format!("{} {}: {} closed / {} open{due}", line.project, line.title, line.closed, line.open)
}
