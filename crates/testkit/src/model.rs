//! A scripted model server on loopback, for agents' command lines: the real ones, and your own.
//!
//! It speaks the protocols of the vendors, each whole and as a stream: Anthropic's Messages (`/v1/messages`), OpenAI's
//! Responses (`/v1/responses`) and chat completions (`/v1/chat/completions`), and Gemini's
//! (`/v1beta/models/MODEL:generateContent`). What it answers is a [`Scenario`]: a list of [`Step`]s, one for each
//! request, of which the last is repeated. It keeps every request, so that a test can ask what left the machine's
//! programs, and with which key.
//!
//! A command line often asks for a title, or a route, on the side. Such requests offer no tools; they have a count of
//! their own and go through the same steps, so that they never use up a step that was meant for the work.
//!
//! ```
//! use dayfly_testkit::model::{ModelServer, Scenario, Step};
//!
//! let server = ModelServer::start(Scenario::of([
//!     Step::edit("done.txt", "yes\n"),
//!     Step::shell("git add --all && git commit --quiet --message done"),
//!     Step::answer("It is done."),
//! ]));
//! // ... run an agent whose base address is `server.base_url()`, and then ask:
//! assert!(server.keys().is_empty() && !server.saw_text("secret"));
//! ```

mod failure;
mod protocol;
mod reply;
mod request;
mod scenario;
mod server;
mod tools;
mod turn;

#[cfg(test)]
mod tests;

pub use protocol::Protocol;
pub use request::ModelRequest;
pub use scenario::{Scenario, Step};
pub use server::ModelServer;

/// How many tokens each request is said to have read.
pub const INPUT_TOKENS: u64 = 1200;

/// How many tokens each answer is said to have.
pub const OUTPUT_TOKENS: u64 = 30;
