//! Holds a real GitHub against the suite that dayfly's own must pass.
//!
//! `DAYFLY_E2E_BASE` is the API's address, `DAYFLY_E2E_TOKEN` a token, `DAYFLY_E2E_REPO` a repository that may be played
//! with. Without them, it holds the GitHub of the testkit against the suite.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use dayfly_testkit::github::contract::{self, Client, Report};
use dayfly_testkit::github::{GitHubServer, Permission};

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn main() -> ExitCode {
    let told = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let report = match (told("DAYFLY_E2E_BASE"), told("DAYFLY_E2E_TOKEN"), told("DAYFLY_E2E_REPO")) {
        (Some(base), Some(token), Some(repo)) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            contract::run(&Client::new(&base, &token), &repo, &now.as_secs().to_string())
        }
        _ => own(),
    };
    print!("{report}");
    if report.broken().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn own() -> Report {
    let server = GitHubServer::start();
    let ann = server.world().person("ann", Permission::Admin);
    server.world().repo("ann/sandbox");
    let report = contract::run(&Client::new(&server.url(), ann.token()), "ann/sandbox", "own");
    // The suite sends what is to be refused.
    server.take_violations();
    report
}
