//! Putting a backup in the place of a ledger.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::fs;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, AttemptId, Event, Seq, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

use super::archive::copy::take_along;
use super::audit::{Audit, audit, come_to};
use super::backup::{backup_name, publish};
use super::failure;
use super::rows::File;
use super::schema::{self, Access};

/// How long somebody who reads the ledger for a moment is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many records are read at once.
const PAGE: usize = 4096;
/// What may lie beside the copy: what SQLite keeps there, and the copy of a backup of an older version.
const PARTS: [&str; 6] = ["", "-wal", "-shm", "-journal", ".v1", ".v1-half"];

/// A backup that is about to take the place of a ledger.
#[derive(Debug)]
pub(crate) struct Restoring {
    path: Utf8PathBuf,
    new: Utf8PathBuf,
    /// The place to which the ledger goes back.
    pub(crate) head: Anchor,
    /// The place that the ledger in use has come to, as far as it is in order; `None` if there is none to read.
    pub(crate) replaced: Option<Anchor>,
    /// The attempts that it names behind that place, as far as it can be read.
    pub(crate) since: BTreeSet<AttemptId>,
}

/// Where a ledger that is to be replaced stood.
#[derive(Debug, Default)]
struct Last {
    epoch: i64,
    replaced: Option<Anchor>,
    since: BTreeSet<AttemptId>,
}

impl Restoring {
    /// Copies the backup `from` beside the ledger at `path`, and proves it. Whoever took the replaced ledger over can
    /// never write to the copy. The caller holds the lock of the state directory, so that no engine writes to either.
    pub(crate) fn begin(path: &Utf8Path, from: &Utf8Path) -> Result<Self, StoreError> {
        let found = proven(from, audit(from, Vec::new())?)?;
        let new = path.with_extension("restoring");
        remove_parts(&new)?;
        let mut this = Self { path: path.to_owned(), new, head: found.head, replaced: None, since: BTreeSet::new() };
        this.copy(from)?;
        let last = if path.exists() { last_of(path, &this.head)? } else { Last::default() };
        set_epoch(&this.new, last.epoch)?;
        (this.replaced, this.since) = (last.replaced, last.since);
        Ok(this)
    }

    /// Copies all of the backup that can be read, what lies beside it included: a file that was saved as it stood has its
    /// last records there.
    fn copy(&self, from: &Utf8Path) -> Result<(), StoreError> {
        let connection = schema::connect(from, Access::Read)?;
        let copied = connection.execute("VACUUM INTO ?1", [self.new.as_str()]);
        copied.map_err(|err| failure::copying(from, &self.new, err))?;
        drop(connection);
        take_along(from, &self.new)?;
        let copy = proven(from, audit(&self.new, Vec::new())?)?;
        if copy.head != self.head {
            let what = format!("the backup `{from}` changed while it was copied; make one with `dayfly store backup`");
            return Err(failure::other(what, format!("it ended at {}, the copy of it at {}", self.head, copy.head)));
        }
        Ok(())
    }

    /// The copy, to be written to before it takes its place.
    pub(crate) fn file(&self) -> &Utf8Path {
        &self.new
    }

    /// Puts the copy in the place of the ledger, and gives where that one is kept. A power cut at any moment leaves the
    /// one or the other, whole.
    pub(crate) fn finish(self, at: Timestamp) -> Result<Option<Utf8PathBuf>, StoreError> {
        let rest = beside(&self.new, "wal");
        if rest.exists() {
            let what = format!("the backup cannot be brought into one file, `{rest}` is left; try again");
            return Err(failure::other(what, "a part of it lies beside it"));
        }
        fs::File::open(&self.new).and_then(|file| file.sync_all()).map_err(|err| failure::file(&self.new, err))?;
        let kept = self.path.with_file_name(format!("replaced-{}", backup_name(at)));
        let kept = keep(&self.path, &kept)?;
        publish(&self.new, &self.path)?;
        Ok(kept)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        // After it has taken its place there is nothing of that name.
        let _ = remove_parts(&self.new);
    }
}

fn proven(from: &Utf8Path, found: Audit) -> Result<Audit, StoreError> {
    match found.broken.as_ref().map(ToString::to_string).or_else(|| found.damage.clone()) {
        Some(why) => Err(failure::other(format!("the backup `{from}` is not in order; take another one"), why)),
        None => Ok(found),
    }
}

/// Where the replaced ledger stood. All of it that can be is in its one file afterwards. Whatever else is wrong with it or with
/// its disk is why a backup is put in its place: only whoever uses it now is in the way.
fn last_of(path: &Utf8Path, head: &Anchor) -> Result<Last, StoreError> {
    let last = match read_last(path, head) {
        Err(err) if is_in_use(&err) => return Err(err),
        Err(_) => Last::default(),
        Ok(last) => last,
    };
    match gather(path) {
        Err(err) if is_in_use(&err) => Err(in_use(path)),
        _ => Ok(last),
    }
}

