//! The changes of one issue's file.

use dayfly_core::{Applied, IssueId, TrackerError, TrackerState};

use super::folder::{Folder, IssueFile};
use super::text;

/// What the comment of a duplicate is about.
const DUPLICATE: &str = "duplicate";

impl Folder {
    /// Appends a comment, unless there is one with the key.
    pub(super) fn comment(&self, id: &IssueId, comment: &str, key: Option<&str>) -> Result<Applied, TrackerError> {
        self.edit(id, |file| {
            let written = file.issue.comments.iter().any(|known| key.is_some() && known.key.as_deref() == key);
            Ok((!written).then(|| text::with_comment(&file.whole, comment)))
        })
    }

    pub(super) fn set_labels(&self, id: &IssueId, add: &[String], remove: &[String]) -> Result<Applied, TrackerError> {
        self.edit(id, |file| {
            let mut missing: Vec<String> = Vec::new();
            for label in add {
                let listed = missing.iter().any(|known| known.eq_ignore_ascii_case(label));
                if !listed && !file.issue.has_label(label) {
                    missing.push(label.clone());
                }
            }
            if missing.is_empty() && !remove.iter().any(|label| file.issue.has_label(label)) {
                return Ok(None);
            }
            text::with_labels(&file.whole, &missing, remove).map(Some)
        })
    }

    pub(super) fn set_state(&self, id: &IssueId, state: TrackerState) -> Result<Applied, TrackerError> {
        let word = match state {
            TrackerState::Open => "open",
            TrackerState::Closed => "closed",
        };
        self.edit(id, |file| {
            if file.issue.state == state {
                return Ok(None);
            }
            text::with_state(&file.whole, word).map(Some)
        })
    }

    /// Makes the only comment about a topic say what `comment` says, whose text is `body`.
    pub(super) fn say(
        &self,
        id: &IssueId,
        topic: &str,
        (comment, body): (&str, &str),
    ) -> Result<Applied, TrackerError> {
        let body = text::kept(body);
        self.edit(id, |file| Ok(said(file, topic, comment, &body)))
    }

    /// Closes an issue, and says in the comment about it what it is a duplicate of.
    pub(super) fn close_duplicate(
        &self,
        id: &IssueId,
        of: &IssueId,
        comment: impl Fn(&str, &str) -> String,
    ) -> Result<Applied, TrackerError> {
        self.find(of)?;
        let body = format!("A duplicate of #{of}.");
        let comment = comment(DUPLICATE, &body);
        self.edit(id, |file| {
            let whole = said(file, DUPLICATE, &comment, &body);
            if file.issue.state == TrackerState::Closed {
                return Ok(whole);
            }
            text::with_state(whole.as_ref().unwrap_or(&file.whole), "closed").map(Some)
        })
    }

    pub(super) fn block(&self, id: &IssueId, by: &[IssueId]) -> Result<Applied, TrackerError> {
        for other in by {
            self.find(other)?;
        }
        self.edit(id, |file| {
            let mut missing: Vec<IssueId> = Vec::new();
            for other in by.iter().filter(|other| !file.blockers.iter().any(|b| b == other.as_str()) && **other != *id)
            {
                if !missing.contains(other) {
                    missing.push(other.clone());
                }
            }
            if missing.is_empty() { Ok(None) } else { text::with_blockers(&file.whole, &missing).map(Some) }
        })
    }

    pub(super) fn set_milestone(&self, id: &IssueId, title: Option<&str>) -> Result<Applied, TrackerError> {
        self.edit(id, |file| {
            if file.issue.milestone.as_deref() == title {
                return Ok(None);
            }
            text::with_milestone(&file.whole, title).map(Some)
        })
    }
}

/// The file in which the only comment about a topic says something else, if it does not say so yet.
fn said(file: &IssueFile, topic: &str, comment: &str, body: &str) -> Option<String> {
    match file.issue.comments.iter().position(|known| known.topic.as_deref() == Some(topic)) {
        Some(at) if file.issue.comments[at].body == body => None,
        Some(at) => Some(text::with_comment_at(&file.whole, file.rest, at, comment)),
        None => Some(text::with_comment(&file.whole, comment)),
    }
}
