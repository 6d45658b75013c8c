//! Executors that judge what they run by less than there is to see.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Attempt, AttemptEvent, Capabilities, CommandLine, Containment, End, EventSink, Outcome, ProcessIdentity, Runner,
    RunnerError, Running, Sandbox, Stop,
};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::incidents::yard::YardClock;
use crate::process;

/// Takes one end for another.
#[derive(Debug)]
pub(in crate::incidents) struct Blames {
    pub(in crate::incidents) inner: Arc<dyn Runner>,
    pub(in crate::incidents) as_what: fn(End) -> End,
}

#[async_trait]
impl Runner for Blames {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn can_start(&self, command: &CommandLine) -> Result<(), String> {
        self.inner.can_start(command)
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        Ok(Box::new(Blamed { inner: self.inner.start(attempt).await?, as_what: self.as_what }))
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        self.inner.reattach(attempt).await
    }
}

#[derive(Debug)]
struct Blamed {
    inner: Box<dyn Running>,
    as_what: fn(End) -> End,
}

#[async_trait]
impl Running for Blamed {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        let mut outcome = self.inner.wait().await?;
        outcome.end = (self.as_what)(outcome.end);
        // Nor does it keep what the vendor said.
        outcome.receipt.limits.clear();
        Ok(outcome)
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        self.inner.stop(how).await
    }
}

/// What a watchdog goes by.
#[derive(Debug, Clone)]
pub(in crate::incidents) enum Watches {
    /// Lines that are printed, and nothing else.
    Output,
    /// The clock on the wall.
    Wall(Arc<YardClock>),
}

/// Stops what seems to hang.
#[derive(Debug)]
pub(in crate::incidents) struct Watchdog {
    pub(in crate::incidents) inner: Arc<dyn Runner>,
    pub(in crate::incidents) limit: Duration,
    pub(in crate::incidents) watches: Watches,
}

#[async_trait]
impl Runner for Watchdog {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let heard = watch::Sender::new(Instant::now());
        let last = heard.subscribe();
        let events = attempt.events.clone();
        let sink = EventSink::new(move |event| {
            if matches!(event, AttemptEvent::Line { .. } | AttemptEvent::Agent(_)) {
                heard.send_replace(Instant::now());
            }
            events.send(event);
        });
        let inner = self.inner.start(&Attempt { events: sink, ..attempt.clone() }).await?;
        let began = match &self.watches {
            Watches::Output => 0,
            Watches::Wall(clock) => clock.seconds(),
        };
        Ok(Box::new(Watched { inner, last, began, limit: self.limit, watches: self.watches.clone() }))
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        self.inner.reattach(attempt).await
    }
}

#[derive(Debug)]
struct Watched {
    inner: Box<dyn Running>,
    last: watch::Receiver<Instant>,
    began: i64,
    limit: Duration,
    watches: Watches,
}

impl Watched {
    /// Ends when it seems to hang.
    async fn hangs(watches: &Watches, last: &watch::Receiver<Instant>, began: i64, limit: Duration) {
        loop {
            match watches {
                Watches::Output => {
                    let until = *last.borrow() + limit;
                    if Instant::now() >= until {
                        return;
                    }
                    sleep_until(until).await;
                }
                Watches::Wall(clock) => {
                    if clock.seconds() - began >= i64::try_from(limit.as_secs()).unwrap_or(i64::MAX) {
                        return;
                    }
                    sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}

#[async_trait]
impl Running for Watched {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        tokio::select! {
            outcome = self.inner.wait() => return outcome,
            () = Self::hangs(&self.watches, &self.last, self.began, self.limit) => {}
        }
        self.inner.stop(Stop::Polite).await?;
        let outcome = self.inner.wait().await?;
        let limit = self.limit;
        let end = match self.watches {
            Watches::Output => End::TimedOutSilence { limit },
            Watches::Wall(_) => End::TimedOutWall { limit },
        };
        Ok(Outcome { end, ..outcome })
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        self.inner.stop(how).await
    }
}

/// Starts a program and ends it when its time is over: that one process, and nothing that it started.
#[derive(Debug)]
pub(in crate::incidents) struct RootAlone;

#[async_trait]
impl Runner for RootAlone {
    fn name(&self) -> &str {
        "root-alone"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            exit_status: true,
            reattach: false,
            containment: Containment::None,
            limits: true,
            sandbox: Sandbox::None,
        }
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let mut command = Command::new(&attempt.command.program);
        command.args(&attempt.command.args).current_dir(&attempt.cwd).stdin(Stdio::null());
        // The mark is for those who clean up behind the rehearsal.
        command.env(process::TAG_VARIABLE, &attempt.tag).env(process::ATTEMPT_VARIABLE, attempt.id.as_str());
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).kill_on_drop(true);
        let program = attempt.command.program.clone();
        let child = command.spawn().map_err(|source| RunnerError::Spawn { program, source })?;
        let pid = child.id().unwrap_or_default();
        let unknown = ProcessIdentity { pid, start_ticks: 0, boot_id: String::new() };
        attempt.events.send(AttemptEvent::Spawned(process::identity(pid).unwrap_or(unknown)));
        Ok(Box::new(Alone { child, end_at: Instant::now() + attempt.job.wall, limit: attempt.job.wall, end: None }))
    }

    async fn reattach(&self, _: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct Alone {
    child: Child,
    end_at: Instant,
    limit: Duration,
    end: Option<End>,
}

#[async_trait]
impl Running for Alone {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        let failed = |source| RunnerError::Other { what: "the process cannot be waited for".into(), source };
        tokio::select! {
            status = self.child.wait() => {
                let code = status.map_err(|err| failed(Some(err.into())))?.code();
                let by_itself = match code {
                    Some(0) => End::Succeeded,
                    code => End::TaskFailed { reason: format!("exit code {code:?}") },
                };
                return Ok(Outcome::new(self.end.get_or_insert(by_itself).clone()));
            }
            () = sleep_until(self.end_at) => {}
        }
        let end = self.end.get_or_insert(End::TimedOutWall { limit: self.limit }).clone();
        self.child.kill().await.map_err(|err| failed(Some(err.into())))?;
        Ok(Outcome::new(end))
    }

    async fn stop(&mut self, _: Stop) -> Result<(), RunnerError> {
        self.end.get_or_insert(End::Cancelled);
        // An error means that it has ended by itself.
        let _ = self.child.start_kill();
        Ok(())
    }
}
