//! Records as rows.

use std::collections::BTreeSet;

use camino::Utf8Path;
use dayfly_core::{Digest, Epoch, Event, Record, RecordError, Seq, StateError, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;

use super::failure;

const HEAD: &str = "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1";
const INSERT: &str = "INSERT INTO ledger (seq, format, epoch, at, kind, body, prev, hash)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const AFTER: &str = "SELECT seq, format, epoch, at, body, prev, hash FROM ledger
    WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const BETWEEN: &str = "SELECT l.seq, l.format, l.epoch, l.at, l.body, l.prev, l.hash
    FROM moments JOIN ledger AS l USING (seq) WHERE ms BETWEEN ?1 AND ?2 ORDER BY seq";
const ABOUT: &str = "SELECT l.seq, l.format, l.epoch, l.at, l.body, l.prev, l.hash
    FROM about JOIN ledger AS l USING (seq)
    WHERE issue = (SELECT id FROM issues WHERE name = ?1) ORDER BY seq";

const MOMENTS: &str = "SELECT seq FROM moments WHERE ms BETWEEN ?1 AND ?2";
const NAMED: &str = "SELECT seq FROM about WHERE issue = (SELECT id FROM issues WHERE name = ?1)";

/// A connection with the name of its file, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) path: &'a Utf8Path,
    pub(super) connection: &'a Connection,
}

impl File<'_> {
    pub(super) fn failed(&self, err: rusqlite::Error) -> StoreError {
        failure::sqlite(self.path, err)
    }

    /// Runs a statement that gives nothing.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params));
        done.map_err(|err| self.failed(err))
    }

    /// The only row of a statement, if it gives one.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let found = self.connection.prepare_cached(sql).and_then(|mut s| s.query_row(params, row).optional());
        found.map_err(|err| self.failed(err))
    }

    /// All rows of a statement.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let all = self.connection.prepare_cached(sql).and_then(|mut s| s.query_map(params, row)?.collect());
        all.map_err(|err| self.failed(err))
    }

    /// The place and hash of the last record.
    pub(super) fn head(&self) -> Result<(Seq, String), StoreError> {
        let head: Option<(i64, String)> = self.one(HEAD, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
        match head {
            Some((seq, hash)) => Ok((Seq(unsigned(self.path, seq)?), hash)),
            None => Ok((Seq(0), Digest::zero().to_string())),
        }
    }

    pub(super) fn insert(&self, record: &Record, event: &Event) -> Result<(), StoreError> {
        let row = (
            signed(record.seq.0),
            record.format,
            signed(record.epoch.0),
            record.at.to_string(),
            kind(event),
            &record.body,
            record.prev.as_str(),
            record.hash.as_str(),
        );
        self.execute(INSERT, row).map(drop)
    }

    /// The records after a place.
    pub(super) fn after(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut records = self.archived_after(after, limit)?;
        let (after, left) = (records.last().map_or(after, |record| record.seq), limit - records.len());
        records.extend(self.records(AFTER, (signed(after.0), i64::try_from(left).unwrap_or(i64::MAX)))?);
        Ok(records)
    }

    /// The records of a span of milliseconds, both ends included.
    pub(super) fn between(&self, from: i64, to: i64) -> Result<Vec<Record>, StoreError> {
        let mut records = self.archived(&self.seqs(MOMENTS, (from, to))?)?;
        records.extend(self.records(BETWEEN, (from, to))?);
        Ok(records)
    }

    /// The records about an issue.
    pub(super) fn about(&self, issue: &str) -> Result<Vec<Record>, StoreError> {
        let mut records = self.archived(&self.seqs(NAMED, (issue,))?)?;
        records.extend(self.records(ABOUT, (issue,))?);
        Ok(records)
    }

    /// Which of the records that an index names are in archives.
    fn seqs(&self, sql: &str, params: impl Params) -> Result<BTreeSet<Seq>, StoreError> {
        let end = self.archived_to()?;
        if end == Seq(0) {
            return Ok(BTreeSet::new());
        }
        let seqs: Vec<i64> = self.all(sql, params, |row| row.get(0))?;
        let seqs = seqs.into_iter().map(|seq| Ok(Seq(unsigned(self.path, seq)?)));
        seqs.filter(|seq| seq.as_ref().is_ok_and(|seq| *seq <= end) || seq.is_err()).collect()
    }

    fn records(&self, sql: &str, params: impl Params) -> Result<Vec<Record>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|err| self.failed(err))?;
        let mut rows = statement.query(params).map_err(|err| self.failed(err))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(|err| self.failed(err))? {
            records.push(self.record(row)?);
        }
        Ok(records)
    }

    /// Reads a row as it stands; whether it follows from the one before it is for the fold to say.
    fn record(&self, row: &Row<'_>) -> Result<Record, StoreError> {
        let failed = |err| self.failed(err);
        let seq = unsigned(self.path, row.get(0).map_err(failed)?)?;
        let broken = || StateError::from(RecordError::Broken { seq });
        let text = |column: usize| row.get::<_, String>(column).map_err(failed);
        let digest = |text: String| {
            let reader: serde::de::value::StringDeserializer<serde::de::value::Error> = text.into_deserializer();
            Digest::deserialize(reader).map_err(|_| broken())
        };
        Ok(Record {
            format: row.get(1).map_err(failed)?,
            seq: Seq(seq),
            epoch: Epoch(unsigned(self.path, row.get(2).map_err(failed)?)?),
            at: text(3)?.parse().map_err(|_| broken())?,
            body: text(4)?,
            prev: digest(text(5)?)?,
            hash: digest(text(6)?)?,
        })
    }
}

fn kind(event: &Event) -> String {
    match serde_json::to_value(event.kind()) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Places beyond SQLite's integers are never reached; asking for what follows them finds nothing.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(path: &Utf8Path, number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|err| failure::damaged(path, err))
}
