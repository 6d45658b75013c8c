//! A session as people meet it: listed, attached to, ended.

use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::{AttemptId, ProjectName};
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::process;

use super::error::TmuxError;
use super::session::{Seen, Session};

/// How long the session's program may take to end when its terminal is gone.
const FAREWELL: Duration = Duration::from_secs(5);

/// How a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionStatus {
    /// The project.
    pub project: ProjectName,
    /// In short.
    pub state: SessionState,
    /// The attempt that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// The process of its program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many people look at it.
    pub people: usize,
    /// The socket of its tmux server.
    pub socket: Utf8PathBuf,
    /// What is wrong with it, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How a session stands, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// There is none; the next attempt makes it.
    Absent,
    /// It waits for an attempt.
    Idle,
    /// An attempt runs in it.
    Busy,
    /// Its attempt is followed by nobody: the engine ended. Its program may still be at work.
    Left,
    /// Its program has ended; the next attempt starts it anew.
    Ended,
    /// It does not answer.
    Stuck,
}

impl SessionState {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            SessionState::Absent => "absent",
            SessionState::Idle => "idle",
            SessionState::Busy => "busy",
            SessionState::Left => "left",
            SessionState::Ended => "ended",
            SessionState::Stuck => "stuck",
        }
    }
}

impl Session {
    /// How it stands. What cannot be found out is part of the answer.
    pub async fn status(&self) -> SessionStatus {
        let found = async {
            let tmux = self.tmux().await?;
            let seen = self.look(&tmux).await?;
            let people = match &seen {
                Some(_) => tmux.call(&["list-clients", "-t", &self.target(), "-F", "#{client_control_mode}"]).await?,
                None => String::new(),
            };
            Ok::<_, TmuxError>((seen, people.lines().filter(|row| *row == "0").count()))
        };
        let mut status = SessionStatus {
            project: self.project.clone(),
            state: SessionState::Absent,
            attempt: None,
            pid: None,
            since: None,
            people: 0,
            socket: self.place.socket.clone(),
            problem: None,
        };
        match found.await {
            Ok((None, _)) => {}
            Ok((Some(seen), people)) => {
                status.state = state(&seen);
                status.people = people;
                status.since = Timestamp::from_second(seen.created).ok();
                status.pid = seen.pane.filter(|pane| pane.ended.is_none()).map(|pane| pane.pid);
                status.attempt = seen.claim.map(|claim| claim.attempt);
            }
            Err(err) => {
                status.state = SessionState::Stuck;
                status.problem = Some(err.to_string());
            }
        }
        status
    }

    /// Makes the session if it is not there, and starts its program if that does not run. Tells whether it did.
    ///
    /// # Errors
    /// If there is no tmux, it does not answer, or the program cannot be started.
    pub async fn start(&self) -> Result<bool, TmuxError> {
        let tmux = self.tmux().await?;
        self.has_program().map_err(TmuxError::Unusable)?;
        let made = self.exist(&tmux).await?;
        let claimed = self.look(&tmux).await?.and_then(|seen| seen.claim);
        // The attempt that holds it sees to its program itself.
        if claimed.is_some_and(|claim| claim.is_followed()) {
            return Ok(false);
        }
        let (_, made) = self.run(&tmux, made).await?;
        Ok(made == super::session::Made::Started)
    }

    /// The command by which a person looks at the session and types into it.
    ///
    /// # Errors
    /// If there is no tmux.
    pub fn attach(&self) -> Result<std::process::Command, TmuxError> {
        let tmux = self.tmux_blocking()?;
        let mut command = std::process::Command::new(&tmux.program);
        command.args(["-u", "-f", "/dev/null", "-S", tmux.socket.as_str(), "attach-session", "-t", &self.target()]);
        // Within a tmux of one's own, it is another server all the same.
        command.env_remove("TMUX").env_remove("TMUX_PANE");
        Ok(command)
    }

    /// Ends the session, its server and its program. Tells whether there was one. A server that does not answer is
    /// killed, if it is one that was started here.
    ///
    /// # Errors
    /// If there is no tmux, or something is still there.
    pub async fn end(&self) -> Result<bool, TmuxError> {
        let tmux = self.tmux().await?;
        let (seen, stuck) = match self.look(&tmux).await {
            Ok(seen) => (seen, false),
            Err(TmuxError::Hung { .. }) => (None, true),
            Err(err) => return Err(err),
        };
        let server = self.noted().filter(process::is_alive);
        if seen.is_none() && server.is_none() {
            return Ok(false);
        }
        let pane = seen.and_then(|seen| seen.pane).filter(|pane| pane.ended.is_none());
        let program = pane.and_then(|pane| process::identity(pane.pid));
        let asked = if stuck { Ok(String::new()) } else { tmux.call(&["kill-server"]).await };
        match asked {
            Ok(_) | Err(TmuxError::Gone { .. } | TmuxError::Hung { .. }) => {}
            Err(err) => return Err(err),
        }
        let all = [server, program];
        let until = Instant::now() + FAREWELL;
        while !stuck && all.iter().flatten().any(process::is_alive) && Instant::now() < until {
            sleep(Duration::from_millis(20)).await;
        }
        for left in all.iter().flatten().filter(|left| process::is_alive(left)) {
            let Ok(pid) = i32::try_from(left.pid) else { continue };
            // The program leads a group of its own; the server's is its own, too.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = std::fs::remove_file(&self.place.socket);
        Ok(true)
    }
}

fn state(seen: &Seen) -> SessionState {
    match (&seen.claim, &seen.pane) {
        (Some(claim), _) if claim.is_followed() => SessionState::Busy,
        (_, None) => SessionState::Ended,
        (_, Some(pane)) if pane.ended.is_some() => SessionState::Ended,
        (Some(_), _) => SessionState::Left,
        (None, _) => SessionState::Idle,
    }
}
