//! A rehearsal: the engine itself over a world in memory, with a clock that waits for nothing.
//!
//! What decides, records, recovers and writes is the engine that does the work. Simulated are the clock, the agents, git,
//! the tracker, the forge and the people. All chance comes from one number, so that the same portfolio and settings always
//! give the same ledger and the same report. Nothing on this machine is read, written or started.

mod basis;
mod check;
mod dice;
mod drive;
mod git;
mod habits;
mod mutation;
mod report;
mod runner;
mod services;
mod settings;
mod staged;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod time;
mod world;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use camino::Utf8PathBuf;
use dayfly_core::{AgentKind, Portfolio, ProjectRunner, Seq};
use jiff::Timestamp;

pub use basis::{Basis, Money, Other};
pub use dice::Spread;
pub use habits::{habits, prices};
pub use mutation::Mutation;
pub use report::{CostRow, Needed, SimReport};
pub use settings::{Faults, Habit, Paid, People, Quota, Settings};
pub use staged::Staged;
pub use world::{FaultKind, Told, UsedUp};

use drive::Drive;
use store::SimStore;
use tally::Tally;
use world::World;

/// Where the state of a simulated engine is said to be: nothing is ever there.
const NOWHERE: &str = "/nonexistent/dayfly-simulation";

/// Why a simulation could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The machine gave no thread or timer for it.
    #[error("the simulation cannot be started")]
    Start(#[source] std::io::Error),
    /// It came to no end.
    #[error("the simulation of seed {seed} failed, which is a bug")]
    Bug {
        /// Its number.
        seed: u64,
    },
}

type Listener = dyn Fn(Timestamp) + Send + Sync;

/// A simulation, ready to be run.
#[derive(Clone)]
pub struct Simulation {
    portfolio: Portfolio,
    settings: Settings,
    mutation: Option<Mutation>,
    progress: Option<Arc<Listener>>,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Simulation {
    /// A simulation of a portfolio.
    pub fn new(portfolio: Portfolio, settings: Settings) -> Self {
        Self { portfolio: harmless(portfolio), settings, mutation: None, progress: None }
    }

    /// Takes a defence out, to show that its lack is seen.
    #[must_use]
    pub fn without(mut self, defence: Mutation) -> Self {
        self.mutation = Some(defence);
        self
    }

    /// Tells `progress` from time to time how far it is.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(Timestamp) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Runs it, on a thread of its own; it may be called from anywhere, and returns when all is over.
    ///
    /// # Errors
    /// If there is no thread for it, or it panicked, which is a bug.
    pub fn run(&self) -> Result<SimReport, SimError> {
        let bug = || SimError::Bug { seed: self.settings.seed };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("simulation".into());
            let thread = thread.spawn_scoped(scope, || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                // Whatever leaves this thread comes back when the machine pleases, and not as the seed says.
                let strays = Arc::new(AtomicUsize::new(0));
                let stray = Arc::clone(&strays);
                runtime.enable_time().start_paused(true).on_thread_start(move || {
                    stray.fetch_add(1, SeqCst);
                });
                let report = runtime.build().map_err(SimError::Start)?.block_on(self.days());
                debug_assert_eq!(strays.load(SeqCst), 0, "the engine left the simulated world");
                Ok(report)
            });
            thread.map_err(SimError::Start)?.join().map_err(|_| bug())?
        })
    }

    async fn days(&self) -> SimReport {
        let (portfolio, settings) = (Arc::new(self.portfolio.clone()), Arc::new(self.settings.clone()));
        let world = Arc::new(World::new(portfolio, settings, self.mutation));
        let end = world.settings.day(&world.zone, world.settings.days);
        let store = Arc::new(SimStore::new(Arc::clone(&world)));
        let tally = Arc::new(Tally::default());
        let told = |at: Timestamp| {
            if let Some(progress) = &self.progress {
                progress(at);
            }
        };
        Drive::new(Arc::clone(&world), Arc::clone(&store), Arc::clone(&tally)).run(end, &told).await;
        let records = store.records(Seq(0)).await;
        let state = check::check(&world, &tally, &records);
        report::report(&world, &tally, (&records, &state))
    }
}

/// A portfolio of which nothing leads out of the simulation.
fn harmless(mut portfolio: Portfolio) -> Portfolio {
    portfolio.state_dir = Utf8PathBuf::from(NOWHERE);
    portfolio.issues_dir = Utf8PathBuf::from(NOWHERE).join("issues");
    portfolio.time_zone.get_or_insert_with(|| "UTC".into());
    for project in portfolio.projects.values_mut() {
        project.path = Utf8PathBuf::from(NOWHERE).join(project.name.as_str());
        project.runner = ProjectRunner::Subprocess;
    }
    for account in portfolio.accounts.values_mut() {
        account.proxy_key = None;
        account.state_dir = None;
    }
    for agent in portfolio.agents.values_mut().filter(|agent| agent.kind != AgentKind::Command) {
        agent.pass_env.clear();
        agent.env.clear();
    }
    portfolio
}
