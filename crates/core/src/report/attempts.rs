//! One line per attempt.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::{AgentName, AttemptId, End, Event, IssueRef, JobId, Outcome, Record, RecordError, StageName, Using};

/// An attempt as the ledger tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttemptLine {
    /// Its id.
    pub attempt: AttemptId,
    /// The content id of its job: the same for the same job on every machine.
    pub job: JobId,
    /// The issue.
    pub issue: IssueRef,
    /// The issue's title then.
    pub title: String,
    /// The stage.
    pub stage: StageName,
    /// The agent; none for the engine's own landing.
    pub agent: Option<AgentName>,
    /// Whose capacity it used.
    pub using: Option<Using>,
    /// Why the agent was not the stage's first choice, if it was not.
    pub substitution: Option<String>,
    /// When it was claimed.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it ended, in a word; `running` if it has not.
    pub end: String,
    /// How it ended, in a sentence.
    pub detail: String,
    /// How long it took.
    pub took: Option<Duration>,
    /// All that is known of its end.
    pub outcome: Option<Outcome>,
}

/// The attempts in the records, in the order in which they started.
///
/// # Errors
/// If a record cannot be read.
pub fn attempts(records: &[Record]) -> Result<Vec<AttemptLine>, RecordError> {
    let mut lines: Vec<AttemptLine> = Vec::new();
    let mut at: BTreeMap<AttemptId, usize> = BTreeMap::new();
    for record in records {
        match record.event()? {
            Event::AttemptStarted { attempt, job, substitution, .. } => {
                at.insert(attempt.clone(), lines.len());
                lines.push(AttemptLine {
                    attempt,
                    job: job.id(),
                    issue: job.issue.clone(),
                    title: job.title.clone(),
                    stage: job.stage.clone(),
                    agent: job.agent.clone(),
                    using: job.using(),
                    substitution,
                    started: record.at,
                    ended: None,
                    end: "running".into(),
                    detail: String::new(),
                    took: None,
                    outcome: None,
                });
            }
            Event::AttemptEnded { attempt, outcome, .. } => {
                let Some(line) = at.get(&attempt).and_then(|i| lines.get_mut(*i)) else { continue };
                line.ended = Some(record.at);
                line.end = outcome.end.word().into();
                line.detail = outcome.end.to_string();
                // How long an attempt worked that was lost, nobody has seen.
                line.took = Some(outcome.receipt.took).filter(|_| outcome.end != End::Lost);
                line.outcome = Some(*outcome);
            }
            _ => {}
        }
    }
    Ok(lines)
}
