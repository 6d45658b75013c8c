//! The thread that owns the connection.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Batch, Digest, Epoch, Event, Record, RecordError, Seq, State, StateError, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use tokio::sync::{mpsc, oneshot};

use super::failure;
use super::schema::Access;

/// How many appends are committed together at most.
const GROUP: usize = 32;
/// Enough for every statement of this file.
const STATEMENTS: usize = 16;

const HEAD: &str = "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1";
const EPOCH: &str = "SELECT epoch FROM meta WHERE id = 1";
const TAKE_OVER: &str = "UPDATE meta SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";
const INSERT: &str = "INSERT INTO ledger (seq, format, epoch, at, kind, body, prev, hash)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const READ: &str = "SELECT seq, format, epoch, at, body, prev, hash FROM ledger
    WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread can be asked for.
#[derive(Debug)]
pub(super) enum Request {
    TakeOver(Reply<Epoch>),
    Append(Box<Batch>, Reply<Vec<Record>>),
    Read { after: Seq, limit: usize, reply: Reply<Vec<Record>> },
}

type Append = (Box<Batch>, Reply<Vec<Record>>);

/// Owns the connection and the state folded from the file.
pub(super) struct Writer {
    path: Utf8PathBuf,
    connection: Connection,
    access: Access,
    // `None` where it must be folded anew from the file.
    state: Option<State>,
}

impl Writer {
    pub(super) fn new(path: Utf8PathBuf, connection: Connection, access: Access) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { path, connection, access, state: None }
    }

    /// Serves requests until there is nobody left to ask.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut held = None;
        while let Some(request) = held.take().or_else(|| inbox.blocking_recv()) {
            // Those who asked may have gone away; what they asked for is done all the same.
            match request {
                Request::TakeOver(reply) => drop(reply.send(self.take_over())),
                Request::Read { after, limit, reply } => {
                    drop(reply.send(read(&self.path, &self.connection, after, limit)));
                }
                Request::Append(batch, reply) => {
                    let mut group = vec![(batch, reply)];
                    while group.len() < GROUP && held.is_none() {
                        match inbox.try_recv() {
                            Ok(Request::Append(batch, reply)) => group.push((batch, reply)),
                            Ok(other) => held = Some(other),
                            Err(_) => break,
                        }
                    }
                    self.append(group);
                }
            }
        }
    }

    fn take_over(&mut self) -> Result<Epoch, StoreError> {
        self.may_write()?;
        let path = &self.path;
        let failed = |err| failure::sqlite(path, err);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let epoch = transaction
            .prepare_cached(TAKE_OVER)
            .and_then(|mut statement| statement.query_row((), |row| row.get(0)))
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Epoch(unsigned(path, epoch)?))
    }

    fn append(&mut self, group: Vec<Append>) {
        let (batches, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match self.may_write().and_then(|()| self.commit(&batches)) {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    drop(reply.send(result));
                }
            }
            Err(err) => {
                // Nothing of the group is in the file; the state may hold a part of it.
                self.state = None;
                tell_all(replies, err);
            }
        }
    }

    /// Appends batches in one transaction, each with a result of its own. An error means that none
    /// was appended.
    fn commit(&mut self, batches: &[Box<Batch>]) -> Result<Vec<Result<Vec<Record>, StoreError>>, StoreError> {
        let path = &self.path;
        let failed = |err| failure::sqlite(path, err);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let epoch = transaction
            .prepare_cached(EPOCH)
            .and_then(|mut statement| statement.query_row((), |row| row.get(0)))
            .map_err(failed)?;
        let epoch = Epoch(unsigned(path, epoch)?);
        let mut state = catch_up(path, &transaction, self.state.take())?;
        let mut results = Vec::with_capacity(batches.len());
        for batch in batches {
            if let Err(refusal) = batch.check(epoch, &state) {
                results.push(Err(refusal));
                continue;
            }
            match batch.prepare(epoch, &mut state) {
                Ok(records) => {
                    insert(path, &transaction, batch, &records)?;
                    results.push(Ok(records));
                }
                Err(refusal) => {
                    state = catch_up(path, &transaction, None)?;
                    results.push(Err(refusal));
                }
            }
        }
        transaction.commit().map_err(failed)?;
        self.state = Some(state);
        Ok(results)
    }

    fn may_write(&self) -> Result<(), StoreError> {
        if self.access == Access::Write {
            return Ok(());
        }
        let what = format!("the ledger `{}` was opened for reading only", self.path);
        Err(failure::other(what, "this is a mistake in the program; please report it"))
    }
}

