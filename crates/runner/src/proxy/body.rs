//! Bodies on their way: what an attempt sends, counted and bounded, and what it is answered, metered and without the key.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::Connection;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};

use super::connect::Stream;
use super::meter::Meter;
use crate::redact::Redactor;

/// A connection to the vendor with the request that it is for.
pub(super) type Line = Pin<Box<Connection<TokioIo<Stream>, Up>>>;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The attempt sends more than it may.
    #[error("the request is larger than an attempt may send")]
    TooLarge,
    /// Nothing came for too long.
    #[error("nothing came in time")]
    Idle,
    /// The other side broke off.
    #[error("the connection broke off")]
    Cut(#[source] hyper::Error),
}

/// What is known of a body that is being sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) bytes: Arc<AtomicU64>,
    pub(super) too_large: AtomicBool,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Up {
    incoming: Incoming,
    longest: u64,
    sent: Arc<Sent>,
}

impl Up {
    pub(super) fn new(incoming: Incoming, longest: u64, sent: Arc<Sent>) -> Self {
        Self { incoming, longest, sent }
    }
}

impl Body for Up {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(err)) => return Poll::Ready(Some(Err(BodyError::Cut(err)))),
            None => return Poll::Ready(None),
        };
        // What comes behind the body is of the connection, and ends here.
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        let length = data.len() as u64;
        let all = self.sent.bytes.fetch_add(length, Ordering::Relaxed).saturating_add(length);
        if all > self.longest {
            self.sent.too_large.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(BodyError::TooLarge)));
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The body of an answer. When it is dropped, the connection to the vendor ends, and what was not told is estimated.
pub(super) struct Down {
    incoming: Incoming,
    /// `None` once it has ended.
    line: Option<Line>,
    meter: Meter,
    redactor: Redactor,
    idle: Pin<Box<Sleep>>,
    longest_idle: Duration,
    ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Down {
    pub(super) fn new(
        incoming: Incoming,
        line: Option<Line>,
        meter: Meter,
        redactor: Redactor,
        longest_idle: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let idle = Box::pin(sleep(longest_idle));
        Self { incoming, line, meter, redactor, idle, longest_idle, ended: false, _permit: permit }
    }

    /// What is shown of a part: all of it but the key, and but what may become one.
    fn shown(&mut self, data: &Bytes) -> Vec<u8> {
        self.meter.push(data);
        let mut shown = Vec::with_capacity(data.len());
        self.redactor.push(data, &mut shown);
        self.redactor.flush_partial(&mut shown);
        shown
    }
}

impl Body for Down {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            if let Some(line) = &mut self.line
                && line.as_mut().poll(cx).is_ready()
            {
                // How it ended is seen by what came before.
                self.line = None;
            }
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let next = Instant::now() + self.longest_idle;
                    self.idle.as_mut().reset(next);
                    let Ok(data) = frame.into_data() else { continue };
                    let shown = self.shown(&data);
                    if !shown.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(shown.into()))));
                    }
                }
                Poll::Ready(Some(Err(err))) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(BodyError::Cut(err))));
                }
                Poll::Ready(None) => {
                    self.ended = true;
                    let mut rest = Vec::new();
                    self.redactor.finish(&mut rest);
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest.into()))));
                }
                Poll::Pending => {
                    ready!(self.idle.as_mut().poll(cx));
                    self.ended = true;
                    return Poll::Ready(Some(Err(BodyError::Idle)));
                }
            }
        }
    }
}
