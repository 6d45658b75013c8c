//! Who holds a session: one attempt at a time, by an option of the session itself.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use dayfly_core::{AttemptId, ProcessIdentity};

use crate::process;

use super::prompt::random;

/// The claims that attempts of this process hold. One that is not here was given up without a word.
static LIVE: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A claim, as the session's option `@dayfly_attempt` holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) attempt: AttemptId,
    nonce: String,
    owner: ProcessIdentity,
}

/// Keeps a claim of this process alive.
#[derive(Debug)]
pub(super) struct Held(pub(super) Claim);

impl Claim {
    pub(super) fn new(attempt: &AttemptId) -> Self {
        let pid = std::process::id();
        let unknown = ProcessIdentity { pid, start_ticks: 0, boot_id: "none".into() };
        let owner = process::identity(pid).unwrap_or(unknown);
        Self { attempt: attempt.clone(), nonce: random(), owner }
    }

    /// The claim in the option's text; `None` if there is none, or it is not ours to understand.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let [attempt, nonce, pid, start_ticks, boot_id] = parts.as_slice() else { return None };
        let owner = ProcessIdentity {
            pid: pid.parse().ok()?,
            start_ticks: start_ticks.parse().ok()?,
            boot_id: (*boot_id).to_owned(),
        };
        Some(Self { attempt: AttemptId::from_text(*attempt), nonce: (*nonce).to_owned(), owner })
    }

    /// The option's text. Nothing in it means anything to tmux.
    pub(super) fn text(&self) -> String {
        let ProcessIdentity { pid, start_ticks, boot_id } = &self.owner;
        format!("{}/{}/{pid}/{start_ticks}/{boot_id}", self.attempt, self.nonce)
    }

    /// Whether somebody still follows the attempt.
    pub(super) fn is_followed(&self) -> bool {
        if self.owner.pid == std::process::id() {
            return live().contains(&self.nonce);
        }
        process::is_alive(&self.owner)
    }

    /// The claim as one of this process.
    pub(super) fn hold(self) -> Held {
        live().insert(self.nonce.clone());
        Held(self)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        live().remove(&self.0.nonce);
    }
}

fn live() -> std::sync::MutexGuard<'static, BTreeSet<String>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_followed_as_long_as_it_is_held() {
        let claim = Claim::new(&AttemptId::from_text("notes.1.exec.1"));
        assert_eq!(Claim::read(&claim.text()), Some(claim.clone()));
        assert!(!claim.is_followed());
        let held = claim.clone().hold();
        assert!(claim.is_followed());
        drop(held);
        assert!(!claim.is_followed());
        let mut other = claim;
        other.owner.pid = 4_194_305;
        assert!(!other.is_followed(), "no process can have that number");
        assert_eq!(Claim::read("a person's words"), None);
    }
}
