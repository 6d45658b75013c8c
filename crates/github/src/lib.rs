//! The GitHub side of dayfly.
//!
//! [`GitHub`] is a careful client of GitHub's API, and of GitHub Enterprise's: it keeps to the limits, never repeats a
//! creating call by itself, says so where it does not know whether a write was done, and shows its token to nobody else.
//! It reads no environment and runs no process; [`Auth::discover`] is given what it needs.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use dayfly_core::Clock;
//! use dayfly_github::{Auth, GitHub, GitHubError};
//!
//! # async fn example(clock: Arc<dyn Clock>, variable: fn(&str) -> Option<String>) -> Result<(), GitHubError> {
//! let auth = Auth::discover(variable, async { None }).await?;
//! let github = GitHub::builder(auth, clock).build()?;
//! println!("I am {}", github.identity().await?.login);
//! # Ok(())
//! # }
//! ```

mod error;

mod auth;

mod call;
mod place;

mod classify;

mod budget;
mod cache;
mod journal;
mod wire;

mod transport;

mod client;

mod capability;

mod tracker;

mod pulls;

mod forge;

mod webhook;

#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;

pub use auth::{App, AppBuilder, Auth, TOKEN_VARIABLES, Token};
pub use budget::Pace;
pub use call::{Call, Method, Priority, segment};
pub use capability::{Capabilities, Feature};
pub use client::{GitHub, GitHubBuilder, Identity, Moved, Partial};
pub use error::{CallSite, FieldProblem, GitHubError, GraphQlProblem, Limit};
pub use forge::GitHubForge;
pub use tracker::{GitHubTracker, TrackerSettings};
pub use webhook::{
    Hint, HintReason, HintRepo, IssuePlace, MAX_WEBHOOK_BYTES, WebhookError, parse_webhook, verify_webhook,
};
