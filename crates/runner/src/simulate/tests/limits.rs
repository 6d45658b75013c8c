//! Vendors' limits: with what is known of them, and without.

use std::time::Duration;

use super::*;

/// How soon it is to be seen that a window opened.
const SOON: Duration = Duration::from_secs(5 * 60);

/// Without what is known of limits, the whole backlog finds out by itself, and is charged.
#[test]
fn a_quota_that_ran_out_refuses_those_that_run_and_nobody_else() {
    let quota = Quota { five_hours: 5_000_000, week: 1_000_000_000, early: 0.0 };
    let settings = Settings { days: 1, backlog: 8, issues_per_day: 0.0, quota, ..Settings::default() };
    let text = "version = 1\nconcurrency = 4\n[agents.claude]\nkind = \"claude\"\n\
         [projects.web]\npath = \"web\"\nlanding = \"direct\"\nconcurrency = 4\n";
    let simulation = Simulation::new(read(text.to_owned()), settings);
    let charged = |report: &SimReport| {
        assert!(!report.windows.is_empty(), "no quota ran out: it shows nothing");
        report.people.iter().filter(|needed| needed.what.contains("limit")).count()
    };
    let report = simulation.clone().run().unwrap();
    assert_eq!(charged(&report), 0, "{:?}", report.people);
    // Those that ran when it ran out, each once.
    let refused = report.ends["quota"];
    assert!(refused <= 4 * report.windows.len() as u64, "{refused} of {:?}", report.windows);
    assert!(charged(&simulation.without(Mutation::Capacity).run().unwrap()) > 0);
}

/// Without probes a window that opened early is used no sooner than its vendor had said.
#[test]
fn a_window_that_opens_early_is_used_at_once() {
    let quota = Quota { five_hours: 4_000_000, week: 1_000_000_000, early: 1.0 };
    let settings = Settings { days: 1, backlog: 5, issues_per_day: 0.0, quota, ..Settings::default() };
    let simulation = Simulation::new(portfolio(""), settings);
    let longest = |report: &SimReport| {
        // The last may open when nothing is left to be done.
        let used = report.windows.iter().filter_map(|window| Some(window.resumed?.duration_since(window.opens)));
        Duration::try_from(used.max().expect("no window was used again: it shows nothing")).unwrap()
    };
    assert!(longest(&simulation.clone().run().unwrap()) <= SOON);
    assert!(longest(&simulation.without(Mutation::Probe).run().unwrap()) > SOON);
}
