//! Trying whether a vendor takes work again: the cheapest job there is, of no issue.

use std::sync::Arc;

use camino::Utf8PathBuf;
use dayfly_core::{
    Attempt, AttemptId, Awaited, Epoch, EventSink, JobSpec, Outcome, OutputLimits, RunnerError, Stop, probe_job,
};

use super::brake::Ear;
use super::house::{House, attempt_dir};

/// More than an agent prints for one word.
const OUTPUT: OutputLimits = OutputLimits { log_bytes: 1 << 20, line_bytes: 1 << 20 };

/// Whether that is the name of a probe. Those of attempts end with their number alone.
pub(super) fn is_probe(name: &str) -> bool {
    let numbers = name.strip_prefix("probe.").and_then(|rest| rest.rsplit_once('.')?.1.split_once('-'));
    numbers.is_some_and(|(epoch, number)| epoch.parse::<u64>().is_ok() && number.parse::<u64>().is_ok())
}

/// One probe.
pub(super) struct Probe {
    pub(super) house: Arc<House>,
    pub(super) awaited: Awaited,
    /// Tells the probes of an engine, and those of other engines, apart.
    pub(super) number: (Epoch, u64),
    pub(super) stop: Ear,
}

impl Probe {
    /// Does it. `None` if nothing was found out: it could not be started, or was stopped.
    pub(super) async fn perform(mut self) -> Option<Outcome> {
        let (epoch, number) = self.number;
        let id = AttemptId::from_text(format!("probe.{}.{}-{number}", self.awaited.agent, epoch.0));
        let cwd = self.house.portfolio.state_dir.join("work").join(id.as_str());
        let outcome = self.run(&id, &cwd).await.ok().flatten();
        for folder in [cwd, attempt_dir(&self.house.portfolio, &id)] {
            // A probe leaves nothing that anybody would read.
            let _ = self.house.remove_folder(&folder).await;
        }
        outcome
    }

    async fn run(&mut self, id: &AttemptId, cwd: &Utf8PathBuf) -> Result<Option<Outcome>, RunnerError> {
        let at = |source| RunnerError::Files { path: cwd.clone(), source };
        if self.house.ground.is_there() {
            tokio::fs::create_dir_all(cwd).await.map_err(at)?;
        }
        let Some(mut attempt) = self.attempt(id, cwd) else { return Ok(None) };
        // What would be billed in another way than is configured is not tried at all.
        if self.house.route(&attempt.job).is_err() {
            return Ok(None);
        }
        let Ok(held) = self.house.hold_key(&mut attempt) else { return Ok(None) };
        if self.house.is_halted() {
            return Ok(None);
        }
        let mut running = self.house.runner.start(&attempt).await?;
        tokio::select! {
            biased;
            outcome = running.wait() => {
                let mut outcome = outcome?;
                if let Some(held) = &held {
                    held.complete(&mut outcome);
                }
                self.house.bill(&attempt.job, &mut outcome.receipt);
                return Ok(Some(outcome));
            }
            () = self.stop.told() => {}
        }
        running.stop(Stop::Kill).await?;
        running.wait().await?;
        Ok(None)
    }

    fn attempt(&self, id: &AttemptId, cwd: &Utf8PathBuf) -> Option<Attempt> {
        let house = &self.house;
        let agent = house.agents.get(&self.awaited.agent)?;
        let configured = house.portfolio.agents.get(&self.awaited.agent)?;
        let mut job: JobSpec = probe_job(&self.awaited.agent, &self.awaited.using);
        if configured.accounts.is_empty() {
            job.account = None;
        }
        Some(Attempt {
            id: id.clone(),
            command: agent.command(&job).ok()?,
            job,
            cwd: cwd.clone(),
            reads: Vec::new(),
            bridge: None,
            dir: attempt_dir(&house.portfolio, id),
            agent: Arc::clone(agent),
            output: OUTPUT,
            tag: house.tag.clone(),
            events: EventSink::none(),
        })
    }
}
