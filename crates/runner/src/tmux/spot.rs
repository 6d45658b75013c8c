//! The pane in which an attempt runs, and what can be done there.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{AttemptId, End};
use tokio::time::{Instant, sleep};

use super::call::Tmux;
use super::claim::Claim;
use super::error::TmuxError;
use super::session::{Pane, Session};

/// How often a session is looked at whose attempt somebody else is to end.
const LOOK: Duration = Duration::from_millis(50);

impl Session {
    /// Interrupts the attempt in the session, and leaves the session to the next one. Whoever follows the attempt has
    /// `patience` to do so themselves. Gives the attempt, if there was one.
    ///
    /// # Errors
    /// If tmux does not do what it is asked to.
    pub async fn interrupt(&self, patience: Duration) -> Result<Option<AttemptId>, TmuxError> {
        if !self.place.socket.exists() {
            return Ok(None);
        }
        let tmux = self.tmux().await?;
        let end = Instant::now() + patience;
        let mut found = None;
        loop {
            let seen = self.look(&tmux).await?;
            let Some((claim, pane)) = seen.and_then(|seen| Some((seen.claim?, seen.pane?))) else { return Ok(found) };
            found = Some(claim.attempt.clone());
            if claim.is_followed() && Instant::now() < end {
                sleep(LOOK).await;
                continue;
            }
            let spot = Spot { session: Arc::new(self.clone()), tmux: tmux.clone(), pane, claim: Some(claim.clone()) };
            spot.keys(&self.config.interrupt).await?;
            self.release(&tmux, &claim).await?;
            return Ok(found);
        }
    }
}

/// The pane of a session's program, as one attempt knows it.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) session: Arc<Session>,
    pub(super) tmux: Tmux,
    pub(super) pane: Pane,
    /// The claim with which the attempt holds the session; none if it only looks on.
    pub(super) claim: Option<Claim>,
}

impl Spot {
    /// Interrupts an attempt that nobody follows any more, and gives its claim up. What cannot be done now is done by
    /// the next attempt.
    pub(super) async fn leave(session: Arc<Session>, tmux: Tmux, attempt: &AttemptId) {
        let Ok(Some(seen)) = session.look(&tmux).await else { return };
        let claim = seen.claim.filter(|claim| claim.attempt == *attempt && !claim.is_followed());
        let (Some(pane), Some(claim)) = (seen.pane, claim) else { return };
        let spot = Self { session, tmux, pane, claim: Some(claim.clone()) };
        let _ = spot.keys(&spot.session.config.interrupt).await;
        let _ = spot.session.release(&spot.tmux, &claim).await;
    }

    /// The same, with calls that take no longer than `most`.
    pub(super) fn within(&self, most: Duration) -> Self {
        let limit = self.tmux.limit.min(most);
        Self { tmux: Tmux { limit, ..self.tmux.clone() }, ..self.clone() }
    }

    /// Sends keys to the program, out of whatever a person looks at in the pane: in copy mode they would be commands.
    pub(super) async fn keys(&self, keys: &[String]) -> Result<(), TmuxError> {
        let mut words = vec!["copy-mode", "-q", "-t", &self.pane.id, ";", "send-keys", "-t", &self.pane.id];
        words.extend(keys.iter().map(String::as_str));
        self.tmux.call(&words).await.map(drop)
    }

    /// The text of the pane: `lines` that have scrolled away, and all that is to be seen. With its secrets: it must be
    /// masked before any of it is kept or shown.
    pub(super) async fn screen(&self, lines: &str) -> Result<String, TmuxError> {
        self.tmux.call(&["capture-pane", "-p", "-J", "-t", &self.pane.id, "-S", lines]).await
    }

    /// Why the attempt cannot go on, if the session is no longer what it was.
    pub(super) async fn lost(&self) -> Option<End> {
        let reason = match self.session.look(&self.tmux).await {
            Err(err) => err.to_string(),
            Ok(None) => "the session was closed, or its tmux server was ended".into(),
            Ok(Some(seen)) => match seen.pane.filter(|pane| pane.id == self.pane.id) {
                None => "the pane of the session's program was closed".into(),
                Some(Pane { ended: Some(status), .. }) => {
                    format!("the session's program ended{status} before it told that it had done")
                }
                Some(_) if self.claim.is_some() && seen.claim != self.claim => {
                    "somebody else took the session over".into()
                }
                Some(_) => return None,
            },
        };
        Some(End::Host { reason })
    }

    /// Whether the program still runs; what it showed last, if not.
    pub(super) async fn check(&self) -> Result<(), TmuxError> {
        let Some(seen) = self.session.look(&self.tmux).await? else {
            return Err(TmuxError::NotReady("the session was closed while it was made ready".into()));
        };
        let Some(status) = seen.pane.and_then(|pane| pane.ended) else { return Ok(()) };
        let screen = self.session.masked(&self.screen("-").await.unwrap_or_default());
        let shown = |line: &&str| !line.trim().is_empty() && !line.starts_with("Pane is dead");
        let last = screen.lines().rfind(shown).unwrap_or("it showed nothing").trim();
        let program = self.session.config.command.join(" ");
        Err(TmuxError::Ended(format!(
            "the session's program `{program}` ended{status} before it could take a prompt: {last}"
        )))
    }
}
