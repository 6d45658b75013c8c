//! From an attempt to a prompt that was handed in.

use std::fs::{self, File};
use std::time::Duration;

use camino::Utf8Path;
use dayfly_core::{AttemptEvent, SessionPrompt, Stream};

use super::call::Tmux;
use super::claim::{Claim, Held};
use super::control::Control;
use super::error::TmuxError;
use super::live::{Begun, Live, write};
use super::session::{Made, Pane, Session};
use super::spot::Spot;

/// How long a program may take until it can take its first prompt.
const START: Duration = Duration::from_secs(60);
/// How long a session that prints all the time is waited for.
const BUSY: Duration = Duration::from_secs(10);
/// How long a program may take to show a long prompt.
const PASTE: Duration = Duration::from_secs(30);
/// How soon a program shows that it was handed something.
const TAKEN: Duration = Duration::from_secs(2);
/// How often a prompt is handed in, at most.
const TRIES: usize = 3;
/// How often the screen is looked at for the text that says that a program is ready.
const LOOK: Duration = Duration::from_millis(200);

/// Starts an attempt: makes the session ready, claims it, and hands the prompt in.
pub(super) async fn begin(begun: Begun) -> Result<Live, TmuxError> {
    let (session, tmux) = (begun.session.clone(), begun.tmux.clone());
    let events = begun.attempt.events.clone();
    let ours = match take(&session, &tmux, &begun).await {
        // The server ended with what the session was at before. Nothing was handed in yet, and another one is started.
        Err(TmuxError::Gone { .. }) => take(&session, &tmux, &begun).await?,
        taken => taken?,
    };
    let Ours { held, left, pane, made } = ours;
    if session.place.is_elsewhere() && made == Made::Started {
        let text = format!("dayfly: the path was too long; the socket is {}", session.place.socket);
        events.send(AttemptEvent::Line { stream: Stream::Stderr, text });
    }
    let claim = held.0.clone();
    let ready = async {
        let mut live = Live::watch(begun, pane, Some(held), Duration::ZERO).await?;
        match live.make_ready(made, left).await {
            // What it was at before is no reason against this attempt.
            Err(TmuxError::Ended(_)) if made == Made::Found => live.restart().await?,
            ready => ready?,
        }
        live.hand_in().await?;
        Ok(live)
    };
    match ready.await {
        Ok(live) => Ok(live),
        Err(err) => {
            let _ = session.release(&tmux, &claim).await;
            Err(err)
        }
    }
}

/// A session that is claimed, and whose program runs.
struct Ours {
    held: Held,
    /// Whether an attempt that nobody follows any more was at work.
    left: bool,
    pane: Pane,
    made: Made,
}

async fn take(session: &Session, tmux: &Tmux, begun: &Begun) -> Result<Ours, TmuxError> {
    let made = session.exist(tmux).await?;
    let (held, left) = session.claim(tmux, Claim::new(&begun.attempt.id)).await?;
    match session.run(tmux, made).await {
        Ok((pane, made)) => Ok(Ours { held, left, pane, made }),
        Err(err) => {
            let _ = session.release(tmux, &held.0).await;
            Err(err)
        }
    }
}

impl Live {
    /// Waits until the program can take a prompt.
    async fn make_ready(&mut self, made: Made, left: bool) -> Result<(), TmuxError> {
        let settle = self.spot.session.config.settle;
        if left && made == Made::Found {
            // Nobody follows what it is at.
            self.spot.keys(&self.spot.session.config.interrupt).await?;
        }
        match (made, self.spot.session.config.ready.clone()) {
            (Made::Found, _) => self.quiet(settle, BUSY).await?,
            (Made::Started, None) => self.quiet(settle, START).await?,
            (Made::Started, Some(text)) => self.shows(&text).await?,
        }
        self.spot.check().await
    }

    /// Starts the program anew that ended by itself.
    async fn restart(&mut self) -> Result<(), TmuxError> {
        let Spot { session, tmux, .. } = self.spot.clone();
        let (pane, made) = session.run(&tmux, Made::Found).await?;
        // A client that has seen the end of a pane is told no more of it.
        let control = Control::attach(&tmux, &session.target(), &pane.id).await?;
        std::mem::replace(&mut self.control, control).end().await;
        self.spot.pane = pane;
        self.doubt = None;
        self.make_ready(made, false).await
    }

    async fn shows(&mut self, text: &str) -> Result<(), TmuxError> {
        let until = tokio::time::Instant::now() + START;
        while !self.spot.screen("-").await?.contains(text) {
            self.spot.check().await?;
            if tokio::time::Instant::now() >= until {
                let what = format!("the session's program did not show `{text}` within {START:?}; mend `ready`");
                return Err(TmuxError::NotReady(what));
            }
            self.quiet(LOOK, LOOK).await?;
        }
        self.quiet(self.spot.session.config.settle, BUSY).await
    }

    /// Pastes the prompt and hands it in.
    async fn hand_in(&mut self) -> Result<(), TmuxError> {
        let settle = self.spot.session.config.settle;
        remove(&self.spot.session.place.done())?;
        let kept = serde_json::to_string(&self.asked).unwrap_or_default();
        write(&self.dir.join("session.json"), &kept)?;
        let path = self.dir.join("pasted.txt");
        write(&path, &self.asked.text(&self.attempt, &self.dir))?;
        let path = match self.spot.session.config.prompt {
            SessionPrompt::Text => path,
            SessionPrompt::File => {
                let line = self.dir.join("pasted-line.txt");
                write(&line, &format!("Do what this file says, to its end: {path}"))?;
                line
            }
        };
        let text = File::open(&path).map_err(|source| TmuxError::Files { path: path.clone(), source })?;
        let buffer = self.asked.marker();
        self.spot.tmux.call_with(&["load-buffer", "-b", &buffer, "-"], text).await?;
        // In brackets, if the program knows them: then no line of it is handed in before the end.
        let pane = self.spot.pane.id.clone();
        let paste = ["copy-mode", "-q", "-t", &pane, ";", "paste-buffer", "-p", "-d", "-b", &buffer, "-t", &pane];
        if let Err(err) = self.spot.tmux.call(&paste).await {
            let _ = self.spot.tmux.call(&["delete-buffer", "-b", &buffer]).await;
            return Err(err);
        }
        // A busy machine shows the paste late; the keys are not to be taken for a part of it.
        self.printed(TAKEN).await;
        self.quiet(settle, PASTE).await?;
        for _ in 0..TRIES {
            self.spot.keys(&self.spot.session.config.submit).await?;
            // Only a program that shows nothing at all is given the keys again: they could answer a question.
            if self.printed(TAKEN).await || self.doubt.is_some() {
                break;
            }
        }
        Ok(())
    }
}

fn remove(path: &Utf8Path) -> Result<(), TmuxError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(TmuxError::Files { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
