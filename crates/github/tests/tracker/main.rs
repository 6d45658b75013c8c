//! GitHub as a tracker, against a GitHub on loopback.

#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

mod conformance;
mod doubts;
mod losing;
mod reading;
mod sweeping;
mod trusting;
mod weaving;
mod world;
mod writing;
