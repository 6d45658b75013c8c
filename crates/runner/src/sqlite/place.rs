//! Whether the files that were opened are still those of their names, and whether there were any to open.

use std::io;
use std::os::unix::fs::MetadataExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::StoreError;

use super::backup::newest;
use super::failure;

/// Which file it is, on which disk.
type Which = (u64, u64);

/// A ledger that is open, and its log. SQLite goes on writing to a file that has lost its name, where nobody finds it.
#[derive(Debug)]
pub(super) struct Place {
    ledger: Named,
    log: Named,
}

#[derive(Debug)]
struct Named {
    path: Utf8PathBuf,
    opened: Option<Which>,
}

impl Place {
    /// Where the ledger lies that has just been opened.
    pub(super) fn of(path: &Utf8Path) -> Self {
        let named = |path: Utf8PathBuf| Named { opened: which(&path).ok().flatten(), path };
        Self { ledger: named(path.to_owned()), log: named(log(path)) }
    }

    /// The first of the files that is gone or another one by now.
    pub(super) fn left(&mut self) -> Option<&Utf8Path> {
        [&mut self.ledger, &mut self.log].into_iter().find_map(Named::left)
    }
}

impl Named {
    fn left(&mut self) -> Option<&Utf8Path> {
        // Whether a disk that cannot be asked serves is for what is written to it to find out.
        let now = which(&self.path).ok()?;
        if self.opened.is_none() {
            self.opened = now;
        }
        (now != self.opened).then_some(&self.path)
    }
}

fn log(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}-wal"))
}

fn which(path: &Utf8Path) -> io::Result<Option<Which>> {
    match path.metadata() {
        Ok(file) => Ok(Some((file.dev(), file.ino()))),
        Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(err) => Err(err),
    }
}

/// Refuses to take a lost ledger for one that is still to be made: its file at `path` is missing or empty, and beside it
/// is what only a ledger leads to.
///
/// # Errors
/// If that is so, with the remedy.
pub fn refuse_lost(path: &Utf8Path) -> Result<(), StoreError> {
    let gone = match path.metadata() {
        Ok(file) => file.is_file() && file.len() == 0,
        Err(err) => err.kind() == io::ErrorKind::NotFound,
    };
    let left = if gone { left_of(path) } else { Vec::new() };
    if left.is_empty() {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let what = format!(
        "there is no ledger at `{path}`, but there are {}; {}, or move the folder `{folder}` away to begin anew",
        left.join(" and "),
        failure::put_back(path),
    );
    Err(failure::other(what, "the file is missing or empty"))
}

/// What lies beside a ledger once it has been worked with. A first run that was killed before its first record leaves none of
/// these: folders are made with the first that goes into them, or are empty.
fn left_of(path: &Utf8Path) -> Vec<&'static str> {
    let beside = |name: &str| path.with_file_name(name);
    let holds = |name: &str| beside(name).read_dir_utf8().is_ok_and(|mut entries| entries.next().is_some());
    let mut left = Vec::new();
    if holds("attempts") {
        left.push("attempts");
    }
    if holds("archive") {
        left.push("archives");
    }
    if newest(path).is_some() {
        left.push("backups");
    }
    if log(path).metadata().is_ok_and(|log| log.len() > 0) {
        left.push("records in its log");
    }
    left
}
