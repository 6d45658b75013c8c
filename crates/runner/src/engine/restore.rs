//! Going back to a backup of the ledger without doing anything twice.
//!
//! What was recorded after the backup is gone, and what it led to is not: attempts have run, effects were sent. Effects that
//! the backup knows are looked up by their keys before they are sent. Attempts that it does not know have left their
//! folders: none of their names is given again, what still runs of them is ended, and their issues wait for a person.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, AttemptId, Batch, IssueRef, Portfolio, State, Store as _, StoreError, restored};
use jiff::Timestamp;
use serde::Serialize;

use crate::process;
use crate::sqlite::{Restoring, SqliteStore};
use crate::subprocess::is_kept;

use super::house::attempt_dir;
use super::lock::StateLock;

/// What was done to put a backup in the place of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Restored {
    /// The place to which the ledger went back.
    pub head: Anchor,
    /// The place that the replaced ledger had come to, as far as it was in order; `None` if there was none to read.
    pub replaced: Option<Anchor>,
    /// Where the replaced ledger is kept.
    pub kept: Option<Utf8PathBuf>,
    /// Attempts of which the backup does not know that they were made, or how they ended.
    pub in_doubt: Vec<AttemptId>,
}

/// Puts the backup `from` in the place of the ledger at `path`, which is kept beside it. The lock shows that no engine works.
///
/// # Errors
/// If the backup is no ledger, is not in order, or was written by a newer dayfly; if another program reads the ledger just
/// now; or if files cannot be written. The ledger is as it was then.
pub async fn restore(
    lock: &StateLock,
    portfolio: &Portfolio,
    path: &Utf8Path,
    from: &Utf8Path,
    at: Timestamp,
) -> Result<Restored, StoreError> {
    let restoring = Restoring::begin(path, from)?;
    let store = SqliteStore::open(restoring.file())?;
    let state = store.load().await?;
    let in_doubt = in_doubt(portfolio, &store, &state).await?;
    let event = restored(portfolio, &state, restoring.replaced.clone(), in_doubt.clone());
    let epoch = store.take_over().await?;
    store.append(&Batch { epoch, at, events: vec![event], conditions: Vec::new() }).await?;
    // The last handle writes everything into the one file.
    drop(store);
    let (head, replaced) = (restoring.head.clone(), restoring.replaced.clone());
    let kept = restoring.finish(at)?;
    let (tag, unknown) = (lock.tag().to_owned(), in_doubt.clone());
    let live: Vec<AttemptId> = state.live.into_keys().collect();
    let ended = tokio::task::spawn_blocking(move || {
        for attempt in unknown.iter().filter(|attempt| !live.contains(attempt)) {
            process::kill_attempt(&tag, attempt, None);
        }
    });
    // What could not be looked for is ended when an attempt of its issue is started.
    let _ = ended.await;
    Ok(Restored { head, replaced, kept, in_doubt })
}

/// Attempts whose folders are there and of which the ledger does not know, and those that run as far as it knows, and have
/// ended.
async fn in_doubt(portfolio: &Portfolio, store: &SqliteStore, state: &State) -> Result<Vec<AttemptId>, StoreError> {
    let folders = portfolio.state_dir.join("attempts").read_dir_utf8();
    let names = folders.into_iter().flatten().flatten().map(|entry| AttemptId::from_text(entry.file_name()));
    let made: Vec<(IssueRef, u32, AttemptId)> = names.filter_map(|id| Some((id.issue()?, id.number()?, id))).collect();
    let issues: Vec<IssueRef> = made.iter().map(|(issue, ..)| issue.clone()).collect();
    let known = store.recall(&issues).await?;
    let attempts = |issue: &IssueRef| known.iter().find(|(name, _)| name == issue).map_or(0, |(_, k)| k.attempts);
    let unknown = made.iter().filter(|(issue, number, _)| *number > attempts(issue)).map(|(.., id)| id.clone());
    let ended = state.live.keys().filter(|id| !is_kept(&attempt_dir(portfolio, id))).cloned();
    let mut all: Vec<AttemptId> = unknown.chain(ended).collect();
    all.sort();
    all.dedup();
    Ok(all)
}
