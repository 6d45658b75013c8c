//! What failed, with the remedy.

use camino::Utf8Path;
use dayfly_core::StoreError;
use rusqlite::{Error, ErrorCode};

/// An error of the back end.
pub(super) fn other(what: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Other { what, source: source.into() }
}

/// An error of the back end that may pass.
pub(super) fn unavailable(what: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable { what, source: source.into() }
}

/// Whether the same may succeed later: a disk may be given space, a lock go, a file system be mounted anew.
fn passes(source: &Error) -> bool {
    let passing = [
        ErrorCode::DiskFull,
        ErrorCode::ReadOnly,
        ErrorCode::PermissionDenied,
        ErrorCode::CannotOpen,
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::SystemIoFailure,
    ];
    source.sqlite_error_code().is_some_and(|code| passing.contains(&code))
}

/// Says what an error of SQLite means for the file at `path`, and what helps.
pub(super) fn sqlite(path: &Utf8Path, source: Error) -> StoreError {
    let what = match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            format!("`{path}` is not a ledger; move the file away, or name another state directory")
        }
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "the ledger `{path}` is damaged; put back a copy of it, or save what is left with `sqlite3 {path} .recover`"
        ),
        Some(ErrorCode::DiskFull) => {
            format!("the disk is full, the ledger `{path}` cannot grow; free some space, then start dayfly again")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "the ledger `{path}` may not be written; make the file and its folder writable, or name another state directory"
        ),
        Some(ErrorCode::CannotOpen) => {
            format!(
                "the ledger `{path}` cannot be opened; make sure that its folder exists and may be read and written"
            )
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("another program keeps the ledger `{path}` locked; end that program, then try again")
        }
        Some(ErrorCode::SystemIoFailure) => {
            format!("the ledger `{path}` cannot be read or written; check the disk it is on")
        }
        _ => {
            format!("the ledger `{path}` cannot be used; check the file with `sqlite3 {path} 'PRAGMA integrity_check'`")
        }
    };
    if passes(&source) { unavailable(what, source) } else { other(what, source) }
}
