//! `dayfly why`: where an issue stands, and what it waits for.

use dayfly_core::{Filter, Priority, WhyReport, why};
use dayfly_runner::Past;
use jiff::Timestamp;

use crate::context::{Context, no_issue};
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, one_line, span, time};

pub(crate) async fn run(output: &Output, context: &Context, issue: &str) -> Result<Exit, CliError> {
    let issue = context.issue(issue).await?;
    let overview = context.overview_of(Filter::default(), &Past::Issue(issue.clone())).await?;
    let report = why(&overview.input(), &overview.plan, &overview.past, &issue);
    let report = report.map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    let Some(report) = report else {
        return Err(no_issue(&issue));
    };
    output.data(&report, || {
        let mut text = text(&report, overview.now);
        if !overview.engine && overview.state.live.values().any(|live| live.issue == issue) {
            text.push_str(
                "\nThe engine has ended; the next `dayfly run` takes the attempt up, or settles it as lost.\n",
            );
        }
        text
    })?;
    Ok(Exit::Good)
}

fn text(report: &WhyReport, now: Timestamp) -> String {
    let stage = report.stage.as_ref().map(|s| format!(", stage {s}")).unwrap_or_default();
    let mut text =
        format!("{} {}\n  {}{stage}: {}\n", report.issue, one_line(&report.title), report.phase, report.verdict);
    if report.priority != Priority::default() {
        text.push_str(&format!("  priority: {}\n", report.priority));
    }
    if let Some(until) = report.until {
        text.push_str(&format!("  looked at again: {}\n", time(until, now)));
    }
    if let Some(remedy) = &report.remedy {
        text.push_str(&format!("  what helps: {remedy}\n"));
    }
    if let Some(feedback) = &report.feedback {
        text.push_str(&format!("\nThe work came back from `{}`: {}\n", feedback.gate, feedback.reason));
        let lines: Vec<&str> = feedback.tail.lines().collect();
        for line in &lines[lines.len().saturating_sub(10)..] {
            text.push_str(&format!("  | {line}\n"));
        }
    }
    if !report.attempts.is_empty() {
        text.push_str("\nAttempts:\n");
        let rows = report.attempts.iter().map(|attempt| {
            let took = attempt.took.map(span).unwrap_or_default();
            let told = attempt.outcome.as_ref().and_then(|outcome| outcome.receipt.model.clone());
            let model = told.or_else(|| attempt.using.as_ref()?.model.clone()).map(|model| format!(" ({model})"));
            let agent = attempt.agent.as_ref().map(|agent| format!("{agent}{}", model.unwrap_or_default()));
            let detail = if attempt.detail.is_empty() { attempt.end.clone() } else { one_line(&attempt.detail) };
            vec![format!("  {}", attempt.attempt), time(attempt.started, now), took, agent.unwrap_or_default(), detail]
        });
        text.push_str(&columns(&rows.collect::<Vec<_>>()));
        for attempt in report.attempts.iter().filter(|attempt| attempt.substitution.is_some()) {
            let why = attempt.substitution.as_deref().unwrap_or_default();
            text.push_str(&format!("  {} was not by the first choice: {}\n", attempt.attempt, one_line(why)));
        }
        text.push_str("\n`dayfly logs ATTEMPT` shows what one printed.\n");
    }
    text
}
