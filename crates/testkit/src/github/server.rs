//! The server on loopback.

use std::thread::JoinHandle;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::dispatch::{Host, answer};
use super::fault::{Fault, Match};
use super::journal::Journal;
use super::webhook::Delivery;
use super::world::World;
use crate::connection::{Connections, Peer};

/// A GitHub on a port of its own on loopback. It ends when it is dropped, and then panics if there were violations.
///
/// It has a thread and a runtime of its own, so that a test may block while a program talks to it.
#[derive(Debug)]
pub struct GitHubServer {
    host: Host,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl GitHubServer {
    /// Starts a GitHub as github.com is, with an empty world.
    ///
    /// # Panics
    /// If this machine gives it no port on loopback, or no thread.
    pub fn start() -> Self {
        Self::begin(None)
    }

    /// Starts a GitHub Enterprise Server of a version such as `3.19.0`: its API lies at `/api/v3`, and what that version
    /// lacks is not there.
    ///
    /// # Panics
    /// If this machine gives it no port on loopback, or no thread.
    pub fn start_enterprise(version: &str) -> Self {
        Self::begin(Some(version.to_owned()))
    }

    fn begin(enterprise: Option<String>) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let host = Host { origin: format!("http://{address}"), enterprise, world: World::new() };
        let (stop, stopped) = oneshot::channel();
        let known = host.clone();
        let thread = std::thread::spawn(move || serve(listener, known, stopped));
        Self { host, stop: Some(stop), thread: Some(thread) }
    }

    /// The address of the API, without a slash at its end.
    pub fn url(&self) -> String {
        self.host.api()
    }

    /// The address for GraphQL requests.
    pub fn graphql_url(&self) -> String {
        match self.host.enterprise {
            Some(_) => format!("{}/api/graphql", self.host.origin),
            None => format!("{}/graphql", self.host.origin),
        }
    }

    /// The address before all paths, which is also that of git: `http://127.0.0.1:4711`.
    pub fn origin(&self) -> String {
        self.host.origin.clone()
    }

    /// The address from which git clones a repository, and to which it pushes.
    pub fn git_url(&self, full_name: &str) -> String {
        format!("{}/{full_name}.git", self.host.origin)
    }

    /// The world behind it.
    pub fn world(&self) -> World {
        self.host.world.clone()
    }

    /// Lets the first request that fits meet a fault.
    pub fn fault(&self, matching: Match, fault: Fault) {
        self.host.world.fault(matching, fault);
    }

    /// Keeps from now on what GitHub would send by webhooks.
    pub fn listen(&self) {
        self.host.world.lock().hooks.api = self.host.api();
    }

    /// What would have been sent since the last time, the oldest first.
    pub fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.host.world.lock().hooks.out)
    }

    /// All requests so far.
    pub fn journal(&self) -> Journal {
        self.host.world.book().journal.clone()
    }

    /// What a client or this server did that GitHub's description does not allow; they are then forgotten.
    pub fn take_violations(&self) -> Vec<String> {
        let announced = std::mem::take(&mut self.host.world.lock().hooks.violations);
        let mut violations = std::mem::take(&mut self.host.world.book().violations);
        violations.extend(announced);
        violations
    }

    /// Says that there was no violation.
    ///
    /// # Panics
    /// If there was one.
    pub fn verify(&self) {
        let violations = self.take_violations();
        assert!(
            violations.is_empty(),
            "the GitHub of this test saw what GitHub does not allow:\n{}",
            violations.join("\n")
        );
    }
}

impl Drop for GitHubServer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // What it panicked with, it has said itself.
            let _ = thread.join();
        }
        if !std::thread::panicking() {
            self.verify();
        }
    }
}

fn serve(listener: std::net::TcpListener, host: Host, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a thread can have a runtime").block_on(async move {
        let listener = Connections(TcpListener::from_std(listener).expect("the socket is non-blocking"));
        let app = Router::new().fallback(handle).with_state(host).into_make_service_with_connect_info::<Peer>();
        tokio::select! {
            _ = axum::serve(listener, app) => {}
            // The sender is never used, only dropped. What hangs ends with the runtime.
            _ = stopped => {}
        }
    });
}

async fn handle(State(host): State<Host>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    answer(&host, request, &peer.0).await
}
