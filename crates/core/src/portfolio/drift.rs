//! What projects are held against when it is looked for drift.

use serde::Serialize;

/// Who accounts for commits, and what agents read that must stay as it was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DriftPolicy {
    /// The people who account for what they commit, as `name <mail>` or `mail`. Without a list everybody does who is no
    /// program.
    pub people: Option<Vec<String>>,
    /// Globs of the paths whose content is pinned.
    pub pinned: Vec<String>,
}

/// A command that tells whether the migrations of a project are as their record says: then it ends with exit code 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationCheck {
    /// The program, with its arguments.
    pub run: Vec<String>,
    /// Names of environment variables that it receives; what they hold is masked in what it prints.
    pub pass_env: Vec<String>,
}
