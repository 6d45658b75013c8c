//! GitHub as a tracker, against a GitHub on loopback.

mod conformance;
mod world;
