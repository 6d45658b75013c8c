//! The machine under an engine, as far as the engine touches it besides git, its store and its executors.

use std::collections::BTreeSet;

use dayfly_core::{AttemptId, ProcessIdentity};

use crate::process;

/// What an engine stands on.
#[derive(Clone, Default)]
pub(super) enum Ground {
    /// This machine.
    #[default]
    Machine,
    /// None: all is simulated. There are no processes and no variables, and what would be done beside the runtime is done
    /// at once, so that the same things always happen in the same order.
    #[cfg(feature = "simulate")]
    Simulated(Killer),
}

/// Ends what is left of an attempt in a simulated world.
#[cfg(feature = "simulate")]
pub(crate) type Killer = std::sync::Arc<dyn Fn(&AttemptId) + Send + Sync>;

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_there() { "Machine" } else { "Simulated" })
    }
}

impl Ground {
    /// Whether there is a machine.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Ground::Machine)
    }

    /// Does what may block; `None` if it panicked.
    pub(super) async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match self {
            Ground::Machine => tokio::task::spawn_blocking(work).await.ok(),
            #[cfg(feature = "simulate")]
            Ground::Simulated(_) => Some(work()),
        }
    }

    /// Whether a variable of the environment holds anything.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.is_there() && std::env::var_os(name).is_some_and(|value| !value.is_empty())
    }

    /// Ends what is left of an attempt. A search that panicked found nothing to end.
    pub(super) async fn kill_attempt(&self, tag: &str, attempt: &AttemptId, process: Option<&ProcessIdentity>) {
        #[cfg(feature = "simulate")]
        if let Ground::Simulated(kill) = self {
            return kill(attempt);
        }
        let (tag, attempt, process) = (tag.to_owned(), attempt.clone(), process.cloned());
        self.blocking(move || process::kill_attempt(&tag, &attempt, process.as_ref())).await;
    }

    /// The same for many attempts at once.
    pub(super) async fn kill_attempts(&self, tag: &str, attempts: Vec<(AttemptId, Option<ProcessIdentity>)>) {
        if self.is_there() {
            let tag = tag.to_owned();
            self.blocking(move || process::kill_attempts(&tag, &attempts)).await;
        }
    }

    /// Ends all attempts of an installation but those that are known. Gives which there were.
    pub(super) async fn kill_strangers(&self, tag: &str, known: BTreeSet<String>) -> BTreeSet<String> {
        if !self.is_there() {
            return BTreeSet::new();
        }
        let tag = tag.to_owned();
        self.blocking(move || process::kill_strangers(&tag, &known)).await.unwrap_or_default()
    }
}
