//! From a step and a request to a response.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

use super::INPUT_TOKENS;
use super::failure::failure;
use super::protocol::Protocol;
use super::request::ModelRequest;
use super::scenario::Step;
use super::turn::{StreamEvent, Turn};
use crate::connection::Cut;

/// What a gateway shows instead of an answer.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n";

pub(super) async fn reply(step: &Step, request: &ModelRequest, number: usize, cut: &Cut) -> Response {
    let Some(protocol) = request.protocol() else { return beside(request) };
    if let Some(response) = failure(step, protocol) {
        return response;
    }
    match step {
        // Without a stream there is nothing for it to begin in.
        Step::StreamError if !request.wants_stream() => {
            failure(&Step::Overloaded, protocol).expect("it fails by its status")
        }
        Step::Hang => std::future::pending().await,
        Step::CutBeforeHead => {
            cut.now();
            StatusCode::OK.into_response()
        }
        Step::Html => with_type("text/html; charset=utf-8", Body::from(PAGE)),
        _ => said(step, request, protocol, number),
    }
}

/// An answer of the model, whole or as a stream, or the beginning of one.
fn said(step: &Step, request: &ModelRequest, protocol: Protocol, number: usize) -> Response {
    let turn = Turn::of(step, request, number);
    let end = match step {
        Step::Stall => End::Never,
        Step::CutInStream => End::Cut,
        _ => End::Whole,
    };
    if !request.wants_stream() {
        return whole(protocol.whole(&turn).to_string(), end);
    }
    let mut events = protocol.events(&turn);
    if end != End::Whole || *step == Step::StreamError {
        // What the stream is to break in is its middle: something has come, and something is missing.
        events.truncate((events.len() / 2).max(1));
    }
    if *step == Step::StreamError {
        events.push(protocol.stream_error());
    }
    if request.wants_events() {
        let pieces = events.iter().map(StreamEvent::bytes).collect();
        with_type("text/event-stream", Script::body(pieces, end))
    } else {
        let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
        whole(format!("[{}]", data.join(",")), end)
    }
}

/// A body of JSON in one piece, or the first half of it.
fn whole(text: String, end: End) -> Response {
    let body = if end == End::Whole {
        Body::from(text)
    } else {
        let half = text.len() / 2;
        Script::body([text.into_bytes()[..half].to_vec()].into(), end)
    };
    with_type("application/json", body)
}

/// What command lines ask for besides answers.
fn beside(request: &ModelRequest) -> Response {
    let path = request.path_alone();
    let known = match request.method.as_str() {
        "HEAD" => Some(json!({})),
        "POST" if path.ends_with("/count_tokens") => Some(json!({"input_tokens": INPUT_TOKENS})),
        "POST" if path.ends_with(":countTokens") => Some(json!({"totalTokens": INPUT_TOKENS})),
        "GET" if path.ends_with("/models") => Some(json!({"object": "list", "data": [], "models": []})),
        _ => None,
    };
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let body: Value = known.unwrap_or_else(|| json!({"error": {"message": "there is nothing here"}}));
    let mut response = with_type("application/json", Body::from(body.to_string()));
    *response.status_mut() = status;
    response
}

pub(super) fn with_type(kind: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// How a streamed body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Never,
    Cut,
}

/// A body that comes in pieces.
#[derive(Debug)]
struct Script {
    pieces: VecDeque<Vec<u8>>,
    end: End,
    /// Whether the last piece has had its chance to leave.
    rested: bool,
}

impl Script {
    fn body(pieces: VecDeque<Vec<u8>>, end: End) -> Body {
        let longest = pieces.iter().map(Vec::len).max().unwrap_or(1);
        let script = Self { pieces, end, rested: true };
        Body::from_stream(ReaderStream::with_capacity(script, longest))
    }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // A connection that ends by an error loses what it has not yet written: each piece is let out first.
        if !std::mem::replace(&mut self.rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut piece) = self.pieces.pop_front() else {
            return match self.end {
                End::Whole => Poll::Ready(Ok(())),
                End::Never => Poll::Pending,
                End::Cut => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        };
        let rest = piece.split_off(piece.len().min(buf.remaining()));
        buf.put_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        self.rested = false;
        Poll::Ready(Ok(()))
    }
}
