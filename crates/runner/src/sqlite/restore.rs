//! Putting a backup in the place of a ledger.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;

use super::archive::copy::take_along;
use super::audit::audit;
use super::backup::{backup_name, publish};
use super::failure;
use super::schema::{self, Access};

/// A backup that is about to take the place of a ledger.
#[derive(Debug)]
pub(crate) struct Restoring {
    path: Utf8PathBuf,
    new: Utf8PathBuf,
    /// The place to which the ledger goes back.
    pub(crate) head: Anchor,
    /// The place that the ledger in use has come to, as far as it is in order; `None` if there is none to read.
    pub(crate) replaced: Option<Anchor>,
}

impl Restoring {
    /// Copies the backup `from` beside the ledger at `path`, and proves it. Whoever took the replaced ledger over can
    /// never write to the copy. The caller holds the lock of the state directory, so that no engine writes to either.
    pub(crate) fn begin(path: &Utf8Path, from: &Utf8Path) -> Result<Self, StoreError> {
        let found = audit(from, Vec::new())?;
        if let Some(why) = found.broken.as_ref().map(ToString::to_string).or(found.damage) {
            return Err(failure::other(format!("the backup `{from}` is not in order; take another one"), why));
        }
        let new = path.with_extension("restoring");
        for part in ["", "-wal", "-shm", "-journal"] {
            remove(&Utf8PathBuf::from(format!("{new}{part}")))?;
        }
        let mut this = Self { path: path.to_owned(), new, head: found.head, replaced: None };
        fs::copy(from, &this.new).map_err(|err| failure::file(&this.new, err))?;
        take_along(from, &this.new)?;
        let epoch = if path.exists() {
            match last_of(path) {
                Ok((epoch, replaced)) => {
                    this.replaced = Some(replaced);
                    epoch
                }
                Err(err) if err.is_transient() => return Err(err),
                // It is damaged, which is why a backup is put in its place.
                Err(_) => 0,
            }
        } else {
            0
        };
        set_epoch(&this.new, epoch)?;
        Ok(this)
    }

    /// The copy, to be written to before it takes its place.
    pub(crate) fn file(&self) -> &Utf8Path {
        &self.new
    }

    /// Puts the copy in the place of the ledger, and gives where that one is kept. A power cut at any moment leaves the
    /// one or the other, whole.
    pub(crate) fn finish(self, at: Timestamp) -> Result<Option<Utf8PathBuf>, StoreError> {
        fs::File::open(&self.new).and_then(|file| file.sync_all()).map_err(|err| failure::file(&self.new, err))?;
        let kept = self.path.with_file_name(format!("replaced-{}", backup_name(at)));
        let there = self.path.exists();
        if there {
            keep(&self.path, &kept)?;
        }
        publish(&self.new, &self.path)?;
        Ok(there.then_some(kept))
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        // After it has taken its place there is nothing of that name.
        let _ = fs::remove_file(&self.new);
    }
}

/// Where the replaced ledger stood. All of it is in its one file afterwards.
fn last_of(path: &Utf8Path) -> Result<(i64, Anchor), StoreError> {
    let failed = |err| failure::sqlite(path, err);
    // What only reads leaves files beside the ledger; what writes and is the last takes them away.
    let head = audit(path, Vec::new())?.head;
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
    Ok((epoch, head))
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
    connection.close().map_err(|(_, err)| failed(err))
}

/// Gives the replaced ledger, and what of it lies beside, another name. Its own name goes on to name it until the backup
/// takes it.
fn keep(path: &Utf8Path, kept: &Utf8Path) -> Result<(), StoreError> {
    for part in ["", "wal", "shm"] {
        let (from, to) = match part {
            "" => (path.to_owned(), kept.to_owned()),
            part => (beside(path, part), beside(kept, part)),
        };
        if part == "shm" {
            remove(&from)?;
            continue;
        }
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
