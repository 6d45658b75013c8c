//! A limit of real time on a future, whatever runtime it runs in.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

#[derive(Default)]
struct Limit {
    passed: bool,
    waiting: Option<Waker>,
}

/// Gives what the future gives, or `None` once so much real time has passed. A clock of the runtime's own that stands
/// still does not hold it up.
pub(super) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let shared = Arc::new(Mutex::new(Limit::default()));
    let (_over, still_wanted) = mpsc::channel::<()>();
    let watched = Arc::clone(&shared);
    // It ends when the other end of the channel is dropped, which is when nobody waits any more.
    thread::spawn(move || {
        if still_wanted.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let waker = {
                let mut limit = watched.lock().unwrap_or_else(PoisonError::into_inner);
                limit.passed = true;
                limit.waiting.take()
            };
            waker.into_iter().for_each(Waker::wake);
        }
    });
    let mut future = pin!(future);
    poll_fn(move |context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        let mut limit = shared.lock().unwrap_or_else(PoisonError::into_inner);
        limit.waiting = Some(context.waker().clone());
        if limit.passed { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_never_ends_is_given_up_and_what_ends_is_not() {
        assert_eq!(within(Duration::from_millis(5), std::future::pending::<()>()).await, None);
        assert_eq!(within(Duration::from_secs(3600), async { 7 }).await, Some(7));
    }
}
