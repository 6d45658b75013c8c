//! The simulator, held against what it promises.

use dayfly_core::{Config, Portfolio, SourceText};

use super::*;

mod limits;

/// A portfolio of two projects that land by themselves, with an agent of a vendor's.
fn portfolio(more: &str) -> Portfolio {
    let text = format!(
        "version = 1\n{more}\n\
         [agents.claude]\nkind = \"claude\"\n\
         [projects.web]\npath = \"web\"\nlanding = \"direct\"\n\
         [projects.api]\npath = \"api\"\nlanding = \"direct\"\n"
    );
    read(text)
}

fn read(text: String) -> Portfolio {
    let source = SourceText::new("/nowhere/dayfly.toml", text);
    Config::read(&source, &mut |_| Err("there is no file".into())).unwrap().portfolio
}

/// Two projects on a forge: one lands by pull requests, one by itself.
fn on_a_forge() -> Portfolio {
    read(
        "version = 1\n[agents.claude]\nkind = \"claude\"\n\
         [projects.pulls]\npath = \"pulls\"\ngithub = \"me/pulls\"\n\
         [projects.lands]\npath = \"lands\"\ngithub = \"me/lands\"\nlanding = \"direct\"\n"
            .into(),
    )
}

fn settings(seed: u64, days: u32) -> Settings {
    Settings { seed, days, issues_per_day: 2.0, backlog: 2, ..Settings::default() }
}

#[test]
fn some_days_without_a_fault() {
    let report = Simulation::new(portfolio(""), settings(1, 2)).run().unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    let over = report.done() + report.people.len() as u64;
    assert!(over > 5 && report.faults.is_empty() && report.usd() > 0.0, "{report:#?}");
}

#[test]
fn the_same_seed_gives_the_same_report_and_ledger_and_another_gives_another() {
    let run = |seed| {
        let settings = Settings { faults: Faults::many(), ..settings(seed, 1) };
        serde_json::to_string(&Simulation::new(portfolio(""), settings).run().unwrap()).unwrap()
    };
    let first = run(3);
    assert_eq!(first, run(3), "the same seed gives the same");
    assert_ne!(first, run(4), "another seed gives another");
}

#[test]
fn nothing_is_lost_or_done_twice_whatever_goes_wrong() {
    for seed in 1..=2 {
        let settings = Settings { faults: Faults::many(), ..settings(seed, 1) };
        let report = Simulation::new(portfolio(""), settings).run().unwrap();
        assert_eq!(report.violations, Vec::<String>::new(), "seed {seed}: {:#?}", report.story);
        assert!(report.faults.len() >= 8 && report.fault_count() > 50, "seed {seed}: {:?}", report.faults);
        assert!(report.done() > 0, "seed {seed}: {:?}", report.standing);
    }
}

#[test]
fn each_defence_that_is_taken_out_is_missed() {
    use Mutation::{CompareAndSet, Fencing, Quarantine, ReadBack, Recovery};
    for defence in [Fencing, CompareAndSet, ReadBack, Quarantine, Recovery] {
        let caught = (1..=24).find(|seed| {
            let settings = Settings { faults: Faults::many(), ..settings(*seed, 1) };
            let report = Simulation::new(portfolio(""), settings).without(defence).run().unwrap();
            !report.violations.is_empty()
        });
        assert!(caught.is_some(), "{defence:?} was taken out, and nothing was seen in 24 seeds");
    }
}
