//! What people did, read off the trackers.

mod pulls;

use std::collections::BTreeSet;

use crate::job::{close, key_effects, move_label};
use crate::triage::{answered, children_summary};
use crate::{Effect, Event, Issue, IssueRef, Labels, Phase, ProjectName, TrackerState, TrackerWrite};

use super::{PlanInput, ProjectView};

pub(super) fn observations(input: &PlanInput<'_>) -> Vec<Event> {
    let mut events = Vec::new();
    for (project, view) in input.views.iter().filter(|(p, _)| !input.filter.unsettled.contains(*p)) {
        events.extend(view.issues.iter().filter_map(|issue| observe(input, project, view, issue)));
    }
    events
}

pub(super) fn observations_of(input: &PlanInput<'_>, issues: &BTreeSet<IssueRef>) -> Vec<Event> {
    let settled = issues.iter().filter(|i| !input.filter.unsettled.contains(&i.project));
    settled
        .filter_map(|i| {
            let view = input.views.get(&i.project)?;
            let issue = view.issues.iter().find(|seen| seen.id == i.issue)?;
            observe(input, &i.project, view, issue)
        })
        .collect()
}

fn observe(input: &PlanInput<'_>, project: &ProjectName, view: &ProjectView, issue: &Issue) -> Option<Event> {
    let issue_ref = IssueRef::new(project.clone(), issue.id.clone());
    let known = input.state.issues.get(&issue_ref)?;
    // What is seen may be our own doing as long as our writes are under way.
    if input.state.has_pending(&issue_ref) || matches!(known.phase, Phase::Running { .. } | Phase::Landing { .. }) {
        return None;
    }
    let labels = &input.portfolio.labels;
    let of = input.portfolio.projects.get(project).map(|project| project.tracker).unwrap_or_default();
    let other = (known.tracker != of).then_some(of);
    if other.is_some() && !known.phase.is_final() {
        return Some(Event::Closed { issue: issue_ref });
    }
    // The forge closes the issue of a merged pull request by itself: that is no giving up.
    if let Some(pull) = view.pulls.get(&issue.id) {
        let event = pulls::observe_pull(input, &issue_ref, known, (issue, pull));
        if event.is_some() && (issue.state == TrackerState::Open || matches!(event, Some(Event::Merged { .. }))) {
            return event;
        }
    }
    if issue.state == TrackerState::Closed {
        return (!known.phase.is_final()).then_some(Event::Closed { issue: issue_ref });
    }
    let keyed = |word: &str, writes: Vec<TrackerWrite>| {
        let scope = format!("{issue_ref}.{word}.{}{}", known.attempts, input.state.mark);
        let project = issue_ref.project.clone();
        let effects = writes.into_iter().map(|write| Effect::Tracker { project: project.clone(), write }).collect();
        key_effects(&scope, &issue_ref, effects)
    };
    match &known.phase {
        Phase::Done | Phase::Closed => {
            let stage = super::evaluate::entry(input.portfolio, &issue_ref.project, issue)?.0;
            Some(Event::Reopened { issue: issue_ref, stage, tracker: other })
        }
        Phase::Asked { attempt, .. } => {
            let scope = input.state.scope(attempt);
            let asked = |key: &str| key.strip_prefix(&scope).is_some_and(|rest| rest.starts_with('/'));
            let by = answered(input.portfolio, issue, asked)?;
            let effects = keyed("answered", vec![move_label(labels, &issue.id, Some(&labels.in_progress))]);
            Some(Event::Answered { issue: issue_ref, by, effects })
        }
        Phase::Split { children } => {
            let is_child = |i: &&Issue| children.contains(&i.id) || i.parent.as_ref() == Some(&issue.id);
            let children: Vec<&Issue> = view.issues.iter().filter(is_child).collect();
            if children.iter().any(|i| i.state == TrackerState::Open) {
                return None;
            }
            let effects = keyed("children", children_done(labels, issue, &children));
            Some(Event::ChildrenClosed { issue: issue_ref, effects })
        }
        Phase::Handed { .. } if view.merged.contains(&issue.id) => {
            let effects = keyed("merged", close(labels, &issue.id).into());
            Some(Event::Merged { issue: issue_ref, effects, commit: None })
        }
        Phase::Blocked { .. } if !known.unlabelled && !issue.has_label(&labels.human_needed) => {
            let effects = keyed("unblocked", vec![move_label(labels, &issue.id, Some(&labels.in_progress))]);
            Some(Event::Unblocked { issue: issue_ref, effects })
        }
        _ => None,
    }
}

fn children_done(labels: &Labels, issue: &Issue, children: &[&Issue]) -> Vec<TrackerWrite> {
    let mut writes = vec![children_summary(issue, children)];
    writes.extend(close(labels, &issue.id));
    writes
}
