//! Reading a log while it is written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use camino::Utf8PathBuf;

use super::ring::Ring;
use super::ring_path;

/// Reads a log from its beginning, also one that is still being written, each byte at most once.
#[derive(Debug)]
pub struct LogReader {
    path: Utf8PathBuf,
    head: Option<File>,
    at: u64,
    ring: Option<(Ring, u64)>,
}

/// What was read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPart {
    /// So many bytes of the output.
    Bytes(usize),
    /// So many bytes of the output were cut here.
    Cut(u64),
    /// Nothing more is there now.
    End,
}

impl LogReader {
    /// A reader of the log at `path`, which need not be there yet.
    pub fn new(path: impl Into<Utf8PathBuf>) -> Self {
        Self { path: path.into(), head: None, at: 0, ring: None }
    }

    /// Reads what comes next into `buffer`, which must not be empty.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<LogPart> {
        if let Some((ring, at)) = &mut self.ring {
            return from_ring(ring, at, buffer);
        }
        if self.head.is_none() {
            match File::open(&self.path) {
                Ok(head) => self.head = Some(head),
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(LogPart::End),
                Err(err) => return Err(err),
            }
        }
        let Some(head) = &self.head else { return Ok(LogPart::End) };
        let read = head.read_at(buffer, self.at)?;
        self.at += read as u64;
        if read > 0 {
            return Ok(LogPart::Bytes(read));
        }
        match Ring::open(&ring_path(&self.path)) {
            // What went round was put behind the file, or is being put there: it is read from the file.
            Ok(ring) if ring.is_joined() => Ok(LogPart::End),
            Ok(ring) => {
                // Between the two looks the last of the first half may have been written, and then the ring be made.
                let read = head.read_at(buffer, self.at)?;
                self.at += read as u64;
                if read > 0 {
                    return Ok(LogPart::Bytes(read));
                }
                self.ring = Some((ring, 0));
                self.read(buffer)
            }
            Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
                Ok(LogPart::End)
            }
            Err(err) => Err(err),
        }
    }
}

fn from_ring(ring: &mut Ring, at: &mut u64, buffer: &mut [u8]) -> io::Result<LogPart> {
    ring.look()?;
    if *at < ring.overwritten() {
        return Ok(skip(ring, at));
    }
    if *at == ring.total() {
        return Ok(LogPart::End);
    }
    let read = ring.read_at(buffer, *at)?;
    // The writer may have come round meanwhile. It writes first and tells afterwards, so that up to one chunk of
    // what was just read may be new; a chunk is small against a ring, and a ring that fast is about to be cut anyhow.
    ring.look()?;
    if *at < ring.overwritten() {
        return Ok(skip(ring, at));
    }
    *at += read as u64;
    Ok(LogPart::Bytes(read))
}

fn skip(ring: &Ring, at: &mut u64) -> LogPart {
    let cut = ring.overwritten() - *at;
    *at = ring.overwritten();
    LogPart::Cut(cut)
}
