//! A portfolio on GitHub, from end to end: the engine, the real git over HTTP, a GitHub on loopback, and a scripted agent.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what cannot be done fails the test, and what was done is told"
)]

mod kills;
mod programs;
mod story;
mod yard;
