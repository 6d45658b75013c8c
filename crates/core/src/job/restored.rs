//! What follows when a backup is put in the place of the ledger.

use std::collections::BTreeMap;

use crate::{Anchor, AttemptId, Effect, Event, IssueRef, Portfolio, State, TrackerWrite};

use super::{key_effects, move_label};

/// That a backup was put in the place of the ledger, and that the issues of attempts in doubt wait for a person: what those
/// attempts wrote outside is not known, and is not to be written twice.
pub fn restored(portfolio: &Portfolio, state: &State, replaced: Option<Anchor>, in_doubt: Vec<AttemptId>) -> Event {
    let mut issues: BTreeMap<IssueRef, Vec<&str>> = BTreeMap::new();
    for attempt in &in_doubt {
        if let Some(issue) = attempt.issue().filter(|issue| portfolio.projects.contains_key(&issue.project)) {
            issues.entry(issue).or_default().push(attempt.as_str());
        }
    }
    let label = portfolio.labels.human_needed.as_str();
    let effects = issues.into_iter().flat_map(|(issue, attempts)| {
        let body = format!(
            "The ledger was restored from a backup that does not know how these attempts ended: {}. What they wrote is \
             here already, or is not written any more.\n\nWhat helps: look at what is there, then take the label `{label}` \
             away.",
            attempts.join(", ")
        );
        let writes = [
            TrackerWrite::Comment { issue: issue.issue.clone(), body },
            move_label(&portfolio.labels, &issue.issue, Some(label)),
        ];
        let of = |write| Effect::Tracker { project: issue.project.clone(), write };
        let scope = format!("{issue}.restored.{}{}", state.head.0, state.mark);
        key_effects(&scope, &issue, writes.map(of).into())
    });
    let effects = effects.collect();
    Event::Restored { replaced, in_doubt, effects }
}