/// Gives everybody the same error; those after the first get its text and its kind.
fn tell_all(replies: Vec<Reply<Vec<Record>>>, err: StoreError) {
    let mut replies = replies.into_iter();
    let first = replies.next();
    for reply in replies {
        drop(reply.send(Err(failure::same(&err))));
    }
    if let Some(reply) = first {
        drop(reply.send(Err(err)));
    }
}

/// Brings the state up to the file's head, from nothing if it does not stand at a record of the file.
fn catch_up(path: &Utf8Path, transaction: &Transaction<'_>, known: Option<State>) -> Result<State, StoreError> {
    let failed = |err| failure::sqlite(path, err);
    let head: Option<(i64, String)> = transaction
        .prepare_cached(HEAD)
        .and_then(|mut statement| statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)?;
    let (seq, hash) = match &head {
        Some((seq, hash)) => (unsigned(path, *seq)?, hash.as_str()),
        None => (0, ""),
    };
    let mut state = known.unwrap_or_default();
    if state.head.0 == seq && (seq == 0 || state.hash.as_str() == hash) {
        return Ok(state);
    }
    if state.head.0 >= seq {
        state = State::default();
    }
    let mut statement = transaction.prepare_cached(READ).map_err(failed)?;
    let mut rows = statement.query((signed(state.head.0), i64::MAX)).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        state.apply(&record(path, row)?)?;
    }
    Ok(state)
}

fn insert(path: &Utf8Path, transaction: &Transaction<'_>, batch: &Batch, records: &[Record]) -> Result<(), StoreError> {
    let failed = |err| failure::sqlite(path, err);
    let mut statement = transaction.prepare_cached(INSERT).map_err(failed)?;
    for (record, event) in records.iter().zip(&batch.events) {
        statement
            .execute((
                signed(record.seq.0),
                record.format,
                signed(record.epoch.0),
                record.at.to_string(),
                kind(event),
                &record.body,
                record.prev.as_str(),
                record.hash.as_str(),
            ))
            .map_err(failed)?;
    }
    Ok(())
}

fn read(path: &Utf8Path, connection: &Connection, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
    let failed = |err| failure::sqlite(path, err);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(READ).map_err(failed)?;
    let mut rows = statement.query((signed(after.0), limit)).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        records.push(record(path, row)?);
    }
    Ok(records)
}

/// Reads a row as it stands; whether it follows from the one before it is for the fold to say.
fn record(path: &Utf8Path, row: &Row<'_>) -> Result<Record, StoreError> {
    let failed = |err| failure::sqlite(path, err);
    let seq = unsigned(path, row.get(0).map_err(failed)?)?;
    let broken = || StateError::from(RecordError::Broken { seq });
    let text = |column: usize| row.get::<_, String>(column).map_err(failed);
    let digest = |text: String| {
        let reader: serde::de::value::StringDeserializer<serde::de::value::Error> = text.into_deserializer();
        Digest::deserialize(reader).map_err(|_| broken())
    };
    Ok(Record {
        format: row.get(1).map_err(failed)?,
        seq: Seq(seq),
        epoch: Epoch(unsigned(path, row.get(2).map_err(failed)?)?),
        at: text(3)?.parse().map_err(|_| broken())?,
        body: text(4)?,
        prev: digest(text(5)?)?,
        hash: digest(text(6)?)?,
    })
}

fn kind(event: &Event) -> String {
    match serde_json::to_value(event.kind()) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Places beyond SQLite's integers are never reached; asking for what follows them finds nothing.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(path: &Utf8Path, number: i64) -> Result<u64, StoreError> {
    u64::try_from(number)
        .map_err(|err| failure::other(format!("the ledger `{path}` is damaged; put back a copy of it"), err))
}
