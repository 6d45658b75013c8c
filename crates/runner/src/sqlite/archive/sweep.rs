//! Files that nothing names: an archive was cut short, and the next one was cut otherwise.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Record, Seq, StoreError};
use flate2::read::MultiGzDecoder;

use super::shelf::{archives, folder};
use crate::sqlite::rows::File;

/// What every SQLite file begins with.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";
/// How many records are compared at once.
const PAGE: usize = 1024;
const SUFFIX: &str = ".jsonl.gz";
const PART: &str = ".part";

/// Removes what an archive that was cut short has left: files that have no name yet, and those of which every record is still
/// in the ledger. What cannot be looked at stays. The caller holds the lock of the state directory.
pub(super) fn sweep(ledger: &File<'_>) {
    let Ok(entries) = folder(ledger.path).read_dir_utf8() else { return };
    let left = entries.flatten().filter(|entry| is_ours(entry.file_name())).map(|entry| entry.into_path());
    let left: Vec<Utf8PathBuf> = left.collect();
    if left.is_empty() {
        return;
    }
    // A ledger that was replaced, or a copy beside this one, may name what this one does not.
    let Ok(named) = named(ledger.path) else { return };
    for file in left.into_iter().filter(|file| file.file_name().is_none_or(|name| !named.contains(name))) {
        if file.as_str().ends_with(PART) || is_still_there(ledger, &file).unwrap_or(false) {
            // What cannot be removed now is tried again the next time.
            let _ = fs::remove_file(&file);
        }
    }
}

fn is_ours(name: &str) -> bool {
    span(name.strip_suffix(PART).unwrap_or(name)).is_some()
}

/// The first and the last record of an archive, by its name.
fn span(name: &str) -> Option<(u64, u64)> {
    let mut words = name.strip_prefix("ledger-")?.strip_suffix(SUFFIX)?.split('-');
    let span = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let digest = words.next()?;
    (words.next().is_none() && digest.len() == 12 && span.0 > 0 && span.0 <= span.1).then_some(span)
}

/// The archives that any ledger in the folder names.
fn named(path: &Utf8Path) -> Result<BTreeSet<String>, StoreError> {
    let failed = |err| crate::sqlite::failure::file(path, err);
    let above = path.parent().filter(|above| !above.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let mut names = BTreeSet::new();
    for entry in above.read_dir_utf8().map_err(failed)? {
        let file = entry.map_err(failed)?.into_path();
        if file.is_file() && is_sqlite(&file).map_err(failed)? {
            names.extend(archives(&file)?.into_iter().map(|archive| archive.file));
        }
    }
    Ok(names)
}

fn is_sqlite(file: &Utf8Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    fs::File::open(file)?.take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head == MAGIC)
}

/// Whether the file holds nothing but records that are rows of the ledger, as they are there.
fn is_still_there(ledger: &File<'_>, file: &Utf8Path) -> Option<bool> {
    let (first, last) = span(file.file_name()?)?;
    if first <= ledger.archived_to().ok()?.0 {
        return Some(false);
    }
    let mut after = Seq(first - 1);
    let mut lines = BufReader::new(MultiGzDecoder::new(fs::File::open(file).ok()?)).lines();
    while after.0 < last {
        let page = ledger.after(after, PAGE.min(usize::try_from(last - after.0).ok()?)).ok()?;
        after = page.last()?.seq;
        for row in page {
            let line = lines.next()?.ok()?;
            if serde_json::from_str::<Record>(&line).ok()? != row {
                return Some(false);
            }
        }
    }
    Some(lines.next().is_none())
}
