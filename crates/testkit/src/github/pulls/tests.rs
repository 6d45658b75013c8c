//! Pull requests from outside: over HTTP, and with the real git.

mod checks;
mod client;
mod graphql;
mod lifecycle;
mod merging;
mod mutants;
mod push;
mod queue;
mod reviews;
