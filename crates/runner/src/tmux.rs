//! The executor for projects that keep one lasting interactive session, such as `claude` in a terminal.

mod awake;
mod begin;
mod call;
mod claim;
mod control;
mod done;
mod error;
mod follow;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod hush;
mod live;
mod place;
mod prompt;
mod scan;
mod session;
mod spot;
mod status;
mod version;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Attempt, Capabilities, Clock as _, CommandLine, Containment, Outcome, Runner, RunnerError, Running, Sandbox, Stop,
    Trust,
};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::SystemClock;
use crate::subprocess::attempt_files;

use awake::Awake;
use claim::Claim;
use follow::{Hand, asked};
use hush::Hush;
use live::{Begun, Live, continued_log, new_log, no_log};
use prompt::Asked;
use spot::Spot;

pub use error::TmuxError;
pub use session::Session;
pub use status::{SessionState, SessionStatus};
pub use version::find_tmux;

/// The longest a call of tmux may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// The most that is read of a file in which something is kept of an attempt.
const KEPT_BYTES: u64 = 8 << 20;

/// Gives each attempt as a prompt to the one lasting session of a project, and waits until the agent tells that it has
/// done: by a marker that it prints, or by a file.
///
/// The session outlives attempts and engines. Nothing holds it back: it is no place for text of people without write
/// permission, and an attempt at such a text is refused. The attempt's own command line is not used; the session's is.
/// An attempt is stopped by the keys that interrupt the session's program, and the session stays.
#[derive(Debug)]
pub struct TmuxRunner {
    session: Arc<Session>,
    tasks: Tasks,
}

/// What follows the attempts of a runner. It outlives those who wait for them, to leave the session in good order, and
/// ends with the last of them and the runner.
type Tasks = Arc<Mutex<JoinSet<()>>>;

impl TmuxRunner {
    /// The executor for a session.
    pub fn new(session: Session) -> Self {
        Self { session: Arc::new(session), tasks: Tasks::default() }
    }

    /// With another limit than 30 seconds for each call of tmux.
    #[must_use]
    pub fn call_limit(self, limit: Duration) -> Self {
        let session = Session { limit, ..(*self.session).clone() };
        Self { session: Arc::new(session), ..self }
    }

    /// With this tmux instead of the one on `PATH`.
    #[must_use]
    pub fn tmux(self, program: impl Into<std::path::PathBuf>) -> Self {
        let session = Session { program: Some(program.into()), ..(*self.session).clone() };
        Self { session: Arc::new(session), ..self }
    }

    /// Its session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    fn error(&self, err: TmuxError) -> RunnerError {
        err.into_runner(&self.session.place.socket)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn running(&self, outcome: watch::Receiver<Option<Outcome>>, stop: watch::Sender<Option<Stop>>) -> TmuxRunning {
        TmuxRunning { outcome, stop, _tasks: Arc::clone(&self.tasks) }
    }

    /// Follows an attempt that runs already.
    async fn found(&self, attempt: &Attempt, dir: Utf8PathBuf) -> Result<Option<Live>, TmuxError> {
        let kept = done::read(dir.join("session.json"), KEPT_BYTES).await;
        let Some(asked) = kept.and_then(|text| Asked::read(&text)) else { return Ok(None) };
        let tmux = self.session.tmux().await?;
        let Some(seen) = self.session.look(&tmux).await? else { return Ok(None) };
        let (Some(pane), Some(claim)) = (seen.pane, seen.claim.filter(|claim| claim.attempt == attempt.id)) else {
            return Ok(None);
        };
        let held = if claim.is_followed() {
            None
        } else {
            let held = Claim::new(&attempt.id).hold();
            if !self.session.swap(&tmux, &claim, &held.0).await? {
                return Err(TmuxError::Busy { attempt: attempt.id.clone() });
            }
            Some(held)
        };
        let log = match held {
            Some(_) => continued_log(dir.clone(), attempt.output.log_bytes).await,
            None => no_log(&dir),
        };
        let ran = Awake::now().since(asked.awake.as_ref());
        let session = Arc::clone(&self.session);
        let begun = Begun { session, tmux, attempt: attempt.clone(), dir, asked, log };
        let mut live = Live::watch(begun, pane, held, ran).await?;
        live.look_for_marker("-").await?;
        Ok(Some(live))
    }
}

fn absolute(dir: &Utf8Path) -> Utf8PathBuf {
    std::path::absolute(dir).ok().and_then(|dir| Utf8PathBuf::from_path_buf(dir).ok()).unwrap_or(dir.to_owned())
}

