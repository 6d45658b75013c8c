//! What several inputs lead to, as one batch.

use dayfly_core::{Condition, Event};

use super::model::Command;

/// Commands of several inputs, with one append before all others.
#[derive(Debug, Default)]
pub(super) struct Together {
    pub(super) events: Vec<Event>,
    conditions: Vec<Condition>,
    rest: Vec<Command>,
}

impl Together {
    pub(super) fn add(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Append(events, conditions) => {
                    self.events.extend(events);
                    self.conditions.extend(conditions);
                }
                other => self.rest.push(other),
            }
        }
    }

    pub(super) fn commands(self) -> Vec<Command> {
        let append = (!self.events.is_empty()).then_some(Command::Append(self.events, self.conditions));
        append.into_iter().chain(self.rest).collect()
    }
}
