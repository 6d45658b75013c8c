//! A parent shows how its children stand, and is held no longer when all are closed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, TriageInput, order, say, says, sticky, take_label};
use crate::{Issue, IssueId, Phase, TrackerState, TrackerWrite, harmless_title};

const NAME: &str = "split";
/// What the comment is about that shows the children.
const TOPIC: &str = "children";

pub(super) fn rule(input: &TriageInput<'_>) -> Vec<Finding> {
    let mut families: BTreeMap<&IssueId, Vec<&Issue>> = BTreeMap::new();
    for child in &input.view.issues {
        if let Some(parent) = &child.parent {
            families.entry(parent).or_default().push(child);
        }
    }
    if families.is_empty() {
        return Vec::new();
    }
    let mut parents: Vec<&Issue> = input.view.issues.iter().filter(|i| families.contains_key(&i.id)).collect();
    parents.sort_by_key(|i| order(&i.id));
    let found = parents.into_iter().filter_map(|parent| Some((parent, tell(input, parent, &families[&parent.id])?)));
    found.filter(|(parent, _)| !input.is_busy(parent)).map(|(_, finding)| finding).collect()
}

fn tell(input: &TriageInput<'_>, parent: &Issue, children: &[&Issue]) -> Option<Finding> {
    let known = input.known(parent);
    // What people link by hand is theirs.
    let split = known.is_some_and(|known| matches!(known.phase, Phase::Split { .. }));
    let ours = split || children.iter().any(|child| child.facts.part.is_some());
    let told = sticky(parent, TOPIC).is_some();
    if !ours || (parent.state == TrackerState::Closed && !told) {
        return None;
    }
    let TrackerWrite::Sticky { body, .. } = summary(parent, children) else { return None };
    // It has been told before: whoever holds the parent since then has reasons of their own.
    if says(parent, TOPIC, &body) {
        return None;
    }
    let labels = &input.portfolio.labels;
    let open = children.iter().filter(|child| child.state == TrackerState::Open).count();
    let mut writes = Vec::new();
    if open == 0 && known.is_none() && parent.state == TrackerState::Open && parent.has_label(&labels.blocked) {
        writes.push(take_label(parent, &labels.blocked));
    }
    writes.push(say(parent, TOPIC, body));
    let why = match open {
        0 => "all its children are closed".to_owned(),
        open => format!("{open} of its {} children are open, and it does not show that", children.len()),
    };
    Some(Finding::new(parent, NAME, why, writes))
}

/// Shows the children on their parent: those that are closed, and then the others in the order in which they can be done.
pub(crate) fn summary(parent: &Issue, children: &[&Issue]) -> TrackerWrite {
    let mut children = children.to_vec();
    children.sort_by_key(|child| order(&child.id));
    let (closed, open): (Vec<&Issue>, Vec<&Issue>) =
        children.iter().partition(|child| child.state == TrackerState::Closed);
    let mut text = match open.len() {
        0 => format!("All {} children are closed.\n", closed.len()),
        _ => format!("{} of {} children are closed.\n", closed.len(), children.len()),
    };
    for child in &closed {
        text.push_str(&format!("\n- [x] #{} {}", child.id, harmless_title(&child.title)));
    }
    for (child, after) in in_order(&open) {
        let after: Vec<String> = after.into_iter().map(|id| format!("#{id}")).collect();
        let after = if after.is_empty() { String::new() } else { format!(", after {}", after.join(", ")) };
        text.push_str(&format!("\n- [ ] #{} {}{after}", child.id, harmless_title(&child.title)));
    }
    say(parent, TOPIC, text)
}

/// Issues such that each stands after those among them that block it, which are named; in a circle the lowest goes first.
fn in_order<'a>(open: &[&'a Issue]) -> Vec<(&'a Issue, Vec<&'a str>)> {
    let ids: BTreeSet<&str> = open.iter().map(|child| child.id.as_str()).collect();
    let after = |child: &'a Issue| {
        let among = |name: &&str| ids.contains(name) && *name != child.id.as_str();
        child.facts.blocked_by.iter().map(String::as_str).filter(among).collect::<Vec<&str>>()
    };
    let mut rest: Vec<(&Issue, Vec<&str>)> = open.iter().map(|child| (*child, after(child))).collect();
    let mut left = ids.clone();
    let mut sorted = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let free = rest.iter().position(|(_, after)| !after.iter().any(|name| left.contains(name))).unwrap_or(0);
        let next = rest.remove(free);
        left.remove(next.0.id.as_str());
        sorted.push(next);
    }
    sorted
}
