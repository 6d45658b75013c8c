//! Why a session does not serve.

use std::io;
use std::time::Duration;

use camino::Utf8PathBuf;
use dayfly_core::{AttemptId, RunnerError};

/// Why a session does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TmuxError {
    /// There is no tmux that could be used.
    #[error("{0}")]
    Unusable(String),
    /// It could not be started.
    #[error("cannot start {program}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server of the session does not answer.
    #[error("tmux did not answer `{what}` within {limit:?}; its server is stopped or stuck: continue or end it")]
    Hung {
        /// What was asked.
        what: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// No server runs.
    #[error("no tmux server runs: {said}")]
    Gone {
        /// What tmux said.
        said: String,
    },
    /// The server has no such session or pane.
    #[error("tmux has no such thing: {said}")]
    NotFound {
        /// What tmux said.
        said: String,
    },
    /// It would not do what was asked.
    #[error("tmux refused `{what}`: {said}")]
    Refused {
        /// What was asked.
        what: String,
        /// What tmux said.
        said: String,
    },
    /// Another attempt holds the session.
    #[error("the session is busy with attempt {attempt}")]
    Busy {
        /// The attempt.
        attempt: AttemptId,
    },
    /// The program of the session ended.
    #[error("{0}")]
    Ended(String),
    /// The session did not become what it should be in time.
    #[error("{0}")]
    NotReady(String),
    /// A file of the session could not be used.
    #[error("cannot use {path}")]
    Files {
        /// The file or folder.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl TmuxError {
    /// Whether trying again later may help by itself.
    pub fn is_transient(&self) -> bool {
        match self {
            TmuxError::Hung { .. }
            | TmuxError::Busy { .. }
            | TmuxError::NotReady(_)
            | TmuxError::Gone { .. }
            | TmuxError::NotFound { .. } => true,
            TmuxError::Spawn { program, source } => {
                // Asked of the one place that knows which these are.
                let kind = io::Error::from(source.kind());
                RunnerError::Spawn { program: program.clone(), source: kind }.is_transient()
            }
            _ => false,
        }
    }

    /// The same, as the runner's contract has it.
    pub(super) fn into_runner(self, socket: &Utf8PathBuf) -> RunnerError {
        if self.is_transient() {
            let source = io::Error::new(io::ErrorKind::ResourceBusy, self.to_string());
            return RunnerError::Files { path: socket.clone(), source };
        }
        match self {
            TmuxError::Files { path, source } => RunnerError::Files { path, source },
            TmuxError::Spawn { program, source } => RunnerError::Spawn { program, source },
            other => RunnerError::Other { what: other.to_string(), source: None },
        }
    }
}
