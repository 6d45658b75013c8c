//! An issue is not begun before those that block it are closed.

use std::collections::BTreeSet;

use crate::{Issue, IssueId, IssueRef, Phase, ProjectName, ProjectView, State, TrackerState};

/// The issues that block one and are still open, as its tracker names them.
pub(crate) fn blockers(state: &State, project: &ProjectName, view: &ProjectView, issue: &Issue) -> Vec<String> {
    let done = |name: &str| {
        let Ok(id) = IssueId::new(name) else { return false };
        let seen = view.issues.iter().find(|i| i.id == id);
        let closed = seen.is_some_and(|i| i.state == TrackerState::Closed);
        // The tracker may show the issue as open for a moment longer than it is.
        let known = state.issues.get(&IssueRef::new(project.clone(), id));
        closed || known.is_some_and(|k| k.phase == Phase::Done)
    };
    issue.facts.blocked_by.iter().filter(|name| !done(name)).cloned().collect()
}

/// Whether an issue waits for itself: then nothing but a person helps.
pub(crate) fn in_a_circle(view: &ProjectView, issue: &Issue) -> bool {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = issue.facts.blocked_by.iter().map(String::as_str).collect();
    while let Some(name) = next.pop() {
        if name == issue.id.as_str() {
            return true;
        }
        if seen.insert(name)
            && let Some(other) = view.issues.iter().find(|i| i.id.as_str() == name && i.state == TrackerState::Open)
        {
            next.extend(other.facts.blocked_by.iter().map(String::as_str));
        }
    }
    false
}
