//! Issues to which nothing happens any more are set aside, so that a state is as large as the work at hand, and not as
//! all the work there ever was.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{AttemptId, EffectEntry, Event, IssueRef, Seq, Target, Token};

use super::{IssueState, Phase, State};

/// How many finishes are remembered, to know one that is told twice.
const FINISHES: usize = 64;

/// How many issues a state does not hold because they were set aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Those that are done.
    pub done: u64,
    /// Those that somebody else closed.
    pub closed: u64,
}

impl Aside {
    /// Whether the state holds every issue there is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn count(&mut self, phase: &Phase) -> &mut u64 {
        if *phase == Phase::Done { &mut self.done } else { &mut self.closed }
    }
}

/// A finish of late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its issue.
    pub issue: IssueRef,
    /// The token it was held with.
    pub token: Token,
    /// The record that says so.
    pub seq: Seq,
}

impl State {
    /// Whether an issue may be set aside: nothing will happen to it by itself.
    pub fn is_idle(&self, issue: &IssueRef) -> bool {
        self.issues.get(issue).is_some_and(|known| known.phase.is_final()) && !self.has_pending(issue)
    }

    /// Sets an issue aside, if it may be. Whoever folds an event that [names](State::names) it recalls it before.
    pub fn set_aside(&mut self, issue: &IssueRef) -> Option<IssueState> {
        if !self.is_idle(issue) {
            return None;
        }
        let known = self.issues.remove(issue)?;
        *self.aside.count(&known.phase) += 1;
        Some(known)
    }

    /// Takes an issue back that was set aside. One that the state holds stays as it is.
    pub fn recall(&mut self, issue: IssueRef, known: IssueState) {
        if self.issues.contains_key(&issue) {
            return;
        }
        let count = self.aside.count(&known.phase);
        *count = count.saturating_sub(1);
        self.issues.insert(issue, known);
    }

    /// The issues that folding an event looks at or changes.
    pub fn names(&self, event: &Event) -> BTreeSet<IssueRef> {
        let by_attempt = || {
            let attempt = event.attempt()?;
            let live = self.live.get(attempt).map(|live| &live.issue);
            live.or_else(|| self.finishes.iter().rev().find(|f| f.attempt == *attempt).map(|f| &f.issue))
        };
        let about = event.issue().or_else(by_attempt);
        let ordered = match event {
            Event::Paused { what, .. } | Event::Resumed { what, .. } => what.as_slice(),
            _ => &[],
        };
        let ordered =
            ordered.iter().filter_map(|what| if let Target::Issue(issue) = what { Some(issue) } else { None });
        let named = about.into_iter().chain(event.effects().iter().map(|entry| &entry.issue)).chain(ordered);
        let mut names: BTreeSet<IssueRef> = named.cloned().collect();
        if let Event::Restored { in_doubt, .. } = event {
            names.extend(in_doubt.iter().filter_map(AttemptId::issue));
        }
        names
    }

    /// Those issues that events name and the state does not hold.
    pub fn missing<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> Vec<IssueRef> {
        let named: BTreeSet<IssueRef> = events.into_iter().flat_map(|event| self.names(event)).collect();
        named.into_iter().filter(|issue| !self.issues.contains_key(issue)).collect()
    }

    pub(super) fn remember(&mut self, finish: Finish) {
        self.finishes.push_back(finish);
        while self.finishes.len() > FINISHES {
            self.finishes.pop_front();
        }
    }

    /// How many issues are done, those set aside among them.
    pub fn done(&self) -> usize {
        let here = self.issues.values().filter(|known| known.phase == Phase::Done).count();
        here.saturating_add(usize::try_from(self.aside.done).unwrap_or(usize::MAX))
    }
}

impl Event {
    /// What it says is to be written outside.
    pub fn effects(&self) -> &[EffectEntry] {
        match self {
            Event::AttemptEnded { effects, .. }
            | Event::EffectRefused { effects, .. }
            | Event::Answered { effects, .. }
            | Event::ChildrenClosed { effects, .. }
            | Event::Merged { effects, .. }
            | Event::PullSeen { effects, .. }
            | Event::SentBack { effects, .. }
            | Event::Stopped { effects, .. }
            | Event::Triaged { effects, .. }
            | Event::Unblocked { effects, .. }
            | Event::Restored { effects, .. } => effects,
            _ => &[],
        }
    }
}
