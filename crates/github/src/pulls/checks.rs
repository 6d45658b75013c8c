//! What the checks of a commit come to.

use dayfly_core::{Checks, FailedCheck};

use super::Pulls;
use crate::GitHubError;

/// A check, from wherever it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) end: End,
    pub(super) required: bool,
    pub(super) url: Option<String>,
    /// What it says of itself.
    pub(super) found: Vec<String>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It has not ended, or ended in a way that says nothing of the change.
    Waiting,
    /// It is in nobody's way.
    Passed,
    /// The change does not pass.
    Failed,
}

/// The most logs that are fetched for one pull request.
const MOST_LOGS: usize = 5;
const MOST_FOUND: usize = 4000;

impl End {
    /// How a check run stands. GitHub's GraphQL and REST differ in case alone.
    pub(super) fn of_run(status: &str, conclusion: Option<&str>) -> Self {
        let conclusion = conclusion.unwrap_or_default().to_ascii_lowercase();
        match (status.to_ascii_lowercase().as_str(), conclusion.as_str()) {
            ("completed", "success" | "neutral" | "skipped") => End::Passed,
            // Somebody stopped it, or must do something first: no new commit would help.
            ("completed", "cancelled" | "stale" | "action_required") => End::Waiting,
            ("completed", _) => End::Failed,
            _ => End::Waiting,
        }
    }

    /// How a status stands.
    pub(super) fn of_status(state: &str) -> Self {
        match state.to_ascii_lowercase().as_str() {
            "success" => End::Passed,
            "failure" | "error" => End::Failed,
            _ => End::Waiting,
        }
    }
}

/// Puts to the checks those that a rule asks for and nobody has begun. Without them it would look as if none were asked for.
pub(super) fn await_required(checks: &mut Vec<Check>, required: &[String]) {
    for name in required {
        if !checks.iter().any(|check| check.name == *name) {
            let (name, end) = (name.clone(), End::Waiting);
            checks.push(Check { name, end, required: true, url: None, found: vec![] });
        }
    }
}

/// What the checks come to. Where a rule asks for some, the others do not count.
pub(super) fn judged(checks: &[Check]) -> Checks {
    let some_required = checks.iter().any(|check| check.required);
    let counts = |check: &&Check| check.required || !some_required;
    let with = |end: End| checks.iter().filter(counts).filter(move |check| check.end == end);
    if checks.is_empty() {
        return Checks::None;
    }
    if with(End::Failed).next().is_some() {
        let failed = with(End::Failed).map(|check| FailedCheck {
            name: check.name.clone(),
            required: check.required,
            url: check.url.clone(),
            tail: cut(&check.found.join("\n")),
        });
        return Checks::Failed(failed.collect());
    }
    let waiting: Vec<String> = with(End::Waiting).map(|check| check.name.clone()).collect();
    if waiting.is_empty() { Checks::Passed } else { Checks::Pending(waiting) }
}

impl Pulls<'_> {
    /// Puts the last lines of their logs to the checks that failed.
    pub(super) async fn with_logs(&self, mut checks: Checks) -> Result<Checks, GitHubError> {
        if let Checks::Failed(failed) = &mut checks {
            for check in failed.iter_mut().take(MOST_LOGS) {
                let Some(job) = check.url.as_deref().and_then(job_in) else { continue };
                let tail = self.log_tail(job).await?;
                if !tail.is_empty() {
                    let joint = if check.tail.is_empty() { "" } else { "\n\n" };
                    check.tail = format!("{}{joint}The last lines of its log:\n{tail}", check.tail);
                }
            }
        }
        Ok(checks)
    }
}

/// The number of the job whose page it is, if it is one of GitHub's own.
pub(super) fn job_in(url: &str) -> Option<u64> {
    let (_, after) = url.split_once("/actions/runs/")?;
    let (_, job) = after.split_once("/job/")?;
    job.split(['?', '#', '/']).next()?.parse().ok()
}

/// A text, bounded, without what is only for terminals.
pub(super) fn cut(text: &str) -> String {
    let text = super::log::clean(text);
    let mut end = text.len().min(MOST_FOUND);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim().to_owned()
}

#[cfg(test)]
mod tests;
