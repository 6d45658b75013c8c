//! Drives engines through a simulated world: starts them as cron would, lets them die, and starts them again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{Agent, AgentName, GateSpec, Portfolio, Stop, StoreError, Verdict, gate_fn};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::agents::agent_for;
use crate::engine::{Engine, EngineError, Progress, RunOptions, Summary, Until};
use crate::git::Repo;

use super::git::SimRepo;
use super::mutation::Mutation;
use super::runner::{Judge, SimAgent, SimRunner};
use super::services::Services;
use super::staged::{Forecast, forecast};
use super::store::SimStore;
use super::tally::Tally;
use super::world::{Strike, World};

/// How long a run waits for a spaced try.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How often it is looked at what waits.
const SAMPLE: Duration = Duration::from_secs(30 * 60);
/// How often the last writes are tried, when all is calm.
const LAST_TRIES: usize = 60;

/// How long an engine may take to end.
const LONG: Duration = Duration::from_secs(24 * 3600);

type Ended = (u64, Result<Summary, EngineError>);

/// The driver.
pub(super) struct Drive {
    world: Arc<World>,
    store: Arc<SimStore>,
    tally: Arc<Tally>,
    engines: JoinSet<Ended>,
    handles: BTreeMap<u64, (AbortHandle, mpsc::Sender<Stop>)>,
    number: u64,
    /// When the next engine is started, if none is at work.
    start: Instant,
    forecast: Forecast,
    sample: Timestamp,
    until: Until,
    agents: BTreeMap<AgentName, Arc<dyn Agent>>,
}

impl Drive {
    pub(super) fn new(world: Arc<World>, store: Arc<SimStore>, tally: Arc<Tally>) -> Self {
        let vendors: std::collections::BTreeSet<_> =
            world.portfolio.agents.iter().map(|(name, agent)| agent.vendor(name)).collect();
        let forecast = {
            let projects: Vec<_> = world.portfolio.projects.keys().cloned().collect();
            forecast((&world.settings, &world.zone), &vendors.into_iter().collect::<Vec<_>>(), &projects)
        };
        let sample = world.settings.day(&world.zone, 0);
        let probes = world.mutation != Some(Mutation::Probe);
        let agents = world.portfolio.agents.iter().map(|(name, agent)| {
            let real = agent_for(name, agent, &world.portfolio.accounts);
            (name.clone(), Arc::new(SimAgent { real, probes }) as Arc<dyn Agent>)
        });
        let agents = agents.collect();
        let until = Until::Idle { patience: PATIENCE };
        Self {
            world,
            store,
            tally,
            engines: JoinSet::new(),
            handles: BTreeMap::new(),
            number: 0,
            start: Instant::now(),
            forecast,
            sample,
            until,
            agents,
        }
    }

