//! `dayfly usage`: tokens, money and time, by day, project, stage or model.

use dayfly_core::{BudgetLine, Clock as _, Filter, Spent, UsageBy, UsageQuery, UsageReport, usage};
use dayfly_runner::{Past, SystemClock};
use jiff::civil::Date;
use jiff::{Span, Timestamp};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::{columns, span, sparkline, time};

/// What was asked for.
pub(crate) struct Settings {
    pub(crate) by: Vec<UsageBy>,
    pub(crate) days: u32,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) project: Option<String>,
}

pub(crate) async fn run(output: &Output, context: &Context, settings: Settings) -> Result<Exit, CliError> {
    let project = settings.project.as_deref().map(|p| context.project(Some(p))).transpose()?;
    let zone = context.zone();
    let to = settings.to.unwrap_or_else(|| SystemClock.now().to_zoned(zone.clone()).date());
    let back = Span::new().try_days(i64::from(settings.days.saturating_sub(1)));
    let from = settings.from.or_else(|| to.checked_sub(back.ok()?).ok()).unwrap_or(to);
    if from > to {
        return Err(
            CliError::usage(format!("{from} is later than {to}")).hint("`--from` is the first day, `--to` the last")
        );
    }
    let overview = context.overview_of(Filter::default(), &Past::days(from, to, &zone)).await?;
    let query = UsageQuery { from, to, zone, by: settings.by, project };
    let report = usage(&query, &overview.input(), &overview.past);
    let report = report.map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    output.data(&report, || text(&report, overview.now))?;
    Ok(Exit::Good)
}

fn text(report: &UsageReport, now: Timestamp) -> String {
    let mut text = format!("{} to {}", report.from, report.to);
    if report.days.len() > 1 {
        text.push_str(&format!("  {}  tokens by day", sparkline(&report.days)));
    }
    text.push('\n');
    let mut rows = vec![head(&report.by)];
    let most = report.rows.iter().map(|row| row.spent.tokens()).max().unwrap_or(0);
    for row in &report.rows {
        let mut cells = row.keys.clone();
        cells.extend(figures(&row.spent));
        cells.push(bar(row.spent.tokens(), most));
        rows.push(cells);
    }
    let mut total = vec![String::new(); report.by.len()];
    if let Some(first) = total.first_mut() {
        "all".clone_into(first);
    }
    total.extend(figures(&report.total));
    rows.push(total);
    text.push_str(&columns(&rows));
    let budgets = columns(&budget_rows(&report.budgets, now));
    if !budgets.is_empty() {
        text.push_str(&format!("\nBudgets\n{budgets}"));
    }
    text
}

fn head(by: &[UsageBy]) -> Vec<String> {
    let mut head: Vec<String> = by.iter().map(ToString::to_string).collect();
    head.extend(["attempts", "time", "read", "cached", "written", "paid", "flat"].map(str::to_owned));
    head
}

fn figures(spent: &Spent) -> [String; 7] {
    [
        spent.attempts.to_string(),
        span(spent.time),
        tokens(spent.input_tokens),
        tokens(spent.cached_tokens),
        tokens(spent.output_tokens),
        usd(spent.usd_micros),
        usd(spent.flat_usd_micros),
    ]
}

/// A number of tokens, short.
fn tokens(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{} k", number / 1000),
        _ => format!("{:.1} M", number as f64 / 1e6),
    }
}

fn usd(micros: u64) -> String {
    if micros == 0 { "-".into() } else { format!("${:.2}", micros as f64 / 1e6) }
}

/// A bar for a part of the most.
fn bar(part: u64, most: u64) -> String {
    let eighths = if most == 0 { 0 } else { (part as f64 / most as f64 * 96.0).round() as usize };
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{rest}", "█".repeat(eighths / 8))
}

/// Rows for budgets: whose, what is used of what, when it begins anew.
pub(crate) fn budget_rows(budgets: &[BudgetLine], now: Timestamp) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for line in budgets {
        let (spent, budget) = (&line.spent, &line.budget);
        let mut used = Vec::new();
        used.extend(budget.tokens.map(|most| format!("{} of {} tokens", tokens(spent.tokens()), tokens(most))));
        used.extend(budget.usd_micros.map(|most| format!("${:.2} of {}", spent.usd_micros as f64 / 1e6, usd(most))));
        used.extend(budget.time.map(|most| format!("{} of {}", span(spent.time), span(most))));
        used.extend(budget.attempts.map(|most| format!("{} of {most} attempts", spent.attempts)));
        let whose = line.project.as_ref().map_or("all projects".to_owned(), ToString::to_string);
        let state = if line.reached.is_some() { "used up" } else { "" };
        let anew = format!("begins anew {}", time(line.until, now));
        rows.push(vec![format!("  {whose}"), format!("this {}", line.span), used.join(", "), anew, state.into()]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_parts_of_the_most_and_nothing_of_nothing() {
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(5, 5).chars().count(), 12);
        assert_eq!(bar(1, 96), "▏");
        assert_eq!(sparkline(&[0, 4, 8, 8]), "▁▅██");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!([tokens(9_999), tokens(10_000), tokens(12_345_678)], ["9999", "10 k", "12.3 M"]);
    }
}
