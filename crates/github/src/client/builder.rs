//! Putting a client together.

use std::sync::Arc;

use camino::Utf8PathBuf;
use dayfly_core::Clock;
use tokio::sync::OnceCell;

use super::{GitHub, Inner};
use crate::capability::Known;
use crate::journal::Journal;
use crate::place::{GITHUB_COM, Place};
use crate::transport::Transport;
use crate::{Auth, GitHubError, Pace};

/// Puts a [`GitHub`] together.
#[derive(Debug)]
pub struct GitHubBuilder {
    auth: Auth,
    clock: Arc<dyn Clock>,
    base: String,
    pace: Pace,
    journal: Option<Utf8PathBuf>,
}

impl GitHub {
    /// A client of github.com, until told otherwise.
    pub fn builder(auth: Auth, clock: Arc<dyn Clock>) -> GitHubBuilder {
        GitHubBuilder { auth, clock, base: GITHUB_COM.into(), pace: Pace::default(), journal: None }
    }
}

impl GitHubBuilder {
    /// The API at this address: `https://HOST/api/v3` for a GitHub Enterprise Server.
    pub fn base(mut self, base: impl Into<String>) -> Self {
        self.base = base.into();
        self
    }

    /// With this pace in place of the default one.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// With a journal of writes in this folder. Without one, nobody knows after a crash what was under way.
    pub fn journal(mut self, folder: impl Into<Utf8PathBuf>) -> Self {
        self.journal = Some(folder.into());
        self
    }

    /// The client. It reads the journal, and touches no network.
    ///
    /// # Errors
    /// [`GitHubError::Setup`] if the address is none, the journal cannot be opened, or the system has no certificates.
    pub fn build(self) -> Result<GitHub, GitHubError> {
        let place = Place::new(&self.base)?;
        let known = Known::new(&place);
        let journal = match self.journal {
            Some(folder) => {
                let what = format!("the journal of writes in {folder} cannot be opened");
                let opened = Journal::open(&folder);
                opened.map_err(|e| GitHubError::Setup { what, source: Some(Box::new(e)) })?
            }
            None => Journal::in_memory(),
        };
        let transport = Transport::new(place, self.clock, self.pace)?;
        let inner = Inner { auth: self.auth, transport, journal: Arc::new(journal), identity: OnceCell::new(), known };
        Ok(GitHub { inner: Arc::new(inner) })
    }
}
