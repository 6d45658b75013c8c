//! Copies of a ledger: made while an engine writes to it, and proven before they are one.

use std::cmp::Reverse;
use std::fs::File;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, Clock as _, StoreError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::archive::copy::take_along;
use super::audit::audit;
use super::failure;
use super::schema::{self, Access};
use crate::clock::SystemClock;

/// What the names of backups begin and end with.
const PREFIX: &str = "ledger-";
const SUFFIX: &str = ".sqlite";

/// A copy of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Backup {
    /// The file.
    pub path: Utf8PathBuf,
    /// How many records it holds.
    pub records: u64,
    /// The last of them.
    pub head: Anchor,
    /// Its size.
    pub bytes: u64,
    /// How many archives belong to it; they are in the folder `archive` beside it.
    pub archives: usize,
}

/// Copies the ledger at `path` to the new file `to`, as it stands at one moment; an engine may write to it meanwhile. The
/// copy is written out to the disk and its chain is proven before it gets its name.
///
/// # Errors
/// If there is such a file, if either cannot be used, or if the ledger is not in order.
pub fn backup(path: &Utf8Path, to: &Utf8Path) -> Result<Backup, StoreError> {
    if to.exists() {
        return Err(failure::other(format!("`{to}` exists already; give another name"), "nothing is written over"));
    }
    let unfinished = to.with_file_name(format!("{}.part", to.file_name().unwrap_or("backup")));
    let made = copy(path, &unfinished).and_then(|backup| publish(&unfinished, to).map(|()| backup));
    if made.is_err() {
        // A part of a copy must not be taken for one.
        let _ = std::fs::remove_file(&unfinished);
    }
    made.map(|backup| Backup { path: to.to_owned(), ..backup })
}

fn copy(path: &Utf8Path, unfinished: &Utf8Path) -> Result<Backup, StoreError> {
    let files = |err: io::Error| failure::file(unfinished, err);
    if let Some(folder) = unfinished.parent().filter(|folder| !folder.as_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(files)?;
    }
    match std::fs::remove_file(unfinished) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(files(err)),
        _ => {}
    }
    let connection = schema::connect(path, Access::Read)?;
    connection
        .execute("VACUUM INTO ?1", [unfinished.as_str()])
        .map_err(|err| failure::copying(path, unfinished, err))?;
    drop(connection);
    let archives = take_along(path, unfinished)?;
    let found = audit(unfinished, Vec::new())?;
    if let Some(why) = found.broken.as_ref().map(ToString::to_string).or(found.damage) {
        let what =
            format!("the ledger `{path}` is not in order, and a copy of it would not be; run `dayfly audit verify`");
        return Err(failure::other(what, why));
    }
    let file = File::open(unfinished).map_err(files)?;
    file.sync_all().map_err(files)?;
    let bytes = file.metadata().map_err(files)?.len();
    Ok(Backup { path: unfinished.to_owned(), records: found.records, head: found.head, bytes, archives })
}

/// Gives a whole file its name, so that a power cut leaves it whole or not there.
pub(super) fn publish(from: &Utf8Path, to: &Utf8Path) -> Result<(), StoreError> {
    let files = |err: io::Error| failure::file(to, err);
    std::fs::rename(from, to).map_err(files)?;
    let folder = to.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(files)
}

/// The name of a backup that is made at a time, within its folder.
pub fn backup_name(at: Timestamp) -> String {
    format!("{PREFIX}{}{SUFFIX}", at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S%3fZ"))
}

/// The backups in a folder that were named by dayfly, the latest first. Those that were named later than `now` come last: the
/// clock was ahead, and when they were made nobody knows.
pub fn backups(folder: &Utf8Path, now: Timestamp) -> Vec<Utf8PathBuf> {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let ours = |name: &str| {
        let time = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
        time.is_some_and(|time| time.len() >= 16 && time.ends_with('Z') && time.as_bytes().get(8) == Some(&b'T'))
    };
    let mut found: Vec<_> =
        entries.map(|entry| entry.into_path()).filter(|p| p.file_name().is_some_and(ours)).collect();
    let last = backup_name(now);
    let rank = |path: &Utf8PathBuf| (path.file_name().is_some_and(|name| *name <= *last), path.clone());
    found.sort_by_cached_key(|path| Reverse(rank(path)));
    found
}

/// The latest backup of the ledger at `path`, of those that were given no name.
pub(super) fn newest(path: &Utf8Path) -> Option<Utf8PathBuf> {
    backups(&path.with_file_name("backups"), SystemClock.now()).into_iter().next()
}

/// Removes all but the latest `keep` backups of the folder in which `made` has just been made, and gives those that were
/// removed. That one stays, whatever the clock says.
///
/// # Errors
/// If one cannot be removed.
pub fn prune_backups(made: &Utf8Path, keep: usize, now: Timestamp) -> io::Result<Vec<Utf8PathBuf>> {
    let others =
        backups(made.parent().unwrap_or(made), now).into_iter().filter(|path| path.file_name() != made.file_name());
    let old: Vec<_> = others.skip(keep.saturating_sub(1)).collect();
    for path in &old {
        std::fs::remove_file(path)?;
    }
    Ok(old)
}
