//! A proxy for one attempt: it holds the vendor's key, forces the address, and cuts off at the budget.
//!
//! The attempt is given a key that is worth nothing elsewhere, its token, and a socket. What it sends there with its token
//! goes to the vendor with the real key; the answers are read on their way for what they cost. Nothing is held whole.
//!
//! One task accepts, and one per connection serves. All of them end when the [`Proxy`] is dropped. A connection to the vendor
//! lives as long as one request and its answer and has no task of its own, so what the attempt gives up is given up there
//! at once.

mod address;
mod admit;
mod body;
mod book;
mod clients;
mod connect;
mod find;
mod forward;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod meter;
mod notice;
mod refusal;
mod serve;
mod spec;
mod usage;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use book::{ProxyState, Spent};
pub use clients::{PROXY_TOKEN, PROXY_URL, ProxyClient, free_port, proxied};
pub use notice::ProxyNotice;
pub use spec::{KeySent, Protocol, ProxyBudget, ProxyLimits, ProxySpec, SecretKey};

use book::Book;
use serve::Shared;

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The address of the vendor cannot be used.
    #[error("the proxy cannot pass anything on to `{upstream}`: {problem}")]
    Upstream {
        /// The address.
        upstream: String,
        /// What is wrong with it, and what helps.
        problem: &'static str,
    },
    /// The key or the token cannot be used.
    #[error("the {which} of the proxy cannot be used: {problem}")]
    Key {
        /// Which of the two.
        which: &'static str,
        /// What is wrong with it, and what helps.
        problem: &'static str,
    },
    /// Money is limited, and nobody knows what a token costs.
    #[error("the proxy has a limit of money and no prices; name prices, or limit tokens instead")]
    NoPrices,
    /// The socket could not be made.
    #[error("cannot make the socket {path} of the proxy")]
    Socket {
        /// Where it was to be.
        path: Utf8PathBuf,
        /// Why it was not made.
        #[source]
        source: io::Error,
    },
    /// No certificates were found, so nobody could be trusted.
    #[error("cannot trust any server: {problem}; install the system's certificates, or set SSL_CERT_FILE")]
    Certificates {
        /// What was found.
        problem: String,
    },
}

/// A running proxy. It ends when this is dropped, and its socket goes with it.
#[derive(Debug)]
pub struct Proxy {
    socket: Utf8PathBuf,
    state: watch::Receiver<ProxyState>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy. It must be called in a runtime with input, output and time.
    ///
    /// The folder of the socket is made if it is not there. A socket that an ended proxy left there is replaced.
    ///
    /// # Errors
    /// The specification cannot work, or the socket cannot be made.
    pub fn start(spec: ProxySpec) -> Result<Self, ProxyError> {
        if spec.budget.micro_usd.is_some() && spec.budget.prices.is_empty() {
            return Err(ProxyError::NoPrices);
        }
        let socket = spec.socket.clone();
        let (book, state) = Book::open(spec.budget.clone(), spec.spent);
        let shared = Shared::new(&spec, book)?;
        let listener = listen(&socket).map_err(|source| ProxyError::Socket { path: socket.clone(), source })?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve::accept(listener, shared));
        Ok(Self { socket, state, _tasks: tasks })
    }

    /// Where it listens.
    pub fn socket(&self) -> &Utf8Path {
        &self.socket
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        self.state.borrow().spent
    }

    /// What was spent, and what the vendor said of its limits, whenever that changes.
    pub fn watch(&self) -> watch::Receiver<ProxyState> {
        self.state.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

/// Makes the socket where nobody else can reach it, and puts it in its place when only its owner can use it.
fn listen(path: &Utf8Path) -> io::Result<UnixListener> {
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let private = tempfile::Builder::new().prefix(".p").rand_bytes(4).tempdir_in(folder)?;
    let made = private.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&made).map_err(|err| match err.kind() {
        io::ErrorKind::InvalidInput => {
            io::Error::new(err.kind(), "its path is longer than a socket's may be; move `state-dir` to a shorter one")
        }
        _ => err,
    })?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
    fs::rename(&made, path)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

#[cfg(test)]
mod tests;