#[async_trait]
impl Runner for TmuxRunner {
    fn name(&self) -> &str {
        "tmux"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            exit_status: false,
            reattach: true,
            containment: Containment::None,
            limits: true,
            sandbox: Sandbox::None,
        }
    }

    fn can_start(&self, _command: &CommandLine) -> Result<(), String> {
        self.session.can_start()
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        if attempt.job.trust < Trust::Writer {
            let what = "people without write permission wrote in the issue, and nothing holds a session back";
            return Err(RunnerError::Other { what: what.into(), source: None });
        }
        if !attempt.job.sandbox.is_default() {
            let what = "the job asks for a sandbox or for limits, which a session does not have";
            return Err(RunnerError::Other { what: what.into(), source: None });
        }
        let tmux = self.session.tmux().await.map_err(|err| self.error(err))?;
        let files = {
            let attempt = attempt.clone();
            tokio::task::spawn_blocking(move || attempt_files(&attempt)).await
        };
        let files = files.map_err(|e| RunnerError::Other {
            what: "the attempt's folder was not made".into(),
            source: Some(e.into()),
        })??;
        let asked = Asked::new(self.session.config.done, SystemClock.now());
        let session = Arc::clone(&self.session);
        let dir = files.dir;
        let log = new_log(&dir, attempt.output.log_bytes);
        let hush = Hush::new(attempt.events.clone());
        let attempt = Attempt { events: hush.sink(), ..attempt.clone() };
        let begun = Begun { session, tmux, attempt, dir, asked, log };
        let (stop, stops) = watch::channel(None);
        let (ended, outcome) = watch::channel(None);
        let (tell, told) = oneshot::channel();
        self.spawn(run(begun, stops, tell, ended));
        match told.await {
            Ok(Ok(())) => {
                hush.open();
                Ok(Box::new(self.running(outcome, stop)))
            }
            Ok(Err(err)) => Err(self.error(err)),
            Err(_) => Err(RunnerError::Other { what: "the attempt was given up".into(), source: None }),
        }
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        let dir = absolute(&attempt.dir);
        let mut looked = None;
        // It may end between the two looks; then the second one finds how.
        for _ in 0..2 {
            let kept = done::read(dir.join("outcome.json"), KEPT_BYTES).await;
            if let Some(outcome) = kept.and_then(|text| serde_json::from_str::<Outcome>(&text).ok()) {
                let (stop, outcome) = (watch::channel(None).0, watch::channel(Some(outcome)).1);
                return Ok(Some(Box::new(self.running(outcome, stop))));
            }
            looked = self.found(attempt, dir.clone()).await.map_err(|err| self.error(err))?;
            if looked.is_some() {
                break;
            }
        }
        let Some(live) = looked else { return Ok(None) };
        let (stop, mut stops) = watch::channel(None);
        let (ended, outcome) = watch::channel(None);
        self.spawn(async move {
            let outcome = live.follow(&mut stops).await;
            ended.send_replace(Some(outcome));
        });
        Ok(Some(Box::new(self.running(outcome, stop))))
    }
}

/// Carries an attempt from its start to its end. If nobody waits for it any more while it starts, it is interrupted as
/// soon as it could be.
async fn run(
    begun: Begun,
    mut stop: watch::Receiver<Option<Stop>>,
    tell: oneshot::Sender<Result<(), TmuxError>>,
    ended: watch::Sender<Option<Outcome>>,
) {
    let (session, tmux, id) = (Arc::clone(&begun.session), begun.tmux.clone(), begun.attempt.id.clone());
    let started = tokio::select! {
        biased;
        Hand::Gone = asked(&mut stop) => None,
        started = begin::begin(begun) => Some(started),
    };
    match started {
        Some(Ok(live)) => {
            let _ = tell.send(Ok(()));
            let outcome = live.follow(&mut stop).await;
            ended.send_replace(Some(outcome));
        }
        Some(Err(err)) => {
            let _ = tell.send(Err(err));
        }
        None => Spot::leave(session, tmux, &id).await,
    }
}

/// An attempt in the session. Dropping it interrupts the session's program.
#[derive(Debug)]
struct TmuxRunning {
    outcome: watch::Receiver<Option<Outcome>>,
    stop: watch::Sender<Option<Stop>>,
    _tasks: Tasks,
}

#[async_trait]
impl Running for TmuxRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        let ended = self.outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match ended {
            Ok(Some(outcome)) => Ok(outcome),
            _ => Err(RunnerError::Other { what: "the attempt is followed no more".into(), source: None }),
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

#[cfg(test)]
mod tests;
