//! Passing one request on.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::admit::{self, Admitted};
use super::body::{Down, Line, Sent, Up};
use super::meter::{Form, Meter};
use super::notice::ProxyNotice;
use super::refusal::Refusal;
use super::serve::Shared;

/// Passes a request on, and gives the vendor's answer as soon as it begins.
pub(super) async fn forward(
    shared: &Shared,
    admitted: Admitted,
    body: Incoming,
    permit: OwnedSemaphorePermit,
) -> Result<Response<Down>, Refusal> {
    let stream = shared.connector.connect().await.map_err(|err| {
        shared.book.unreachable(err.to_string());
        Refusal::Unreachable
    })?;
    let (sender, line) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Refusal::Unreachable)?;
    let mut line = Some(Box::pin(line));
    let sent = Arc::new(Sent::default());
    let mut meter = Meter::new(Arc::clone(&shared.book), shared.door.protocol, admitted.costs, Arc::clone(&sent.bytes));
    let request = request(shared, admitted, Up::new(body, shared.limits.body_bytes, Arc::clone(&sent)))?;
    shared.book.request();
    let answer = timeout(shared.limits.idle, send(sender, &mut line, request)).await.map_err(|_| Refusal::Slow)?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) if sent.too_large.load(Ordering::Relaxed) => return Err(Refusal::TooLarge),
        Err(_) => return Err(Refusal::Cut),
    };
    if let Some(notice) = ProxyNotice::of(answer.status(), answer.headers()) {
        shared.book.notice(notice);
    }
    if !answer.status().is_success() {
        meter.failed();
    }
    check(&answer)?;
    let events = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_events = events.is_some_and(|value| value.to_ascii_lowercase().starts_with("text/event-stream"));
    meter.answered(if is_events { Form::Events } else { Form::Whole });
    let (parts, incoming) = answer.into_parts();
    let down = Down::new(incoming, line, meter, shared.redactor(), shared.limits.idle, permit);
    let mut response = Response::new(down);
    *response.status_mut() = parts.status;
    *response.headers_mut() = admit::answered(&parts.headers, &shared.key);
    Ok(response)
}

/// The request as the vendor gets it: to its own address, with the real key.
fn request(shared: &Shared, admitted: Admitted, body: Up) -> Result<Request<Up>, Refusal> {
    let address = shared.connector.address();
    let target = address.target(&admitted.path, admitted.query.as_deref()).ok_or(Refusal::Path)?;
    let host = HeaderValue::from_str(address.authority.as_str()).map_err(|_| Refusal::Path)?;
    let mut request = Request::new(body);
    *request.method_mut() = admitted.method;
    *request.uri_mut() = target.into();
    *request.headers_mut() = admitted.headers;
    request.headers_mut().insert(HOST, host);
    let (name, value) = shared.key_header.clone();
    request.headers_mut().insert(name, value);
    Ok(request)
}

/// Sends it, and drives the connection until the answer begins.
async fn send(
    mut sender: SendRequest<Up>,
    line: &mut Option<Line>,
    request: Request<Up>,
) -> hyper::Result<Response<Incoming>> {
    let mut sending = Box::pin(sender.send_request(request));
    poll_fn(|cx| {
        if let Some(open) = line
            && open.as_mut().poll(cx).is_ready()
        {
            *line = None;
        }
        match sending.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(answer) => Poll::Ready(answer),
        }
    })
    .await
}

/// Whether an answer can be passed on.
fn check(answer: &Response<Incoming>) -> Result<(), Refusal> {
    let status = answer.status();
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        return Err(Refusal::Redirect);
    }
    if status.is_informational() {
        return Err(Refusal::Cut);
    }
    match answer.headers().get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Refusal::Encoded),
        _ => Ok(()),
    }
}
