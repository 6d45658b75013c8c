//! The engine: the one loop that owns all state.
//!
//! Events come in over one bounded channel. [`decide`] turns each into commands, pure; the loop
//! appends what happened to the ledger, durable, before it acts on it. Commands that take time run
//! as tasks of one `JoinSet` and report back over the channel.

mod answer;
mod attempt;
mod ballast;
mod brake;
mod builder;
mod clean;
mod decide;
mod freeze;
mod ground;
mod guard;
mod hold;
mod house;
#[cfg(feature = "proxy")]
mod key;
#[cfg(not(feature = "proxy"))]
#[path = "engine/no_key.rs"]
mod key;
mod land;
mod lock;
mod model;
mod orders;
mod outbox;
mod past;
mod probe;
mod progress;
mod reading;
mod recover;
mod recovery;
mod restore;
mod start;
mod together;
mod view;

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{AttemptEvent, AttemptId, Epoch, EventSink, Filter, Running, Stop};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use attempt::Work;
use ballast::Ballast;
use brake::Brake;
use freeze::ToFreeze;
use guard::{Guard, Vendor};
use house::House;
use model::{Command, Frozen, Input, Model, Report};
use probe::Probe;
use together::Together;

#[cfg(feature = "simulate")]
pub(crate) use attempt::chain;
pub(crate) use ballast::give_up_ballast;
pub use builder::{EngineBuilder, EngineError};
pub use house::{attempt_dir, gates_dir, git_dir};
pub(crate) use lock::random_tag;
pub use lock::{LockError, StateLock};
pub use model::Until;
pub use past::Past;
pub use progress::{Notice, Progress, Summary, TriagedLine, Withheld};
pub use recover::read_all;
pub use restore::{Restored, restore};
pub use view::{Overview, Sources, overview, overview_of};

/// How often the clock is looked at while a time is waited for.
const NAP: Duration = Duration::from_secs(20);

/// How many inputs may wait for the loop.
const INPUTS: usize = 1024;

/// An engine, ready to run. Made by [`EngineBuilder`].
#[derive(Debug)]
pub struct Engine {
    house: Arc<House>,
    progress: Progress,
}

/// What an engine is asked to do; by default one cycle on everything.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// How long.
    pub until: Until,
    /// On what.
    pub filter: Filter,
}

/// The loop's own things.
struct Loop<'a> {
    house: Arc<House>,
    progress: Progress,
    model: Model,
    epoch: Epoch,
    inputs: mpsc::Sender<Input>,
    brake: Brake,
    shutdown: &'a mut mpsc::Receiver<Stop>,
    /// Whether somebody is left who may ask for the end.
    listening: bool,
    /// What the operator asked for while the store did not serve.
    asked: VecDeque<Stop>,
    ballast: Ballast,
    tasks: JoinSet<()>,
    /// How many probes there were.
    probes: u64,
    finished: bool,
}

impl Engine {
    /// Starts to build an engine for a portfolio.
    pub fn builder(portfolio: dayfly_core::Portfolio) -> EngineBuilder {
        EngineBuilder::new(portfolio)
    }

    /// Runs until `options` say that it is enough, or the operator asks for the end.
    ///
    /// `shutdown` gives a value each time the operator asks: the first [`Stop`] admits nothing more
    /// and stops what runs politely, the second kills. Stopped attempts are charged to nobody and
    /// start again in the next run.
    ///
    /// # Errors
    /// If the store fails for good: what keepers hold is left to them then, for the next run to take up, and the rest is
    /// killed. A store that may serve again is waited for. If a stage lists a custom gate that was not added, or a person
    /// stopped everything: nothing is started then.
    ///
    /// # Cancellation
    /// Dropping the future kills what runs; the next run settles it as lost.
    pub async fn run(&self, options: RunOptions, shutdown: &mut mpsc::Receiver<Stop>) -> Result<Summary, EngineError> {
        let house = &self.house;
        if let Some((project, stage, gate)) = house.gates.missing(&house.portfolio) {
            let (project, stage, gate) = (project.name.clone(), stage.name.clone(), gate.to_owned());
            return Err(EngineError::Gate { project, stage, gate });
        }
        let (inputs, mut receiver) = mpsc::channel(INPUTS);
        let mut this = Loop::new(self, options, inputs, shutdown);
        let from = this.start().await?;
        let result = this.work(&mut receiver).await;
        // What is still under way when all is killed may yet reach the outside.
        let at_rest = result.is_ok() && this.model.applying.is_empty() && this.model.working.is_empty();
        house.leave.set(matches!(result, Err(EngineError::Store(_))));
        this.tasks.shutdown().await;
        result?;
        if at_rest {
            this.rest().await?;
        }
        let records = this.held(|| house.store.read(from, usize::MAX)).await?;
        Ok(Summary::new(&records, &this.model, house.now()))
    }
}

