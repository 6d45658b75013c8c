//! Suites that every implementation of a trait passes by one call.
//!
//! A suite is an async function over a closure that makes a new, empty thing to try; it panics with
//! the sentence of the contract that is broken. It names no async runtime.

mod runner;
mod store;
mod tracker;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

pub use runner::runner;
pub use store::{store, store_reopened};
pub use tracker::{tracker, tracker_reopened};

/// Runs two futures side by side.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    poll_fn(move |context| {
        poll_into(&mut first, a.as_mut(), context);
        poll_into(&mut second, b.as_mut(), context);
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

fn poll_into<T>(slot: &mut Option<T>, future: Pin<&mut impl Future<Output = T>>, context: &mut std::task::Context<'_>) {
    if slot.is_none()
        && let Poll::Ready(value) = future.poll(context)
    {
        *slot = Some(value);
    }
}

/// Starts a future, and drops it at the first place where it waits.
async fn start_and_drop(future: impl Future) {
    let mut future = Some(Box::pin(future));
    poll_fn(|context| {
        if let Some(mut future) = future.take() {
            drop(future.as_mut().poll(context));
        }
        Poll::Ready(())
    })
    .await;
}

#[cfg(test)]
mod tests;
