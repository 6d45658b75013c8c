//! What people did, and what is taken where nobody did anything in time.

use dayfly_core::{Event, ProjectName, due_defaults, take_default};
use jiff::Timestamp;

use super::super::model::Model;
use super::order;

/// What people did, where something has changed since the last look; then what follows by itself.
pub(super) fn observations(model: &mut Model, now: Timestamp) -> Vec<Event> {
    let mut look = std::mem::take(&mut model.look);
    let input = model.plan_input(now);
    let mut events = if look.everywhere { input.observations() } else { input.observations_of(&look.issues) };
    if events.is_empty() {
        events = defaults(model, now);
    }
    if !events.is_empty() {
        // What follows from these is looked for once they are recorded.
        model.look = look;
    } else if look.order {
        events = order::events(model, now);
        look.order = false;
    }
    events
}

/// The projects that are read anew before a default of theirs is taken: somebody may have answered since the last look.
pub(super) fn to_read(model: &Model, now: Timestamp) -> Vec<ProjectName> {
    let old = |project: &ProjectName, at: Timestamp| model.read_at.get(project).is_some_and(|read| *read < at);
    let due = due_defaults(&model.plan_input(now)).into_iter().map(|(issue, at)| (issue.project, at));
    due.filter(|(project, at)| !model.syncing.contains(project) && old(project, *at))
        .map(|(project, _)| project)
        .collect()
}

/// The defaults that are taken, of projects that were read since they were due.
fn defaults(model: &Model, now: Timestamp) -> Vec<Event> {
    let input = model.plan_input(now);
    let fresh = |project: &ProjectName, at: Timestamp| model.read_at.get(project).is_some_and(|read| *read >= at);
    let due = due_defaults(&input).into_iter().filter(|(issue, at)| fresh(&issue.project, *at));
    due.filter_map(|(issue, _)| take_default(&input, &issue)).collect()
}
