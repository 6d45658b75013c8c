//! An attempt in a session: what is known of it while it is made ready, followed and ended.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AgentEvent, Attempt, End, Ending, EventReader, ExitFacts, Stream};
use tokio::time::{Instant, sleep_until};

use crate::liveness::{Liveness, Signs};
use crate::log::{self, Log, STDOUT_LOG};
use crate::process::{self, Group};
use crate::redact::KeptStream;
use crate::subprocess::Output;

use super::call::Tmux;
use super::claim::Held;
use super::control::{Control, Event};
use super::error::TmuxError;
use super::prompt::Asked;
use super::scan::{Said, Scanner};
use super::session::{Pane, Session};
use super::spot::Spot;

/// An attempt in a session that runs.
pub(super) struct Live {
    pub(super) spot: Spot,
    pub(super) attempt: Attempt,
    /// The attempt's folder, absolute.
    pub(super) dir: Utf8PathBuf,
    pub(super) asked: Asked,
    pub(super) control: Control,
    pub(super) output: Output,
    pub(super) liveness: Liveness,
    /// What is printed, on its way to the log.
    pub(super) kept: KeptStream,
    pub(super) started: Instant,
    /// When it began to be watched.
    pub(super) watched: Instant,
    /// When the pane last printed something.
    pub(super) heard: Instant,
    /// Whether all that it printed was shown, up to a possible beginning of a secret.
    pub(super) paused: bool,
    /// What the marker has said so far.
    pub(super) said: Option<Said>,
    /// Set if the pane may be gone, or nobody watches it any more: why, as far as tmux said it.
    pub(super) doubt: Option<String>,
    /// The claim on the session; none if another follows the same attempt and holds it.
    pub(super) held: Option<Held>,
    scanner: Scanner,
}

/// What happened in the session, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The pane printed something.
    Printed,
    /// Nothing that matters.
    Nothing,
    /// Something that must be looked into.
    Doubt,
}

/// What of an attempt is there before its session is.
pub(super) struct Begun {
    pub(super) session: Arc<Session>,
    pub(super) tmux: Tmux,
    pub(super) attempt: Attempt,
    pub(super) dir: Utf8PathBuf,
    pub(super) asked: Asked,
    pub(super) log: Log,
}

impl Live {
    /// Begins to watch the pane. How long the attempt has run already counts towards its limits.
    pub(super) async fn watch(begun: Begun, pane: Pane, held: Option<Held>, ran: Duration) -> Result<Self, TmuxError> {
        let Begun { session, tmux, attempt, dir, asked, log } = begun;
        let control = Control::attach(&tmux, &session.target(), &pane.id).await?;
        let now = Instant::now();
        let job = &attempt.job;
        let secrets = session.secrets();
        Ok(Self {
            output: Output::new(attempt.output, Box::new(Deaf), attempt.events.clone()),
            kept: KeptStream::new(&secrets, log),
            liveness: Liveness::new(job.silence_report, job.silence),
            scanner: Scanner::new(&asked.marker(), &asked.failure()),
            started: now.checked_sub(ran).unwrap_or(now),
            watched: now,
            heard: now,
            paused: true,
            said: None,
            doubt: None,
            spot: Spot { session, tmux, pane, claim: held.as_ref().map(|held| held.0.clone()) },
            attempt,
            dir,
            asked,
            control,
            held,
        })
    }

    /// Takes what happened in the session.
    pub(super) fn take(&mut self, event: Event) -> Taken {
        match event {
            Event::Output(bytes) => {
                self.heard = Instant::now();
                self.paused = false;
                self.liveness.heard(self.heard - self.watched);
                self.output.take(Stream::Stdout, self.kept.write(&bytes));
                self.said = self.scanner.push(&bytes).or(self.said);
                Taken::Printed
            }
            Event::Panes(panes) => {
                let runs = format!("{}=0", self.spot.pane.id);
                if panes.split_whitespace().any(|pane| pane == runs) {
                    return Taken::Nothing;
                }
                self.doubt.get_or_insert_default();
                Taken::Doubt
            }
            Event::Closed(reason) => {
                self.doubt = Some(reason);
                Taken::Doubt
            }
        }
    }

    /// Shows and keeps what was held back for the sake of secrets, because the pane prints no more for now.
    pub(super) fn pause(&mut self) {
        self.output.take(Stream::Stdout, self.kept.pause());
        self.paused = true;
    }

