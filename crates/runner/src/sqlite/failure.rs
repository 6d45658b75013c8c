//! What failed, with the remedy.

use camino::Utf8Path;
use dayfly_core::StoreError;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use rusqlite::{Error, ErrorCode};

use super::backup::newest;

/// The extended code for a file that was moved or removed while it was open.
const MOVED: i32 = 1032;
/// The extended code for a file of shared memory that could not be made as long as it must be: there is no room for it.
const NO_ROOM: i32 = 4874;

/// An error of the back end.
pub(super) fn other(what: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Other { what, source: source.into() }
}

/// A file beside the ledger that cannot be used.
pub(super) fn file(path: &Utf8Path, source: std::io::Error) -> StoreError {
    other(format!("cannot use `{path}`"), source)
}

/// A file that is written beside the ledger.
pub(super) fn disk(path: &Utf8Path, source: std::io::Error) -> StoreError {
    let full = matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let what = if full { "the disk is full; free some space" } else { "make its folder writable" };
    other(format!("cannot write `{path}`: {what}"), source)
}

/// An error of the back end that may pass.
pub(super) fn unavailable(what: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable { what, source: source.into() }
}

/// The same error once more, for somebody else who waits for the same.
pub(super) fn same(err: &StoreError) -> StoreError {
    let cause = std::error::Error::source(err).map(ToString::to_string).unwrap_or_default();
    let (what, source) = (err.to_string(), cause.into());
    if err.is_transient() { StoreError::Unavailable { what, source } } else { StoreError::Other { what, source } }
}

/// Says what an error of SQLite means for the file at `path`, and what helps.
pub(super) fn sqlite(path: &Utf8Path, source: Error) -> StoreError {
    let code = source.sqlite_error_code();
    let is = |extended| source.sqlite_error().is_some_and(|err| err.extended_code == extended);
    let moved = is(MOVED);
    let code = if is(NO_ROOM) { Some(ErrorCode::DiskFull) } else { code };
    match code.filter(|_| !moved).and_then(|code| passing(path, code)) {
        Some(what) => unavailable(what, source),
        None => other(lasting(path, code, moved), source),
    }
}

/// Says what an error means that was met while the ledger at `path` was copied to the file `to`. Either may be at fault.
pub(super) fn copying(path: &Utf8Path, to: &Utf8Path, source: Error) -> StoreError {
    let what = match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; free some space, or make it on another disk",
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "make its folder writable",
        _ => return sqlite(path, source),
    };
    let to = to.as_str().trim_end_matches(".part");
    other(format!("the copy `{to}` cannot be made: {what}"), source)
}

/// Whether the file itself is found to be damaged: nothing that is read from it can be trusted from then on.
pub(super) fn is_damage(err: &StoreError) -> bool {
    let cause = std::error::Error::source(err).and_then(|cause| cause.downcast_ref::<Error>());
    matches!(cause.and_then(Error::sqlite_error_code), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// A value that no program wrote.
pub(super) fn damaged(path: &Utf8Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    other(format!("the ledger `{path}` is damaged; {}", put_back(path)), source)
}

/// The command that puts a backup in the place of the ledger at `path`, with the newest one if there is any.
pub(super) fn put_back(path: &Utf8Path) -> String {
    match newest(path) {
        Some(copy) => format!("put its newest copy back with `dayfly store restore {copy}`"),
        None => "put a copy back with `dayfly store restore FILE`; there is none in `backups`".to_owned(),
    }
}

/// A file of the ledger that has lost its name while it was open.
pub(super) fn moved(path: &Utf8Path, file: &Utf8Path) -> StoreError {
    other(
        format!(
            "the ledger `{path}` was moved, removed or replaced while it was open; put back what was moved, with the \
             `-wal` beside it, or {}; then start dayfly again",
            put_back(path)
        ),
        format!("`{file}` is not the file that was opened"),
    )
}

/// What may pass: by itself, or when a person frees space, mends a mount or ends a program.
fn passing(path: &Utf8Path, code: ErrorCode) -> Option<String> {
    Some(match code {
        ErrorCode::DiskFull => format!("the disk is full, the ledger `{path}` cannot grow; free some space"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => format!(
            "the ledger `{path}` may not be written; make the file and its folder writable, or name another state directory"
        ),
        ErrorCode::CannotOpen if is_closed(path) => format!(
            "permission denied: the ledger `{path}` may not be read and written by this user; change the mode or the owner of \
             the file and its folder"
        ),
        ErrorCode::CannotOpen => format!(
            "the ledger `{path}` cannot be opened; make sure that its folder exists and may be read and written"
        ),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            format!("another program keeps the ledger `{path}` locked; end that program")
        }
        ErrorCode::SystemIoFailure => format!(
            "the ledger `{path}` cannot be read or written; look at the disk it is on, and make a copy with \
             `dayfly store backup` elsewhere"
        ),
        ErrorCode::OutOfMemory => format!("there is no memory left to write the ledger `{path}`; end other programs"),
        _ => return None,
    })
}

/// Whether this user may not use the file. It is not opened for that: closing it would end the locks that SQLite holds.
fn is_closed(path: &Utf8Path) -> bool {
    let wanted = AccessFlags::R_OK | AccessFlags::W_OK;
    matches!(access(path.as_std_path(), wanted), Err(Errno::EACCES | Errno::EPERM))
}

/// What does not pass.
fn lasting(path: &Utf8Path, code: Option<ErrorCode>, moved: bool) -> String {
    match code {
        _ if moved => format!(
            "the ledger `{path}` was moved, removed or replaced while it was open; put back what was moved, or {}; then \
             start dayfly again",
            put_back(path)
        ),
        Some(ErrorCode::NotADatabase) => {
            format!("`{path}` is not a ledger; {}, or name another state directory", put_back(path))
        }
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "the ledger `{path}` is damaged; {}, or save what is left with `sqlite3 {path} .recover`",
            put_back(path)
        ),
        _ => {
            format!("the ledger `{path}` cannot be used; check the file with `sqlite3 {path} 'PRAGMA integrity_check'`")
        }
    }
}
