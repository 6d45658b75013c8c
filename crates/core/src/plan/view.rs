//! What is seen of a project.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::{
    Author, Comment, Issue, IssueId, IssueRef, Milestone, ProjectName, Pull, TrackerState, TrackerWrite, Trust,
};

/// A project's tracker and repository, as last seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectView {
    /// The issues.
    pub issues: Vec<Issue>,
    /// The milestones.
    pub milestones: Vec<Milestone>,
    /// Why they could not be read, if they could not.
    pub fault: Option<String>,
    /// Whether the fault may pass by itself.
    pub passing: bool,
    /// Issues whose branch, left for a person, has reached the base branch.
    pub merged: BTreeSet<IssueId>,
    /// The pull requests of issues whose change was handed to the forge.
    pub pulls: BTreeMap<IssueId, Pull>,
}

impl ProjectView {
    /// The issues of which a plan must know what the ledger knows: those that are open, and those that block them. Of all
    /// others that were set aside nothing is asked.
    pub fn asks(&self, project: &ProjectName) -> BTreeSet<IssueRef> {
        let open = self.issues.iter().filter(|issue| issue.state == TrackerState::Open);
        let blockers = |issue: &Issue| {
            let ids = issue.facts.blocked_by.iter().filter_map(|name| IssueId::new(name.as_str()).ok());
            ids.collect::<Vec<_>>()
        };
        let ids = open.flat_map(|issue| blockers(issue).into_iter().chain([issue.id.clone()]));
        ids.map(|id| IssueRef::new(project.clone(), id)).collect()
    }

    /// Shows a write of our own that has been done, so that nothing need be read anew. `false` if what it did cannot
    /// be told from here.
    pub fn show(&mut self, key: &str, write: &TrackerWrite) -> bool {
        if let TrackerWrite::Milestone { title, due, state } = write {
            self.show_milestone(title, *due, *state);
            return true;
        }
        let Some(issue) = write.issue().and_then(|id| self.issues.iter_mut().find(|i| i.id == *id)) else {
            return false;
        };
        let author = Author { bot: true, ..Author::person("dayfly", Trust::Stranger) };
        match write {
            TrackerWrite::Comment { body, .. } => {
                let comment = Comment { author, key: Some(key.into()), body: body.clone(), ..Comment::default() };
                issue.comments.push(comment);
            }
            TrackerWrite::Labels { add, remove, .. } => {
                issue.labels.retain(|label| !remove.iter().any(|gone| gone.eq_ignore_ascii_case(label)));
                let missing: Vec<String> = add.iter().filter(|label| !issue.has_label(label)).cloned().collect();
                issue.labels.extend(missing);
            }
            TrackerWrite::State { state, .. } => issue.state = *state,
            TrackerWrite::SetMilestone { milestone, .. } => issue.milestone.clone_from(milestone),
            TrackerWrite::Sticky { topic, body, .. } => {
                match issue.comments.iter_mut().find(|c| c.topic.as_ref() == Some(topic)) {
                    Some(comment) => comment.body.clone_from(body),
                    None => issue.comments.push(Comment {
                        author,
                        key: Some(key.into()),
                        topic: Some(topic.clone()),
                        body: body.clone(),
                        ..Comment::default()
                    }),
                }
            }
            TrackerWrite::Duplicate { .. } => {
                issue.state = TrackerState::Closed;
                // What the tracker says to it is its own.
                return false;
            }
            _ => return false,
        }
        true
    }

    fn show_milestone(&mut self, title: &str, due: Option<Date>, state: TrackerState) {
        match self.milestones.iter_mut().find(|m| m.title == title) {
            Some(milestone) => {
                milestone.due = due.or(milestone.due);
                milestone.state = state;
            }
            None => self.milestones.push(Milestone { title: title.to_owned(), due, state, counts: None }),
        }
    }
}