impl Loop<'_> {
    async fn work(&mut self, receiver: &mut mpsc::Receiver<Input>) -> Result<(), EngineError> {
        loop {
            self.take_orders().await?;
            self.turn().await?;
            if self.finished {
                return Ok(());
            }
            let asked = self.asked.pop_front();
            let input = tokio::select! {
                biased;
                Some(stop) = std::future::ready(asked) => Input::Stop(stop),
                stop = self.shutdown.recv(), if self.listening => match stop {
                    Some(stop) => Input::Stop(stop),
                    None => { self.listening = false; continue }
                },
                // What was ordered is taken in before the next turn.
                () = self.house.rung() => continue,
                Some(input) = receiver.recv() => input,
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Err(err) = ended && err.is_panic() {
                        return Err(EngineError::Bug(err.to_string()));
                    }
                    continue;
                }
                () = sleep_until(&*self.house.clock, self.model.wake) => {
                    self.loosen().await;
                    Input::Woke
                }
            };
            let mut inputs = vec![input];
            inputs.extend(std::iter::from_fn(|| receiver.try_recv().ok()).take(INPUTS));
            self.take(inputs).await?;
        }
    }

    /// Takes all that has happened. What is to be recorded goes to the ledger as one batch: to make it durable costs
    /// the same for one event and for many. Two inputs on one issue never share a batch, because the second is to be
    /// judged by what the first has led to; neither do what was learned of a vendor or a service, and what is judged by that.
    async fn take(&mut self, inputs: Vec<Input>) -> Result<(), EngineError> {
        let (mut together, mut touched) = (Together::default(), BTreeSet::new());
        for input in inputs {
            let issue = decide::concerns(&self.model, &input);
            let again = issue.as_ref().is_some_and(|issue| touched.contains(issue));
            if again || together.events.iter().any(|event| decide::is_apart(&input, event)) {
                self.carry_out(std::mem::take(&mut together).commands()).await?;
                touched.clear();
            }
            touched.extend(issue);
            if let Input::Synced(project, view) = &input {
                let asked = view.asks(project);
                self.model.forget(project, &asked);
                self.recall(asked).await?;
            }
            together.add(decide::take(&mut self.model, input, self.house.now()));
        }
        self.carry_out(together.commands()).await.map(drop)
    }

    /// Does what is due, until an append leaves nothing new to decide.
    async fn turn(&mut self) -> Result<(), EngineError> {
        loop {
            let commands = decide::turn(&mut self.model, self.house.now());
            if !self.carry_out(commands).await? || self.finished {
                return Ok(());
            }
        }
    }

    /// Carries commands out in order; tells whether the ledger grew.
    async fn carry_out(&mut self, commands: Vec<Command>) -> Result<bool, EngineError> {
        let mut grew = false;
        for command in commands {
            match command {
                Command::Append(events, conditions) => {
                    self.append(events, conditions).await?;
                    grew = true;
                }
                Command::Sync(project) => {
                    let (house, handed) = (Arc::clone(&self.house), reading::handed(&self.model.state, &project));
                    self.spawn(async move {
                        let view = house.read(&project, handed).await;
                        Input::Synced(project, view)
                    });
                }
                Command::Freeze(ready) => {
                    let house = Arc::clone(&self.house);
                    let wanted = self.to_freeze(ready.clone());
                    self.spawn(async move { Input::Frozen(ready, freeze::freeze(&house, wanted).await) });
                }
                Command::Launch(attempt, frozen) => self.launch(attempt, *frozen),
                Command::Apply(entry) => {
                    let (house, epoch) = (Arc::clone(&self.house), self.epoch);
                    self.spawn(async move {
                        let (tried, heard) = outbox::apply(&house, epoch, &entry).await;
                        Input::Applied(entry, tried, heard)
                    });
                }
                Command::Clean(id, project) => {
                    let house = Arc::clone(&self.house);
                    self.spawn(async move {
                        let cleaned = match house.project(&project) {
                            Some(project) => house.clean(project, &id).await,
                            None => Ok(()),
                        };
                        Input::Cleaned(id, cleaned)
                    });
                }
                Command::Probe(awaited) => {
                    self.probes += 1;
                    let probe = Probe {
                        house: Arc::clone(&self.house),
                        awaited: awaited.clone(),
                        number: (self.epoch, self.probes),
                        stop: self.brake.ear(None),
                    };
                    self.spawn(async move { Input::Probed(awaited, probe.perform().await.map(Box::new)) });
                }
                Command::Report(Report::NotCleaned(id, why)) => self.progress.not_cleaned(&id, &why),
                Command::StopAll(how) => {
                    self.progress.stopping(how);
                    self.brake.all(how);
                }
                Command::StopOne(attempt) => self.brake.one(&attempt, Stop::Polite),
                Command::Report(Report::Draining) => self.progress.draining(),
                Command::Report(Report::Held(ready, reason)) => self.progress.held(&ready, &reason),
                Command::Report(Report::Waiting(at)) => self.progress.waiting(at),
                Command::Finish => self.finished = true,
            }
        }
        Ok(grew)
    }

    fn to_freeze(&self, ready: dayfly_core::Ready) -> ToFreeze {
        let view = self.model.views.get(&ready.issue.project);
        let issue = view.and_then(|v| v.issues.iter().find(|i| i.id == ready.issue.issue)).cloned();
        let known = self.model.state.issues.get(&ready.issue).cloned();
        ToFreeze { ready, issue, known }
    }

    fn launch(&mut self, id: AttemptId, frozen: Frozen) {
        let Frozen { job, issue } = frozen;
        let project = self.house.project(&job.issue.project).cloned();
        let known = self.model.state.issues.get(&job.issue).cloned();
        let (Some(project), Some(known)) = (project, known) else { return };
        let guard = Guard::new(&job, self.house.portfolio.billing(job.account.as_ref()));
        let work = Work {
            house: Arc::clone(&self.house),
            scope: self.model.state.scope(&id),
            id: id.clone(),
            job,
            issue,
            shown: None,
            known,
            project,
            events: guard.sink(sink(&self.inputs, &self.progress, &id, false)),
            guard,
            stop: self.brake.ear(Some(&id)),
        };
        self.perform(work, None);
    }

    /// Does an attempt, or goes on with one that an earlier engine started.
    fn perform(&mut self, work: Work, running: Option<Box<dyn Running>>) {
        let id = work.id.clone();
        self.model.working.insert(id.clone());
        self.spawn(async move {
            let ended = work.perform(running).await;
            Input::Ended(id, Box::new(ended))
        });
    }

    fn spawn(&mut self, task: impl Future<Output = Input> + Send + 'static) {
        let inputs = self.inputs.clone();
        self.tasks.spawn(async move {
            let input = task.await;
            // The receiver is gone only when the engine has ended.
            let _ = inputs.send(input).await;
        });
    }
}