    /// Waits until the pane has printed nothing for `settle`, but no longer than `most`.
    pub(super) async fn quiet(&mut self, settle: Duration, most: Duration) -> Result<(), TmuxError> {
        let until = Instant::now() + most;
        let mut quiet_at = Instant::now() + settle;
        loop {
            tokio::select! {
                event = self.control.next() => match self.take(event) {
                    Taken::Printed => quiet_at = Instant::now() + settle,
                    Taken::Nothing => {}
                    Taken::Doubt => return Ok(()),
                },
                () = sleep_until(quiet_at.min(until)) => {
                    if quiet_at <= until {
                        self.pause();
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Waits until the pane prints something; `false` if it does not within `most`.
    pub(super) async fn printed(&mut self, most: Duration) -> bool {
        let until = Instant::now() + most;
        loop {
            tokio::select! {
                event = self.control.next() => match self.take(event) {
                    Taken::Printed => return true,
                    Taken::Nothing => {}
                    Taken::Doubt => return false,
                },
                () = sleep_until(until) => return false,
            }
        }
    }

    /// Looks for the marker on the screen: a program that draws only what changed may never print it whole.
    pub(super) async fn look_for_marker(&mut self, lines: &str) -> Result<(), TmuxError> {
        let screen = self.spot.screen(lines).await?;
        self.said = if screen.contains(&self.asked.marker()) {
            Some(Said::Done)
        } else if screen.contains(&self.asked.failure()) {
            Some(Said::Failed)
        } else {
            self.said
        };
        Ok(())
    }

    /// The signs of life of the session's program and all that it started.
    pub(super) fn signs(&self) -> Signs {
        let Some(leader) = process::identity(self.spot.pane.pid) else { return Signs::default() };
        let (tag, attempt) = (self.attempt.tag.clone(), self.attempt.id.clone());
        Group { leader, tag, attempt }.signs()
    }
}

/// The log of an attempt in `dir` that holds at most `limit` bytes.
pub(super) fn new_log(dir: &Utf8Path, limit: u64) -> Log {
    Log::new(dir.join(STDOUT_LOG), limit)
}

/// The log of an attempt that an engine began which has died: it goes on where that one ended.
pub(super) async fn continued_log(dir: Utf8PathBuf, limit: u64) -> Log {
    let at = dir.clone();
    let copied = tokio::task::spawn_blocking(move || {
        let (path, before) = (at.join(STDOUT_LOG), at.join("before.log"));
        // What went round is put behind the rest before it is named anew.
        let _ = log::join(&path, 0);
        let mut log = new_log(&at, limit);
        if fs::rename(&path, &before).is_err() {
            return log;
        }
        let mut chunk = vec![0; 1 << 16];
        if let Ok(mut file) = fs::File::open(&before) {
            while let Ok(read @ 1..) = file.read(&mut chunk) {
                log.write(&chunk[..read]);
            }
        }
        let _ = fs::remove_file(before);
        log
    });
    copied.await.unwrap_or_else(|_| new_log(&dir, limit))
}

/// A log that keeps nothing: its folder is not there. For who looks on while another writes the log.
pub(super) fn no_log(dir: &Utf8Path) -> Log {
    Log::new(dir.join("nowhere").join(STDOUT_LOG), 0)
}

/// Writes a file of the attempt's, for the owner alone, so that nobody ever reads half of it.
pub(super) fn write(path: &Utf8Path, text: &str) -> Result<(), TmuxError> {
    let temporary = Utf8PathBuf::from(format!("{path}.new"));
    let written = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        fs::rename(&temporary, path)
    };
    written().map_err(|source| TmuxError::Files { path: path.to_owned(), source })
}

/// Understands nothing: on a terminal, an agent's words and what it quotes cannot be told apart.
#[derive(Debug)]
struct Deaf;

impl EventReader for Deaf {
    fn line(&mut self, _line: &[u8]) -> Vec<AgentEvent> {
        Vec::new()
    }

    fn is_record(&self, _line: &[u8]) -> bool {
        false
    }

    fn finish(self: Box<Self>, _exit: ExitFacts) -> Ending {
        let end = End::Unknown { reason: "a session has no records".into() };
        Ending::new(end)
    }
}
