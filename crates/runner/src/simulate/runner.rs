//! The executors of a simulated world: of agents, and of the commands of gates.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Agent, AgentError, AgentEvent, AnswerBy, Attempt, AttemptEvent, AttemptId, Capabilities, CommandLine, Containment,
    End, EventReader, JobSpec, Outcome, ProcessIdentity, ProjectName, Runner, RunnerError, Running, Sandbox, Stop,
};
use tokio::time::Instant;

use super::dice::Dice;
use super::world::World;

/// Executes the attempts of agents.
#[derive(Debug)]
pub(super) struct SimRunner {
    pub(super) world: Arc<World>,
}

/// An attempt that is followed.
#[derive(Debug)]
struct SimRunning {
    world: Arc<World>,
    attempt: Attempt,
    told: bool,
    silent: bool,
}

const CAPABILITIES: Capabilities = Capabilities {
    exit_status: true,
    reattach: true,
    containment: Containment::Kernel,
    limits: true,
    sandbox: Sandbox::Bubblewrap,
};

#[async_trait]
impl Runner for SimRunner {
    fn name(&self) -> &str {
        "simulated"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        self.world.start(attempt);
        let digest = dayfly_core::Digest::of(attempt.id.as_str().as_bytes());
        let pid = u32::from_str_radix(digest.as_str().get(..6).unwrap_or_default(), 16).unwrap_or(1);
        let boot_id = "simulated".to_owned();
        attempt.events.send(AttemptEvent::Spawned(ProcessIdentity { pid, start_ticks: 1, boot_id }));
        Ok(Box::new(SimRunning {
            world: Arc::clone(&self.world),
            attempt: attempt.clone(),
            told: false,
            silent: false,
        }))
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        if !self.world.can_take_up(&attempt.id) {
            return Ok(None);
        }
        attempt.events.send(AttemptEvent::CaughtUp);
        Ok(Some(Box::new(SimRunning {
            world: Arc::clone(&self.world),
            attempt: attempt.clone(),
            told: false,
            silent: false,
        })))
    }
}

#[async_trait]
impl Running for SimRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        loop {
            let (next, over) = {
                let inner = self.world.look();
                let Some(run) = inner.runs.get(&self.attempt.id) else { return Ok(Outcome::new(End::Lost)) };
                let reported = run.silent.map(|since| since + self.attempt.job.silence_report);
                let next = reported.filter(|at| !self.silent && *at < run.ends).unwrap_or(run.ends);
                (next, run.over.then(|| run.outcome.clone()))
            };
            if let Some(outcome) = over {
                if !std::mem::replace(&mut self.told, true) {
                    self.attempt.events.send(AttemptEvent::Agent(AgentEvent::Usage(outcome.receipt.usage)));
                }
                return Ok(outcome);
            }
            tokio::time::sleep_until(next).await;
            let silent =
                self.world.look().runs.get(&self.attempt.id).is_some_and(|run| run.silent.is_some() && !run.over);
            if silent && !std::mem::replace(&mut self.silent, true) {
                self.attempt.events.send(AttemptEvent::Silent(self.attempt.job.silence_report));
            }
        }
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        let within =
            if how == Stop::Kill { Duration::ZERO } else { Duration::from_secs(1).min(self.attempt.job.grace) };
        self.world.stop(&self.attempt.id, End::Cancelled, within);
        Ok(())
    }
}

impl Drop for SimRunning {
    fn drop(&mut self) {
        // An engine that is killed drops nothing.
        if !self.world.is_dying() {
            self.world.stop(&self.attempt.id, End::Lost, Duration::ZERO);
        }
    }
}

/// Executes the commands of gates: they find what the commit in their working copy has wrong with it.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) world: Arc<World>,
}

#[derive(Debug)]
struct Judging {
    world: Arc<World>,
    project: ProjectName,
    cwd: camino::Utf8PathBuf,
    ends: Instant,
}

#[async_trait]
impl Runner for Judge {
    fn name(&self) -> &str {
        "simulated"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let mut dice = Dice::new(self.world.settings.seed, attempt.id.as_str());
        let took = dice.between(Duration::from_secs(20), Duration::from_secs(180));
        let (project, cwd) = (attempt.job.issue.project.clone(), attempt.cwd.clone());
        Ok(Box::new(Judging { world: Arc::clone(&self.world), project, cwd, ends: Instant::now() + took }))
    }

    async fn reattach(&self, _attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        Ok(None)
    }
}

#[async_trait]
impl Running for Judging {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        tokio::time::sleep_until(self.ends).await;
        let inner = self.world.look();
        let repo = inner.places.get(&self.project).map(|place| &place.repo);
        let bad = repo.and_then(|repo| Some(repo.is_bad(&repo.head(&self.cwd)?))).unwrap_or(true);
        let end = if bad { End::TaskFailed { reason: "exit code 1".into() } } else { End::Succeeded };
        let mut outcome = Outcome::new(end);
        outcome.receipt.exit_code = Some(i32::from(bad));
        outcome.receipt.tail = if bad { "1 test failed".into() } else { String::new() };
        Ok(outcome)
    }

    async fn stop(&mut self, _how: Stop) -> Result<(), RunnerError> {
        self.ends = Instant::now();
        Ok(())
    }
}

/// An agent of the simulated world: what the real adapter says of itself, and a command that nobody runs.
#[derive(Debug)]
pub(super) struct SimAgent {
    pub(super) real: Arc<dyn Agent>,
    /// Whether it may be tried for next to nothing whether its vendor takes work.
    pub(super) probes: bool,
}

impl Agent for SimAgent {
    fn name(&self) -> &str {
        self.real.name()
    }

    fn command(&self, _job: &JobSpec) -> Result<CommandLine, AgentError> {
        Ok(CommandLine { program: "simulated".into(), ..CommandLine::default() })
    }

    fn reader(&self) -> Box<dyn EventReader> {
        self.real.reader()
    }

    fn answers(&self) -> AnswerBy {
        self.real.answers()
    }

    fn can_probe(&self) -> bool {
        self.probes && self.real.can_probe()
    }
}

impl World {
    /// Whether an attempt of an earlier engine is found.
    fn can_take_up(&self, id: &AttemptId) -> bool {
        if self.mutation == Some(super::Mutation::Recovery) {
            return false;
        }
        // One that was ended with its engine has left no result.
        self.look().runs.get(id).is_some_and(|run| !run.over || run.outcome.end != End::Lost)
    }
}
