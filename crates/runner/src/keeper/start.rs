//! Starting a keeper, and the two ways in which it is spoken with.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;

use camino::Utf8Path;
use dayfly_core::{ProcessIdentity, Stop};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, Flock, FlockArg, OFlag, fcntl};

use crate::process;

use super::keep::keep_with;
use super::spec::{Identity, KEEPER_FILE, KEEPER_VERSION, KeptEnd, STATUS_FILE, Spec, Status, Told};
use super::tree;

/// Who stands behind a keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// The engine, at the other ends of standard input and output.
    Engine,
    /// Whoever called the program: the command's output is passed on to them, and their input to the command unless
    /// that is a terminal.
    Through,
    /// The same, but all of it goes to their standard error, and nothing of theirs to the command.
    Aside,
    /// Nobody: what the command prints is in its logs alone.
    Nothing,
}

/// What an engine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Stop(Stop),
    /// It has died.
    Gone,
}

/// The conversation with the engine; without one, nothing is heard and nothing said.
#[derive(Debug, Default)]
pub(super) struct Control {
    heard: Option<OwnedFd>,
    told: Option<OwnedFd>,
    /// Says to the next engine that this process lives.
    lock: Option<Flock<File>>,
}

impl Control {
    fn with_engine(lock: Flock<File>) -> io::Result<Self> {
        // An engine that does not read, or has died, must hold up nothing.
        fcntl(io::stdout(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let heard = io::stdin().as_fd().try_clone_to_owned()?;
        let told = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self { heard: Some(heard), told: Some(told), lock: Some(lock) })
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.heard.as_ref().map(OwnedFd::as_fd)
    }

    /// Reads once what the engine has said.
    pub(super) fn read(&mut self) -> Option<Word> {
        let mut bytes = [0; 64];
        match nix::unistd::read(self.heard.as_ref()?, &mut bytes) {
            Ok(0) => {
                self.heard = None;
                Some(Word::Gone)
            }
            Ok(read) => word(&bytes[..read]),
            Err(_) => None,
        }
    }

    pub(super) fn tell(&mut self, told: &Told) {
        if let Ok(mut line) = serde_json::to_vec(told) {
            line.push(b'\n');
            self.write(&line);
        }
    }

    /// Says that there is new output.
    pub(super) fn tell_news(&mut self) {
        self.write(b"\n");
    }

    fn write(&mut self, bytes: &[u8]) {
        let Some(told) = &self.told else { return };
        match nix::unistd::write(told, bytes) {
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.told = None,
        }
    }

    /// Says which process is kept, to this engine and to the next.
    pub(super) fn spawned(&mut self, child: Option<ProcessIdentity>, cgroup: Option<&Utf8Path>) -> io::Result<()> {
        if let Some(lock) = &mut self.lock {
            let keeper = process::identity(std::process::id()).ok_or_else(|| io::Error::other("/proc is not there"))?;
            let identity = Identity {
                version: KEEPER_VERSION,
                keeper,
                child: child.clone(),
                cgroup: cgroup.map(Utf8Path::to_owned),
            };
            (&**lock).write_all(&serde_json::to_vec(&identity)?)?;
        }
        if let Some(child) = child {
            self.tell(&Told::Spawned(child));
        }
        Ok(())
    }
}

/// The last of several words: who stops politely and then kills means the kill.
fn word(said: &[u8]) -> Option<Word> {
    let said = |word: &[u8]| said.split(|b| *b == b'\n').any(|line| line == word);
    let kill = said(KILL.trim_ascii_end()).then_some(Word::Stop(Stop::Kill));
    kill.or_else(|| said(STOP.trim_ascii_end()).then_some(Word::Stop(Stop::Polite)))
}

/// What an engine writes for a polite stop.
pub(crate) const STOP: &[u8] = b"stop\n";
/// What an engine writes for the kill.
pub(crate) const KILL: &[u8] = b"kill\n";

/// Takes the lock of an attempt's folder; `None` if somebody else has it.
pub(crate) fn lock(dir: &Utf8Path) -> io::Result<Option<Flock<File>>> {
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(dir.join(KEEPER_FILE))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Whether the folder of an attempt has a keeper that lives: then the attempt goes on, with an engine or without.
pub fn is_kept(dir: &Utf8Path) -> bool {
    dir.join(KEEPER_FILE).exists() && lock(dir).is_ok_and(|lock| lock.is_none())
}

/// The program of a keeper whose engine is at its standard input and output.
///
/// Ends with a failure only if it was not told what to keep, or could not leave a status behind.
pub fn main() -> ExitCode {
    match kept() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            let told = Told::Failed { reason: format!("the keeper cannot work: {err}"), errno: err.raw_os_error() };
            let line = serde_json::to_string(&told).unwrap_or_default();
            let _ = io::stdout().write_all(format!("{line}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn kept() -> io::Result<()> {
    // What is meant for the engine's terminal is not meant for this process, nor for what it keeps.
    let _ = nix::unistd::setsid();
    tree::become_private();
    let spec: Spec = serde_json::from_slice(&told()?)?;
    if spec.version > KEEPER_VERSION {
        return Err(io::Error::other(format!("it is older than the engine: version {KEEPER_VERSION}")));
    }
    let lock = lock(&spec.dir)?.ok_or_else(|| io::Error::other("the attempt has a keeper already"))?;
    if spec.dir.join(STATUS_FILE).try_exists()? {
        return Err(io::Error::other("the attempt was given up before it began"));
    }
    // Looked at behind the lock: who writes the file looks for locks after it, and one of both sees the other.
    if spec.halt.as_ref().is_some_and(|file| file.try_exists().unwrap_or(true)) {
        return Err(io::Error::other("everything is stopped"));
    }
    Status::reserve(&spec.dir);
    let mut control = Control::with_engine(lock)?;
    let status = keep_with(&spec, Passing::Engine, &mut control)?;
    if matches!(status.end, KeptEnd::NotStarted { .. }) {
        // The engine that asked was told. Another one finds nothing to take up.
        return Ok(());
    }
    // The lock is held until the status is there: whoever finds it free finds how it ended.
    let written = status.write(&spec.dir);
    drop(control);
    written
}

/// Reads the line that says what is to be kept.
fn told() -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut chunk = [0; 1024];
    while !line.ends_with(b"\n") {
        match nix::unistd::read(io::stdin().as_fd(), &mut chunk)? {
            0 => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the engine died before it said what to keep",
                ));
            }
            read => line.extend_from_slice(&chunk[..read]),
        }
    }
    Ok(line)
}

/// Runs a command to its end, and keeps whatever it starts: when this returns, nothing of it is left that could be
/// ended. The status is given, and not written anywhere.
///
/// This process becomes the parent of all that the command leaves behind, and takes `SIGTERM`, `SIGHUP`, `SIGINT`,
/// `SIGQUIT` and `SIGUSR1` as requests to stop. It is meant for a process that does nothing else.
///
/// # Errors
/// If this process cannot be set up for it. That the command cannot be started is a status.
pub fn keep(spec: &Spec, passing: Passing) -> io::Result<Status> {
    keep_with(spec, passing, &mut Control::default())
}
