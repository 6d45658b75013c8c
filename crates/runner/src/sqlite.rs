//! The ledger in an SQLite file.

mod archive;
mod audit;
mod backup;
mod failure;
mod fold;
mod place;
mod reading;
mod rebuild;
mod restore;
mod rows;
mod schema;
mod writer;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AttemptId, Batch, Clock, Epoch, IssueRef, IssueState, Record, Seq, State, Store, StoreError, Token};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::clock::SystemClock;
use schema::Access;
use writer::{Reply, Request, Writer};

pub use archive::Archived;
pub use archive::shelf::{Archive, archives};
pub use audit::{Audit, audit};
pub use backup::{Backup, backup, backup_name, backups, prune_backups};
pub use place::refuse_lost;
pub use rebuild::Rebuilt;
pub(crate) use restore::Restoring;

/// How many requests may wait for the thread before those who ask wait too.
const QUEUE: usize = 64;

/// How long an engine's store waits for another process that writes: meanwhile the engine hears nobody.
const SOON: Duration = Duration::from_secs(2);

/// Keeps the ledger in an SQLite file.
///
/// One thread owns the connection; the handles send it requests. Several processes may open the
/// same file: the epoch and the head are read from the file at each append, so that an engine whose
/// place was taken notices it there. The thread ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    thread: Arc<StoreThread>,
}

#[derive(Debug)]
struct StoreThread {
    path: Utf8PathBuf,
    // Both are there until the drop takes them.
    requests: Option<mpsc::Sender<Request>>,
    handle: Option<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the ledger at `path` for reading and writing, and makes it if there is none.
    ///
    /// # Errors
    /// If the file cannot be opened, is no ledger of dayfly, was written by a newer dayfly, or is missing although what it
    /// led to is there.
    pub fn open(path: &Utf8Path) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Arc::new(SystemClock))
    }

    /// As [`SqliteStore::open`], with the clock by which leases run.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with_clock(path: &Utf8Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        refuse_lost(path)?;
        make_folder(path)?;
        Self::start(path, Access::Write, clock, None)
    }

    /// As [`SqliteStore::open`], for an engine: while another process keeps the ledger locked, it is soon told that it
    /// does not serve, and listens to people until it does.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_for_engine(path: &Utf8Path) -> Result<Self, StoreError> {
        refuse_lost(path)?;
        make_folder(path)?;
        Self::start(path, Access::Write, Arc::new(SystemClock), Some(SOON))
    }

    /// Opens the ledger at `path` for reading only, while an engine may write to it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], and if there is no such file.
    pub fn open_read_only(path: &Utf8Path) -> Result<Self, StoreError> {
        refuse_lost(path)?;
        Self::start(path, Access::Read, Arc::new(SystemClock), None)
    }

    /// Whether nothing has been recorded yet.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.read(Seq(0), 1).await?.is_empty())
    }

    /// Makes all that is kept besides the records anew from them, compares it with what was stored, and mends that where
    /// it differs. Nothing else may write meanwhile.
    ///
    /// # Errors
    /// If the ledger cannot be folded, or the file not be written.
    pub async fn rebuild(&self) -> Result<Rebuilt, StoreError> {
        self.ask(Request::Rebuild).await
    }

    /// Moves the records up to the first that is not older than `before` into compressed files in the folder `archive`
    /// beside the ledger, and gives their space back. They are read there from then on. What runs and the last records
    /// stay. The caller holds the lock of the state directory: files that an archive left which was cut short are removed.
    ///
    /// # Errors
    /// If the ledger is not in order, or a file cannot be written. What was not moved is where it was.
    pub async fn archive(&self, before: Timestamp) -> Result<Archived, StoreError> {
        self.ask(|reply| Request::Archive(before, archive::Cut::USUAL, reply)).await
    }

    fn start(
        path: &Utf8Path,
        access: Access,
        clock: Arc<dyn Clock>,
        patience: Option<Duration>,
    ) -> Result<Self, StoreError> {
        let connection = schema::connect(path, access)?;
        if let Some(patience) = patience {
            connection.busy_timeout(patience).map_err(|err| failure::sqlite(path, err))?;
        }
        let (requests, received) = mpsc::channel(QUEUE);
        let writer = Writer::new(path.to_owned(), connection, access, clock);
        let handle = std::thread::Builder::new()
            .name("dayfly-ledger".into())
            .spawn(move || writer.run(received))
            .map_err(|err| failure::other(format!("no thread can be started for the ledger `{path}`"), err))?;
        let thread = StoreThread { path: path.to_owned(), requests: Some(requests), handle: Some(handle) };
        Ok(Self { thread: Arc::new(thread) })
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, StoreError> {
        let gone = || {
            let what = format!("the ledger `{}` is not served any more; start dayfly again", self.thread.path);
            failure::other(what, "its thread has ended")
        };
        let (reply, answer) = oneshot::channel();
        let requests = self.thread.requests.as_ref().ok_or_else(gone)?;
        requests.send(request(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn take_over(&self) -> Result<Epoch, StoreError> {
        self.ask(Request::TakeOver).await
    }

    async fn append(&self, batch: &Batch) -> Result<Vec<Record>, StoreError> {
        let batch = Box::new(batch.clone());
        self.ask(|reply| Request::Append(batch, reply)).await
    }

    async fn read(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.ask(|reply| Request::Read { after, limit, reply }).await
    }

    async fn load(&self) -> Result<State, StoreError> {
        self.ask(Request::Load).await
    }

    async fn recall(&self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        self.ask(|reply| Request::Recall(issues.to_vec(), reply)).await
    }

    async fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Record>, StoreError> {
        self.ask(|reply| Request::Between(from, to, reply)).await
    }

    async fn about(&self, issue: &IssueRef) -> Result<Vec<Record>, StoreError> {
        self.ask(|reply| Request::About(issue.clone(), reply)).await
    }

    async fn renew(
        &self,
        epoch: Epoch,
        held: &[(AttemptId, Token)],
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        let held = held.to_vec();
        self.ask(|reply| Request::Renew { epoch, held, lease, reply }).await
    }
}

fn make_folder(path: &Utf8Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let failed = |err| failure::other(format!("cannot make the folder `{folder}` for the ledger"), err);
    std::fs::create_dir_all(folder).map_err(failed)
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(handle) = self.handle.take() {
            // A panic of the thread has been shown to those who asked.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests;
