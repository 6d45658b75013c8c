//! Conformance suites, for dayfly's own tests and those of its embedders; and when to use which fake.
//!
//! # A part of your own: the conformance suite
//!
//! A runner, a store or a tracker is held against the contract of its trait by one call. See [`conformance`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use dayfly_runner::{MockRunner, MockScript};
//! use dayfly_testkit::conformance;
//!
//! let runner = MockRunner::new(|attempt| match attempt.job.stage.as_str() {
//!     "forever" => MockScript::hangs(),
//!     _ => MockScript::succeeds(),
//! });
//! let report = conformance::runner(async || runner.clone()).await;
//! assert!(report.reasons().contains(&"it enforces no limits"), "{report}");
//! # }
//! ```
//!
//! # Code that starts attempts: `dayfly_runner::MockRunner`
//!
//! Attempts go as a function or a text of rules says, on tokio's time. It passes the suite itself, and is stricter than an
//! executor of processes: what an engine must not do is kept as a violation.
//!
//! ```
//! use dayfly_runner::MockRunner;
//!
//! let runner = MockRunner::from_toml(
//!     r#"
//!     version = 1
//!     [[rule]]
//!     attempt = 1
//!     after = "20m"
//!     end = "quota"
//!     [[rule]]
//!     files = { "done.txt" = "yes" }
//!     "#,
//! )?
//! .checked_at_drop();
//! // ... give it to the engine that is tested, and then ask:
//! assert!(runner.started().is_empty() && runner.calls().is_empty());
//! # Ok::<(), dayfly_runner::MockRulesError>(())
//! ```
//!
//! # One call and its arguments: mockall's mocks
//!
//! With the feature `mock`, `dayfly-core` has a mock of each trait. Use one where a call itself is the point, or a failure
//! in the middle; a fake that keeps the contract needs to be told less.
//!
//! ```
//! use dayfly_core::{Clock, MockClock};
//!
//! let mut clock = MockClock::new();
//! clock.expect_now().times(1).return_const(jiff::Timestamp::UNIX_EPOCH);
//! assert_eq!(clock.now(), jiff::Timestamp::UNIX_EPOCH);
//! ```
//!
//! # Code that works with GitHub: `github::GitHubServer`
//!
//! With the feature `github`: a GitHub with a memory on loopback, which checks what is sent to it. See the module `github`.
//!
//! # Time: `dayfly_core::FixedClock`
//!
//! It stands still until it is moved. What waits, such as a runner, follows tokio's time and not a clock; there is
//! `#[tokio::test(start_paused = true)]` for that.
//!
//! ```
//! use dayfly_core::{Clock, FixedClock};
//! use jiff::SignedDuration;
//!
//! let clock = FixedClock::new("2030-01-02T03:04:05Z".parse()?);
//! clock.advance(SignedDuration::from_hours(1));
//! assert_eq!(clock.now().to_string(), "2030-01-02T04:04:05Z");
//! # Ok::<(), jiff::Error>(())
//! ```
//!
//! # A ledger: `dayfly_core::MemoryStore`
//!
//! It is the reference for every store, and lacks nothing but a file.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use dayfly_core::MemoryStore;
//! use dayfly_testkit::conformance;
//!
//! conformance::store(async || MemoryStore::new()).await;
//! # }
//! ```
//!
//! What happens when it fails is tried with [`store::FaultyStore`] around it.

pub mod conformance;
#[cfg(any(feature = "github", feature = "model-server"))]
mod connection;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "model-server")]
pub mod model;
pub mod store;
