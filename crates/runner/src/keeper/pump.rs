//! What the child prints, on its way to the log and, if somebody stands behind the keeper, to them.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::log::Log;
use crate::redact::KeptStream;

/// How much is read at once.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// What can always be written to a pipe that has room, in one go and without waiting.
const PIPE_BYTES: usize = 4096;

/// One output stream of the child.
#[derive(Debug)]
pub(super) struct Pump {
    from: Option<File>,
    kept: KeptStream,
    /// Whoever stands behind the keeper, and what they have not taken yet.
    through: Option<Through>,
    /// Whether more is read though somebody has still to take what was read before.
    reads_on: bool,
    /// What could not be passed on, because a disk was full for instance.
    unpassed: u64,
}

#[derive(Debug)]
struct Through {
    to: File,
    waiting: Vec<u8>,
}

impl Pump {
    pub(super) fn new(from: Option<OwnedFd>, kept: KeptStream, through: Option<File>) -> Self {
        let through = through.map(|to| Through { to, waiting: Vec::new() });
        Self { from: from.map(File::from), kept, through, reads_on: false, unpassed: 0 }
    }

    pub(super) fn is_open(&self) -> bool {
        self.from.is_some()
    }

    /// Where there is something to read. While somebody has still to take what was read before, nothing more is.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        let waits = !self.reads_on && self.through.as_ref().is_some_and(|through| !through.waiting.is_empty());
        if waits { None } else { self.from.as_ref().map(File::as_fd) }
    }

    /// Where there is something to write.
    pub(super) fn sink(&self) -> Option<BorrowedFd<'_>> {
        let through = self.through.as_ref()?;
        (!through.waiting.is_empty()).then_some(through.to.as_fd())
    }

    /// From now on all is read that comes: the child has ended, and what is left is no more than a pipe holds.
    pub(super) fn read_on(&mut self) {
        self.reads_on = true;
    }

    /// Reads once what is there; gives how much. Only to be called where it cannot wait.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let Some(from) = &mut self.from else { return 0 };
        let read = match from.read(buffer) {
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => return 0,
            Err(_) => 0,
        };
        if read == 0 {
            self.from = None;
            return 0;
        }
        pass_on(&mut self.through, self.kept.write(&buffer[..read]));
        read
    }

    /// Shows what was held back for the sake of secrets, because the output pauses.
    pub(super) fn pause(&mut self) {
        pass_on(&mut self.through, self.kept.pause());
    }

    /// Passes on as much as can be without waiting.
    pub(super) fn pass(&mut self) {
        let Some(Through { to, waiting }) = &mut self.through else { return };
        let part = waiting.len().min(PIPE_BYTES);
        match to.write(&waiting[..part]) {
            Ok(written) => drop(waiting.drain(..written)),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            // Nobody is there any more: the command is told so, as by a pipe of its own.
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => (self.through, self.from) = (None, None),
            Err(_) => {
                self.unpassed += waiting.len() as u64;
                self.through = None;
            }
        }
    }

    /// Gives all that may be shown to whoever is there: no more comes.
    pub(super) fn end(&mut self) {
        pass_on(&mut self.through, self.kept.last());
    }

    /// The log, and how many bytes somebody has not taken who is still there.
    pub(super) fn finish(self) -> (Log, u64) {
        let unpassed = self.unpassed + self.through.map_or(0, |through| through.waiting.len() as u64);
        (self.kept.into_log(), unpassed)
    }
}

fn pass_on(through: &mut Option<Through>, bytes: &[u8]) {
    if let Some(through) = through {
        through.waiting.extend_from_slice(bytes);
    }
}
