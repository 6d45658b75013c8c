//! A port of this machine that leads to a Unix socket, for programs that speak TCP alone.
//!
//! It is a process of its own beside the program: bytes go to and fro, and nothing is read in them. It has one thread, a bound
//! on its connections and buffers that never grow. It begins with a port that is already open, so that the program finds it
//! from its first moment, and ends with the program.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The word by which a launch step becomes a bridge.
pub(crate) const BRIDGE: &str = "--be-bridge";

/// The most connections at once. Further ones wait.
const CONNECTIONS: usize = 64;
/// What a connection holds in each direction.
const BUFFER: usize = 16 << 10;
/// How often it is looked whether the program is still there; on Linux the kernel tells.
#[cfg(target_os = "linux")]
const LOOK: PollTimeout = PollTimeout::NONE;
#[cfg(not(target_os = "linux"))]
const LOOK: u16 = 2000;

/// A port, and the socket it leads to.
#[derive(Debug)]
pub(super) struct Bridge {
    port: u16,
    socket: PathBuf,
    /// The words that start a launch step.
    launcher: Vec<OsString>,
}

impl Bridge {
    /// Reads `PORT=SOCKET`.
    pub(super) fn read(word: &OsStr) -> Option<Self> {
        let (port, socket) = word.to_str()?.split_once('=')?;
        (!socket.is_empty()).then_some(Self { port: port.parse().ok()?, socket: socket.into(), launcher: Vec::new() })
    }

    /// Adds a word of those that start a launch step.
    pub(super) fn by(&mut self, word: OsString) {
        self.launcher.push(word);
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Opens the port. This comes before the rules that a program takes on, which may forbid it.
    pub(super) fn open(&self) -> io::Result<Opened<'_>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        Ok(Opened { listener, bridge: self })
    }
}

/// A port that is open, and to which nobody listens yet.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    listener: TcpListener,
    bridge: &'a Bridge,
}

impl Opened<'_> {
    /// Starts the process, as a child of what this process will become. This comes after the rules: outside of them it could
    /// not be told of the program's end.
    pub(super) fn start(self) -> io::Result<()> {
        let (program, words) = self.bridge.launcher.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(words).arg(BRIDGE).arg(std::process::id().to_string()).arg(&self.bridge.socket);
        // A signal for the program's group is not one for the bridge: the program may need it until its end.
        command.env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::from(OwnedFd::from(self.listener))).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(drop)
    }
}

/// Is a bridge until the program with this id, which it was started by, is gone. Returns why it ended.
///
/// The open port is its standard input.
pub(super) fn be(parent: u32, socket: &Path) -> io::Error {
    match run(parent, socket) {
        Ok(()) => io::Error::new(io::ErrorKind::NotConnected, "the program has ended"),
        Err(err) => err,
    }
}

fn run(parent: u32, socket: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    let mut pairs: Vec<Pair> = Vec::new();
    // The program may have ended before the kernel was asked to tell.
    while std::os::unix::process::parent_id() == parent {
        let can_accept = wait(&listener, &mut pairs)?;
        pairs.iter_mut().for_each(Pair::turn);
        pairs.retain(|pair| !pair.is_over());
        if can_accept {
            match listener.accept() {
                // Where nobody listens, the program is hung up on, as it would be by a server that is not there.
                Ok((tcp, _)) => pairs.extend(Pair::new(tcp, socket).ok()),
                Err(err) if is_later(&err) || !pairs.is_empty() => {}
                Err(err) => return Err(err),
            }
        }
    }
    Ok(())
}

