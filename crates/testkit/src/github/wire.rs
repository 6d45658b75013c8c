//! The forms in which things are told, made from the state alone: never with a client's types.

pub(crate) mod app;
pub(crate) mod check;
pub(crate) mod comment;
pub(crate) mod commit;
pub(crate) mod event;
pub(crate) mod issue;
pub(crate) mod label;
pub(crate) mod milestone;
pub(crate) mod pull;
pub(crate) mod reaction;
pub(crate) mod repository;
pub(crate) mod review;
pub(crate) mod user;

use super::state::{Repo, State};

/// The state, and the address that begins each link to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) state: &'a State,
    /// The API's base address.
    pub(crate) api: &'a str,
}

impl View<'_> {
    /// The address of a repository in the API.
    pub(crate) fn repo_url(&self, repo: &Repo) -> String {
        format!("{}/repos/{}", self.api, self.state.full_name(repo))
    }

    /// The address before all pages for people.
    pub(crate) fn origin(&self) -> &str {
        self.api.trim_end_matches("/api/v3")
    }

    /// The address of a repository's page for people.
    pub(crate) fn page_url(&self, repo: &Repo) -> String {
        format!("{}/{}", self.origin(), self.state.full_name(repo))
    }
}

/// The global id of something: the prefix of its kind, and its id.
pub(crate) fn node(prefix: &str, id: u64) -> String {
    format!("{prefix}_kwDO{id:012x}")
}

/// What a global id names: the prefix of its kind, and its id.
pub(crate) fn named(node: &str) -> Option<(&str, u64)> {
    let (prefix, id) = node.split_once("_kwDO")?;
    Some((prefix, u64::from_str_radix(id, 16).ok()?))
}
