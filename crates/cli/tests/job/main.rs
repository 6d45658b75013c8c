//! `dayfly-job` as it is built: the keeper behind the executor, and the tool by itself.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests say what they saw")]

mod broken;
mod engine;
mod kept;
#[path = "../shared/rungs.rs"]
mod rungs;
mod tool;
