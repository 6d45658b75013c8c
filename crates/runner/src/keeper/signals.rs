//! Signals as values: each wakes the keeper by a byte in a pipe.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dayfly_core::Stop;
use nix::sys::signal::Signal;

/// The signals that a keeper acts on.
#[derive(Debug)]
pub(super) struct Signals {
    woken: UnixStream,
    polite: Arc<AtomicBool>,
    kill: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on: the end of a child wakes, the usual signals ask for a polite stop, and `SIGUSR1` for
    /// the kill.
    pub(super) fn listen() -> io::Result<Self> {
        let (woken, waker) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let (polite, kill) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let asks = [
            (Signal::SIGTERM, &polite),
            (Signal::SIGINT, &polite),
            (Signal::SIGHUP, &polite),
            (Signal::SIGUSR1, &kill),
        ];
        for (signal, flag) in asks {
            signal_hook::flag::register(signal as i32, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal as i32, waker.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(Signal::SIGCHLD as i32, waker)?;
        Ok(Self { woken, polite, kill })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }

    /// Takes what came since the last look.
    pub(super) fn take(&mut self) -> Option<Stop> {
        let mut bytes = [0; 64];
        while (&self.woken).read(&mut bytes).is_ok_and(|read| read > 0) {}
        if self.kill.swap(false, Ordering::Relaxed) {
            return Some(Stop::Kill);
        }
        self.polite.swap(false, Ordering::Relaxed).then_some(Stop::Polite)
    }
}
