//! The program from outside: real processes, real git, an environment of its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what cannot be done fails the test, and some say what they saw"
)]

mod agents;
mod capacity;
mod classify;
mod demo;
mod drift;
mod faults;
mod halt;
mod interrupt;
mod issues;
mod ledger;
mod lost;
mod nothing;
mod orders;
mod output;
mod report;
mod restore;
mod run;
#[path = "../shared/rungs.rs"]
mod rungs;
mod sandbox;
mod session;
mod setup;
mod simulate;
mod upgrade;
mod words;
mod world;
