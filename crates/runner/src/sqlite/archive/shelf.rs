//! What is in archives, and reading it as if it were still in the ledger.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Digest, Record, Seq, StoreError};
use rusqlite::Row;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize as _, Serialize};

use super::unpack;
use crate::sqlite::failure;
use crate::sqlite::rows::{File, signed, unsigned};
use crate::sqlite::schema::{self, Access};

const FIRST: &str = "SELECT seq FROM ledger ORDER BY seq LIMIT 1";
const ARCHIVES: &str = "SELECT first, last, bytes, hash, digest, file FROM archives ORDER BY first";
const PARTS: &str = "SELECT p.first, p.last, p.at, p.bytes, p.digest, a.file
    FROM archive_parts AS p JOIN archives AS a ON a.first = p.archive
    WHERE p.last > ?1 ORDER BY p.first LIMIT ?2";

/// A file that holds a part of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Archive {
    /// Its first record.
    pub first: u64,
    /// Its last record.
    pub last: u64,
    /// The hash of the last record.
    pub hash: Digest,
    /// Its name in the folder `archive` beside the ledger.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 digest of the file.
    pub digest: Digest,
}

/// A stretch of an archive that can be read by itself.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Where it begins in the file.
    pub(super) at: u64,
    pub(super) bytes: u64,
    pub(super) digest: Digest,
    pub(super) file: String,
}

/// The archives of the ledger at `path`, in order.
///
/// # Errors
/// If the ledger cannot be opened or read.
pub fn archives(path: &Utf8Path) -> Result<Vec<Archive>, StoreError> {
    let connection = schema::connect(path, Access::Read)?;
    File { path, connection: &connection }.archives()
}

/// Where the archives of a ledger lie.
pub(in crate::sqlite) fn folder(path: &Utf8Path) -> Utf8PathBuf {
    path.with_file_name("archive")
}

fn unusable(path: &Utf8Path, source: io::Error) -> StoreError {
    let what = if source.kind() == io::ErrorKind::NotFound { "is missing" } else { "cannot be read, or was changed" };
    failure::other(
        format!(
            "the archive `{path}`, which holds a part of the ledger, {what}; put it back from the folder `archive` beside \
             a backup"
        ),
        source,
    )
}

fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its digest is not the one that the ledger knows")
}

impl Archive {
    /// The whole file of an archive of the ledger at `path`, if it is what was written.
    pub(super) fn whole(&self, path: &Utf8Path) -> Result<Vec<u8>, StoreError> {
        let file = folder(path).join(&self.file);
        let bytes = fs::read(&file).map_err(|err| unusable(&file, err))?;
        if Digest::of(&bytes) == self.digest { Ok(bytes) } else { Err(unusable(&file, changed())) }
    }
}

impl Part {
    /// Its records, read from its place in the file.
    fn records(&self, path: &Utf8Path) -> Result<Vec<Record>, StoreError> {
        let file = folder(path).join(&self.file);
        let failed = |err| unusable(&file, err);
        let mut bytes = vec![0; usize::try_from(self.bytes).unwrap_or(0)];
        fs::File::open(&file).and_then(|open| open.read_exact_at(&mut bytes, self.at)).map_err(failed)?;
        self.read(path, &bytes)
    }

    /// Its records, from the bytes of the whole file.
    pub(super) fn records_in(&self, path: &Utf8Path, whole: &[u8]) -> Result<Vec<Record>, StoreError> {
        let span = usize::try_from(self.at).ok().zip(usize::try_from(self.at + self.bytes).ok());
        self.read(path, span.and_then(|(from, to)| whole.get(from..to)).unwrap_or_default())
    }

    fn read(&self, path: &Utf8Path, bytes: &[u8]) -> Result<Vec<Record>, StoreError> {
        let failed = |err| unusable(&folder(path).join(&self.file), err);
        if Digest::of(bytes) != self.digest {
            return Err(failed(changed()));
        }
        unpack(bytes).map_err(failed)
    }
}