/// Reads what is needed, and changes nothing: going back must be possible to whatever wrote the file.
fn read_last(path: &Utf8Path, head: &Anchor) -> Result<Last, StoreError> {
    let replaced = come_to(path)?;
    let connection = schema::connect(path, Access::Read)?;
    let epoch = connection.query_row("SELECT epoch FROM meta WHERE id = 1", (), |row| row.get(0));
    let epoch = epoch.map_err(|err| failure::sqlite(path, err))?;
    let since = since(&File { path, connection: &connection }, head, &replaced);
    Ok(Last { epoch, replaced: Some(replaced), since })
}

/// The attempts that are named behind a place: those that were started, and those that were in doubt already. All there are
/// where the ledger never was at that place.
fn since(file: &File<'_>, head: &Anchor, replaced: &Anchor) -> BTreeSet<AttemptId> {
    let there = |seq: u64| file.after(Seq(seq.saturating_sub(1)), 1).ok()?.into_iter().next();
    let common = head.seq() <= replaced.seq() && there(head.seq().0).is_some_and(|r| r.hash.as_str() == head.hash());
    let (mut after, mut found) = (if common { head.seq() } else { Seq(0) }, BTreeSet::new());
    loop {
        // What is in an archive is read part by part: of one that is missing or harmed no more than the folders tell.
        let end = file.part_end(after).ok().flatten();
        let limit = end.and_then(|end| usize::try_from(end.0 - after.0).ok()).unwrap_or(PAGE);
        let page = match (file.after(after, limit), end) {
            (Ok(page), _) if !page.is_empty() => page,
            (Err(_), Some(end)) => {
                after = end;
                continue;
            }
            _ => return found,
        };
        for record in page {
            after = record.seq;
            match record.event() {
                Ok(Event::AttemptStarted { attempt, .. }) => drop(found.insert(attempt)),
                Ok(Event::Restored { in_doubt, .. }) => found.extend(in_doubt),
                _ => {}
            }
        }
    }
}

/// Brings the ledger into its one file, if nobody reads it.
fn gather(path: &Utf8Path) -> Result<(), StoreError> {
    let failed = |err| failure::sqlite(path, err);
    // What only reads leaves files beside the ledger; what writes and is the last takes them away.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path.as_std_path(), flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0)).map_err(failed)?;
    drop(connection);
    // Its last reader removes that file: there is another one.
    if busy != 0 || beside(path, "wal").exists() {
        return Err(in_use(path));
    }
    Ok(())
}

/// Whether another program is in the way, and not the file or its disk.
pub(super) fn is_in_use(err: &StoreError) -> bool {
    let Some(cause) = err.source() else { return false };
    let code = cause.downcast_ref::<Error>().and_then(Error::sqlite_error_code);
    let busy = cause.downcast_ref::<io::Error>().is_some_and(|err| err.kind() == io::ErrorKind::ResourceBusy);
    busy || matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn in_use(path: &Utf8Path) -> StoreError {
    let what = format!("another program reads the ledger `{path}` now; end it, or try again");
    StoreError::Unavailable { what, source: io::Error::from(io::ErrorKind::ResourceBusy).into() }
}

fn remove_parts(new: &Utf8Path) -> Result<(), StoreError> {
    PARTS.iter().try_for_each(|part| remove(&Utf8PathBuf::from(format!("{new}{part}"))))
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

/// Gives the replaced ledger, and what of it lies beside, another name, and tells which. Its own name goes on to name it until
/// the backup takes it. What lies beside it is taken away even where it is gone itself: SQLite would take that for a part of
/// the backup, and the folder must say so before the backup has its name.
fn keep(path: &Utf8Path, kept: &Utf8Path) -> Result<Option<Utf8PathBuf>, StoreError> {
    let mut first = link(path, kept)?.then(|| kept.to_owned());
    for part in ["wal", "journal"] {
        let (from, to) = (beside(path, part), beside(kept, part));
        if link(&from, &to)? {
            remove(&from)?;
            first.get_or_insert(to);
        }
    }
    remove(&beside(path, "shm"))?;
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map(|()| first).map_err(|err| failure::file(folder, err))
}

/// Gives a file another name besides its own; tells whether there is one.
fn link(from: &Utf8Path, to: &Utf8Path) -> Result<bool, StoreError> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
        // There are disks without links.
        Err(_) => fs::copy(from, to).map(|_| true).map_err(|err| failure::file(to, err)),
    }
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
