//! Putting a backup in the place of a ledger.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;

use super::audit::audit;
use super::backup::{backup_name, publish};
use super::failure;
use super::schema::{self, Access};

/// What was done to put a backup in the place of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The place to which the ledger went back.
    pub head: Anchor,
    /// The place that the replaced ledger had come to, as far as it is in order; `None` if there was none to read.
    pub replaced: Option<Anchor>,
    /// Where the replaced ledger is kept.
    pub kept: Option<Utf8PathBuf>,
}

/// Puts the backup `from` in the place of the ledger at `path`. The caller holds the lock of the state directory, so that
/// no engine writes to either. The backup is proven first; the replaced ledger is kept beside; and whoever took the
/// replaced one over can never write to this one.
///
/// A power cut at any moment leaves the one or the other, whole.
///
/// # Errors
/// If the backup is no ledger, is not in order, or was written by a newer dayfly; if another program reads the ledger just
/// now; or if files cannot be written. The ledger is as it was then.
pub fn restore(path: &Utf8Path, from: &Utf8Path, at: Timestamp) -> Result<Restored, StoreError> {
    let found = audit(from, Vec::new())?;
    if let Some(why) = found.broken.as_ref().map(ToString::to_string).or(found.damage) {
        return Err(failure::other(format!("the backup `{from}` is not in order; take another one"), why));
    }
    let new = path.with_extension("restoring");
    remove(&new)?;
    let prepared = prepare(path, from, &new, at);
    if prepared.is_err() {
        let _ = fs::remove_file(&new);
    }
    let (replaced, kept) = prepared?;
    publish(&new, path)?;
    Ok(Restored { head: found.head, replaced, kept })
}

type Replaced = (Option<Anchor>, Option<Utf8PathBuf>);

fn prepare(path: &Utf8Path, from: &Utf8Path, new: &Utf8Path, at: Timestamp) -> Result<Replaced, StoreError> {
    fs::copy(from, new).map_err(|err| failure::file(new, err))?;
    if !path.exists() {
        set_epoch(new, 0)?;
        return Ok((None, None));
    }
    let (epoch, replaced) = match last_of(path) {
        Ok((epoch, replaced)) => (epoch, Some(replaced)),
        // It may be damaged, which is why a backup is put back.
        Err(StoreError::Unavailable { what, source }) => return Err(StoreError::Unavailable { what, source }),
        Err(_) => (0, None),
    };
    set_epoch(new, epoch)?;
    let kept = path.with_file_name(format!("replaced-{}", backup_name(at)));
    keep(path, &kept)?;
    Ok((replaced, Some(kept)))
}

/// Where the replaced ledger stood. All of it is in its one file afterwards.
fn last_of(path: &Utf8Path) -> Result<(i64, Anchor), StoreError> {
    let failed = |err| failure::sqlite(path, err);
    let connection = schema::connect(path, Access::Write)?;
    let epoch = connection.query_row("SELECT epoch FROM meta WHERE id = 1", (), |row| row.get(0)).map_err(failed)?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0)).map_err(failed)?;
    if busy != 0 {
        return Err(in_use(path));
    }
    drop(connection);
    if beside(path, "wal").exists() {
        // Its last reader removes this file: there is another one.
        return Err(in_use(path));
    }
    Ok((epoch, audit(path, Vec::new())?.head))
}

fn in_use(path: &Utf8Path) -> StoreError {
    let what = format!("another program reads the ledger `{path}` now; end it, or try again");
    StoreError::Unavailable { what, source: io::Error::from(io::ErrorKind::ResourceBusy).into() }
}

/// Sees to it that the next take-over is later than every one of the replaced ledger.
fn set_epoch(new: &Utf8Path, replaced: i64) -> Result<(), StoreError> {
    let failed = |err| failure::sqlite(new, err);
    let connection = Connection::open(new.as_std_path()).map_err(failed)?;
    // The file is renamed as it is: nothing of it may lie beside it.
    connection.pragma_update(None, "journal_mode", "DELETE").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "EXTRA").map_err(failed)?;
    connection.execute("UPDATE meta SET epoch = max(epoch, ?1) + 1 WHERE id = 1", [replaced]).map_err(failed)?;
    connection.close().map_err(|(_, err)| failed(err))?;
    fs::File::open(new).and_then(|file| file.sync_all()).map_err(|err| failure::file(new, err))
}

/// Gives the replaced ledger, and what of it lies beside, another name. Its own name goes on to name it until the backup
/// takes it.
fn keep(path: &Utf8Path, kept: &Utf8Path) -> Result<(), StoreError> {
    for part in ["", "wal", "shm"] {
        let (from, to) = if part.is_empty() { (path.to_owned(), kept.to_owned()) } else { (beside(path, part), beside(kept, part)) };
        match fs::hard_link(&from, &to) {
            Ok(()) => {}
            Err(err) if err.kind() == io::ErrorKind::NotFound => continue,
            // There are disks without links.
            Err(_) => drop(fs::copy(&from, &to).map_err(|err| failure::file(&to, err))?),
        }
        if !part.is_empty() {
            // What is left beside a damaged ledger must not be taken for a part of the backup.
            remove(&from)?;
        }
    }
    Ok(())
}

fn beside(path: &Utf8Path, part: &str) -> Utf8PathBuf {
    path.with_file_name(format!("{}-{part}", path.file_name().unwrap_or_default()))
}

fn remove(path: &Utf8Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failure::file(path, err)),
        _ => Ok(()),
    }
}