impl File<'_> {
    /// Whether this ledger ever had an archive.
    pub(in crate::sqlite) fn has_archives(&self) -> Result<bool, StoreError> {
        let found = self.one("SELECT 1 FROM sqlite_schema WHERE name = 'archives'", (), |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// The archives of this ledger, in order.
    pub(in crate::sqlite) fn archives(&self) -> Result<Vec<Archive>, StoreError> {
        if !self.has_archives()? {
            return Ok(Vec::new());
        }
        let row = |row: &Row<'_>| {
            let numbers: (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((numbers, row.get::<_, String>(3)?, row.get::<_, String>(4)?, row.get::<_, String>(5)?))
        };
        let number = |number| unsigned(self.path, number);
        let archive = |((first, last, bytes), hash, digest, file): ((i64, i64, i64), String, String, String)| {
            let (first, last, bytes) = (number(first)?, number(last)?, number(bytes)?);
            Ok(Archive { first, last, bytes, hash: self.digest(hash)?, digest: self.digest(digest)?, file })
        };
        self.all(ARCHIVES, (), row)?.into_iter().map(archive).collect()
    }

    fn digest(&self, text: String) -> Result<Digest, StoreError> {
        let reader: serde::de::value::StringDeserializer<serde::de::value::Error> = text.into_deserializer();
        Digest::deserialize(reader).map_err(|err| failure::damaged(self.path, err))
    }

    /// Up to which place the records are in archives.
    pub(in crate::sqlite) fn archived_to(&self) -> Result<Seq, StoreError> {
        let first: Option<i64> = self.one(FIRST, (), |row| row.get(0))?;
        if first.is_none_or(|first| first <= 1) || !self.has_archives()? {
            return Ok(Seq(0));
        }
        let last: Option<i64> = self.one("SELECT max(last) FROM archives", (), |row| row.get(0))?.flatten();
        Ok(Seq(unsigned(self.path, last.unwrap_or(0))?))
    }

    fn parts(&self, after: Seq, limit: usize) -> Result<Vec<Part>, StoreError> {
        let row = |row: &Row<'_>| {
            let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            Ok((numbers, row.get::<_, String>(4)?, row.get::<_, String>(5)?))
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let number = |number| unsigned(self.path, number);
        let part = |([first, last, at, bytes], digest, file): ([i64; 4], String, String)| {
            let (first, last, at, bytes) = (number(first)?, number(last)?, number(at)?, number(bytes)?);
            Ok(Part { first, last, at, bytes, digest: self.digest(digest)?, file })
        };
        self.all(PARTS, (signed(after.0), limit), row)?.into_iter().map(part).collect()
    }

    /// Where the part of an archive ends that holds the record behind a place, if one does.
    pub(in crate::sqlite) fn part_end(&self, after: Seq) -> Result<Option<Seq>, StoreError> {
        if after >= self.archived_to()? {
            return Ok(None);
        }
        Ok(self.parts(after, 1)?.pop().map(|part| Seq(part.last)))
    }

    /// Those of the archived records that follow a place, at most so many.
    pub(in crate::sqlite) fn archived_after(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut records: Vec<Record> = Vec::new();
        let end = self.archived_to()?;
        loop {
            let after = records.last().map_or(after, |record| record.seq);
            if records.len() >= limit || after >= end {
                break;
            }
            let Some(part) = self.parts(after, 1)?.pop() else { break };
            let left = limit - records.len();
            let before = records.len();
            records.extend(part.records(self.path)?.into_iter().filter(|record| record.seq > after).take(left));
            if records.len() == before {
                break;
            }
        }
        Ok(records)
    }

    /// Those of these records, in their order, that are in archives.
    pub(in crate::sqlite) fn archived(&self, seqs: &BTreeSet<Seq>) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut next = seqs.first().copied();
        while let Some(seq) = next {
            let Some(part) = self.parts(Seq(seq.0.saturating_sub(1)), 1)?.pop() else { break };
            records.extend(part.records(self.path)?.into_iter().filter(|record| seqs.contains(&record.seq)));
            next = seqs.range(Seq(part.last.max(seq.0) + 1)..).next().copied();
        }
        Ok(records)
    }

    /// Goes through an archive as a whole: all of it, and nothing but it.
    pub(in crate::sqlite) fn through(
        &self,
        archive: &Archive,
        take: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<(), StoreError> {
        let bytes = archive.whole(self.path)?;
        let mut end = 0;
        for part in self.parts(Seq(archive.first.saturating_sub(1)), usize::MAX)? {
            if part.file != archive.file {
                break;
            }
            end = part.at + part.bytes;
            if !part.records_in(self.path, &bytes)?.iter().all(&mut *take) {
                return Ok(());
            }
        }
        let all = end == bytes.len() as u64;
        if all { Ok(()) } else { Err(unusable(&folder(self.path).join(&archive.file), changed())) }
    }
}
