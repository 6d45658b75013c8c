//! In which order what could be started has its turn.

use std::cmp::Reverse;

use jiff::civil::Date;

use crate::{Issue, Labels, Pipeline, Priority, ProjectName};

use super::{ProjectView, Ready, Why};

/// How many parents are asked for a priority: people can link issues in a circle.
const MOST_PARENTS: usize = 16;

/// What orders candidates: their priority, the cascade, then later stages first, then the milestone's date, then age.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    priority: Priority,
    why: Why,
    stage: Reverse<usize>,
    due: (bool, Option<Date>),
    issue: (u64, String),
    project: ProjectName,
}

impl Order {
    pub(super) fn of(pipeline: &Pipeline, view: &ProjectView, issue: &Issue, ready: &Ready) -> Self {
        let milestone = issue.milestone.as_ref().and_then(|title| view.milestones.iter().find(|m| m.title == *title));
        let due = milestone.and_then(|m| m.due);
        Self {
            priority: ready.priority,
            why: ready.why,
            stage: Reverse(pipeline.position(&ready.stage).unwrap_or(0)),
            due: (due.is_none(), due),
            issue: (issue.id.as_str().parse().unwrap_or(u64::MAX), issue.id.to_string()),
            project: ready.issue.project.clone(),
        }
    }
}

/// The priority of an issue: its own, or that of the nearest parent which has one.
pub(crate) fn priority(labels: &Labels, view: &ProjectView, issue: &Issue) -> Priority {
    let parent = |issue: &&Issue| view.issues.iter().find(|other| issue.parent.as_ref() == Some(&other.id));
    let family = std::iter::successors(Some(issue), parent).take(MOST_PARENTS);
    family.into_iter().find_map(|issue| labels.priority_of(issue)).unwrap_or_default()
}
