//! The rules of this repository that a program can check.

mod config_docs;
mod crates;
mod documents;
mod purity;
mod sizes;
mod text;

use std::fmt;

use crate::tree::Tree;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    path: String,
    /// From 1; a problem of a whole file is at 1.
    line: usize,
    what: String,
    remedy: String,
}

impl Problem {
    fn new(path: impl Into<String>, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({})", self.path, self.line, self.what, self.remedy)
    }
}

/// Checks everything; the problems are ordered by place.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = crates::check(tree);
    problems.extend(crates::check_core_tree());
    problems.extend(purity::check(tree));
    problems.extend(sizes::check(tree));
    problems.extend(documents::check(tree));
    problems.extend(config_docs::check(tree));
    problems.extend(text::check(tree));
    problems.sort();
    problems.dedup();
    problems
}

#[cfg(test)]
fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|p| format!("{}:{}: {}", p.path, p.line, p.what)).collect()
}
