//! The server, and what it remembers.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::reply::reply;
use super::request::ModelRequest;
use super::scenario::Scenario;
use super::tools::Tools;
use crate::connection::{Connections, Peer};

/// The longest body that is read. A prompt of a real command line has some tens of kilobytes.
const BODY_BYTES: usize = 64 << 20;

/// How long [`ModelServer::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// A scripted model server on a port of its own on loopback. It ends when it is dropped.
///
/// It has a thread and a runtime of its own, so that a test may block while it waits for it.
#[derive(Debug)]
pub struct ModelServer {
    address: String,
    book: Arc<Book>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The scenario, and how far it is.
#[derive(Debug)]
struct Book {
    scenario: Scenario,
    pages: Mutex<Pages>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Pages {
    requests: Vec<ModelRequest>,
    /// Requests for an answer that offered tools.
    work: usize,
    /// Requests for an answer that offered none.
    side: usize,
}

impl ModelServer {
    /// Starts a server that plays a scenario.
    ///
    /// # Panics
    /// If this machine gives it no port on loopback, or no thread.
    pub fn start(scenario: Scenario) -> Self {
        let book = Arc::new(Book { scenario, pages: Mutex::default(), grown: Condvar::new() });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let (stop, stopped) = oneshot::channel();
        let known = Arc::clone(&book);
        let thread = std::thread::spawn(move || serve(listener, known, stopped));
        Self { address, book, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address, such as `http://127.0.0.1:4711`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked of it so far.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.book.pages().requests.clone()
    }

    /// What was asked of a model, without lists of models and the like.
    pub fn model_requests(&self) -> Vec<ModelRequest> {
        self.requests().into_iter().filter(|request| request.protocol().is_some()).collect()
    }

    /// Waits until a model was asked `n` times, and gives what was asked.
    ///
    /// # Panics
    /// If that takes more than 20 seconds; the message says what was seen.
    pub fn wait_for(&self, n: usize) -> Vec<ModelRequest> {
        let end = Instant::now() + PATIENCE;
        let mut pages = self.book.pages();
        while pages.requests.iter().filter(|r| r.protocol().is_some()).count() < n {
            let left = end.saturating_duration_since(Instant::now());
            let seen = || pages.requests.iter().map(|r| format!("\n  {} {}", r.method, r.path)).collect::<String>();
            assert!(!left.is_zero(), "no {n} requests came to the model; seen:{}", seen());
            pages = self.book.grown.wait_timeout(pages, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(pages);
        self.model_requests()
    }

    /// Whether any request held this text, in its address, its headers or its body.
    pub fn saw_text(&self, text: &str) -> bool {
        let holds = |part: &str| part.contains(text);
        let pages = self.book.pages();
        pages.requests.iter().any(|request| {
            holds(&request.path) || holds(&request.body) || request.headers.iter().any(|(_, value)| holds(value))
        })
    }

    /// The keys and tokens that were presented to it.
    pub fn keys(&self) -> BTreeSet<String> {
        self.book.pages().requests.iter().flat_map(ModelRequest::keys).collect()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // What it panicked with, it has said itself.
            let _ = thread.join();
        }
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a request down, and gives its number among all, and among those of its kind; both from 0.
    fn enter(&self, request: &ModelRequest) -> (usize, usize) {
        let mut pages = self.pages();
        let all = pages.work + pages.side;
        let mut at = 0;
        if request.protocol().is_some() {
            let count = if Tools::of(request).is_empty() { &mut pages.side } else { &mut pages.work };
            at = *count;
            *count += 1;
        }
        pages.requests.push(request.clone());
        self.grown.notify_all();
        (all, at)
    }
}

fn serve(listener: std::net::TcpListener, book: Arc<Book>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    runtime.expect("a thread can have a runtime").block_on(async move {
        let listener = Connections(TcpListener::from_std(listener).expect("the socket is non-blocking"));
        let app = Router::new().fallback(answer).with_state(book).into_make_service_with_connect_info::<Peer>();
        tokio::select! {
            _ = axum::serve(listener, app) => {}
            // The sender is never used, only dropped. What hangs ends with the runtime.
            _ = stopped => {}
        }
    });
}

async fn answer(State(book): State<Arc<Book>>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES).await.unwrap_or_default();
    let headers = head.headers.iter();
    let request = ModelRequest {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or_else(|| head.uri.to_string(), ToString::to_string),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (all, at) = book.enter(&request);
    reply(book.scenario.step(at), &request, all + 1, &peer.0).await
}
