//! What a scenario tells: its story, and what it held against what must not happen.

use serde::Serialize;

/// Something that must hold in a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What must hold.
    pub what: String,
    /// Whether it did.
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

/// What a scenario tells.
#[derive(Debug, Default)]
pub(super) struct Tale {
    pub(super) story: Vec<String>,
    pub(super) checks: Vec<Check>,
}

impl Tale {
    /// Begins with what is set up.
    pub(super) fn begin(line: impl Into<String>) -> Self {
        Self { story: vec![line.into()], checks: Vec::new() }
    }

    /// Tells what happened.
    pub(super) fn tell(&mut self, line: impl Into<String>) {
        self.story.push(line.into());
    }

    /// Holds what was seen against what must be.
    pub(super) fn must(&mut self, what: &str, holds: bool, seen: impl Into<String>) {
        self.checks.push(Check { what: what.to_owned(), holds, seen: seen.into() });
    }
}