/// Waits until something can be done, and tells the pairs. Whether there may be a new connection, and room for it.
fn wait(listener: &TcpListener, pairs: &mut [Pair]) -> io::Result<bool> {
    let wanted: Vec<[PollFlags; 2]> = pairs.iter().map(Pair::wants).collect();
    let mut fds = Vec::with_capacity(1 + 2 * pairs.len());
    if pairs.len() < CONNECTIONS {
        fds.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
    }
    // A side of which nothing is wanted is left out: that it is gone would be told again and again.
    for (pair, [tcp, unix]) in pairs.iter().zip(&wanted) {
        let sides = [(pair.tcp.as_fd(), *tcp), (pair.unix.as_fd(), *unix)];
        fds.extend(sides.into_iter().filter(|(_, flags)| !flags.is_empty()).map(|(fd, flags)| PollFd::new(fd, flags)));
    }
    match poll(&mut fds, LOOK) {
        Ok(_) => {}
        Err(Errno::EINTR) => return Ok(false),
        Err(err) => return Err(err.into()),
    }
    let mut ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(true)).collect();
    drop(fds);
    let can_accept = pairs.len() < CONNECTIONS && ready.remove(0);
    let mut ready = ready.into_iter();
    for (pair, wanted) in pairs.iter_mut().zip(wanted) {
        pair.ready = wanted.map(|flags| !flags.is_empty() && ready.next().unwrap_or_default());
    }
    Ok(can_accept)
}

fn is_later(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// A connection of the program, and the one it is joined to.
#[derive(Debug)]
struct Pair {
    tcp: TcpStream,
    unix: UnixStream,
    there: Way,
    back: Way,
    /// Whether something can be done on the program's side, and on the other.
    ready: [bool; 2],
    broken: bool,
}

impl Pair {
    fn new(tcp: TcpStream, socket: &Path) -> io::Result<Self> {
        let unix = UnixStream::connect(socket)?;
        tcp.set_nonblocking(true)?;
        tcp.set_nodelay(true)?;
        unix.set_nonblocking(true)?;
        Ok(Self { tcp, unix, there: Way::new(), back: Way::new(), ready: [false; 2], broken: false })
    }

    /// What is waited for on the program's side, and on the other.
    fn wants(&self) -> [PollFlags; 2] {
        let flags = |from: &Way, to: &Way| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, from.has_room());
            flags.set(PollFlags::POLLOUT, to.is_loaded());
            flags
        };
        [flags(&self.there, &self.back), flags(&self.back, &self.there)]
    }

    /// Moves what can be moved.
    fn turn(&mut self) {
        let [tcp, unix] = self.ready;
        let moved =
            [self.there.turn(&mut self.tcp, &mut self.unix, tcp), self.back.turn(&mut self.unix, &mut self.tcp, unix)];
        self.broken |= moved.iter().any(Result::is_err);
        if self.there.takes_leave() {
            let _ = self.unix.shutdown(Shutdown::Write);
        }
        if self.back.takes_leave() {
            let _ = self.tcp.shutdown(Shutdown::Write);
        }
    }

    fn is_over(&self) -> bool {
        self.broken || self.there.is_over() && self.back.is_over()
    }
}

/// Bytes on their way in one direction.
#[derive(Debug)]
struct Way {
    bytes: Box<[u8]>,
    from: usize,
    to: usize,
    /// Nothing more comes.
    ended: bool,
    /// The other side was told.
    told: bool,
}

impl Way {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER].into(), from: 0, to: 0, ended: false, told: false }
    }

    fn is_loaded(&self) -> bool {
        self.from < self.to
    }

    fn has_room(&self) -> bool {
        !self.ended && !self.is_loaded()
    }

    fn is_over(&self) -> bool {
        self.ended && !self.is_loaded()
    }

    /// Whether the other side is to be told now that nothing more comes.
    fn takes_leave(&mut self) -> bool {
        self.is_over() && !std::mem::replace(&mut self.told, true)
    }

    fn turn(&mut self, source: &mut impl Read, sink: &mut impl Write, ready: bool) -> io::Result<()> {
        if self.has_room() && ready {
            match source.read(&mut self.bytes) {
                Ok(0) => self.ended = true,
                Ok(n) => (self.from, self.to) = (0, n),
                Err(err) if is_later(&err) => {}
                Err(err) => return Err(err),
            }
        }
        while self.is_loaded() {
            match sink.write(&self.bytes[self.from..self.to]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.from += n,
                Err(err) if is_later(&err) => return Ok(()),
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }
}
