//! What is wrong with a configuration, where, and what helps.

use std::fmt;
use std::ops::Range;

use camino::Utf8PathBuf;

/// A text with the path it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The path, as it is to be shown.
    pub path: Utf8PathBuf,
    /// The text.
    pub text: String,
}

impl SourceText {
    /// A text from a path.
    pub fn new(path: impl Into<Utf8PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// The line of a byte, from 1.
    pub fn line_of(&self, at: usize) -> usize {
        self.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which bytes of the source; empty at 0 if it is about the whole.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub help: String,
}

/// The most problems that are told: a text that is no configuration at all has as many as it has lines.
const MOST: usize = 100;

/// The most characters of a line that are shown with a problem.
const LONGEST_LINE: usize = 200;

/// A configuration that cannot be used.
#[derive(Debug, Clone)]
pub struct ConfigError {
    /// The file.
    pub source: SourceText,
    /// What was found; the last one counts the others, if there are too many.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn new(source: SourceText, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|p| (p.span.start, p.span.end));
        problems.dedup();
        if let Some(next) = problems.get(MOST).map(|problem| problem.span.clone()) {
            let message = format!("there are {} more problems from here on", problems.len() - MOST);
            problems.truncate(MOST);
            problems.push(Problem { span: next, message, help: "correct those above first".to_owned() });
        }
        Self { source, problems }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            let line = self.source.line_of(problem.span.start);
            let text = self.source.text.lines().nth(line - 1).unwrap_or_default().trim();
            let text: String = text.chars().take(LONGEST_LINE).collect();
            write!(f, "{}:{line}: {}\n    {text}\n    help: {}", self.source.path, problem.message, problem.help)?;
        }
        Ok(())
    }
}
