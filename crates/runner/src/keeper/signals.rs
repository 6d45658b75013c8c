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
    interrupt: Arc<AtomicBool>,
    kill: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on: the end of a child wakes, the usual signals ask for a polite stop, those of a person at a
    /// terminal the second time for the kill, and `SIGUSR1` at once.
    pub(super) fn listen() -> io::Result<Self> {
        let (woken, waker) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let flag = || Arc::new(AtomicBool::new(false));
        let (polite, interrupt, kill) = (flag(), flag(), flag());
        let asks = [
            (Signal::SIGTERM, &polite),
            (Signal::SIGINT, &interrupt),
            (Signal::SIGQUIT, &interrupt),
            (Signal::SIGHUP, &polite),
            (Signal::SIGUSR1, &kill),
        ];
        for (signal, flag) in asks {
            signal_hook::flag::register(signal as i32, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal as i32, waker.try_clone()?)?;
        }
        signal_hook::low_level::pipe::register(Signal::SIGCHLD as i32, waker)?;
        Ok(Self { woken, polite, interrupt, kill })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }

    /// Takes what came since the last look; `again` if a stop has been asked for before.
    pub(super) fn take(&mut self, again: bool) -> Option<Stop> {
        let mut bytes = [0; 64];
        while (&self.woken).read(&mut bytes).is_ok_and(|read| read > 0) {}
        if self.kill.swap(false, Ordering::Relaxed) {
            return Some(Stop::Kill);
        }
        let interrupt = self.interrupt.swap(false, Ordering::Relaxed);
        if interrupt && again {
            return Some(Stop::Kill);
        }
        (self.polite.swap(false, Ordering::Relaxed) || interrupt).then_some(Stop::Polite)
    }
}
