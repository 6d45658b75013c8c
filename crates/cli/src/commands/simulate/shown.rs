//! What a rehearsal tells, as text.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_runner::simulate::SimReport;
use jiff::Timestamp;

use crate::args::Simulate;
use crate::tables::{columns, count, cut, span};

use super::{Found, basis};

/// The most lines of what would have needed a person.
const MOST: usize = 12;
/// The most characters of each: a reason begins with where it happened, and is to be read to its end.
const LONGEST: usize = 240;

pub(super) fn text(found: &Found, asked: &Simulate) -> String {
    let mut text: String = found.notes.iter().map(|note| format!("{note}\n\n")).collect();
    match (found.reports.as_slice(), found.changed.as_slice()) {
        ([report], []) => text.push_str(&one(report, found, asked)),
        ([now], [then]) => text.push_str(&beside((now, then), &found.changes.join(" "), asked)),
        (now, then) => {
            text.push_str(&many(now, asked));
            if !then.is_empty() {
                text.push_str(&format!("\nWith {}\n\n{}", found.changes.join(" "), many(then, asked)));
            }
        }
    }
    text
}

/// One seed, as it is.
fn one(report: &SimReport, found: &Found, asked: &Simulate) -> String {
    let short = |at: Timestamp| at.to_zoned(found.zone.clone()).strftime("%m-%d %H:%M").to_string();
    let date = |at: Timestamp| at.to_zoned(found.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let mut text = format!(
        "{} of work, from {} to {}, seed {}: {} issues, {} done.\n\n",
        count(asked.days as usize, "day"),
        date(report.from),
        date(report.until),
        report.seed,
        report.issues,
        report.done()
    );
    text.push_str(&section("How the issues stand", counts(&report.standing)));
    let days = report.done_by_day.iter().map(|(day, done)| vec![day.to_string(), done.to_string()]);
    text.push_str(&section("Done by day", days.collect()));
    let [half, most] = [report.half_done, report.most_done].map(within);
    text.push_str(&format!("Of all issues, half were done within: {half}; nine of ten: {most}.\n\n"));
    text.push_str(&section("What waited, in hours of all issues together", hours(&report.waits)));
    let costs = report.costs.iter().map(|row| {
        let model = row.model.clone().unwrap_or_default();
        let tokens = format!("{:.1} M tokens", row.tokens as f64 / 1e6);
        let rest = [format!("{} attempts", row.attempts), tokens, format!("{:.2} USD", row.usd)];
        let mut line = vec![row.agent.clone(), model];
        line.extend(rest);
        line.push(format!("{:.1} h", row.hours));
        line
    });
    text.push_str(&section("What was used; money as if paid by the token", costs.collect()));
    text.push_str(&basis::text([report].into_iter()));
    let windows = report.windows.iter().map(|window| {
        let closed = Duration::try_from(window.opens.duration_since(window.at)).unwrap_or_default();
        let again = window.resumed.map_or("not used again".into(), |at| format!("used again {}", short(at)));
        vec![window.account.clone(), window.window.clone(), short(window.at), format!("closed {}", span(closed)), again]
    });
    text.push_str(&section("Limits met", windows.take(MOST).collect()));
    let people = report.people.iter().take(MOST);
    let rows = people.map(|needed| vec![short(needed.at), needed.issue.clone(), cut(&needed.what, LONGEST)]);
    let mut people = section(&format!("What needed a person: {}", report.people.len()), rows.collect());
    if report.people.len() > MOST {
        people = format!("{}\n(the first {MOST}; --json has all)\n\n", people.trim_end());
    }
    text.push_str(&people);
    text.push_str(&faults(report));
    text.push_str(&violations(report, asked));
    text
}

/// How long something took that may not have come about.
fn within(time: Option<Duration>) -> String {
    time.map_or("not in this time".into(), span)
}

pub(super) fn section(title: &str, rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rows = columns(&rows);
    let rows: String = rows.lines().map(|row| format!("  {row}\n")).collect();
    format!("{title}\n{rows}\n")
}

fn counts(of: &BTreeMap<String, u64>) -> Vec<Vec<String>> {
    of.iter().map(|(word, count)| vec![word.clone(), count.to_string()]).collect()
}

fn hours(of: &BTreeMap<String, f64>) -> Vec<Vec<String>> {
    let mut rows: Vec<(&String, &f64)> = of.iter().collect();
    rows.sort_by(|a, b| b.1.total_cmp(a.1));
    rows.into_iter().map(|(word, hours)| vec![word.clone(), format!("{hours:.1}")]).collect()
}

fn faults(report: &SimReport) -> String {
    let rows = report.faults.iter().map(|(kind, count)| vec![kind.word().to_owned(), count.to_string()]);
    let mut text = section("What went wrong", rows.collect());
    text.push_str(&format!(
        "{} engine starts; {} attempts taken up again, {} lost with their engine.\n",
        report.starts, report.taken_up, report.lost
    ));
    text
}

fn violations(report: &SimReport, asked: &Simulate) -> String {
    if report.violations.is_empty() {
        return "Nothing was lost, and nothing was done twice.\n".into();
    }
    let list: String = report.violations.iter().map(|violation| format!("  {violation}\n")).collect();
    let again = asked.again(report.seed);
    format!("THIS MUST NOT HAPPEN:\n{list}It is a bug of dayfly's. Repeat it: {again}\n")
}

/// Two side by side.
fn beside((now, then): (&SimReport, &SimReport), what: &str, asked: &Simulate) -> String {
    let waits = |report: &SimReport, word: &str| format!("{:.1}", report.waits.get(word).copied().unwrap_or(0.0));
    let mut rows = vec![vec![String::new(), "as it is".into(), what.to_owned()]];
    let mut row = |name: &str, of: &dyn Fn(&SimReport) -> String| rows.push(vec![name.to_owned(), of(now), of(then)]);
    row("issues done", &|r| format!("{} of {}", r.done(), r.issues));
    row("half of all done within", &|r| within(r.half_done));
    row("nine of ten within", &|r| within(r.most_done));
    row("attempts of agents", &|r| r.attempts().to_string());
    row("tokens, millions", &|r| format!("{:.1}", r.tokens() as f64 / 1e6));
    row("USD by the token", &|r| format!("{:.2}", r.usd()));
    row("limits met", &|r| r.windows.len().to_string());
    row("needed a person", &|r| r.people.len().to_string());
    row("faults", &|r| r.fault_count().to_string());
    let words: std::collections::BTreeSet<&String> = now.waits.keys().chain(then.waits.keys()).collect();
    for word in words {
        row(&format!("hours waiting for {word}"), &|r| waits(r, word));
    }
    format!(
        "{}\n{}{}{}",
        columns(&rows),
        basis::text([now, then].into_iter()),
        violations(now, asked),
        if then.violations.is_empty() { String::new() } else { violations(then, asked) }
    )
}

/// Many seeds.
fn many(reports: &[SimReport], asked: &Simulate) -> String {
    let sum = |of: &dyn Fn(&SimReport) -> u64| reports.iter().map(of).sum::<u64>();
    let mut faults: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, count) in reports.iter().flat_map(|report| &report.faults) {
        *faults.entry(kind.word().to_owned()).or_default() += count;
    }
    let bad: Vec<&SimReport> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    let mut text = format!(
        "{} seeds: {} issues, {} done; {} records; {} engine starts; {} faults.\n\n{}",
        reports.len(),
        sum(&|r| r.issues),
        sum(&SimReport::done),
        sum(&|r| r.records),
        sum(&|r| r.starts),
        sum(&SimReport::fault_count),
        section("What went wrong", counts(&faults))
    );
    text.push_str(&section("How far the seeds lie apart", spread(reports)));
    text.push_str(&basis::text(reports.iter()));
    match bad.as_slice() {
        [] => text.push_str("Nothing was lost, and nothing was done twice.\n"),
        bad => bad.iter().for_each(|report| text.push_str(&violations(report, asked))),
    }
    text
}

