//! The simulator, held against what it promises.

use dayfly_core::{Config, Portfolio, SourceText};

use super::*;

/// A portfolio of two projects that land by themselves, with an agent of a vendor's.
pub(super) fn portfolio(more: &str) -> Portfolio {
    let text = format!(
        "version = 1\n{more}\n\
         [agents.claude]\nkind = \"claude\"\n\
         [projects.web]\npath = \"web\"\nlanding = \"direct\"\n\
         [projects.api]\npath = \"api\"\nlanding = \"direct\"\n\
         [pipeline-defaults]\n"
    );
    let text = text.replace("[pipeline-defaults]\n", "");
    let source = SourceText::new("/nowhere/dayfly.toml", text);
    Config::read(&source, &mut |_| Err("there is no file".into())).unwrap().portfolio
}

fn settings(seed: u64, days: u32) -> Settings {
    Settings { seed, days, issues_per_day: 3.0, backlog: 3, ..Settings::default() }
}

#[test]
fn two_weeks_without_a_fault() {
    let report = Simulation::new(portfolio(""), settings(1, 14)).run().unwrap();
    eprintln!("{report:#?}");
    assert_eq!(report.violations, Vec::<String>::new());
}
