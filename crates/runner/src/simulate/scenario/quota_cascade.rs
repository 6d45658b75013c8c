//! A quota was charged to issues and not to the account, and tries burned through the whole backlog.

use dayfly_core::Portfolio;

use crate::simulate::{Mutation, Quota, Settings, SimReport};

use super::Scenario;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "quota-cascade",
    happened: "an account's quota ran out in the night; each try was charged to its issue, and the whole backlog failed",
    protects: "a limit is known of the account: what would use it waits for its reset, and no issue is charged",
    defence: Mutation::Capacity,
    world,
    judge,
};

fn world() -> (Portfolio, Settings) {
    let portfolio = super::portfolio(
        "version = 1\nconcurrency = 4\n[agents.claude]\nkind = \"claude\"\n\
         [projects.web]\npath = \"web\"\nlanding = \"direct\"\nconcurrency = 4\n",
    );
    let quota = Quota { five_hours: 5_000_000, week: 1_000_000_000, early: 0.0 };
    (portfolio, Settings { days: 1, backlog: 8, issues_per_day: 0.0, quota, ..Settings::default() })
}

fn judge(report: &SimReport) -> Vec<String> {
    let mut wrong = Vec::new();
    if report.windows.is_empty() {
        wrong.push("no quota ran out: the scenario shows nothing".to_owned());
    }
    let refused = report.ends.get("quota").copied().unwrap_or(0);
    // Those that ran when it ran out, each once.
    let most = 4 * report.windows.len() as u64;
    if refused > most {
        wrong.push(format!("{refused} attempts were refused, and {most} could not know"));
    }
    let charged = report.people.iter().filter(|needed| needed.what.contains("limit")).count();
    if charged > 0 {
        wrong.push(format!("{charged} issues needed a person because a quota ran out"));
    }
    wrong
}
