//! The program from outside: real processes, real git, an environment of its own.

#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

mod demo;
mod interrupt;
mod issues;
mod output;
mod run;
mod sandbox;
mod session;
mod setup;
mod words;
mod world;
