//! A window opened earlier than its vendor had said, and nobody looked.

use std::time::Duration;

use dayfly_core::Portfolio;

use crate::simulate::{Mutation, Quota, Settings, SimReport};

use super::Scenario;

/// How soon it is to be seen.
const SOON: Duration = Duration::from_secs(5 * 60);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "early-reset",
    happened: "a quota window opened hours before the time that the vendor had stated, and the night went by unused",
    protects: "it is tried with the cheapest request there is, again and again, whether the vendor takes work",
    defence: Mutation::Probe,
    world,
    judge,
};

fn world() -> (Portfolio, Settings) {
    let portfolio = super::portfolio(
        "version = 1\n[agents.claude]\nkind = \"claude\"\n\
         [projects.web]\npath = \"web\"\nlanding = \"direct\"\n",
    );
    let quota = Quota { five_hours: 4_000_000, week: 1_000_000_000, early: 1.0 };
    (portfolio, Settings { days: 1, backlog: 5, issues_per_day: 0.0, quota, ..Settings::default() })
}

fn judge(report: &SimReport) -> Vec<String> {
    // The last may open when nothing is left to be done.
    let seen: Vec<_> = report.windows.iter().filter(|window| window.resumed.is_some()).collect();
    if seen.is_empty() {
        return vec!["no window was used again: the scenario shows nothing".into()];
    }
    let late = seen.iter().filter_map(|window| {
        let waited = Duration::try_from(window.resumed?.duration_since(window.opens)).ok()?;
        (waited > SOON).then(|| format!("a window that opened at {} was used again {waited:?} later", window.opens))
    });
    late.collect()
}
