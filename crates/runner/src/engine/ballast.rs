//! A file of some size that is given up when the disk is full, so that what ends can still be recorded.

use std::fs::File;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::StoreError;

use super::house::House;

/// The file in the state directory.
const FILE: &str = "ballast";
/// Room for the ends of a few hundred attempts.
const BYTES: u64 = 1 << 20;
/// What must be free beside it before it is made: an engine that began again with the last room would stop at once.
const SPARE: u64 = 2 * BYTES;
const CHUNK: usize = 64 * 1024;

/// The ballast of a state directory, if there is a machine on which it could lie.
#[derive(Debug, Clone)]
pub(super) struct Ballast {
    path: Option<Utf8PathBuf>,
}

impl Ballast {
    pub(super) fn of(house: &House) -> Self {
        Self { path: house.ground.is_there().then(|| house.portfolio.state_dir.join(FILE)) }
    }

    /// Makes it, where it is not there; tells whether there is room.
    pub(super) async fn make(&self) -> bool {
        let Some(path) = self.path.clone() else { return true };
        tokio::task::spawn_blocking(move || has_room(make(&path))).await.unwrap_or(false)
    }

    /// What is said where there is no room for it.
    pub(super) fn missing() -> StoreError {
        let what = "the disk is nearly full; free some space: nothing new is begun before".to_owned();
        StoreError::Unavailable { what, source: io::Error::from(io::ErrorKind::StorageFull).into() }
    }

    /// Gives it up; tells whether there was something to give up.
    pub(super) async fn release(&self) -> bool {
        match &self.path {
            Some(path) => tokio::fs::remove_file(path).await.is_ok(),
            None => false,
        }
    }
}

/// Gives the ballast of a state directory up, for who is not its engine; tells whether there was something to give up.
pub(crate) fn give_up_ballast(state_dir: &Utf8Path) -> bool {
    std::fs::remove_file(state_dir.join(FILE)).is_ok()
}

/// Whether room is not what it fails for.
fn has_room(made: io::Result<()>) -> bool {
    made.err().is_none_or(|err| !matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

fn make(path: &Utf8Path) -> io::Result<()> {
    if path.metadata().is_ok_and(|file| file.len() == BYTES) {
        return Ok(());
    }
    let Some(dir) = path.parent().filter(|dir| dir.is_dir()) else {
        // There is no state directory, and thus no ledger on a disk.
        return Ok(());
    };
    let disk = nix::sys::statvfs::statvfs(dir.as_std_path())?;
    if disk.blocks_available().saturating_mul(disk.fragment_size()) < BYTES + SPARE {
        return Err(io::ErrorKind::StorageFull.into());
    }
    let made = fill(path);
    if made.is_err() {
        // Half of it is worse than none: it would be taken for room.
        let _ = std::fs::remove_file(path);
    }
    made
}

fn fill(path: &Utf8Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let zeros = vec![0; CHUNK];
    let mut left = BYTES;
    while left > 0 {
        file.write_all(&zeros)?;
        left = left.saturating_sub(CHUNK as u64);
    }
    file.sync_all()
}
