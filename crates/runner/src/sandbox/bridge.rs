//! A port of this machine that leads to a Unix socket, for programs that speak TCP alone.
//!
//! It is a process of its own beside the program: bytes go to and fro, and nothing is read in them. It has one thread, a bound
//! on its connections and buffers that never grow. It begins with a port that is already open, so that the program finds it
//! from its first moment, and ends with the program.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The word by which a program of dayfly becomes a bridge.
pub const BRIDGE: &str = "bridge";

/// The most connections at once. Further ones wait.
const CONNECTIONS: usize = 64;
/// What a connection holds in each direction.
const BUFFER: usize = 16 << 10;
/// How often it is looked whether the program is still there, where the kernel does not tell.
const LOOK: u16 = 2000;

/// A port, and the socket it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bridge {
    port: u16,
    socket: PathBuf,
}

impl Bridge {
    /// Reads `PORT=SOCKET`.
    pub(super) fn read(word: &OsStr) -> Option<Self> {
        let (port, socket) = word.to_str()?.split_once('=')?;
        (!socket.is_empty()).then_some(Self { port: port.parse().ok()?, socket: socket.into() })
    }

    /// Opens the port and starts the process, as a child of what this process will become.
    pub(super) fn start(&self) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(BRIDGE).arg(std::process::id().to_string()).arg(&self.socket);
        // A signal for the program's group is not one for the bridge: the program may need it until its end.
        command.env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(drop)
    }
}

/// Is the bridge that its arguments say, until the program that it was started by is gone. Returns why it ended.
///
/// The open port is its standard input.
pub fn bridge(arguments: impl IntoIterator<Item = OsString>) -> io::Error {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let read = || -> Option<(u32, &OsString)> {
        let [parent, socket] = words.as_slice() else { return None };
        Some((parent.to_str()?.parse().ok()?, socket))
    };
    let Some((parent, socket)) = read() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "the bridge is started by dayfly itself");
    };
    match run(parent, Path::new(socket)) {
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
    while std::os::unix::process::parent_id() == parent {
        let events = wait(&listener, &pairs)?;
        for (pair, events) in pairs.iter_mut().zip(&events.pairs) {
            pair.turn(*events);
        }
        pairs.retain(|pair| !pair.is_over());
        if events.accept && pairs.len() < CONNECTIONS {
            match listener.accept() {
                // Where nobody listens, the program is hung up on, as it would be by a server that is not there.
                Ok((tcp, _)) => pairs.extend(Pair::new(tcp, socket).ok()),
                Err(err) if is_later(&err) => {}
                Err(_) if !pairs.is_empty() => {}
                Err(err) => return Err(err),
            }
        }
    }
    Ok(())
}

/// What can be done now.
#[derive(Debug, Default)]
struct Events {
    accept: bool,
    pairs: Vec<[PollFlags; 2]>,
}

fn wait(listener: &TcpListener, pairs: &[Pair]) -> io::Result<Events> {
    let room = pairs.len() < CONNECTIONS;
    let first = if room { PollFlags::POLLIN } else { PollFlags::empty() };
    let mut fds = vec![PollFd::new(listener.as_fd(), first)];
    for pair in pairs {
        let [a, b] = pair.wants();
        fds.extend([PollFd::new(pair.tcp_fd(), a), PollFd::new(pair.unix_fd(), b)]);
    }
    match poll(&mut fds, PollTimeout::from(LOOK)) {
        Ok(_) => {}
        Err(Errno::EINTR) => return Ok(Events { accept: false, pairs: vec![[PollFlags::empty(); 2]; pairs.len()] }),
        Err(err) => return Err(err.into()),
    }
    let seen: Vec<PollFlags> = fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())).collect();
    let of_pairs = seen[1..].chunks_exact(2).map(|two| [two[0], two[1]]).collect();
    Ok(Events { accept: room && !seen[0].is_empty(), pairs: of_pairs })
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
    broken: bool,
}

impl Pair {
    fn new(tcp: TcpStream, socket: &Path) -> io::Result<Self> {
        let unix = UnixStream::connect(socket)?;
        tcp.set_nonblocking(true)?;
        tcp.set_nodelay(true)?;
        unix.set_nonblocking(true)?;
        Ok(Self { tcp, unix, there: Way::new(), back: Way::new(), broken: false })
    }

    fn tcp_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }

    fn unix_fd(&self) -> BorrowedFd<'_> {
        self.unix.as_fd()
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

    fn turn(&mut self, [tcp, unix]: [PollFlags; 2]) {
        let gone = PollFlags::POLLERR | PollFlags::POLLNVAL | PollFlags::POLLHUP;
        let moved = [
            self.there.turn(&mut self.tcp, &mut self.unix, tcp),
            self.back.turn(&mut self.unix, &mut self.tcp, unix),
        ];
        self.broken |= moved.iter().any(Result::is_err);
        // A side that is gone for good, and of which there is nothing more to read, ends the other.
        self.broken |= tcp.intersects(gone) && self.there.ended || unix.intersects(gone) && self.back.is_over();
        for (way, end) in [(&mut self.there, End::Unix), (&mut self.back, End::Tcp)] {
            if way.takes_leave() {
                let _ = match end {
                    End::Unix => self.unix.shutdown(Shutdown::Write),
                    End::Tcp => self.tcp.shutdown(Shutdown::Write),
                };
            }
        }
    }

    fn is_over(&self) -> bool {
        self.broken || self.there.is_over() && self.back.is_over()
    }
}

#[derive(Debug, Clone, Copy)]
enum End {
    Tcp,
    Unix,
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

    fn turn(&mut self, source: &mut impl Read, sink: &mut impl Write, seen: PollFlags) -> io::Result<()> {
        if self.has_room() && !seen.is_empty() {
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
