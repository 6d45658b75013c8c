//! Building an engine from its parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8PathBuf;
use dayfly_core::{
    AfterCrash, Agent, AgentName, Clock, Control, Forge, Gate, Job, MemoryStore, Order, Portfolio, ProjectName, Runner,
    StageJob, StageName, Store, StoreError, Tracker,
};

use jiff::tz::TimeZone;
use tokio::sync::OnceCell;

use crate::agents::agent_for;
use crate::clock::SystemClock;
use crate::gates::Gates;
use crate::git::Repo;
use crate::markdown::MarkdownTracker;
use crate::order_folder::OrderFolder;
use crate::subprocess::{Keeper, Leave, SubprocessRunner};
use crate::tmux::{Session, TmuxRunner};

use super::ground::Ground;
#[cfg(feature = "simulate")]
use super::ground::Killer;
use super::house::House;
use super::lock::random_tag;
use super::{Engine, Progress};

/// Why an engine could not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store does not serve.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stage lists a gate of the embedding program's that it has not added.
    #[error("stage `{stage}` of project `{project}` lists the gate `custom:{gate}`, which this program does not have")]
    Gate {
        /// The project.
        project: ProjectName,
        /// The stage.
        stage: StageName,
        /// The gate.
        gate: String,
    },
    /// A person stopped everything.
    #[error("everything is stopped since {}, by {}: {}; lift it with {}", .0.at, .0.by, .0.reason, Control::LIFT)]
    Halted(Order),
    /// A task of the engine panicked.
    #[error("a task of the engine failed, which is a bug: {0}")]
    Bug(String),
}

/// Builds an engine. Every part has a default: a store in memory, the Markdown tracker, and for each project the
/// executor that it names.
#[derive(Debug)]
#[must_use]
pub struct EngineBuilder {
    portfolio: Portfolio,
    store: Option<Arc<dyn Store>>,
    tracker: Option<Arc<dyn Tracker>>,
    forge: Option<Arc<dyn Forge>>,
    runner: Option<Arc<dyn Runner>>,
    clock: Arc<dyn Clock>,
    agents: BTreeMap<AgentName, Arc<dyn Agent>>,
    jobs: BTreeMap<StageName, Arc<dyn Job>>,
    gates: Gates,
    progress: Progress,
    tag: String,
    orders: Option<OrderFolder>,
    ground: Ground,
    judge: Option<Arc<dyn Runner>>,
    opened: BTreeMap<ProjectName, Arc<OnceCell<Repo>>>,
    keeper: Option<Keeper>,
}

impl EngineBuilder {
    pub(super) fn new(portfolio: Portfolio) -> Self {
        Self {
            portfolio,
            store: None,
            tracker: None,
            forge: None,
            runner: None,
            clock: Arc::new(SystemClock),
            agents: BTreeMap::new(),
            jobs: BTreeMap::new(),
            gates: Gates::default(),
            progress: Progress::default(),
            tag: random_tag(),
            orders: None,
            ground: Ground::default(),
            judge: None,
            opened: BTreeMap::new(),
            keeper: None,
        }
    }

    /// Keeps the ledger in `store`.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Takes issues from `tracker`.
    pub fn tracker(mut self, tracker: Arc<dyn Tracker>) -> Self {
        self.tracker = Some(tracker);
        self
    }

    /// Reviews and merges changes at `forge`, for the projects that have a repository there. Without one their changes
    /// land in the checkout.
    pub fn forge(mut self, forge: Arc<dyn Forge>) -> Self {
        self.forge = Some(forge);
        self
    }

    /// Executes all attempts with `runner`, also those of projects that keep a session in tmux. Commands of gates are
    /// always processes.
    pub fn runner(mut self, runner: Arc<dyn Runner>) -> Self {
        self.runner = Some(runner);
        self
    }

    /// Gives each attempt, and each command of a gate, a keeper: a process of its own that holds all it starts and
    /// outlives the engine. Without one the engine holds them as far as it can; see [`SubprocessRunner`].
    pub fn keeper(mut self, keeper: Keeper) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Takes the wall time from `clock`.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Uses `agent` in place of the configured one of the same name.
    pub fn agent(mut self, name: AgentName, agent: Arc<dyn Agent>) -> Self {
        self.agents.insert(name, agent);
        self
    }

    /// Freezes and settles the jobs of a stage with `job`.
    pub fn job(mut self, stage: StageName, job: Arc<dyn Job>) -> Self {
        self.jobs.insert(stage, job);
        self
    }

    /// Adds a gate; stages list it as `custom:NAME`.
    pub fn gate(mut self, gate: Arc<dyn Gate>) -> Self {
        self.gates.add(gate);
        self
    }

