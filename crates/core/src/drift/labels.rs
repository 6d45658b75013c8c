//! Labels that dayfly moves, moved by hand.

use std::collections::BTreeSet;

use crate::{Issue, IssueRef, TrackerState};

use super::{DriftInput, DriftKind, Evidence, Found};

pub(super) fn look(found: &mut Found<'_>) {
    let input = found.input;
    let issues = match &input.issues {
        Ok(issues) => issues,
        Err(why) => {
            found.unseen.insert(DriftKind::Labels, why.clone());
            return;
        }
    };
    let keeper = found.keeper();
    for issue in issues.iter().filter(|issue| issue.state == TrackerState::Open) {
        let name = IssueRef::new(input.project.name.clone(), issue.id.clone());
        // What dayfly is about to write there will settle it.
        if input.state.has_pending(&name) || input.state.live.values().any(|live| live.issue == name) {
            continue;
        }
        for what in moved(input, &name, issue) {
            let says = format!("{}; labels now: {}", issue.title, issue.labels.join(", "));
            let path = issue.facts.url.clone();
            found.add(DriftKind::Labels, what, &keeper, vec![Evidence { path, says, ..Evidence::default() }]);
        }
    }
}

/// What of an issue's labels dayfly did not do. A label by which a person orders something is no drift: it is obeyed.
fn moved(input: &DriftInput<'_>, name: &IssueRef, issue: &Issue) -> Vec<String> {
    let labels = &input.portfolio.labels;
    let stages = input.project.pipeline.stages.iter().filter_map(|stage| stage.label.as_deref());
    let own: BTreeSet<&str> =
        [labels.in_progress.as_str(), labels.in_review.as_str()].into_iter().chain(stages).collect();
    let written = input.account.labels.get(name);
    let mut moved = Vec::new();
    for label in own.iter().copied().chain([labels.needs_clarification.as_str()]) {
        let wrote = written.and_then(|written| written.get(label)).copied();
        match (wrote, issue.has_label(label)) {
            (Some(true), false) => moved.push(format!("`{label}` was taken off {name} by hand")),
            (Some(false), true) if own.contains(label) => moved.push(format!("`{label}` was put on {name} by hand")),
            // Of an issue it has worked at before, the records at hand may not tell the last label.
            (None, true) if own.contains(label) && !input.state.issues.contains_key(name) => {
                moved.push(format!("`{label}` was put on {name} by hand"));
            }
            _ => {}
        }
    }
    moved
}
