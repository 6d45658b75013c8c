//! Questions that nobody answered in time.

use jiff::Timestamp;
use serde::Serialize;

use crate::{Event, IssueRef, Record, RecordError};

/// A question that nobody answered in time, and whose default was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DefaultLine {
    /// The issue.
    pub issue: IssueRef,
    /// The first line of the question.
    pub question: String,
    /// The option that was taken.
    pub option: String,
    /// When.
    pub at: Timestamp,
}

/// The defaults that were taken, as far as they are wanted.
pub(super) fn defaults(
    records: &[Record],
    wanted: impl Fn(&IssueRef, Timestamp) -> bool,
) -> Result<Vec<DefaultLine>, RecordError> {
    let mut lines = Vec::new();
    for record in records {
        if let Event::Answered { issue, chosen: Some(chosen), .. } = record.event()?
            && chosen.expired.is_some()
            && wanted(&issue, record.at)
        {
            let (question, option) = (chosen.question, chosen.option);
            lines.push(DefaultLine { issue, question, option, at: record.at });
        }
    }
    Ok(lines)
}

pub(super) fn default_line(line: &DefaultLine) -> String {
    format!("{}: nobody answered \u{201c}{}\u{201d}, and {} was taken", line.issue, line.question, line.option)
}
