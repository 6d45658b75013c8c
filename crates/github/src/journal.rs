//! A durable list of the writes that were begun, and of how each ended.
//!
//! A line is on disk before its write is sent. Should dayfly die in between, the next one knows that the write may have
//! been done, and since when it may still be under way.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a write may be under way after it was sent. GitHub ends a request after ten seconds.
pub(crate) const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(15);

/// The file starts anew beyond this size, with what is not settled.
const MOST_BYTES: u64 = 4 << 20;

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
enum Line {
    /// The first line of a file.
    Journal { version: u32 },
    /// A write is about to be sent.
    Intent { at: Timestamp, key: String, method: String, path: String },
    /// It was answered, or looked for and settled.
    Outcome { at: Timestamp, key: String, status: Option<u16>, request: Option<String> },
}

/// The journal of one folder. Its methods touch the disk: call them where that may block. Without a folder it is kept in
/// memory, and knows nothing of an earlier process.
#[derive(Debug)]
pub(crate) struct Journal {
    path: Option<Utf8PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: Option<File>,
    size: u64,
    open: HashMap<String, Line>,
}

impl Journal {
    /// A journal in memory.
    pub(crate) fn in_memory() -> Self {
        Self { path: None, inner: Mutex::new(Inner { file: None, size: 0, open: HashMap::new() }) }
    }

    /// Opens the journal in this folder, which is made if it is missing.
    pub(crate) fn open(folder: &Utf8Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("writes.jsonl");
        let (open, whole) = read(&path)?;
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
        // A line that was torn as dayfly died would swallow the next one.
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        let mut inner = Inner { file: Some(file), size: whole, open };
        if whole == 0 {
            inner.append(&Line::Journal { version: VERSION })?;
            keep_names(&path)?;
        }
        Ok(Self { path: Some(path), inner: Mutex::new(inner) })
    }

    /// Puts down that a write is about to be sent.
    pub(crate) fn begin(&self, at: Timestamp, key: &str, method: &str, path: &str) -> io::Result<()> {
        let mut inner = self.locked();
        if inner.size > MOST_BYTES {
            self.renew(&mut inner)?;
        }
        let (key, method, path) = (key.to_owned(), method.to_owned(), path.to_owned());
        let line = Line::Intent { at, key: key.clone(), method, path };
        inner.append(&line)?;
        inner.open.insert(key, line);
        Ok(())
    }

    /// Puts down that a write was answered, or that it was looked for and needs no more looking.
    pub(crate) fn end(&self, at: Timestamp, key: &str, status: Option<u16>, request: Option<String>) -> io::Result<()> {
        let mut inner = self.locked();
        if inner.open.contains_key(key) {
            inner.append(&Line::Outcome { at, key: key.to_owned(), status, request })?;
            inner.open.remove(key);
        }
        Ok(())
    }

    /// When the write with this key was begun, if nobody knows whether it was done.
    pub(crate) fn unsettled(&self, key: &str) -> Option<Timestamp> {
        match self.locked().open.get(key) {
            Some(Line::Intent { at, .. }) => Some(*at),
            _ => None,
        }
    }

    /// All keys that are not settled, with when they were begun.
    pub(crate) fn all_unsettled(&self) -> Vec<(String, Timestamp)> {
        let inner = self.locked();
        let begun = inner.open.iter().filter_map(|(key, line)| match line {
            Line::Intent { at, .. } => Some((key.clone(), *at)),
            _ => None,
        });
        let mut list: Vec<_> = begun.collect();
        list.sort();
        list
    }

    /// Writes a new file with what is not settled, and puts it in the place of the old one.
    fn renew(&self, inner: &mut Inner) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let next = path.with_extension("jsonl.new");
        if next.exists() {
            std::fs::remove_file(&next)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&next)?;
        let mut renewed = Inner { file: Some(file), size: 0, open: HashMap::new() };
        renewed.append(&Line::Journal { version: VERSION })?;
        for line in inner.open.values() {
            renewed.append(line)?;
        }
        std::fs::rename(&next, path)?;
        keep_names(path)?;
        (inner.file, inner.size) = (renewed.file, renewed.size);
        Ok(())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, line: &Line) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        if let Err(error) = file.write_all(&text).and_then(|()| file.sync_data()) {
            // Half a line would make the next one unreadable.
            let _ = file.set_len(self.size);
            return Err(error);
        }
        self.size += text.len() as u64;
        Ok(())
    }
}

/// Makes the name of a new file last, as its content does.
fn keep_names(path: &Utf8Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// What is not settled, and how many bytes of the file are whole lines.
fn read(path: &Utf8Path) -> io::Result<(HashMap<String, Line>, u64)> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let mut open = HashMap::new();
    for (number, line) in text[..whole].split(|b| *b == b'\n').enumerate().filter(|(_, l)| !l.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(Line::Journal { version }) if version > VERSION => {
                return Err(io::Error::other(format!("version {version} is newer than this program; update dayfly")));
            }
            Ok(Line::Journal { .. }) => {}
            Ok(Line::Outcome { key, .. }) => drop(open.remove(&key)),
            Ok(intent @ Line::Intent { .. }) => {
                if let Line::Intent { key, .. } = &intent {
                    open.insert(key.clone(), intent);
                }
            }
            Err(error) => return Err(io::Error::other(format!("line {} cannot be read: {error}", number + 1))),
        }
    }
    Ok((open, whole as u64))
}

#[cfg(test)]
mod tests;
