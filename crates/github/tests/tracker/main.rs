//! GitHub as a tracker, against a GitHub on loopback.

mod conformance;
mod losing;
mod reading;
mod sweeping;
mod trusting;
mod weaving;
mod world;
mod writing;
