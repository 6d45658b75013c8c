//! What a rehearsal tells, by the reports of a short one.

use dayfly_core::{Config, SourceText};
use dayfly_runner::simulate::{Money, Needed, Other, Settings, Simulation};
use jiff::tz::TimeZone;

use crate::args::FaultLevel;

use super::*;

fn report() -> SimReport {
    let text =
        "version = 1\n[agents.claude]\nkind = \"claude\"\n[projects.web]\npath = \"web\"\nlanding = \"direct\"\n";
    let source = SourceText::new("/nowhere/dayfly.toml", text);
    let portfolio = Config::read(&source, &mut |_| Err("there is no file".into())).unwrap().portfolio;
    let settings = Settings { days: 1, backlog: 2, issues_per_day: 0.0, ..Settings::default() };
    Simulation::new(portfolio, settings).run().unwrap()
}

fn told(reports: Vec<SimReport>, changed: Vec<SimReport>) -> String {
    let asked = Simulate {
        days: 1,
        seed: 1,
        seeds: reports.len() as u64,
        issues: 0.0,
        accounts: None,
        concurrency: None,
        set: Vec::new(),
        faults: FaultLevel::None,
        scenario: None,
        without_defence: false,
        list: false,
    };
    let (changes, notes) = (vec!["--concurrency 6".to_owned()], vec!["It changes nothing.".to_owned()]);
    text(&Found { reports, changed, changes, notes, zone: TimeZone::UTC }, &asked)
}

#[test]
fn one_report_and_the_comparison_of_it_tell_the_same_figures() {
    let mut report = report();
    // Gates and landings are attempts too, and no agent's.
    assert!(report.ends.values().sum::<u64>() > report.attempts(), "it shows nothing: {:?}", report.ends);
    let reason = format!("exec: task-failed: {}, and that is the end", "it used 10291210 tokens, ".repeat(6));
    report.people.push(Needed { at: report.from, issue: "web#9".into(), what: reason.clone() });
    let one = told(vec![report.clone()], Vec::new());
    assert!(
        one.starts_with("It changes nothing.\n\n1 day of work, from 2026-03-02 08:00 to 2026-03-03 08:00, seed 1: "),
        "{one}"
    );
    assert!(one.contains(&format!("{} attempts", report.attempts())), "{one}");
    assert!(one.contains(&reason), "a reason is told to its end: {one}");
    assert!(one.contains("claude  exec    times and tokens: guessed  money: guessed"), "{one}");

    let two = told(vec![report.clone()], vec![SimReport { half_done: None, ..report.clone() }]);
    let row =
        |word: &str| two.lines().find_map(|line| line.strip_prefix(word)).unwrap_or_else(|| panic!("{word}: {two}"));
    assert_eq!(row("attempts of agents").split_whitespace().next(), Some(report.attempts().to_string().as_str()));
    assert!(row("half of all done within").ends_with("  not in this time"), "{two}");
    assert!(row("   ").trim_end().ends_with("--concurrency 6") && two.starts_with("It changes nothing.\n"), "{two}");
}

#[test]
fn figures_of_another_model_and_prices_that_are_set_are_told_as_such() {
    let with = |attempts: u64, others: &[(Option<&str>, u64)], money: Money| {
        let mut report = report();
        for basis in &mut report.bases {
            let others = others.iter().map(|(model, attempts)| (model.map(str::to_owned), *attempts));
            basis.others = others.map(|(model, attempts)| Other { model, attempts }).collect();
            (basis.model, basis.attempts, basis.money) = (Some("sonnet".into()), attempts, money);
        }
        report
    };
    let one = told(vec![with(37, &[(Some("opus"), 37)], Money::Ledger(5))], Vec::new());
    assert!(one.contains("exec    times and tokens: 37 attempts in your ledger, of opus  money: 5 "), "{one}");
    let some = told(vec![with(37, &[(None, 3), (Some("opus"), 30)], Money::Guess)], Vec::new());
    assert!(some.contains("37 attempts in your ledger, 3 of no named model and 30 of opus  money: guessed"), "{some}");
    let two = told(vec![with(37, &[], Money::Ledger(5))], vec![with(37, &[], Money::Prices)]);
    let wanted =
        "37 attempts in your ledger  money: 5 attempts in your ledger; with the change: the prices in dayfly.toml";
    assert!(two.contains(wanted), "{two}");
}

#[test]
fn of_many_seeds_it_is_told_how_far_they_lie_apart() {
    let report = report();
    let with = |people: usize| {
        let needed = Needed { at: report.from, issue: "web#9".into(), what: "help".into() };
        SimReport { people: vec![needed; people], ..report.clone() }
    };
    let text = told([9, 1, 4].map(with).to_vec(), Vec::new());
    let row = text.lines().find(|line| line.contains("needed a person")).unwrap_or_default();
    assert_eq!(row.split_whitespace().skip(3).collect::<Vec<_>>(), ["1", "4", "9"], "{text}");
    let text = told([2, 1].map(with).to_vec(), Vec::new());
    assert!(text.contains("needed a person     1      1.5     2"), "{text}");
}
