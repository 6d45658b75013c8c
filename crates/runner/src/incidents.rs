//! What happened to others, as scenarios: each sets its incident up for an engine, watches what becomes of it, and holds
//! that against what must not happen.
//!
//! A scenario can be rehearsed with its defence taken out. The engine is the same then; what differs is one of the parts
//! it is given, which behaves as the system did to which it happened: a reader that trusts words, a store that knows no
//! epochs, a runner that ends the wrapper alone. Such a rehearsal must fail, and shows what the defence is for.

mod limits;
mod money;
mod naive;
mod people;
mod processes;
mod records;
mod silence;
mod table;
mod tale;
mod told;
mod two;
mod yard;

use futures_util::future::BoxFuture;
use serde::Serialize;

pub use tale::Check;
use tale::Tale;
use yard::Trouble;

/// Whether the defence of a scenario is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wiring {
    /// All is as it is shipped.
    #[default]
    Whole,
    /// The part that protects is exchanged for one that does not.
    WithoutDefence,
}

/// Something that happened to others, as a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Incident {
    /// Its name.
    pub name: &'static str,
    /// What happened to others.
    pub happened: &'static str,
    /// What protects the user here.
    pub defence: &'static str,
    /// What stands in place of the defence when it is taken out.
    pub instead: &'static str,
    time: Time,
    act: Act,
}

/// What becomes of a scenario.
type Act = fn(Wiring) -> BoxFuture<'static, Result<Tale, Trouble>>;

/// Which time passes in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// One that nobody waits for: it passes when nothing else is to be done.
    Virtual,
    /// The machine's own, because real processes run.
    Real,
}

/// What came of rehearsing a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// The scenario.
    pub name: String,
    /// Whether its defence was there.
    pub wiring: Wiring,
    /// Whether all that must hold did.
    pub passed: bool,
    /// What happened, line by line.
    pub story: Vec<String>,
    /// What must hold, and whether it did.
    pub checks: Vec<Check>,
}

/// Why a scenario could not be rehearsed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IncidentError {
    /// There is no such scenario.
    #[error("there is no scenario `{0}`; `dayfly simulate --list` shows them")]
    Unknown(String),
    /// The machine did not let it be set up or played.
    #[error("the scenario {name} could not be played")]
    Trouble {
        /// The scenario.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It panicked, which is a bug.
    #[error("the scenario {0} failed in itself, which is a bug")]
    Bug(&'static str),
}

/// All scenarios, in the order in which they are documented.
pub fn incidents() -> &'static [Incident] {
    table::ALL
}

impl Incident {
    /// The scenario of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, IncidentError> {
        incidents().iter().find(|it| it.name == name).ok_or_else(|| IncidentError::Unknown(name.to_owned()))
    }

    /// Plays the scenario in a temporary folder, and removes it. Those about processes start small ones of `/bin/sh`.
    ///
    /// It has a runtime of its own, and blocks until it is over.
    ///
    /// # Errors
    /// If it could not be set up or played to its end.
    pub fn rehearse(&self, wiring: Wiring) -> Result<Rehearsal, IncidentError> {
        let name = self.name;
        let trouble = |source: Trouble| IncidentError::Trouble { name, source: source.into() };
        let play = || -> Result<Tale, Trouble> {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().start_paused(self.time == Time::Virtual).build();
            runtime.map_err(Trouble::Machine)?.block_on((self.act)(wiring))
        };
        // A thread of its own: the caller may itself be within a runtime.
        let played = std::thread::scope(|scope| scope.spawn(play).join());
        let Tale { story, checks } = played.map_err(|_| IncidentError::Bug(name))?.map_err(trouble)?;
        let passed = checks.iter().all(|check| check.holds);
        Ok(Rehearsal { name: name.to_owned(), wiring, passed, story, checks })
    }
}

#[cfg(test)]
mod tests;
