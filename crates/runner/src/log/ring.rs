//! The file in which the end of a log goes round.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use camino::Utf8Path;

/// What a ring's file begins with; the last byte is the version of its form.
const MAGIC: [u8; 8] = *b"dayring\x01";
/// The magic, the size, all bytes ever written, and whether they were put behind the log.
const HEADER_BYTES: u64 = 32;
const TOTAL_AT: u64 = 16;
const JOINED_AT: u64 = 24;

/// The last bytes of what was written to it.
#[derive(Debug)]
pub(super) struct Ring {
    file: File,
    size: u64,
    total: u64,
    joined: bool,
}

impl Ring {
    pub(super) fn create(path: &Utf8Path, size: u64) -> io::Result<Self> {
        let file = super::private().read(true).truncate(true).open(path)?;
        let mut header = [0; HEADER_BYTES as usize];
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&size.to_le_bytes());
        file.write_all_at(&header, 0)?;
        Ok(Self { file, size, total: 0, joined: false })
    }

    /// Opens a ring that somebody may be writing.
    pub(super) fn open(path: &Utf8Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let mut ring = Self { file, size: 0, total: 0, joined: false };
        ring.look()?;
        Ok(ring)
    }

    /// Reads anew how far it has got.
    pub(super) fn look(&mut self) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES as usize];
        self.file.read_exact_at(&mut header, 0)?;
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        let size = number(8);
        if header[..8] != MAGIC || size == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is no ring of a log, or one of a newer version",
            ));
        }
        (self.size, self.total, self.joined) = (size, number(16), number(24) != 0);
        Ok(())
    }

    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    /// Bytes that newer ones took the place of.
    pub(super) fn overwritten(&self) -> u64 {
        self.total.saturating_sub(self.size)
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn mark_joined(&self) -> io::Result<()> {
        self.file.write_all_at(&1_u64.to_le_bytes(), JOINED_AT)
    }

    pub(super) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        // Of a chunk larger than the ring only its end would stay.
        let skipped = chunk.len().saturating_sub(usize::try_from(self.size).unwrap_or(usize::MAX));
        let mut at = self.total + skipped as u64;
        let mut rest = &chunk[skipped..];
        while !rest.is_empty() {
            let (place, room) = self.place(at, rest.len());
            self.file.write_all_at(&rest[..room], place)?;
            at += room as u64;
            rest = &rest[room..];
        }
        self.total = at;
        // Told last, so that a reader never takes what is not there yet.
        self.file.write_all_at(&at.to_le_bytes(), TOTAL_AT)
    }

    /// Reads from `at`, counted from the first byte ever written; the caller has looked that it is still there.
    pub(super) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let left = usize::try_from(self.total - at).unwrap_or(usize::MAX).min(buffer.len());
        let (place, room) = self.place(at, left);
        self.file.read_at(&mut buffer[..room], place)
    }

    /// Where a byte lies in the file, and how many of `wanted` follow it there.
    fn place(&self, at: u64, wanted: usize) -> (u64, usize) {
        let within = at % self.size;
        (HEADER_BYTES + within, usize::try_from(self.size - within).unwrap_or(usize::MAX).min(wanted))
    }

    /// Writes what is kept, oldest first.
    pub(super) fn unroll(&self, to: &mut File) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let mut at = self.overwritten();
        while at < self.total {
            let read = self.read_at(&mut buffer, at)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            io::Write::write_all(to, &buffer[..read])?;
            at += read as u64;
        }
        Ok(())
    }
}
