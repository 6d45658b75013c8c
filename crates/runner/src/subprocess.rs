//! The executor that runs an attempt as a child process of the engine.

mod log;
mod output;
mod prepare;
mod silence;
mod supervise;

use std::sync::Arc;

use async_trait::async_trait;
use dayfly_core::{
    Attempt, AttemptEvent, Capabilities, CommandLine, Containment, Outcome, ProcessIdentity, Runner, RunnerError,
    Running, Sandbox, Stop,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::process::{self, Group};
use supervise::{Limits, Pipes, Supervisor};

pub(crate) use log::Log;
pub(crate) use output::{Output, for_display};
pub(crate) use prepare::{PROPOSAL_PLACE, child_environment, files as attempt_files};
pub(crate) use silence::{Look, Silence};
#[cfg(test)]
pub(crate) use tests::test_job;

/// Runs each attempt as a child process in a process group of its own.
///
/// The child gets the variables of a short allow-list, those its agent names, a home and a temporary
/// folder in the attempt's own folder, and the mark by which its processes are found again:
/// `DAYFLY_ATTEMPT` and `DAYFLY_TAG`. It also gets `DAYFLY_PROPOSAL`, the file for its proposal, and
/// `DAYFLY_PROJECT`, `DAYFLY_ISSUE` and `DAYFLY_STAGE`.
///
/// An attempt is stopped by a polite signal to its group, the kill after the grace period, and a
/// search on Linux for processes that left the group; the search also follows an end of its own.
/// Limits are measured on the monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SubprocessRunner;

impl SubprocessRunner {
    /// The executor.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Runner for SubprocessRunner {
    fn name(&self) -> &str {
        "subprocess"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            exit_status: true,
            reattach: false,
            containment: Containment::Group,
            limits: true,
            sandbox: Sandbox::None,
        }
    }

    fn can_start(&self, command: &CommandLine) -> Result<(), String> {
        prepare::can_start(command)
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let for_files = attempt.clone();
        let files = tokio::task::spawn_blocking(move || prepare::files(&for_files)).await.map_err(|e| {
            RunnerError::Other { what: "the attempt's folder was not made".into(), source: Some(e.into()) }
        })??;
        let mut command = prepare::command(attempt, &files.dir);
        command.stdin(files.stdin);
        // From the spawn on nothing is awaited, so that dropping this future leaves nothing behind.
        let mut child = command
            .spawn()
            .map_err(|source| RunnerError::Spawn { program: attempt.command.program.clone(), source })?;
        let pid = child.id().unwrap_or_default();
        let leader = process::identity(pid).unwrap_or(ProcessIdentity { pid, start_ticks: 0, boot_id: String::new() });
        let group = Arc::new(Group { leader: leader.clone(), tag: attempt.tag.clone(), attempt: attempt.id.clone() });
        attempt.events.send(AttemptEvent::Spawned(leader));

        let (stop, stop_asked) = watch::channel(None);
        let (ended, outcome) = watch::channel(None);
        let pipes = Pipes::new(child.stdout.take(), child.stderr.take());
        let log = Log::new(files.log, files.dir.join("output.ring"), attempt.output.log_bytes);
        let output = Output::new(log, attempt.output, attempt.agent.reader(), attempt.events.clone());
        let limits = Limits::of(&attempt.job);
        let supervisor = Supervisor::new(child, Arc::clone(&group), pipes, output, limits, stop_asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let outcome = supervisor.run().await;
            ended.send_replace(Some(outcome));
        });
        Ok(Box::new(SubprocessRunning { outcome, stop, group, task }))
    }

    /// A child of an engine that has ended has lost its pipes: there is nothing to take up again.
    async fn reattach(&self, _attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct SubprocessRunning {
    outcome: watch::Receiver<Option<Outcome>>,
    stop: watch::Sender<Option<Stop>>,
    group: Arc<Group>,
    /// The supervising task; it ends with this value.
    task: JoinSet<()>,
}

#[async_trait]
impl Running for SubprocessRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        let ended = self.outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match ended {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => Err(RunnerError::Other { what: "the attempt has no outcome".into(), source: None }),
            Err(e) => {
                Err(RunnerError::Other { what: "the attempt's supervisor ended early".into(), source: Some(e.into()) })
            }
        }
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        self.stop.send_if_modified(|asked| {
            let news = *asked != Some(how) && *asked != Some(Stop::Kill);
            if news {
                *asked = Some(how);
            }
            news
        });
        Ok(())
    }
}

impl Drop for SubprocessRunning {
    fn drop(&mut self) {
        self.task.abort_all();
        if self.outcome.borrow().is_none() {
            self.group.kill_all();
        }
    }
}

#[cfg(test)]
mod tests;
