//! A GitHub of your own on loopback: it keeps state, speaks the REST and GraphQL interfaces, and checks both sides.
//!
//! What a test does as a person goes through [`World`] and [`Person`]; what the code under test does goes over HTTP. The
//! server checks each request and each answer against GitHub's own OpenAPI description, and keeps a journal of all calls.
//! It panics when it is dropped if a client sent what GitHub would refuse as malformed, or if it answered what GitHub never
//! would; see [`GitHubServer::take_violations`].
//!
//! ```
//! use dayfly_testkit::github::{GitHubServer, Permission};
//!
//! let server = GitHubServer::start();
//! let world = server.world();
//! let ann = world.person("ann", Permission::Admin);
//! let bot = world.bot("dayfly-bot", Permission::Write);
//! world.repo("ann/web");
//! // ... give `server.url()` and `bot.token()` to the program that is tested, and then ask:
//! assert_eq!(server.journal().writes(), 0);
//! # drop(ann);
//! # drop(bot);
//! ```

mod access;
mod auth;
mod call;
pub mod contract;
mod deeds;
mod description;
mod dispatch;
mod exchange;
mod fault;
mod git;
mod github_app;
mod graphql;
mod job_logs;
mod journal;
mod limits;
mod person;
mod pulls;
mod reply;
mod repository;
mod route;
mod routes;
mod schema;
mod server;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod users;
mod webhook;
mod wire;
mod world;

pub use fault::{Fault, Match};
pub use git::GitRepo;
pub use github_app::GitHubApp;
pub use journal::{Entry, Journal};
pub use limits::Limits;
pub use person::Person;
pub use pulls::{Annotation, BranchRules, CheckState, PullNow, StatusState};
pub use repository::{CommentNow, IssueNow, Repository};
pub use schema::graphql_problems;
pub use server::GitHubServer;
pub use users::Permission;
pub use webhook::Delivery;
pub use world::World;
