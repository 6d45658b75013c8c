//! What failed, with the remedy.

use camino::Utf8Path;
use dayfly_core::StoreError;
use rusqlite::{Error, ErrorCode};

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

/// What may pass: by itself, or when a person frees space, mends a mount or ends a program.
fn passing(path: &Utf8Path, code: ErrorCode) -> Option<String> {
    Some(match code {
        ErrorCode::DiskFull => format!("the disk is full, the ledger `{path}` cannot grow; free some space"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => format!(
            "the ledger `{path}` may not be written; make the file and its folder writable, or name another state directory"
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

/// What does not pass.
fn lasting(path: &Utf8Path, code: Option<ErrorCode>, moved: bool) -> String {
    match code {
        _ if moved => format!("the ledger `{path}` was moved or removed while it was open; start dayfly again"),
        Some(ErrorCode::NotADatabase) => {
            format!("`{path}` is not a ledger; move the file away, or name another state directory")
        }
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "the ledger `{path}` is damaged; put back a backup with `dayfly store restore`, or save what is left with \
             `sqlite3 {path} .recover`"
        ),
        _ => {
            format!("the ledger `{path}` cannot be used; check the file with `sqlite3 {path} 'PRAGMA integrity_check'`")
        }
    }
}
