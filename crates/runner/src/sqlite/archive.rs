//! Moving the beginning of a ledger into compressed files beside it.
//!
//! A file is written out to the disk, read back and held against the rows before these are taken out, in one transaction
//! that also says where they are. A crash leaves the rows, and perhaps a file that nothing names and that is removed the next time; or the file alone.

pub(super) mod copy;
pub(super) mod shelf;
mod sweep;

use std::fs;
use std::io::{Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Anchor, Broken, Chain, Digest, Record, Seq, State, StoreError};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use super::backup::publish;
use super::failure;
use super::rows::{File, signed, unsigned};
use super::schema::ARCHIVED;
use super::writer::Writer;
use shelf::{Archive, Part, folder};
use sweep::sweep;

/// How records are cut into files and parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// The most records of a part, which is what is read at once.
    pub(super) part: usize,
    /// The most records of a file, which is what is held in memory at once, compressed.
    pub(super) file: usize,
    /// How many of the last records stay in any case: what goes on needs them.
    pub(super) keep: u64,
}

impl Cut {
    pub(super) const USUAL: Self = Self { part: 1024, file: 65_536, keep: 256 };
}

/// How far an archive has come: where a crash makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The file is written, under another name.
    Written,
    /// It has its name, and is proven.
    Published,
    /// The rows are taken out, and nothing of that is durable.
    TakenOut,
    /// That is durable.
    Committed,
}

/// What was moved into archives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Archived {
    /// How many records were moved.
    pub records: u64,
    /// The files that were made.
    pub files: Vec<Utf8PathBuf>,
    /// Their size.
    pub bytes: u64,
    /// The size of the ledger's file before.
    pub before: u64,
    /// Its size afterwards.
    pub after: u64,
    /// Why its space could not be given back to the file system, if it could not.
    pub kept_space: Option<String>,
}

impl Writer {
    /// Moves the records up to the first that is not older than `before` into archives.
    pub(super) fn archive(
        &mut self,
        before: Timestamp,
        cut: Cut,
        step: &mut dyn FnMut(Step) -> Result<(), StoreError>,
    ) -> Result<Archived, StoreError> {
        self.may_write()?;
        // What is made from the records must not need them any more.
        self.settle()?;
        let path = self.path.clone();
        let size = || path.metadata().map_or(0, |file| file.len());
        let mut done = Archived { records: 0, files: Vec::new(), bytes: 0, before: size(), after: 0, kept_space: None };
        let file = File { path: &path, connection: &self.connection };
        sweep(&file);
        let to = self.known().map_or(Ok(0), |state| last_to_go(&file, state, before, cut.keep))?;
        loop {
            let file = File { path: &path, connection: &self.connection };
            let mut chain = begin(&file)?;
            let from = chain.head().seq();
            let count = usize::try_from(to.saturating_sub(from.0)).unwrap_or(usize::MAX).min(cut.file);
            if count == 0 {
                break;
            }
            let made = write(&file, &mut chain, (from, count), cut.part, step)?;
            take_out(&path, &mut self.connection, &made, step)?;
            step(Step::Committed)?;
            done.records += made.archive.last - made.archive.first + 1;
            done.bytes += made.archive.bytes;
            done.files.push(folder(&path).join(&made.archive.file));
        }
        self.forget();
        done.kept_space = shrink(&self.connection).err().map(|err| failure::sqlite(&path, err).to_string());
        done.after = size();
        Ok(done)
    }
}

/// The last record that may go: all before it are older too, and what runs, or has just ended, is looked up behind it.
fn last_to_go(file: &File<'_>, state: &State, before: Timestamp, keep: u64) -> Result<u64, StoreError> {
    let young = "SELECT min(seq) FROM moments WHERE ms >= ?1";
    let young: Option<i64> = file.one(young, (before.as_millisecond(),), |row| row.get(0))?.flatten();
    let young = young.map(|seq| unsigned(file.path, seq)).transpose()?.map(|seq| seq.saturating_sub(1));
    let live = state.live.values().map(|live| live.token.0);
    let needed = live.chain(state.finishes.iter().map(|finish| finish.seq.0)).chain([state.head.0]);
    let most = needed.map(|seq| seq.saturating_sub(keep)).min().unwrap_or(0);
    Ok(young.unwrap_or(state.head.0).min(most))
}

/// The place and hash up to which the ledger is in archives already.
fn begin(file: &File<'_>) -> Result<Chain, StoreError> {
    match file.archives()?.last() {
        Some(archive) => Ok(Chain::behind(Seq(archive.last), archive.hash.clone())),
        None => Ok(Chain::new(Vec::new())),
    }
}

/// A file that is on the disk, and what its parts are.
struct Made {
    archive: Archive,
    parts: Vec<Part>,
}

