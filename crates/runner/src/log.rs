//! The log of one stream of an attempt, bounded: how the output began, and how it ended.
//!
//! It is written by the attempt's keeper or by the engine, and may be read by others at the same time. The first half
//! of the limit lies in the file itself, as it came. What follows goes round in a second file beside it, the ring, and
//! is put behind the first half when the attempt has ended, with a mark that says how much between them was cut.

mod reader;
mod ring;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};

pub use reader::{LogPart, LogReader};
use ring::Ring;

/// What an attempt printed on its standard output.
pub(crate) const STDOUT_LOG: &str = "output.log";
/// What it printed on its standard error; without any there is no such file.
pub(crate) const STDERR_LOG: &str = "errors.log";

/// Where the end of a log goes round.
pub(crate) fn ring_path(log: &Utf8Path) -> Utf8PathBuf {
    log.with_extension("ring")
}

/// The writer of a log. The file is made when there is something to write.
#[derive(Debug)]
pub(crate) struct Log {
    path: Utf8PathBuf,
    head: Option<File>,
    head_left: u64,
    ring_size: u64,
    ring: Option<Ring>,
    /// Bytes that could not be kept, because the disk took no more.
    lost: u64,
    /// All that was written.
    total: u64,
}

impl Log {
    /// A log that will be at `path` and holds at most `limit` bytes.
    pub(crate) fn new(path: Utf8PathBuf, limit: u64) -> Self {
        let ring_size = (limit - limit / 2).max(1);
        Self { path, head: None, head_left: limit / 2, ring_size, ring: None, lost: 0, total: 0 }
    }

    /// All bytes that were given, kept or not.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// A full disk must not end the attempt: what could not be kept is counted.
    pub(crate) fn write(&mut self, chunk: &[u8]) {
        self.total += chunk.len() as u64;
        let fits = usize::try_from(self.head_left).unwrap_or(usize::MAX).min(chunk.len());
        self.head_left -= fits as u64;
        if fits > 0 && self.write_head(&chunk[..fits]).is_err() {
            self.lost += fits as u64;
        }
        if fits < chunk.len() && self.write_ring(&chunk[fits..]).is_err() {
            self.lost += (chunk.len() - fits) as u64;
        }
    }

    fn write_head(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.head.is_none() {
            self.head = Some(private().truncate(true).open(&self.path)?);
        }
        self.head.as_mut().map_or(Ok(()), |head| head.write_all(bytes))
    }

    fn write_ring(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.ring.is_none() {
            self.ring = Some(Ring::create(&ring_path(&self.path), self.ring_size)?);
        }
        self.ring.as_mut().map_or(Ok(()), |ring| ring.write(bytes))
    }

    /// The bytes that are not kept.
    pub(crate) fn cut(&self) -> u64 {
        self.lost + self.ring.as_ref().map_or(0, Ring::overwritten)
    }

    /// Puts the end behind the beginning.
    pub(crate) fn finish(self) {
        let lost = self.lost;
        drop(self.ring);
        // After an error the end stays where it went round, and is read from there.
        let _ = join(&self.path, lost);
    }
}

/// Puts what went round behind the log at `path`, with a mark for what lies between. Without a ring, and with nothing
/// `lost`, there is nothing to do. Whoever reads the log meanwhile reads every byte once.
///
/// # Errors
/// If a file cannot be read or written; the ring stays then.
pub(crate) fn join(path: &Utf8Path, lost: u64) -> io::Result<()> {
    let ring_path = ring_path(path);
    let ring = match Ring::open(&ring_path) {
        Ok(ring) => Some(ring),
        Err(err) if err.kind() == io::ErrorKind::NotFound && lost == 0 => return Ok(()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => return Err(err),
    };
    let mut head = private().append(true).open(path)?;
    let cut = lost + ring.as_ref().map_or(0, Ring::overwritten);
    if let Some(ring) = &ring {
        // From here on a reader that has not gone over to the ring stays with the file.
        ring.mark_joined()?;
    }
    if cut > 0 {
        write!(head, "\n[cut {cut} bytes]\n")?;
    }
    if let Some(ring) = ring {
        ring.unroll(&mut head)?;
        fs::remove_file(&ring_path)?;
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests;
