//! What people order of what is kept here, and what they put back.

use crate::{AttemptId, EffectEntry, EventKind, IssueRef, Order, Record, Target};

use super::super::{PendingEffect, Phase, State, StateError};
use super::change::start_anew;

impl State {
    /// What was paused goes on, and what is blocked without a label that tells of it.
    pub(super) fn resumed(&mut self, record: &Record, order: Order, what: Vec<Target>) -> Result<(), StateError> {
        let stuck: Vec<IssueRef> = what.iter().filter_map(|what| self.unlabelled(what)).cloned().collect();
        for issue in stuck {
            let to = Phase::Queued { not_before: None };
            self.move_issue(record, &issue, EventKind::Resumed, to, start_anew)?;
        }
        self.control.fold(crate::Event::Resumed { order, what });
        Ok(())
    }

    /// The issue, if it is blocked and no label tells of that: then it goes on when a person orders it to.
    pub(crate) fn unlabelled<'t>(&self, what: &'t Target) -> Option<&'t IssueRef> {
        let Target::Issue(issue) = what else { return None };
        let known = self.issues.get(issue)?;
        (known.unlabelled && matches!(known.phase, Phase::Blocked { .. })).then_some(issue)
    }

    /// No attempt is given the name of one that is in doubt. How the last engine ended, and on which boot, is not known
    /// either: what the backup has under way may have been sent since.
    pub(super) fn restored(&mut self, in_doubt: &[AttemptId], effects: Vec<EffectEntry>) {
        (self.at_rest, self.boot) = (false, None);
        for (issue, number) in in_doubt.iter().filter_map(|id| id.issue().zip(id.number())) {
            let Some(known) = self.issues.get_mut(&issue) else {
                let attempts = self.numbers.entry(issue).or_default();
                *attempts = number.max(*attempts);
                continue;
            };
            // How these ended is not known: they count towards no bound.
            known.uncounted += number.saturating_sub(known.attempts);
            known.attempts = number.max(known.attempts);
        }
        let aside = |entry| PendingEffect { entry, delayed: None, since: None, aside: true };
        self.outbox.extend(effects.into_iter().map(aside));
    }
}
