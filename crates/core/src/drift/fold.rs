//! What the state knows of drift, as the ledger tells it.

use crate::{Effect, Event, State};

use super::DriftRecord;

impl State {
    /// What was accepted, and what was found.
    pub(crate) fn drifted(&mut self, event: Event) {
        match event {
            Event::DriftAccepted { order, baselines } => {
                self.control.take(&order);
                let records = baselines.into_iter();
                self.drift.extend(records.map(|(project, at)| (project, DriftRecord::new(at, &order))));
            }
            Event::DriftSeen { order, looks } => {
                self.control.take(&order);
                for (project, look) in looks {
                    self.drift.entry(project).and_modify(|record| record.looked(look));
                }
            }
            _ => {}
        }
    }

    /// The effect at that place of the outbox has moved a base branch.
    pub(crate) fn moved_on(&mut self, at: usize) {
        if let Some(Effect::Land { project, from, to, .. }) = self.outbox.get(at).map(|pending| &pending.entry.effect) {
            self.drift.entry(project.clone()).and_modify(|record| record.landed(from, to));
        }
    }
}
