//! The simulator, held against what it promises.

use std::time::Duration;

use dayfly_core::{Config, Portfolio, SourceText};

use super::*;

mod figures;
mod limits;
mod store;

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

/// A landing whose issue was handed over before finds its pull request open, and is counted under its own name too.
#[test]
fn nothing_is_lost_or_done_twice_on_a_forge() {
    let settings = Settings { faults: Faults::many(), ..settings(1, 1) };
    let report = Simulation::new(on_a_forge(), settings).run().unwrap();
    assert_eq!(report.violations, Vec::<String>::new(), "{:#?}", report.story);
    assert!(report.done() > 0 && report.fault_count() > 50, "{:?} {:?}", report.standing, report.faults);
}

#[test]
fn services_that_are_away_for_hours_keep_nothing_from_being_done() {
    let away = |name: &str| Staged::Away(dayfly_core::ProjectName::new(name).unwrap(), Duration::from_secs(5 * 3600));
    let staged = vec![(Duration::from_secs(1800), away("pulls")), (Duration::from_secs(3600), away("lands"))];
    let report = Simulation::new(on_a_forge(), Settings { staged, ..settings(1, 2) }).run().unwrap();
    assert_eq!(report.violations, Vec::<String>::new(), "{:#?}", report.story);
    assert!(report.done() > 0 && report.faults.get(&FaultKind::ServiceDown) == Some(&2), "{:?}", report.faults);
}

/// What is edited in place can be added twice too, and what only moves a branch can be told and not be done.
#[test]
fn comments_in_place_that_are_doubled_and_landings_that_are_lost_are_seen() {
    let seen = |defence, what: &str| {
        let report = Simulation::new(on_a_forge(), settings(1, 1)).without(defence).run().unwrap();
        assert!(report.violations.iter().any(|told| told.contains(what)), "{defence:?}: {:#?}", report.violations);
    };
    seen(Mutation::ReadBack, "the write comment ");
    seen(Mutation::Landing, "/0 was done, and it was not");
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
