//! Leases of live attempts.

use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{Condition, Epoch, FixedClock, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use super::samples::{attempt, batch, ended, started, with};
use super::{all, append, lost, take_over};

/// Checks that a store keeps leases by its own clock: `make` gives a new, empty store that looks at this one.
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn store_leases<S: Store>(make: impl AsyncFn(Arc<FixedClock>) -> S) {
    let clock = Arc::new(FixedClock::new(Timestamp::UNIX_EPOCH));
    let store = &make(Arc::clone(&clock)).await;
    let epoch = take_over(store).await;
    let token = append(store, batch(epoch, vec![started(1, 1), started(2, 1)])).await[0].seq;
    let held = [(attempt(1, 1), token)];
    let lease = Duration::from_secs(60);
    let gone = store.renew(epoch, &held, lease).await;
    assert!(gone.as_ref().is_ok_and(Vec::is_empty), "`renew` gives nothing where all is held: {gone:?}");
    let back = with(batch(epoch, vec![ended(1, 1, token.0)]), Condition::Expired(attempt(1, 1), token));
    clock.advance(SignedDuration::from_secs(59));
    lost(store, &back, "what is taken back while its lease is in force").await;
    let other = [(attempt(1, 1), dayfly_core::Seq(token.0 + 1)), (attempt(9, 1), token)];
    let gone = store.renew(epoch, &other, lease).await.unwrap_or_else(|err| panic!("`renew` failed: {err}"));
    assert_eq!(gone, [attempt(1, 1), attempt(9, 1)], "`renew` gives what is not held with its token");
    clock.advance(SignedDuration::from_secs(2));
    append(store, back).await;
    let gone = store.renew(epoch, &held, lease).await.unwrap_or_else(|err| panic!("`renew` failed: {err}"));
    assert_eq!(gone, [attempt(1, 1)], "a worker that was paused past its lease finds itself fenced");
    let late = with(batch(epoch, vec![ended(1, 1, token.0), started(3, 1)]), Condition::Holder(attempt(1, 1), token));
    lost(store, &late, "a finish by a worker whose attempt was taken back").await;
    let refused = store.renew(Epoch(epoch.0 - 1), &held, lease).await;
    assert!(matches!(refused, Err(StoreError::Superseded { .. })), "an earlier epoch renews nothing: {refused:?}");
    assert_eq!(all(store).await.len(), 3, "a heartbeat is no record");
}
