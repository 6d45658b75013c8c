//! One call of the API, as a value.

use serde::Serialize;

use crate::{CallSite, GitHubError};
use dayfly_core::ForgeRepo;

/// The methods the API knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read.
    Get,
    /// Create, or ask GraphQL.
    Post,
    /// Change.
    Patch,
    /// Set.
    Put,
    /// Remove.
    Delete,
}

impl Method {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// What a call is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// Anything; it leaves the reserve alone.
    #[default]
    Normal,
    /// What brings a finished change home; it may use the reserve of the hourly budget.
    Merge,
}

/// One call of the API. A value: nothing happens before [`GitHub::send`](crate::GitHub::send).
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) accept: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) priority: Priority,
    pub(crate) repeatable: bool,
    pub(crate) graphql: bool,
    pub(crate) scope: Option<ForgeRepo>,
    /// How much of the end of the answer is wanted, from wherever a redirect leads: for logs.
    pub(crate) tail: Option<usize>,
}

pub(crate) const JSON: &str = "application/vnd.github+json";

impl Call {
    /// A call of this method and path. The path begins with a slash, is below the base address, and is encoded where
    /// that is needed: see [`segment`].
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        let scope = repository_of(&path);
        let repeatable = method != Method::Post;
        Self {
            method,
            path,
            body: None,
            accept: JSON,
            key: None,
            priority: Priority::Normal,
            repeatable,
            graphql: false,
            scope,
            tail: None,
        }
    }

    /// A reading call.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// A creating call, which is never repeated by itself.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::Post, path)
    }

    /// A changing call.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::Patch, path)
    }

    /// A setting call.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::Put, path)
    }

    /// A removing call.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path)
    }

    /// With this body.
    ///
    /// # Errors
    /// If the value has no form in JSON.
    pub fn json<B: Serialize + ?Sized>(mut self, body: &B) -> Result<Self, GitHubError> {
        let bytes = serde_json::to_vec(body);
        self.body = Some(bytes.map_err(|e| GitHubError::Malformed { at: self.site(), problem: e.to_string() })?);
        Ok(self)
    }

    /// With the key by which the write is found in the journal, should its answer be lost.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With this priority.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// As one that does the same if it is sent twice, though its method does not say so.
    pub(crate) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// On behalf of this repository: an App takes the token of its installation there.
    pub fn scope(mut self, repository: ForgeRepo) -> Self {
        self.scope = Some(repository);
        self
    }

    /// Asking for the last bytes of a text alone, which another host may hold. That host is not given the token.
    pub(crate) fn tail(mut self, bytes: usize) -> Self {
        self.tail = Some(bytes);
        self
    }

    /// Whether it changes anything.
    pub(crate) fn is_write(&self) -> bool {
        self.method != Method::Get && !(self.graphql && self.repeatable)
    }

    /// Whether people are told of it, or content is made by it: those go slower. The list is that of the API
    /// description's `triggersNotification`.
    pub(crate) fn notifies(&self) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let below = match parts.as_slice() {
            ["repos", _, _, below @ ..] => below,
            _ => return false,
        };
        matches!(
            (self.method, below),
            (Method::Post, ["issues" | "pulls"] | ["issues", _, "comments"])
                | (Method::Post, ["pulls", _, "reviews" | "comments" | "requested_reviewers"])
                | (Method::Post, ["pulls", _, "comments", _, "replies"])
                | (Method::Put, ["pulls", _, "merge" | "merge-async"])
                | (Method::Delete, ["issues", _, "sub_issue"])
                | (Method::Patch, ["issues", _, "sub_issues", "priority"])
                | (Method::Post | Method::Delete, ["issues", _, "dependencies", "blocked_by", ..])
        )
    }

    /// The limit that is shared by such calls.
    pub(crate) fn resource(&self) -> &'static str {
        match () {
            () if self.graphql => "graphql",
            () if self.path.starts_with("/search/") => "search",
            () => "core",
        }
    }

    pub(crate) fn site(&self) -> CallSite {
        CallSite { method: self.method.as_str(), path: self.path.chars().take(300).collect(), request_id: None }
    }
}

/// A text as one segment of a path, or one value of a query.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // A segment of dots alone would be taken as a step in the path.
    match out.as_str() {
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        _ => out,
    }
}

/// The path of a repository's API, without a slash at the end.
pub(crate) fn repo_path(repository: &ForgeRepo) -> String {
    format!("/repos/{}/{}", segment(repository.owner()), segment(repository.name()))
}

fn repository_of(path: &str) -> Option<ForgeRepo> {
    let mut parts = path.strip_prefix("/repos/")?.split(['/', '?']);
    let name = format!("{}/{}", parts.next()?, parts.next()?);
    ForgeRepo::new(&name).ok()
}