    /// Tells `progress` what happens.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Marks the processes of this installation, so that recovery ends those and no others. It must
    /// be the same in every run over one store: take it from [`super::StateLock::tag`].
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = tag.into();
        self
    }

    /// Takes in the orders of people that come in there, each at the latest before the next thing is decided; at once
    /// when the bell is [rung](OrderFolder::ring). Without it none are taken in, and a file that stops everything is not
    /// looked at.
    pub fn orders(mut self, orders: OrderFolder) -> Self {
        self.orders = Some(orders);
        self
    }

    /// Works on these repositories, and touches nothing of this machine. `judge` executes the commands of gates.
    #[cfg(feature = "simulate")]
    pub(crate) fn simulated(
        mut self,
        repositories: BTreeMap<ProjectName, Repo>,
        judge: Arc<dyn Runner>,
        kill: Killer,
    ) -> Self {
        let opened = repositories.into_iter().map(|(name, repo)| (name, Arc::new(OnceCell::from(repo))));
        (self.ground, self.opened, self.judge) = (Ground::Simulated(kill), opened.collect(), Some(judge));
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        let mut portfolio = self.portfolio;
        if self.ground.is_there() {
            find_logins(&mut portfolio);
        }
        let portfolio = Arc::new(portfolio);
        let here = || Arc::new(SubprocessRunner::new()) as Arc<dyn Runner>;
        let leave = Leave::default();
        let kept = |keeper: &Keeper, policy| {
            let mut keeper = keeper.clone().after_crash(policy).hiding(portfolio.state_dir.clone());
            if let Some(orders) = &self.orders {
                keeper = keeper.halted_by(absolute(orders.stop_file()));
            }
            Arc::new(SubprocessRunner::kept(keeper.leaving(leave.clone())))
        };
        let own_runner = self.runner.is_some();
        let runner = self.runner.unwrap_or_else(|| match &self.keeper {
            Some(keeper) => kept(keeper, portfolio.after_crash),
            None => here(),
        });
        // A verdict nobody waits for is of no use.
        let own = || self.keeper.as_ref().map_or_else(here, |keeper| kept(keeper, AfterCrash::End));
        let gate_runner = self.judge.unwrap_or_else(own);
        let mut agents = self.agents;
        for (name, config) in &portfolio.agents {
            agents.entry(name.clone()).or_insert_with(|| agent_for(name, config, &portfolio.accounts));
        }
        let clock = self.clock;
        let tracker = self
            .tracker
            .unwrap_or_else(|| Arc::new(MarkdownTracker::new(portfolio.issues_dir.clone(), Arc::clone(&clock))));
        let stages = portfolio.projects.values().flat_map(|p| &p.pipeline.stages);
        let stage_labels = stages.filter_map(|s| Some((s.name.clone(), s.label.clone()?))).collect();
        let stage_job = StageJob { labels: portfolio.labels.clone(), stage_labels };
        let sessions = portfolio.projects.values().filter(|_| !own_runner).filter_map(|project| {
            let session = Session::of(&portfolio.state_dir, project)?;
            Some((project.name.clone(), Arc::new(TmuxRunner::new(session)) as Arc<dyn Runner>))
        });
        let house = House {
            runners: sessions.collect(),
            projects: portfolio.projects.iter().map(|(name, p)| (name.clone(), Arc::new(p.clone()))).collect(),
            store: self.store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
            tracker,
            forge: self.forge,
            runner,
            gate_runner,
            agents,
            jobs: self.jobs,
            stage_job: Arc::new(stage_job),
            gates: self.gates,
            clock,
            zone: portfolio.zone().unwrap_or_else(TimeZone::system),
            tag: self.tag,
            orders: self.orders,
            ground: self.ground,
            opened: std::sync::Mutex::new(self.opened),
            leave: leave.clone(),
            portfolio,
        };
        Engine { house: Arc::new(house), progress: self.progress }
    }
}

/// A keeper works in another folder than the engine.
fn absolute(path: Utf8PathBuf) -> Utf8PathBuf {
    let there = std::path::absolute(&path).ok();
    there.and_then(|path| Utf8PathBuf::from_path_buf(path).ok()).unwrap_or(path)
}

/// Takes the folders of logins from the home folder of this process.
fn find_logins(portfolio: &mut Portfolio) {
    let Some(home) = std::env::home_dir().and_then(|home| Utf8PathBuf::from_path_buf(home).ok()) else { return };
    for account in portfolio.accounts.values_mut() {
        if let Some(rest) = account.state_dir.as_ref().and_then(|dir| dir.strip_prefix("~").ok().map(ToOwned::to_owned))
        {
            account.state_dir = Some(home.join(rest));
        }
    }
}