/// How far seeds lie apart: one of them says little.
fn spread(reports: &[SimReport]) -> Vec<Vec<String>> {
    let mut rows = vec![["", "least", "median", "most"].map(str::to_owned).to_vec()];
    let mut row = |name: &str, of: &dyn Fn(&SimReport) -> f64, digits: usize| {
        let mut all: Vec<f64> = reports.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        // Of an even number there are two in the middle.
        let middle =
            [all.len().saturating_sub(1) / 2, all.len() / 2].map(|at| all.get(at).copied().unwrap_or_default());
        let ends = [all.first(), all.last()].map(|end| end.copied().unwrap_or_default());
        let median = f64::midpoint(middle[0], middle[1]);
        // Halves are shown where there are any.
        let halves = if digits == 0 && median.fract() != 0.0 { 1 } else { digits };
        rows.push(vec![
            name.to_owned(),
            format!("{:.digits$}", ends[0]),
            format!("{median:.halves$}"),
            format!("{:.digits$}", ends[1]),
        ]);
    };
    row("issues", &|r| r.issues as f64, 0);
    row("issues done", &|r| r.done() as f64, 0);
    row("attempts of agents", &|r| r.attempts() as f64, 0);
    row("tokens, millions", &|r| r.tokens() as f64 / 1e6, 1);
    row("USD by the token", &SimReport::usd, 2);
    row("needed a person", &|r| r.people.len() as f64, 0);
    rows
}

#[cfg(test)]
mod tests;