/// Takes an attempt's events: its process goes to the ledger, the rest to the operator.
fn sink(inputs: &mpsc::Sender<Input>, progress: &Progress, id: &AttemptId, taken_up: bool) -> EventSink {
    let vendor = Vendor::new(inputs.clone(), id.clone(), taken_up);
    let (inputs, progress, id) = (inputs.clone(), progress.clone(), id.clone());
    EventSink::new(move |event| {
        vendor.look(&event);
        if let AttemptEvent::Spawned(process) = &event {
            // A full channel only costs the record of the process: recovery also finds it by its mark.
            let _ = inputs.try_send(Input::Spawned(id.clone(), process.clone()));
        }
        progress.attempt(&id, event);
    })
}

async fn sleep_until(clock: &dyn dayfly_core::Clock, at: Option<Timestamp>) {
    let Some(at) = at else { return std::future::pending().await };
    let left = || Duration::try_from(at.duration_since(clock.now())).unwrap_or_default();
    let mut most = left();
    // The runtime's time stands still while the machine sleeps, and the clock may be set.
    while !most.is_zero() && !left().is_zero() {
        let nap = left().min(most).min(NAP);
        tokio::time::sleep(nap).await;
        most = most.saturating_sub(nap);
    }
}

#[cfg(test)]
mod tests;