    /// Lets the days go by, and then brings all to its end.
    pub(super) async fn run(mut self, end: Timestamp, told: &(dyn Fn(Timestamp) + Sync)) {
        self.go_on(end, told).await;
        self.world.look().calm();
        self.world.time.set_right();
        for (_, stop) in self.handles.values() {
            let _ = stop.try_send(Stop::Polite);
        }
        self.all_ended().await;
        self.until = Until::Triage;
        for _ in 0..LAST_TRIES {
            // What waits for something else than a write stays.
            if self.tally.is_written(&self.store).await {
                return;
            }
            self.start_engine();
            self.all_ended().await;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }

    /// Waits until all engines have ended, which they do once their attempts have.
    async fn all_ended(&mut self) {
        let last = Instant::now() + LONG;
        loop {
            match tokio::time::timeout_at(last, self.engines.join_next()).await {
                Ok(Some(ended)) => self.ended(ended),
                Ok(None) => return,
                Err(_) => {
                    self.world.violated("an engine that was told to end still ran a day later".to_owned());
                    self.engines.abort_all();
                    return;
                }
            }
        }
    }

    async fn go_on(&mut self, end: Timestamp, told: &(dyn Fn(Timestamp) + Sync)) {
        loop {
            let now = self.world.time.true_now();
            if now >= end {
                return;
            }
            if self.engines.is_empty() && Instant::now() >= self.start {
                self.start_engine();
            }
            while let Some(entry) = self.forecast.first_entry().filter(|entry| entry.key().0 <= now) {
                let staged = entry.remove();
                self.world.befalls(&staged);
            }
            if self.sample <= now {
                self.tally.sample(&self.world, &self.store, SAMPLE).await;
                self.sample = super::time::later(now, SAMPLE);
                told(now);
            }
            let times = [Some(end), Some(self.sample), self.forecast.keys().next().map(|(at, _)| *at)];
            let next = times.into_iter().flatten().min().unwrap_or(end);
            let mut wait = self.world.time.until(next).max(Duration::from_millis(1));
            if self.engines.is_empty() {
                wait = wait.min(self.start.saturating_duration_since(Instant::now()));
            }
            tokio::select! {
                biased;
                () = self.world.struck.notified() => self.struck().await,
                Some(ended) = self.engines.join_next(), if !self.engines.is_empty() => self.ended(ended),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn start_engine(&mut self) {
        self.number += 1;
        let (number, engine) = (self.number, self.engine());
        let (stop, mut shutdown) = mpsc::channel(2);
        let options = RunOptions { until: self.until, ..RunOptions::default() };
        let task = async move { (number, engine.run(options, &mut shutdown).await) };
        self.handles.insert(number, (self.engines.spawn(task), stop));
        self.tally.started();
    }

    /// Something strikes: all engines die, or another is started beside the one that works.
    async fn struck(&mut self) {
        let strike = self.world.look().strike.take();
        match strike {
            Some(Strike::Dies) => {
                self.world.dies();
                for (handle, _) in self.handles.values() {
                    handle.abort();
                }
                while let Some(ended) = self.engines.join_next().await {
                    self.ended(ended);
                }
                self.handles.clear();
                // The tasks of an engine are dropped when their turn comes.
                for _ in 0..16 {
                    tokio::task::yield_now().await;
                }
                self.world.dead();
                let wait = self.world.look().dice.between(Duration::from_secs(1), Duration::from_secs(60));
                self.start = Instant::now() + wait;
            }
            Some(Strike::Usurped) => self.start_engine(),
            None => {}
        }
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let every = self.world.settings.every;
        match ended {
            Ok((number, result)) => {
                self.handles.remove(&number);
                let again = match result {
                    Ok(_) => self.nothing_new_for().clamp(every, every * 16),
                    Err(EngineError::Store(StoreError::Ledger(err))) => {
                        self.world.violated(format!("the ledger cannot be folded: {}", crate::engine::chain(&err)));
                        every
                    }
                    Err(EngineError::Store(err)) if err.is_transient() && self.world.look().open => {
                        self.world.violated(format!("an engine ended and did not hold on: {err}"));
                        every
                    }
                    // Whoever is told of it mends it, or the next start finds it mended.
                    Err(EngineError::Store(_)) => Duration::from_secs(60),
                    Err(err) => {
                        self.world.violated(format!("an engine ended: {err}"));
                        every
                    }
                };
                self.start = Instant::now() + again;
            }
            Err(err) if err.is_panic() => self.world.violated(format!("an engine panicked: {err}")),
            Err(_) => {}
        }
    }

    /// How long it is until something happens by itself: an engine that is started before that finds nothing to do.
    fn nothing_new_for(&self) -> Duration {
        let next = self.world.next().map(|at| self.world.time.until(at));
        next.unwrap_or(Duration::MAX)
    }

    fn engine(&self) -> Engine {
        let world = &self.world;
        let services = Arc::new(Services { world: Arc::clone(world) });
        let portfolio = Portfolio::clone(&world.portfolio);
        let repos = portfolio.projects.values().filter(|project| project.repository).map(|project| {
            let repo = SimRepo { world: Arc::clone(world), project: project.name.clone() };
            (project.name.clone(), Repo::of(repo))
        });
        let repos = repos.collect();
        let tally = Arc::clone(&self.tally);
        let watched = Arc::clone(world);
        let mut builder = Engine::builder(portfolio.clone())
            .store(Arc::clone(&self.store) as Arc<dyn dayfly_core::Store>)
            .tracker(Arc::clone(&services) as Arc<dyn dayfly_core::Tracker>)
            .runner(Arc::new(SimRunner { world: Arc::clone(world) }))
            .clock(Arc::clone(&world.time) as Arc<dyn dayfly_core::Clock>)
            .tag("simulated")
            .progress(Progress::new(move |notice| tally.notice(&watched, &notice)));
        if portfolio.projects.values().any(|project| project.forge.is_some()) {
            builder = builder.forge(services);
        }
        for (name, agent) in &self.agents {
            builder = builder.agent(name.clone(), Arc::clone(agent));
        }
        for gate in own_gates(&portfolio) {
            builder = builder.gate(Arc::new(gate_fn(gate, |_| Verdict::Pass)));
        }
        let killed = Arc::clone(world);
        let kill = Arc::new(move |id: &dayfly_core::AttemptId| killed.kill(id));
        builder.simulated(repos, Arc::new(Judge { world: Arc::clone(world) }), kill).build()
    }
}

/// The gates of the embedding program's own that stages list: here they all pass.
fn own_gates(portfolio: &Portfolio) -> Vec<String> {
    let stages = portfolio.projects.values().flat_map(|project| &project.pipeline.stages);
    let gates = stages.flat_map(|stage| stage.admission.iter().chain(&stage.gates));
    let own = gates.filter_map(|gate| match gate {
        GateSpec::Custom(name) => Some(name.clone()),
        _ => None,
    });
    own.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
