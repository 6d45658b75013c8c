//! What keeps issues in order, as events.

use dayfly_core::{Effect, EffectEntry, EffectId, Event, IssueRef};
use jiff::Timestamp;

use super::super::model::Model;

/// What the rules of triage ask for, at most as many writes for each project as one run may do.
pub(super) fn events(model: &mut Model, now: Timestamp) -> Vec<Event> {
    let most = usize::try_from(model.portfolio.triage.writes).unwrap_or(usize::MAX);
    let findings = model.plan_input(now).findings();
    let mut events = Vec::new();
    for (project, finding) in findings {
        let count = model.triaged.entry(project.clone()).or_default();
        *count = count.saturating_add(finding.writes.len());
        if *count > most {
            continue;
        }
        let issue = IssueRef::new(project.clone(), finding.issue);
        let writes = finding.writes.into_iter().enumerate();
        let effects = writes.map(|(n, write)| EffectEntry {
            id: EffectId(format!("{}/{n}", finding.key)),
            issue: issue.clone(),
            effect: Effect::Tracker { project: project.clone(), write },
        });
        // A repetition has the same keys: while the first waits to be written there is nothing to add.
        let effects: Vec<EffectEntry> = effects.filter(|entry| !model.state.is_pending(&entry.id)).collect();
        if effects.is_empty() {
            continue;
        }
        events.push(Event::Triaged { issue, rule: finding.rule.to_owned(), why: finding.why, effects });
    }
    events
}
