//! What makes an issue a pull request, and what a repository keeps for them.

/// The side of a pull request that is no issue.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) draft: bool,
    pub(crate) head: String,
    pub(crate) base: String,
}

/// What a repository keeps for its pull requests: checks, rules, queues.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulls {}
