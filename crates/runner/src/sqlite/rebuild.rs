//! Making the stored fold anew from the ledger, and comparing it with the one that was used.

use std::cmp::Ordering;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::StoreError;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Rows as Cursor, TransactionBehavior};

use super::failure;
use super::fold::{Fold, MAIN, Rows, TABLES};
use super::rows::File;
use super::writer::Writer;

/// The schema of the tables that are made anew.
const AGAIN: &str = "again";
/// How many records are folded before what has changed is stored.
const PAGE: usize = 4096;
/// How many differences are told.
const MOST_TOLD: usize = 50;
/// The longest text of a value in a difference.
const LONGEST: usize = 300;

/// What became of making the stored fold anew.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// How many records were folded.
    pub records: u64,
    /// How many differences there were between what was stored and what the ledger says. They have been mended.
    pub different: u64,
    /// The first of them, in words.
    pub differences: Vec<String>,
}

impl Writer {
    /// Folds the whole ledger into tables of their own, beside the file, and puts them in place of those in it where they
    /// differ. What is held in memory does not grow with the ledger.
    pub(super) fn rebuild(&mut self) -> Result<Rebuilt, StoreError> {
        self.may_write()?;
        self.settle()?;
        self.forget();
        let scratch = Utf8PathBuf::from(format!("{}-{AGAIN}", self.path));
        remove(&scratch)?;
        let failed = |err| failure::sqlite(&self.path, err);
        self.connection.execute("ATTACH DATABASE ?1 AS again", (scratch.as_str(),)).map_err(failed)?;
        let result = rebuild(&self.path, &mut self.connection);
        self.connection.flush_prepared_statement_cache();
        let detached = self.connection.execute_batch("DETACH DATABASE again").map_err(failed);
        // On a disk that is full, what is left of a failure would be in everybody's way.
        let removed = remove(&scratch);
        let rebuilt = result?;
        detached?;
        removed?;
        Ok(rebuilt)
    }
}

fn remove(scratch: &Utf8Path) -> Result<(), StoreError> {
    match std::fs::remove_file(scratch) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            Err(failure::other(format!("cannot remove `{scratch}`, which is in the way; remove it"), err))
        }
        _ => Ok(()),
    }
}

fn rebuild(path: &Utf8Path, connection: &mut Connection) -> Result<Rebuilt, StoreError> {
    let failed = |err| failure::sqlite(path, err);
    // Nothing of these need outlive a crash.
    connection.execute_batch("PRAGMA again.journal_mode = OFF; PRAGMA again.synchronous = OFF").map_err(failed)?;
    let tables = include_str!("v2.sql").replace("CREATE TABLE ", "CREATE TABLE again.");
    connection.execute_batch(&tables.replace("CREATE INDEX ", "CREATE INDEX again.")).map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let file = File { path, connection: &transaction };
    let again = Rows { file, schema: AGAIN };
    let mut fold = Fold::default();
    loop {
        let more = again.follow(&mut fold, PAGE)?;
        again.save(&mut fold)?;
        if !more {
            break;
        }
    }
    let mut rebuilt = Rebuilt { records: fold.state.head.0, different: 0, differences: Vec::new() };
    for table in TABLES {
        compare(&file, table, &mut rebuilt)?;
    }
    if rebuilt.different > 0 {
        Rows { file, schema: MAIN }.clear()?;
        for table in TABLES {
            file.execute(&format!("INSERT INTO main.{table} SELECT * FROM again.{table}"), ())?;
        }
    }
    transaction.commit().map_err(failed)?;
    Ok(rebuilt)
}

/// Which columns of a table are compared, in which order, and how many of the first are its key.
fn columns(table: &str) -> (&'static str, &'static str, usize) {
    match table {
        "issues" => ("id, name, hot, state", "id", 1),
        "live" => ("attempt, state", "attempt", 1),
        // The number only says the order.
        "outbox" => ("row_number() OVER (ORDER BY n), issue, effect, state", "n", 1),
        "spending" => ("slot, spent", "slot", 1),
        "moments" => ("ms, seq", "ms, seq", 2),
        "about" => ("issue, seq", "issue, seq", 2),
        _ => ("id, version, seq, hash, rest", "id", 1),
    }
}

/// Goes through both tables in the order of their keys.
fn compare(file: &File<'_>, table: &str, rebuilt: &mut Rebuilt) -> Result<(), StoreError> {
    let failed = |err| file.failed(err);
    let (columns, order, keys) = columns(table);
    let select = |schema: &str| format!("SELECT {columns} FROM {schema}.{table} ORDER BY {order}");
    let mut old = file.connection.prepare(&select(MAIN)).map_err(failed)?;
    let mut new = file.connection.prepare(&select(AGAIN)).map_err(failed)?;
    let width = old.column_count();
    let (mut old, mut new) = (old.query(()).map_err(failed)?, new.query(()).map_err(failed)?);
    let next = |cursor: &mut Cursor<'_>| -> Result<Option<Vec<Value>>, StoreError> {
        cursor.next().map_err(failed)?.map(|row| values(row, width).map_err(failed)).transpose()
    };
    let (mut a, mut b) = (next(&mut old)?, next(&mut new)?);
    loop {
        let order = match (&a, &b) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => by_key(a, b, keys),
        };
        let stored = if order == Ordering::Greater { None } else { a.take() };
        let folded = if order == Ordering::Less { None } else { b.take() };
        if stored != folded {
            rebuilt.different += 1;
            if rebuilt.differences.len() < MOST_TOLD {
                let (stored, folded) = (words(stored.as_ref()), words(folded.as_ref()));
                rebuilt.differences.push(format!("{table}: stored is {stored}, the ledger says {folded}"));
            }
        }
        if order != Ordering::Greater {
            a = next(&mut old)?;
        }
        if order != Ordering::Less {
            b = next(&mut new)?;
        }
    }
}

fn values(row: &Row<'_>, width: usize) -> rusqlite::Result<Vec<Value>> {
    (0..width).map(|column| row.get(column)).collect()
}

fn by_key(a: &[Value], b: &[Value], keys: usize) -> Ordering {
    let pairs = a.iter().zip(b).take(keys);
    let one = |(a, b): (&Value, &Value)| match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    pairs.map(one).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

fn words(row: Option<&Vec<Value>>) -> String {
    let Some(row) = row else { return "nothing".into() };
    let value = |value: &Value| match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        _ => "nothing".into(),
    };
    let text: Vec<String> = row.iter().map(value).collect();
    let text = text.join(" | ");
    text.char_indices().nth(LONGEST).and_then(|(at, _)| text.get(..at)).unwrap_or(&text).to_owned()
}
