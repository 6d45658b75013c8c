//! Going back to a backup of the ledger without doing anything twice.
//!
//! What was recorded after the backup is gone, and what it led to is not: attempts have run, effects were sent. Effects that
//! the backup knows are looked up by their keys before they are sent. Attempts that it does not know stand in the replaced
//! ledger, or have left their folders: none of their names is given again, what still runs of them is ended, and their
//! issues wait for a person.

use std::collections::BTreeSet;
use std::fs;
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

/// How far a restore has come: where a crash makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The copy is complete, and has not taken its place.
    Written,
    /// The working copies of attempts in doubt have other names.
    PutAside,
    /// The copy has taken its place, and what runs is not ended yet.
    Replaced,
}

/// Puts the backup `from` in the place of the ledger at `path`, which is kept beside it. The lock shows that no engine works.
///
/// # Errors
/// If the backup is no ledger, is not in order, or was written by a newer dayfly; if another program reads the ledger just
/// now; if a working copy that is to be kept cannot be; or if files cannot be written. The ledger is as it was then.
pub async fn restore(
    lock: &StateLock,
    portfolio: &Portfolio,
    path: &Utf8Path,
    from: &Utf8Path,
    at: Timestamp,
) -> Result<Restored, StoreError> {
    restore_in_steps((lock, portfolio), path, from, at, &mut |_| Ok(())).await
}

/// As [`restore`], which is killed where `step` says so.
pub(super) async fn restore_in_steps(
    (lock, portfolio): (&StateLock, &Portfolio),
    path: &Utf8Path,
    from: &Utf8Path,
    at: Timestamp,
    step: &mut (dyn FnMut(Step) -> Result<(), StoreError> + Send),
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
    step(Step::Written)?;
    // The next run takes what an attempt left of which the ledger says that it is over: nothing of this is there by then.
    let aside = put_aside(&portfolio.state_dir.join("work"), &in_doubt)?;
    step(Step::PutAside)?;
    let kept = restoring.finish(at).inspect_err(|_| put_back(&aside))?;
    step(Step::Replaced)?;
    let (tag, unknown) = (lock.tag().to_owned(), in_doubt.clone());
    let ended = tokio::task::spawn_blocking(move || {
        for attempt in &unknown {
            let process = state.live.get(attempt).and_then(|live| live.process.as_ref());
            process::kill_attempt(&tag, attempt, process);
        }
    });
    // What could not be looked for is ended when an attempt of its issue is started.
    let _ = ended.await;
    Ok(Restored { head, replaced, kept, in_doubt })
}

/// Gives the working copies of attempts other names, as nothing removes: nobody has kept what was committed there. Gives the
/// old and the new ones. All have them, and keep them after a power cut, or none.
fn put_aside(work: &Utf8Path, attempts: &[AttemptId]) -> Result<Vec<(Utf8PathBuf, Utf8PathBuf)>, StoreError> {
    let mut moved = Vec::new();
    for attempt in attempts {
        let tree = work.join(attempt.as_str());
        if tree.symlink_metadata().is_err() {
            continue;
        }
        let mut names = (1..).map(|n| work.join(format!("{attempt}.left-{n}")));
        let Some(to) = names.find(|to| to.symlink_metadata().is_err()) else { continue };
        if let Err(err) = fs::rename(&tree, &to) {
            put_back(&moved);
            return Err(not_kept(&tree, err));
        }
        moved.push((tree, to));
    }
    if !moved.is_empty()
        && let Err(err) = fs::File::open(work).and_then(|work| work.sync_all())
    {
        put_back(&moved);
        return Err(not_kept(work, err));
    }
    Ok(moved)
}

fn not_kept(tree: &Utf8Path, source: io::Error) -> StoreError {
    let what = format!(
        "cannot give `{tree}` another name, where an attempt may have left what nobody else has; mend that, or move it \
         away, and try again"
    );
    StoreError::Other { what, source: source.into() }
}

/// Gives working copies their names back: the ledger that knows them stays.
fn put_back(moved: &[(Utf8PathBuf, Utf8PathBuf)]) {
    for (tree, to) in moved {
        // Under its new name nothing removes it either.
        let _ = fs::rename(to, tree);
    }
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
