//! Opening a file, and bringing it to the present version.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::StoreError;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, TransactionBehavior};

use super::backup::publish;
use super::failure;

/// What leads from each version of the file to the next, from an empty file on.
const MIGRATIONS: [&str; 2] = [include_str!("v1.sql"), include_str!("v2.sql")];
/// The version of a file of which a part is in archives. A file becomes one when the first is made.
pub(super) const ARCHIVED: usize = MIGRATIONS.len() + 1;
/// Marks a file as ours: "dfly".
const APPLICATION_ID: i64 = 0x6466_6c79;
/// How long SQLite waits for another process that writes: a backup, or a person at a prompt. To give up costs the
/// engine all that runs.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What the file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Opens the file.
pub(super) fn connect(path: &Utf8Path, access: Access) -> Result<Connection, StoreError> {
    let failed = |err| failure::sqlite(path, err);
    if access == Access::Read && !path.exists() {
        let what = format!("there is no ledger at `{path}`; start dayfly there once, or name another state directory");
        return Err(failure::other(what, std::io::Error::from(std::io::ErrorKind::NotFound)));
    }
    let mode = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let mut connection =
        Connection::open_with_flags(path.as_std_path(), mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    let version = match version(path, &connection) {
        Err(err) if access == Access::Read && is_closed_off(path, &err) => {
            connection = unshared(path).map_err(failed)?;
            version(path, &connection)?
        }
        version => version?,
    };
    match access {
        Access::Read if version == 0 => {
            let what = format!("`{path}` holds no ledger yet; start dayfly there once");
            return Err(failure::other(what, "the file is empty"));
        }
        Access::Read => {}
        Access::Write => {
            if connection.is_readonly(rusqlite::MAIN_DB).map_err(failed)? {
                // SQLite gives what it can. Whoever starts now is there to hear that it is not enough.
                return Err(failed(Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY),
                    None,
                )));
            }
            write_ahead(path, &mut connection)?;
            connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
            migrate(path, &mut connection)?;
        }
    }
    Ok(connection)
}

/// Whether a file cannot be read for the sole reason that nothing can be put beside it, as on a disk that is full or may only
/// be read. Nobody writes to it: who does has a log of what is new beside it.
fn is_closed_off(path: &Utf8Path, err: &StoreError) -> bool {
    let cause = std::error::Error::source(err).and_then(|cause| cause.downcast_ref::<Error>());
    let code = cause.and_then(Error::sqlite_error_code);
    let shared = matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure));
    shared && path.exists() && !Utf8PathBuf::from(format!("{path}-wal")).exists()
}

/// Opens a file that nobody writes to, without the memory that its readers and writers share.
fn unshared(path: &Utf8Path) -> Result<Connection, Error> {
    let escaped = path.as_str().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
}

/// The version of the file, if this program can use it.
fn version(path: &Utf8Path, connection: &Connection) -> Result<usize, StoreError> {
    let failed = |err| failure::sqlite(path, err);
    // One statement sees one moment: another process may just be making the file.
    let facts = "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) \
                 FROM pragma_user_version, pragma_application_id";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let (version, id, tables) = connection.query_row(facts, (), row).map_err(failed)?;
    let ours = id == APPLICATION_ID;
    if !ours && (tables > 0 || version != 0) {
        let what = format!(
            "`{path}` is an SQLite file of another program, not a ledger; move it away, or name another state directory"
        );
        return Err(failure::other(what, "its application id is another"));
    }
    match usize::try_from(version) {
        Ok(known) if known <= ARCHIVED => Ok(known),
        _ => {
            let what = format!("the ledger `{path}` was written by a newer dayfly; use that one, or a newer one still");
            let cause = format!("the file has version {version}, this program reads up to {ARCHIVED}");
            Err(failure::other(what, cause))
        }
    }
}

fn write_ahead(path: &Utf8Path, connection: &mut Connection) -> Result<(), StoreError> {
    let give_up_at = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < give_up_at {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let what = format!("the ledger `{path}` needs a disk with shared memory; move it to a local disk");
                return Err(failure::other(what, format!("SQLite stays in journal mode `{mode}`")));
            }
            Err(err) if err.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                // Changing the mode does not wait for others who do the same; taking the write lock does.
                connection
                    .transaction_with_behavior(TransactionBehavior::Immediate)
                    .and_then(rusqlite::Transaction::commit)
                    .map_err(|err| failure::sqlite(path, err))?;
            }
            Err(err) => return Err(failure::sqlite(path, err)),
        }
    }
    Err(failure::sqlite(path, Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)))
}

fn migrate(path: &Utf8Path, connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |err| failure::sqlite(path, err);
    if version(path, connection)? >= MIGRATIONS.len() {
        return Ok(());
    }
    copy(path, connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another process may have done it while this one waited for the lock.
    let from = version(path, &transaction)?;
    for sql in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(sql).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len().max(from) as i64).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Keeps a copy of a file of an older version beside it, for whoever goes back to an older program. It takes the place of one
/// from before somebody did.
fn copy(path: &Utf8Path, connection: &Connection) -> Result<(), StoreError> {
    let version = version(path, connection)?;
    if version == 0 {
        return Ok(());
    }
    let (copy, half) =
        (Utf8PathBuf::from(format!("{path}.v{version}")), Utf8PathBuf::from(format!("{path}.v{version}-half")));
    let files = |err| failure::other(format!("the ledger `{path}` cannot be copied before it is changed"), err);
    match std::fs::remove_file(&half) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => return Err(files(err)),
        _ => {}
    }
    let failed = |err| failure::sqlite(path, err);
    connection.execute("VACUUM INTO ?1", (half.as_str(),)).map_err(failed)?;
    let copied = Connection::open_with_flags(half.as_std_path(), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|made| made.query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0)));
    if copied.map_err(failed)? != version as i64 {
        // Another process has changed the file meanwhile, and has made the copy.
        return std::fs::remove_file(&half).map_err(files);
    }
    std::fs::File::open(&half).and_then(|file| file.sync_all()).map_err(files)?;
    publish(&half, &copy)
}
