//! An issue carries one of the labels that say where it stands.

use super::{Finding, TriageInput};
use crate::{Issue, Labels, TrackerWrite};

const NAME: &str = "route";

/// The labels of which one stays, the first that is there: what waits for a person goes before what somebody is at, and
/// that before what is asked for; of those the later stage. The labels that hold an issue may lie over any of them.
fn ranks(labels: &Labels) -> [&str; 6] {
    [
        &labels.needs_clarification,
        &labels.in_review,
        &labels.in_progress,
        &labels.needs_decompose,
        &labels.ready_for_dev,
        &labels.ready_for_prep,
    ]
}

pub(super) fn rule(input: &TriageInput<'_>) -> Vec<Finding> {
    // Where the ledger knows an issue, it moves the label itself.
    let open = input.open().into_iter().filter(|issue| input.known(issue).is_none());
    let found = open.filter_map(|issue| Some((issue, route(&input.portfolio.labels, issue)?)));
    found.filter(|(issue, _)| !input.is_busy(issue)).map(|(_, finding)| finding).collect()
}

fn route(labels: &Labels, issue: &Issue) -> Option<Finding> {
    let mut there: Vec<&str> = ranks(labels).into_iter().filter(|label| issue.has_label(label)).collect();
    if there.len() < 2 {
        return None;
    }
    // What nobody with write permission put on goes first.
    there.sort_by_key(|label| issue.is_unproven(label));
    let (keep, remove) = (there[0], &there[1..]);
    let why = format!("it carries {} labels of which one counts: `{keep}` stays", there.len());
    let remove = remove.iter().map(|label| (*label).to_owned()).collect();
    let write = TrackerWrite::Labels { issue: issue.id.clone(), add: Vec::new(), remove };
    Some(Finding::new(issue, NAME, why, vec![write]))
}
