//! Going back to a backup of the ledger without doing anything twice.
//!
//! What was recorded after the backup is gone, and what it led to is not: attempts have run, effects were sent. Effects that
//! the backup knows are looked up by their keys before they are sent. Attempts that it does not know stand in the replaced
//! ledger, or have left their folders: none of their names is given again, what still runs of them is ended, and their
//! issues wait for a person.

use std::collections::BTreeSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, AttemptId, Batch, IssueRef, Portfolio, State, Store as _, StoreError, restoration};
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
    let in_doubt = in_doubt(portfolio, &store, &state, restoring.since.clone()).await?;
    let (events, conditions) = restoration(portfolio, &state, restoring.replaced.clone(), in_doubt.clone());
    let epoch = store.take_over().await?;
    store.append(&Batch { epoch, at, events, conditions }).await?;
    // The last handle writes everything into the one file.
    drop(store);
    let (head, replaced) = (restoring.head.clone(), restoring.replaced.clone());
    let kept = restoring.finish(at)?;
    let (tag, unknown, work) = (lock.tag().to_owned(), in_doubt.clone(), portfolio.state_dir.join("work"));
    let ended = tokio::task::spawn_blocking(move || {
        for attempt in &unknown {
            let process = state.live.get(attempt).and_then(|live| live.process.as_ref());
            process::kill_attempt(&tag, attempt, process);
            put_aside(&work, attempt);
        }
    });
    // What could not be looked for is ended when an attempt of its issue is started.
    let _ = ended.await;
    Ok(Restored { head, replaced, kept, in_doubt })
}

/// Gives the working copy of an attempt another name, as nothing removes: nobody has kept what it committed there.
fn put_aside(work: &Utf8Path, attempt: &AttemptId) {
    let tree = work.join(attempt.as_str());
    if !tree.exists() {
        return;
    }
    let free = (1..).map(|n| work.join(format!("{attempt}.left-{n}"))).find(|to| !to.exists());
    // What cannot be put aside stays, and is in the way of nothing: its name is not given again.
    let _ = free.map(|to| std::fs::rename(&tree, to));
}

/// Attempts that the replaced ledger names or that have left folders, and of which the ledger does not know; and those that
/// run as far as it knows, and have ended.
async fn in_doubt(
    portfolio: &Portfolio,
    store: &SqliteStore,
    state: &State,
    since: BTreeSet<AttemptId>,
) -> Result<Vec<AttemptId>, StoreError> {
    let mut made = folders(&portfolio.state_dir.join("attempts"))?;
    made.extend(since);
    let made: Vec<(IssueRef, u32, AttemptId)> =
        made.into_iter().filter_map(|id| Some((id.issue()?, id.number()?, id))).collect();
    let issues: Vec<IssueRef> = made.iter().map(|(issue, ..)| issue.clone()).collect();
    let known = store.recall(&issues).await?;
    let attempts = |issue: &IssueRef| {
        let known = known.iter().find(|(name, _)| name == issue);
        known.map_or_else(|| state.attempts_at(issue), |(_, known)| known.attempts)
    };
    let unknown = made.iter().filter(|(issue, number, _)| *number > attempts(issue)).map(|(.., id)| id.clone());
    let ended = state.live.keys().filter(|id| !is_kept(&attempt_dir(portfolio, id))).cloned();
    let all: BTreeSet<AttemptId> = unknown.chain(ended).collect();
    Ok(all.into_iter().collect())
}

/// The attempts that left a folder. What cannot be listed cannot be ruled out.
fn folders(attempts: &Utf8Path) -> Result<BTreeSet<AttemptId>, StoreError> {
    let failed = |source: io::Error| StoreError::Other {
        what: format!("cannot read `{attempts}`, which tells what attempts were made; mend that, and try again"),
        source: source.into(),
    };
    let entries = match attempts.read_dir_utf8() {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(err) => return Err(failed(err)),
    };
    let mut found = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        found.insert(AttemptId::from_text(of_attempt(entry.file_name())));
    }
    Ok(found)
}

/// The name of the attempt that a folder is of: the commands of its gates have one of their own, and one that was in the way
/// was put aside.
fn of_attempt(folder: &str) -> &str {
    let (name, last) = folder.rsplit_once('.').unwrap_or((folder, ""));
    if last == "gates" || last.starts_with("left-") { name } else { folder }
}
