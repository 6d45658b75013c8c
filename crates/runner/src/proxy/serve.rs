//! The attempt's side: connections, and what each request is answered.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::address::Address;
use super::admit::{Door, key_header};
use super::body::Down;
use super::book::Book;
use super::connect::Connector;
use super::forward::forward;
use super::refusal::Refusal;
use super::{ProxyError, ProxyLimits, ProxySpec, SecretKey};
use crate::redact::{Redactor, Secret};

/// How long to wait when the system has no room for a connection.
const NO_ROOM: Duration = Duration::from_millis(100);
/// The most headers of a request.
const HEADERS: usize = 100;
/// The smallest buffer that the server can work with.
const LEAST_HEAD: usize = 8 << 10;

/// The beginning of a key is the same for all of a vendor's, and so is found in texts that are no key; that of one this
/// long is left out of what is masked.
const COMMON: usize = 16;
const LONG: usize = 40;

/// What all connections of a proxy share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) door: Door,
    pub(super) book: Arc<Book>,
    pub(super) connector: Connector,
    pub(super) key: SecretKey,
    pub(super) key_header: (HeaderName, HeaderValue),
    pub(super) limits: ProxyLimits,
    turns: Arc<Semaphore>,
}

impl Shared {
    /// What masks the key in an answer.
    pub(super) fn redactor(&self) -> Redactor {
        let key = self.key.reveal().as_bytes();
        let secret = if key.len() < LONG { key } else { &key[COMMON..] };
        Redactor::new(&[Secret::new("key", secret)])
    }

    pub(super) fn new(spec: &ProxySpec, book: Arc<Book>) -> Result<Arc<Self>, ProxyError> {
        let key_header = key_header(&spec.key, spec.sent)
            .ok_or(ProxyError::Key { which: "key", problem: "it is empty, or holds what no header can hold" })?;
        if spec.token.reveal().len() < 16 {
            return Err(ProxyError::Key { which: "token", problem: "it can be guessed; make it of 16 or more bytes" });
        }
        let connector = Connector::new(Address::read(&spec.upstream)?, spec.limits.connect)?;
        let door = Door {
            protocol: spec.protocol,
            token: spec.token.clone(),
            allow: spec.allow.clone(),
            body_bytes: spec.limits.body_bytes,
        };
        let turns = Arc::new(Semaphore::new(spec.limits.requests.max(1)));
        Ok(Arc::new(Self { door, book, connector, key: spec.key.clone(), key_header, limits: spec.limits, turns }))
    }
}

/// Takes connections for as long as it is polled.
pub(super) async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            taken = listener.accept(), if connections.len() < shared.limits.connections.max(1) => match taken {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                Err(_) => sleep(NO_ROOM).await,
            },
        }
    }
}

/// Serves a connection until it ends. How it ends is the attempt's affair.
async fn connection(stream: UnixStream, shared: Arc<Shared>) {
    let limits = shared.limits;
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_headers(HEADERS);
    server.max_buf_size(limits.head_bytes.max(LEAST_HEAD));
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Either<Down, Full<Bytes>>> {
    match pass(shared, request).await {
        Ok(response) => response.map(Either::Left),
        Err(refusal) => refused(shared, refusal).map(Either::Right),
    }
}

async fn pass(shared: &Shared, request: Request<Incoming>) -> Result<Response<Down>, Refusal> {
    let (parts, body) = request.into_parts();
    let admitted = shared.door.admit(&parts)?;
    let permit = Arc::clone(&shared.turns).acquire_owned().await.map_err(|_| Refusal::Unreachable)?;
    if shared.book.is_spent() {
        shared.book.over_budget();
        return Err(Refusal::Budget);
    }
    forward(shared, admitted, body, permit).await
}

fn refused(shared: &Shared, refusal: Refusal) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(refusal.body(shared.door.protocol))));
    *response.status_mut() = refusal.status(shared.door.protocol);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !refusal.is_transient() {
        // The vendors' own libraries ask for this before they try again.
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}
