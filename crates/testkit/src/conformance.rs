//! Suites that every implementation of a trait passes by one call.
//!
//! A suite is an async function over a closure that makes a new, empty thing to try; it panics with
//! the sentence of the contract that is broken. It names no async runtime.

mod forge;
mod report;
mod runner;
mod store;
mod tracker;
mod watchdog;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

pub use forge::{ForgeBench, forge, forge_reopened};
pub use report::{Report, Skipped};
pub use runner::{runner, runner_within};
pub use store::{store, store_leases, store_reopened};
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

/// Drops a future at that place where it waits, counted from 1; gives its value if it does not wait so often.
async fn drop_at<T>(place: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Some(Box::pin(future));
    let mut waited = 0;
    poll_fn(move |context| {
        let Some(polled) = future.as_mut().map(|future| future.as_mut().poll(context)) else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(value) = polled {
            return Poll::Ready(Some(value));
        }
        waited += 1;
        if waited < place {
            return Poll::Pending;
        }
        future = None;
        Poll::Ready(None)
    })
    .await
}

#[cfg(test)]
mod tests;
