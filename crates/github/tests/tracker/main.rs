//! GitHub as a tracker, against a GitHub on loopback.

mod conformance;
mod reading;
mod sweeping;
mod trusting;
mod world;
