//! Tests of the crate by what it shows to the outside.

#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

mod webhooks;
