//! Merges that are asked for now and done later.

use jiff::{Timestamp, ToSpan};

use super::{MergeWish, Refused};
use crate::github::deeds::{At, By};
use crate::github::state::State;

/// Where a merge is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergeAction {
    Default,
    Direct,
    Queue,
}

impl MergeAction {
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("direct_merge") => Self::Direct,
            Some("merge_queue") => Self::Queue,
            _ => Self::Default,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Direct => "direct_merge",
            Self::Queue => "merge_queue",
        }
    }
}

/// One merge that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) uuid: String,
    pub(crate) by: By,
    pub(crate) at: Timestamp,
    pub(crate) wish: MergeWish,
    pub(crate) action: MergeAction,
    /// The head when it was asked for.
    pub(crate) head: String,
    /// How often it is still told as pending.
    pub(crate) looks: u32,
    pub(crate) outcome: Option<Outcome>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Merged(String),
    Enqueued,
    Failed(String),
}

impl State {
    /// Asks for a merge. It is done when it has been looked at often enough: the answer of that comes by looking.
    pub(crate) fn request_merge(&mut self, at: At, by: By, wish: MergeWish, action: MergeAction) -> Option<Attempt> {
        let (id, now) = (self.next_id(), self.now());
        let looks = self.repos.get(&at.repo)?.pulls.looks;
        let pull = self.pull_mut(at)?;
        let head = pull.head_sha.clone();
        let uuid = format!("{id:08x}-0000-4000-8000-{id:012x}");
        let attempt = Attempt { uuid, by, at: now, wish, action, head, looks, outcome: None };
        pull.attempts.push(attempt.clone());
        Some(attempt)
    }

    /// Lets a moment pass for the merges that were asked for: those whose time has come are done.
    pub(crate) fn look_at_requests(&mut self, at: At) {
        let now = self.now();
        let Some(pull) = self.pull_mut(at) else { return };
        pull.attempts.retain(|attempt| attempt.at.checked_add(24.hours()).is_ok_and(|end| end > now));
        let mut due = Vec::new();
        for attempt in pull.attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
            match attempt.looks.checked_sub(1) {
                Some(left) => attempt.looks = left,
                None => due.push(attempt.clone()),
            }
        }
        for attempt in due {
            let outcome = self.carry_out(at, &attempt);
            let pull = self.pull_mut(at);
            let known = pull.and_then(|pull| pull.attempts.iter_mut().find(|known| known.uuid == attempt.uuid));
            if let Some(known) = known {
                known.outcome = Some(outcome);
            }
        }
    }

    fn carry_out(&mut self, at: At, attempt: &Attempt) -> Outcome {
        let Attempt { by, wish, action, .. } = attempt;
        let base = self.pull(at).map(|pull| pull.base.clone()).unwrap_or_default();
        let queued = self.rules_of(&self.repos[&at.repo], &base).merge_queue;
        let done = match action {
            MergeAction::Queue => self.enqueue(at, *by, wish).map(|()| Outcome::Enqueued),
            MergeAction::Default if queued => self.enqueue(at, *by, wish).map(|()| Outcome::Enqueued),
            _ => self.merge_pull(at, *by, wish).map(Outcome::Merged),
        };
        done.unwrap_or_else(|refused: Refused| Outcome::Failed(refused.message()))
    }
}
