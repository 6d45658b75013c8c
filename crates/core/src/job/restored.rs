//! What follows when a backup is put in the place of the ledger.

use std::collections::BTreeMap;

use crate::{
    Anchor, AttemptId, Condition, Effect, End, Event, IssueRef, Next, Outcome, Portfolio, State, TrackerWrite,
};

use super::{key_effects, move_label};

/// What is recorded first when a backup is put in the place of the ledger, with what must hold. Attempts in doubt that run as
/// far as the backup knows are over: nothing takes them up, whatever they left, and their issues wait for a person.
pub fn restoration(
    portfolio: &Portfolio,
    state: &State,
    replaced: Option<Anchor>,
    in_doubt: Vec<AttemptId>,
) -> (Vec<Event>, Vec<Condition>) {
    let live = in_doubt.iter().filter_map(|id| Some((id.clone(), state.live.get(id)?)));
    let (mut events, conditions): (Vec<Event>, Vec<Condition>) = live
        .map(|(attempt, live)| {
            let next = Next::Block {
                reason: format!("the ledger was restored from a backup that does not know how {attempt} ended"),
                remedy: format!("look at what is there, then take the label `{}` away", portfolio.labels.human_needed),
            };
            let (token, outcome) = (live.token, Box::new(Outcome::new(End::Lost)));
            let holder = Condition::Holder(attempt.clone(), token);
            (Event::AttemptEnded { attempt, token, outcome, next, effects: Vec::new() }, holder)
        })
        .unzip();
    events.push(restored(portfolio, state, replaced, in_doubt));
    (events, conditions)
}

/// That a backup was put in the place of the ledger, and that the issues of attempts in doubt wait for a person: what those
/// attempts wrote outside is not known, and is not to be written twice.
fn restored(portfolio: &Portfolio, state: &State, replaced: Option<Anchor>, in_doubt: Vec<AttemptId>) -> Event {
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
