//! The kinds of events.

use serde::{Deserialize, Serialize};

use super::Event;

/// The kind of an event, for tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each kind is documented at the event of the same name")]
pub enum EventKind {
    EngineStarted,
    Booted,
    EngineStopped,
    Recovered,
    ServiceDown,
    ServiceBack,
    AttemptStarted,
    AttemptSpawned,
    AttemptEnded,
    CapacityLimited,
    CapacityOpened,
    CapacityProbed,
    EffectDone,
    EffectRefused,
    EffectDelayed,
    Answered,
    ChildrenClosed,
    Merged,
    PullSeen,
    SentBack,
    Stopped,
    Triaged,
    Unblocked,
    Closed,
    Reopened,
    Restored,
    Halted,
    Lifted,
    Paused,
    Resumed,
    Cancelled,
    DriftAccepted,
    DriftSeen,
    Newer,
}

impl Event {
    /// Its kind.
    pub fn kind(&self) -> EventKind {
        match self {
            Event::EngineStarted { .. } => EventKind::EngineStarted,
            Event::Booted { .. } => EventKind::Booted,
            Event::EngineStopped => EventKind::EngineStopped,
            Event::Recovered { .. } => EventKind::Recovered,
            Event::ServiceDown { .. } => EventKind::ServiceDown,
            Event::ServiceBack { .. } => EventKind::ServiceBack,
            Event::AttemptStarted { .. } => EventKind::AttemptStarted,
            Event::AttemptSpawned { .. } => EventKind::AttemptSpawned,
            Event::AttemptEnded { .. } => EventKind::AttemptEnded,
            Event::CapacityLimited { .. } => EventKind::CapacityLimited,
            Event::CapacityOpened { .. } => EventKind::CapacityOpened,
            Event::CapacityProbed { .. } => EventKind::CapacityProbed,
            Event::EffectDone { .. } => EventKind::EffectDone,
            Event::EffectRefused { .. } => EventKind::EffectRefused,
            Event::EffectDelayed { .. } => EventKind::EffectDelayed,
            Event::Answered { .. } => EventKind::Answered,
            Event::ChildrenClosed { .. } => EventKind::ChildrenClosed,
            Event::Merged { .. } => EventKind::Merged,
            Event::PullSeen { .. } => EventKind::PullSeen,
            Event::SentBack { .. } => EventKind::SentBack,
            Event::Stopped { .. } => EventKind::Stopped,
            Event::Triaged { .. } => EventKind::Triaged,
            Event::Unblocked { .. } => EventKind::Unblocked,
            Event::Closed { .. } => EventKind::Closed,
            Event::Reopened { .. } => EventKind::Reopened,
            Event::Restored { .. } => EventKind::Restored,
            Event::Halted { .. } => EventKind::Halted,
            Event::Lifted { .. } => EventKind::Lifted,
            Event::Paused { .. } => EventKind::Paused,
            Event::Resumed { .. } => EventKind::Resumed,
            Event::Cancelled { .. } => EventKind::Cancelled,
            Event::DriftAccepted { .. } => EventKind::DriftAccepted,
            Event::DriftSeen { .. } => EventKind::DriftSeen,
            Event::Newer => EventKind::Newer,
        }
    }
}