/// Writes the records that follow into a file, and proves that they are in it.
fn write(
    file: &File<'_>,
    chain: &mut Chain,
    (from, count): (Seq, usize),
    part: usize,
    step: &mut dyn FnMut(Step) -> Result<(), StoreError>,
) -> Result<Made, StoreError> {
    let (mut bytes, mut parts) = (Vec::new(), Vec::new());
    let mut proof = chain.clone();
    let mut left = count;
    while left > 0 {
        let records = file.after(chain.head().seq(), left.min(part))?;
        let (Some(first), Some(last)) = (records.first(), records.last()) else { break };
        for record in &records {
            chain.take(record).map_err(|broken| damaged(file.path, &broken))?;
        }
        let packed = pack(&records).map_err(|err| failure::file(file.path, err))?;
        let (at, digest) = (bytes.len() as u64, Digest::of(&packed));
        let size = packed.len() as u64;
        parts.push(Part { first: first.seq.0, last: last.seq.0, at, bytes: size, digest, file: String::new() });
        bytes.extend(packed);
        left -= records.len().min(left);
    }
    let (head, digest) = (chain.head(), Digest::of(&bytes));
    let last = head.seq().0;
    let short: String = digest.as_str().chars().take(12).collect();
    // In the order of their names they are in the order of their records.
    let name = format!("ledger-{:012}-{last:012}-{short}.jsonl.gz", from.0 + 1);
    let hash = chain.hash().clone();
    let archive = Archive { first: from.0 + 1, last, hash, file: name, bytes: bytes.len() as u64, digest };
    parts.iter_mut().for_each(|part| part.file.clone_from(&archive.file));
    let made = Made { archive, parts };
    store(file.path, &made, &bytes, step)?;
    prove(file.path, &made, &mut proof, &head)?;
    step(Step::Published)?;
    Ok(made)
}

fn damaged(path: &Utf8Path, broken: &Broken) -> StoreError {
    failure::other(
        format!("the ledger `{path}` is not in order, and nothing of it is moved; run `dayfly audit verify`"),
        broken.to_string(),
    )
}

/// Puts a file into the folder, so that a power cut leaves it whole or not there.
fn store(
    path: &Utf8Path,
    made: &Made,
    bytes: &[u8],
    step: &mut dyn FnMut(Step) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let folder = folder(path);
    let unfinished = folder.join(format!("{}.part", made.archive.file));
    let files = |err| failure::disk(&unfinished, err);
    fs::create_dir_all(&folder).map_err(files)?;
    // The name of the folder itself must outlive a power cut too.
    let above = folder.parent().filter(|above| !above.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    fs::File::open(above).and_then(|above| above.sync_all()).map_err(files)?;
    let mut file = fs::File::create(&unfinished).map_err(files)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(files)?;
    step(Step::Written)?;
    publish(&unfinished, &folder.join(&made.archive.file))
}

/// Reads a file back as every reader does, and follows its chain.
fn prove(path: &Utf8Path, made: &Made, chain: &mut Chain, head: &Anchor) -> Result<(), StoreError> {
    let bytes = made.archive.whole(path)?;
    for part in &made.parts {
        for record in part.records_in(path, &bytes)? {
            chain.take(&record).map_err(|broken| damaged(path, &broken))?;
        }
    }
    if chain.head() == *head {
        return Ok(());
    }
    let what = format!("the archive `{}` does not hold what was written; look at the disk", made.archive.file);
    Err(failure::other(what, format!("it ends at {}, and not at {head}", chain.head())))
}

/// Takes the rows out whose records are in an archive, if they still are what was written there.
fn take_out(
    path: &Utf8Path,
    connection: &mut Connection,
    Made { archive, parts }: &Made,
    step: &mut dyn FnMut(Step) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |err| failure::sqlite(path, err);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let file = File { path, connection: &transaction };
    if !file.has_archives()? {
        transaction.execute_batch(include_str!("v3.sql")).map_err(failed)?;
        transaction.pragma_update(None, "user_version", ARCHIVED as i64).map_err(failed)?;
    }
    let (first, last) = (signed(archive.first), signed(archive.last));
    let row = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let there = file.one("SELECT hash FROM ledger WHERE seq = ?1", (last,), row)?;
    let gone = file.execute("DELETE FROM ledger WHERE seq <= ?1", (last,))?;
    if there.as_deref() != Some(archive.hash.as_str()) || gone as u64 != archive.last - archive.first + 1 {
        let what = format!("the ledger `{path}` was changed while it was archived, and is as it was; try again");
        return Err(failure::unavailable(what, "its rows are not those that were written"));
    }
    let (bytes, digest) = (signed(archive.bytes), archive.digest.as_str());
    file.execute(
        "INSERT INTO archives (first, last, hash, file, bytes, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (first, last, archive.hash.as_str(), &archive.file, bytes, digest),
    )?;
    for part in parts {
        let (at, bytes) = (signed(part.at), signed(part.bytes));
        file.execute(
            "INSERT INTO archive_parts (first, last, archive, at, bytes, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (signed(part.first), signed(part.last), first, at, bytes, part.digest.as_str()),
        )?;
    }
    step(Step::TakenOut)?;
    transaction.commit().map_err(failed)
}

/// Gives the room of what was taken out back to the file system. What is left is written anew.
fn shrink(connection: &Connection) -> rusqlite::Result<()> {
    let free: i64 = connection.query_row("PRAGMA freelist_count", (), |row| row.get(0))?;
    if free > 0 {
        connection.execute_batch("VACUUM")?;
    }
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
}

/// Records as compressed JSON lines: a whole gzip file in itself, of which several may follow each other.
fn pack(records: &[Record]) -> std::io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    for record in records {
        serde_json::to_writer(&mut packed, record)?;
        packed.write_all(b"\n")?;
    }
    packed.finish()
}

fn unpack(packed: &[u8]) -> Result<Vec<Record>, std::io::Error> {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text)?;
    text.lines().map(|line| serde_json::from_str(line).map_err(Into::into)).collect()
}
