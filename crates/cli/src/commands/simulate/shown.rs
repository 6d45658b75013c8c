//! What a rehearsal tells, as text.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_runner::simulate::SimReport;

use crate::args::Simulate;
use crate::tables::{columns, count, cut, span};

use super::Found;

/// The most lines of what would have needed a person.
const MOST: usize = 12;

pub(super) fn text(found: &Found, asked: &Simulate) -> String {
    let [report] = found.reports.as_slice() else {
        let mut text = many(&found.reports, asked);
        if !found.changed.is_empty() {
            text.push_str(&format!("\nWith {}\n\n{}", found.changes.join(", "), many(&found.changed, asked)));
        }
        return text;
    };
    if let [changed] = found.changed.as_slice() {
        return beside((report, changed), &found.changes.join(", "), asked);
    }
    let mut text = format!(
        "{} of work, seed {}: {} issues, {} done.\n\n",
        count(asked.days as usize, "day"),
        report.seed,
        report.issues,
        report.done()
    );
    text.push_str(&section("How the issues stand", counts(&report.standing)));
    let days = report.done_by_day.iter().map(|(day, done)| vec![day.to_string(), done.to_string()]);
    text.push_str(&section("Done by day", days.collect()));
    if let Some((half, most)) = report.until_done {
        text.push_str(&format!("Until done: half within {}, nine of ten within {}.\n\n", span(half), span(most)));
    }
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
    let windows = report.windows.iter().map(|window| {
        let closed = Duration::try_from(window.opens.duration_since(window.at)).unwrap_or_default();
        let again = window.resumed.map_or("not used again".into(), |at| format!("used again {}", short(at)));
        vec![window.account.clone(), window.window.clone(), short(window.at), format!("closed {}", span(closed)), again]
    });
    text.push_str(&section("Limits met", windows.take(MOST).collect()));
    let people = report.people.iter().take(MOST);
    let rows = people.map(|needed| vec![short(needed.at), needed.issue.clone(), cut(&needed.what, 80)]);
    let mut people = section(&format!("What needed a person: {}", report.people.len()), rows.collect());
    if report.people.len() > MOST {
        people = format!("{}\n(the first {MOST}; --json has all)\n\n", people.trim_end());
    }
    text.push_str(&people);
    text.push_str(&faults(report));
    text.push_str(&violations(report, asked));
    text
}

fn short(at: jiff::Timestamp) -> String {
    at.strftime("%m-%d %H:%M").to_string()
}

fn section(title: &str, rows: Vec<Vec<String>>) -> String {
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
    let until = |report: &SimReport, which: usize| {
        let time = report.until_done.map(|(half, most)| if which == 0 { half } else { most });
        time.map_or("-".into(), span)
    };
    let waits = |report: &SimReport, word: &str| format!("{:.1}", report.waits.get(word).copied().unwrap_or(0.0));
    let mut rows = vec![vec![String::new(), "as it is".into(), what.to_owned()]];
    let mut row = |name: &str, of: &dyn Fn(&SimReport) -> String| rows.push(vec![name.to_owned(), of(now), of(then)]);
    row("issues done", &|r| format!("{} of {}", r.done(), r.issues));
    row("half done within", &|r| until(r, 0));
    row("nine of ten within", &|r| until(r, 1));
    row("attempts", &|r| r.ends.values().sum::<u64>().to_string());
    row("tokens, millions", &|r| format!("{:.1}", r.costs.iter().map(|c| c.tokens).sum::<u64>() as f64 / 1e6));
    row("USD by the token", &|r| format!("{:.2}", r.usd()));
    row("limits met", &|r| r.windows.len().to_string());
    row("needed a person", &|r| r.people.len().to_string());
    row("faults", &|r| r.fault_count().to_string());
    let words: std::collections::BTreeSet<&String> = now.waits.keys().chain(then.waits.keys()).collect();
    for word in words {
        row(&format!("hours waiting for {word}"), &|r| waits(r, word));
    }
    format!(
        "{}\n{}{}",
        columns(&rows),
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
    match bad.as_slice() {
        [] => text.push_str("Nothing was lost, and nothing was done twice.\n"),
        bad => bad.iter().for_each(|report| text.push_str(&violations(report, asked))),
    }
    text
}
