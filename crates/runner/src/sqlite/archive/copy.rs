//! Archives that go with a copy of their ledger.

use std::fs;
use std::io;

use camino::Utf8Path;
use dayfly_core::StoreError;

use super::shelf::{archives, folder};
use crate::sqlite::backup::publish;
use crate::sqlite::failure;

/// Copies those archives which the ledger `to` names from the folder of the ledger `from` into its own, where they are not
/// there yet. Gives how many it has.
pub(in crate::sqlite) fn take_along(from: &Utf8Path, to: &Utf8Path) -> Result<usize, StoreError> {
    let archives = archives(to)?;
    let (source, target) = (folder(from), folder(to));
    for archive in &archives {
        if source == target || archive.whole(to).is_ok() {
            continue;
        }
        let bytes = archive.whole(from)?;
        let unfinished = target.join(format!("{}.part", archive.file));
        let files = |err: io::Error| failure::disk(&unfinished, err);
        fs::create_dir_all(&target).map_err(files)?;
        fs::write(&unfinished, bytes).map_err(files)?;
        fs::File::open(&unfinished).and_then(|file| file.sync_all()).map_err(files)?;
        publish(&unfinished, &target.join(&archive.file))?;
    }
    Ok(archives.len())
}
