//! Incidents by name: each a world in which it would happen, and what must be seen when it does not.
//!
//! A scenario says what happened to somebody, what protects from it, and which defence can be taken out to see it happen.

mod early_reset;
mod quota_cascade;

use dayfly_core::{Config, Portfolio, SourceText};
use serde::Serialize;

use super::{Mutation, Settings, SimError, SimReport, Simulation, Told};

/// An incident.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What happened to somebody.
    pub happened: &'static str,
    /// What protects from it.
    pub protects: &'static str,
    /// The defence that is taken out to see it happen.
    pub defence: Mutation,
    /// The world in which it would happen.
    world: fn() -> (Portfolio, Settings),
    /// What is wrong with what came of it; nothing if it did not happen.
    judge: fn(&SimReport) -> Vec<String>,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What came of a scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Its name.
    pub name: &'static str,
    /// Whether the incident did not happen.
    pub passed: bool,
    /// Why it is said to have happened.
    pub failures: Vec<String>,
    /// What happened in the world.
    pub story: Vec<Told>,
    /// The report.
    pub report: SimReport,
}

impl Scenario {
    /// All of them.
    pub const ALL: &'static [Scenario] = &[quota_cascade::SCENARIO, early_reset::SCENARIO];

    /// The one of that name.
    pub fn find(name: &str) -> Option<&'static Scenario> {
        Self::ALL.iter().find(|scenario| scenario.name == name)
    }

    /// Lets it come.
    ///
    /// # Errors
    /// If the simulation cannot be run.
    pub fn run(&self, seed: u64) -> Result<Verdict, SimError> {
        self.judged(seed, |simulation| simulation)
    }

    /// Lets it come without the defence: then it happens.
    ///
    /// # Errors
    /// If the simulation cannot be run.
    pub fn run_without_defence(&self, seed: u64) -> Result<Verdict, SimError> {
        self.judged(seed, |simulation| simulation.without(self.defence))
    }

    fn judged(&self, seed: u64, change: impl FnOnce(Simulation) -> Simulation) -> Result<Verdict, SimError> {
        let (portfolio, settings) = (self.world)();
        let report = change(Simulation::new(portfolio, Settings { seed, ..settings })).run()?;
        let mut failures = (self.judge)(&report);
        failures.extend(report.violations.iter().cloned());
        let passed = failures.is_empty();
        Ok(Verdict { name: self.name, passed, failures, story: report.story.clone(), report })
    }
}

/// The portfolio of a text.
///
/// # Panics
/// If the text is no configuration: those of scenarios are part of the program.
fn portfolio(text: &str) -> Portfolio {
    let source = SourceText::new("/nonexistent/dayfly.toml", text.to_owned());
    let read = Config::read(&source, &mut |_| Err("a scenario has no files".into()));
    read.expect("the configuration of a scenario is good").portfolio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_incident_happens_without_its_defence_and_not_with_it() {
        for scenario in Scenario::ALL {
            let with = scenario.run(1).unwrap();
            assert!(with.passed, "{}: {:?}\n{:#?}", scenario.name, with.failures, with.story);
            let without = scenario.run_without_defence(1).unwrap();
            assert!(!without.passed, "{} is not seen when its defence is taken out", scenario.name);
        }
    }
}
