//! A portfolio on GitHub, from end to end: the engine, the real git over HTTP, a GitHub on loopback, and a scripted agent.

#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

mod kills;
mod programs;
mod story;
mod yard;
