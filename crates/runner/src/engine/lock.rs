//! One installation per state directory, by a lock held for life.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use dayfly_core::ProcessIdentity;

use crate::disk::network_file_system;
use crate::process::{identity, is_alive};

/// How long a child may take to become its program.
const COPIES_GONE: Duration = Duration::from_secs(2);

/// The lock on a state directory; given back when it is dropped, or when its process ends.
#[derive(Debug)]
pub struct StateLock {
    file: File,
    tag: String,
}

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another engine works on it.
    #[error("another dayfly (process {holder}) works on {dir}")]
    Held {
        /// The directory.
        dir: Utf8PathBuf,
        /// The process that holds it.
        holder: String,
    },
    /// It is on a disk of another machine, where neither a lock nor the ledger holds.
    #[error(
        "the state directory {dir} is on a network file system ({kind}), where a ledger comes to harm; set `state-dir` to a folder on a local disk"
    )]
    Network {
        /// The directory.
        dir: Utf8PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
    /// It cannot be written.
    #[error("cannot use the state directory {dir}")]
    Files {
        /// The directory.
        dir: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl StateLock {
    /// Makes the directory if need be, and takes its lock.
    ///
    /// # Errors
    /// If another process holds it, if the directory is on a network file system, or if it cannot be written.
    pub fn take(dir: &Utf8Path) -> Result<Self, LockError> {
        let files = |source| LockError::Files { dir: dir.to_owned(), source };
        if let Some(kind) = network_file_system(dir) {
            return Err(LockError::Network { dir: dir.to_owned(), kind });
        }
        // The ledger holds prompts and the last lines of what agents printed.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(files)?;
        let path = dir.join("lock");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(files)?;
        match try_lock(&file, &path) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = first_word(&holder).to_owned();
                return Err(LockError::Held { dir: dir.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(files(source)),
        }
        file.set_len(0).map_err(files)?;
        file.rewind().map_err(files)?;
        writeln!(file, "{}", own()).map_err(files)?;
        Ok(Self { file, tag: tag(dir).map_err(files)? })
    }

    /// The process that works on the directory now, as far as its number tells; for reports. The lock is not touched,
    /// so that a look never keeps an engine from starting.
    pub fn holder(dir: &Utf8Path) -> Option<u32> {
        Self::engine(dir).map(|process| process.pid)
    }

    /// The same with all that tells the process from a later one of the same number; `None` once it has ended.
    pub fn engine(dir: &Utf8Path) -> Option<ProcessIdentity> {
        let text = std::fs::read_to_string(dir.join("lock")).ok()?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let there = identity(words.first()?.parse().ok()?)?;
        let same = match (words.get(1), words.get(2)) {
            (Some(start), Some(boot)) => *start == there.start_ticks.to_string() && *boot == there.boot_id,
            // Of an older program, or where the system tells no more.
            _ => true,
        };
        (same && is_alive(&there)).then_some(there)
    }

    /// The mark of the installation in a state directory, if it has one.
    pub fn tag_of(dir: &Utf8Path) -> Option<String> {
        let tag = std::fs::read_to_string(dir.join("installation")).ok()?;
        Some(tag.trim().to_owned()).filter(|tag| !tag.is_empty())
    }

    /// Marks the processes of this installation, and of no other.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl Drop for StateLock {
    fn drop(&mut self) {
        // Nobody works here any more, though this process may live on.
        let _ = self.file.set_len(0);
        // A child that is just being started holds a copy of the file for a moment; closing ours would not do.
        let _ = self.file.unlock();
    }
}

/// Takes the lock, or waits a moment for it where its holder is dead: a child that was just being started when its
/// engine was killed holds a copy of the file until it has become its program.
fn try_lock(file: &File, path: &Utf8Path) -> Result<(), TryLockError> {
    let end = Instant::now() + COPIES_GONE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end && !holder_lives(path) => {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn holder_lives(path: &Utf8Path) -> bool {
    let holder = std::fs::read_to_string(path).ok().and_then(|text| first_word(&text).parse().ok());
    // A file without a number belongs to somebody who is about to write it.
    holder.is_none_or(|pid| identity(pid).is_some_and(|process| is_alive(&process)))
}

/// This process, in words: its number, its start and the boot it runs in.
fn own() -> String {
    let pid = std::process::id();
    identity(pid).map_or_else(|| pid.to_string(), |own| format!("{pid} {} {}", own.start_ticks, own.boot_id))
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// A mark that no other installation has.
pub(crate) fn random_tag() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    // Each of these states is seeded by the system's randomness.
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// The installation's mark: made once, kept in the state directory.
fn tag(dir: &Utf8Path) -> std::io::Result<String> {
    let path = dir.join("installation");
    match std::fs::read_to_string(&path) {
        Ok(tag) if !tag.trim().is_empty() => return Ok(tag.trim().to_owned()),
        Ok(_) => {}
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {}
        Err(err) => return Err(err),
    }
    let tag = random_tag();
    let temporary = dir.join("installation.new");
    let mut file = File::create(&temporary)?;
    writeln!(file, "{tag}")?;
    file.sync_all()?;
    std::fs::rename(&temporary, &path)?;
    Ok(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_engine_is_refused_and_told_who_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let first = StateLock::take(dir).unwrap();
        let err = StateLock::take(dir).unwrap_err().to_string();
        assert!(err.contains(&format!("process {}", std::process::id())), "{err}");
        assert_eq!(StateLock::holder(dir), Some(std::process::id()));
        std::fs::write(dir.join("lock"), "4194305\n").unwrap();
        assert_eq!(StateLock::holder(dir), None, "no process can have that number");
        let tag = first.tag().to_owned();
        drop(first);
        assert_eq!(StateLock::engine(dir), None, "who gave it back is not said to hold it");
        assert_eq!(StateLock::take(dir).unwrap().tag(), tag, "the mark stays");
    }
}
