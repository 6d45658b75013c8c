//! What an attempt that is taken up does otherwise than one that is started.

use std::sync::Arc;

use camino::Utf8Path;
use dayfly_core::{Agent, AgentError, AgentName, CommandLine, EventReader, Issue, JobSpec, Running, StageRun};
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::agents::reader_of;
use crate::keeper::STATUS_FILE;

use super::super::attempt::{Work, chain};

/// An agent that was renamed, or left the configuration, while it was at work. What its vendor's program prints is read; of
/// one that nobody knows the exit code counts.
#[derive(Debug)]
struct Left {
    name: AgentName,
    vendor: String,
}

impl Agent for Left {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn command(&self, _: &JobSpec) -> Result<CommandLine, AgentError> {
        Ok(CommandLine::default())
    }

    fn reader(&self) -> Box<dyn EventReader> {
        reader_of(&self.vendor)
    }
}

/// The issues of a project as its tracker shows them, read once for all attempts that were taken up.
pub(in crate::engine) type Shown = OnceCell<Vec<Issue>>;

impl Work {
    /// Finds the attempt where an earlier engine started it; `None` if there is nothing to go on with.
    ///
    /// # Errors
    /// Why it could not be looked for. What it did is not known then, and a person decides.
    pub(in crate::engine) async fn find(&self) -> Result<Option<Box<dyn Running>>, String> {
        let reader = self.reader().filter(|_| self.job.run == StageRun::Agent);
        let Some((agent, command)) = reader else { return Ok(None) };
        let cwd = match &self.job.start {
            Some(_) => self.house.tree(&self.id),
            None => self.project.path.clone(),
        };
        let attempt = self.attempt_of(&agent, command, cwd);
        let mut failed = None;
        // The project may have had the portfolio's executor when the attempt was started, and another one since.
        for runner in self.house.runners_of(&self.project.name) {
            match runner.reattach(&attempt).await {
                Ok(Some(running)) => return Ok(Some(running)),
                Ok(None) => {}
                Err(err) => failed = Some(chain(&err)),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Who reads what the job's agent prints, and what is known of its command line; `None` if the job has no agent.
    pub(in crate::engine) fn reader(&self) -> Option<(Arc<dyn Agent>, CommandLine)> {
        let name = self.job.agent.as_ref()?;
        let vendor = || self.job.vendor.as_ref().map(ToString::to_string).unwrap_or_default();
        let left = || Arc::new(Left { name: name.clone(), vendor: vendor() }) as Arc<dyn Agent>;
        let agent = self.house.agents.get(name).cloned().unwrap_or_else(left);
        let command = agent.command(&self.job).unwrap_or_default();
        Some((agent, command))
    }

    /// Takes the issue as its tracker shows it now, if only its job was known; a tracker that does not answer in time
    /// keeps nothing waiting for ever.
    pub(in crate::engine) async fn look_again(&mut self) {
        let Some(shown) = self.shown.take() else { return };
        let read = || async { self.house.read(&self.project.name, Vec::new()).await.issues };
        let issues = shown.get_or_init(read).await;
        if let Some(issue) = issues.iter().find(|issue| issue.id == self.job.issue.issue) {
            self.issue = issue.clone();
        }
    }
}

/// When an attempt ended, by its keeper's last word.
pub(in crate::engine) fn ended_at(dir: &Utf8Path) -> Option<Timestamp> {
    let written = std::fs::metadata(dir.join(STATUS_FILE)).and_then(|status| status.modified()).ok()?;
    Timestamp::try_from(written).ok()
}
