//! Going through a ledger record by record, as it stands in the file.

use camino::Utf8Path;
use dayfly_core::{Anchor, Broken, Chain, Event, PutBack, Record, Seq, StoreError};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row};
use serde::Serialize;

use super::failure;
use super::rows::File;
use super::schema::{self, Access};

const ROWS: &str = "SELECT seq, format, epoch, at, kind, body, prev, hash FROM ledger ORDER BY seq";

/// What was found in a ledger that was gone through to its end, or to the first record that is not in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// How many records are in order.
    pub records: u64,
    /// The last of them.
    pub head: Anchor,
    /// What is wrong behind it.
    pub broken: Option<Broken>,
    /// That it was put back from a backup, where that explains why it does not go through a place.
    pub put_back: Option<PutBack>,
    /// What is wrong with the file besides.
    pub damage: Option<String>,
}

impl Audit {
    /// Whether all is in order, and every place that was asked for is one of its own.
    pub fn is_whole(&self) -> bool {
        self.broken.is_none() && self.damage.is_none() && self.put_back.is_none()
    }
}

/// Proves the chain of the ledger at `path`, which is to go through all these places, while an engine may write to it. It
/// holds one record at a time.
///
/// # Errors
/// If the file cannot be opened, is no ledger or was written by a newer dayfly. A ledger that is not in order is none.
pub fn audit(path: &Utf8Path, anchors: Vec<Anchor>) -> Result<Audit, StoreError> {
    let connection = schema::connect(path, Access::Read)?;
    // One transaction sees one moment.
    let moment = connection.unchecked_transaction().map_err(|err| failure::sqlite(path, err))?;
    let mut chain = Chain::new(anchors);
    let (records, broken) = walk(path, &moment, &mut chain)?;
    let (head, put_back) = (chain.head(), chain.put_back().filter(|_| broken.is_none()));
    let broken = broken.or_else(|| chain.end().err());
    let damage = damage(&moment);
    Ok(Audit { records, head, broken, put_back, damage })
}

/// The place that the ledger at `path` has come to, as far as it is in order. Where archives cannot be read, what it says of
/// their end counts.
pub(super) fn come_to(path: &Utf8Path) -> Result<Anchor, StoreError> {
    let connection = schema::connect(path, Access::Read)?;
    let moment = connection.unchecked_transaction().map_err(|err| failure::sqlite(path, err))?;
    let mut chain = Chain::new(Vec::new());
    walk(path, &moment, &mut chain)?;
    let archives = File { path, connection: &moment }.archives()?;
    if let Some(last) = archives.last().filter(|last| last.last > chain.head().seq().0) {
        chain = Chain::behind(Seq(last.last), last.hash.clone());
        follow_rows(path, &moment, &mut chain)?;
    }
    Ok(chain.head())
}

fn walk(path: &Utf8Path, connection: &Connection, chain: &mut Chain) -> Result<(u64, Option<Broken>), StoreError> {
    let mut records = 0;
    let broken = archived(&File { path, connection }, chain, &mut records)?;
    if broken.is_some() {
        return Ok((records, broken));
    }
    let (more, broken) = follow_rows(path, connection, chain)?;
    Ok((records + more, broken))
}

/// Follows the chain through what is in the file itself.
fn follow_rows(
    path: &Utf8Path,
    connection: &Connection,
    chain: &mut Chain,
) -> Result<(u64, Option<Broken>), StoreError> {
    let (mut records, mut broken) = (0, None);
    let mut statement = match connection.prepare(ROWS) {
        Ok(statement) => statement,
        Err(err) => return Err(failure::sqlite(path, err)),
    };
    let mut rows = statement.query(()).map_err(|err| failure::sqlite(path, err))?;
    loop {
        let seq = chain.head().seq().0 + 1;
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(err) if is_damage(&err) => {
                broken = Some(Broken::Unreadable { seq, why: err.to_string() });
                break;
            }
            Err(err) => return Err(failure::sqlite(path, err)),
        };
        let taken = record(row).ok_or(Broken::Altered { seq }).and_then(|record| chain.take(&record));
        match taken {
            Ok(()) => records += 1,
            Err(wrong) => {
                broken = Some(wrong);
                break;
            }
        }
    }
    Ok((records, broken))
}

/// Follows the chain through what is in archives.
fn archived(file: &File<'_>, chain: &mut Chain, records: &mut u64) -> Result<Option<Broken>, StoreError> {
    for archive in file.archives()? {
        let mut broken = None;
        let mut take = |record: &Record| {
            broken = chain.take(record).err();
            *records += u64::from(broken.is_none());
            broken.is_none()
        };
        let read = file.through(&archive, &mut take);
        let seq = chain.head().seq().0 + 1;
        let read = read.err().map(|err| Broken::Unreadable { seq, why: err.to_string() });
        // The ledger and its archive must agree on where the one goes on and the other ends.
        let ends = (chain.head().seq().0, chain.hash()) == (archive.last, &archive.hash);
        let parted = (!ends).then_some(Broken::Unchained { seq });
        if let Some(broken) = broken.or(read).or(parted) {
            return Ok(Some(broken));
        }
    }
    Ok(None)
}

/// The record of a row, if the row stands as this program writes it: what is not hashed is held against what is.
fn record(row: &Row<'_>) -> Option<Record> {
    let text = |column: usize| row.get::<_, String>(column).ok();
    let number = |column: usize| u64::try_from(row.get::<_, i64>(column).ok()?).ok();
    let (at, kind) = (text(3)?, text(4)?);
    let json = serde_json::json!({
        "format": number(1)?, "seq": number(0)?, "epoch": number(2)?, "at": at, "body": text(5)?, "prev": text(6)?,
        "hash": text(7)?,
    });
    let record: Record = serde_json::from_value(json).ok()?;
    let kinds = match record.event() {
        // A kind that a newer program wrote is kept under its own name.
        Ok(Event::Newer) | Err(_) => true,
        Ok(event) => serde_json::to_value(event.kind()).is_ok_and(|word| word.as_str() == Some(&kind)),
    };
    (kinds && record.at.to_string() == at).then_some(record)
}

fn is_damage(err: &rusqlite::Error) -> bool {
    matches!(err.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure))
}

/// What SQLite itself finds wrong with the file, if anything.
fn damage(connection: &Connection) -> Option<String> {
    let said = connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get::<_, String>(0)).optional();
    match said {
        Ok(Some(said)) if said == "ok" => None,
        Ok(said) => Some(said.unwrap_or_else(|| "it cannot be checked".into())),
        Err(err) => Some(err.to_string()),
    }
}
