//! The log of an attempt, bounded: how the output began, and how it ended.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};

use camino::Utf8PathBuf;

/// The log file, up to a limit. The first half of the limit is written as it comes. What follows goes round in a file
/// beside it, and is put behind the first half at the end, with a mark that says how much between them was cut.
pub(crate) struct Log {
    head: File,
    head_left: u64,
    ring: Ring,
    /// Bytes that could not be kept, because the disk took no more.
    lost: u64,
}

/// The last bytes of what was written to it.
struct Ring {
    path: Utf8PathBuf,
    size: u64,
    file: Option<File>,
    /// All that was written.
    total: u64,
}

impl Log {
    /// A log in the new file `head`. What goes round is kept at `ring` until the end.
    pub(crate) fn new(head: File, ring: Utf8PathBuf, limit: u64) -> Self {
        let ring = Ring { path: ring, size: (limit - limit / 2).max(1), file: None, total: 0 };
        Self { head, head_left: limit / 2, ring, lost: 0 }
    }

    /// A full disk must not end the attempt: what could not be kept is counted.
    pub(crate) fn write(&mut self, chunk: &[u8]) {
        let fits = usize::try_from(self.head_left).unwrap_or(usize::MAX).min(chunk.len());
        self.head_left -= fits as u64;
        if self.head.write_all(&chunk[..fits]).is_err() {
            self.lost += fits as u64;
        }
        if fits < chunk.len() && self.ring.write(&chunk[fits..]).is_err() {
            self.lost += (chunk.len() - fits) as u64;
        }
    }

    /// Puts the end behind the beginning. After an error the end stays where it went round.
    pub(crate) fn finish(&mut self) {
        let cut = self.lost + self.ring.total.saturating_sub(self.ring.size);
        if cut > 0 {
            let _ = write!(self.head, "\n[cut {cut} bytes]\n");
        }
        if self.ring.unroll(&mut self.head).is_ok() && self.ring.file.take().is_some() {
            let _ = fs::remove_file(&self.ring.path);
        }
    }
}

impl Ring {
    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(true).mode(0o600);
            self.file = Some(options.open(&self.path)?);
        }
        let Some(file) = &self.file else { return Ok(()) };
        // Of a chunk larger than the ring only its end would stay.
        let skipped = chunk.len().saturating_sub(usize::try_from(self.size).unwrap_or(usize::MAX));
        let mut at = self.total + skipped as u64;
        let mut rest = &chunk[skipped..];
        while !rest.is_empty() {
            let place = at % self.size;
            let room = usize::try_from(self.size - place).unwrap_or(usize::MAX).min(rest.len());
            file.write_all_at(&rest[..room], place)?;
            at += room as u64;
            rest = &rest[room..];
        }
        self.total = at;
        Ok(())
    }

    /// Writes what is kept, oldest first.
    fn unroll(&self, to: &mut File) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        if self.total > self.size {
            let oldest = self.total % self.size;
            file.seek(SeekFrom::Start(oldest))?;
            io::copy(&mut file.take(self.size - oldest), to)?;
            file.seek(SeekFrom::Start(0))?;
            return io::copy(&mut file.take(oldest), to).map(drop);
        }
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file.take(self.total), to).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;
    use proptest::prelude::*;

    use super::*;

    /// What is in the log of that limit after these chunks.
    fn logged(limit: u64, chunks: &[Vec<u8>]) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let mut log = Log::new(File::create(dir.join("log")).unwrap(), dir.join("ring"), limit);
        for chunk in chunks {
            log.write(chunk);
        }
        log.finish();
        assert!(!dir.join("ring").exists());
        fs::read(dir.join("log")).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_beginning_and_the_end_are_kept_and_what_is_cut_is_counted(
            limit in 2_u64..40,
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..8),
        ) {
            let all = chunks.concat();
            let (head, tail) = (usize::try_from(limit / 2).unwrap(), usize::try_from(limit - limit / 2).unwrap());
            let wanted = if all.len() <= head + tail {
                all.clone()
            } else {
                let mark = format!("\n[cut {} bytes]\n", all.len() - head - tail);
                [&all[..head], mark.as_bytes(), &all[all.len() - tail..]].concat()
            };
            prop_assert_eq!(logged(limit, &chunks), wanted);
        }
    }

    #[test]
    fn a_disk_that_takes_no_more_is_counted_and_ends_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        // What is full takes nothing, and a folder is no file to go round in.
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut log = Log::new(full, dir.to_owned(), 10);
        log.write(b"0123456789");
        assert_eq!(log.lost, 10);
        log.finish();
    }
}
