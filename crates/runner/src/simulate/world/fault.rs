//! What goes wrong in a simulated world, and how often.

use serde::Serialize;

use super::World;

/// What goes wrong in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The engine died at an append.
    Crash,
    /// A second engine took the store over.
    Usurped,
    /// An append arrived twice.
    AppendTwice,
    /// The store took nothing for a while.
    StoreFull,
    /// The store did nothing for a while.
    StoreLocked,
    /// The store had taken an append, and said that it could not.
    AppendUnsure,
    /// The answer to a write was lost.
    AnswerLost,
    /// A write was under way for very long.
    SlowWrite,
    /// A service did not answer.
    ServiceDown,
    /// An agent hung.
    Hang,
    /// An agent's process died.
    AgentDied,
    /// An agent left a process behind that wrote into its working copy.
    LateChild,
    /// The clock was set.
    ClockSet,
    /// The machine slept.
    Suspend,
    /// A vendor took nothing for a while.
    Outage,
}

impl FaultKind {
    /// The word for it in tables.
    pub fn word(self) -> &'static str {
        match self {
            FaultKind::Crash => "engine died",
            FaultKind::Usurped => "second engine",
            FaultKind::AppendTwice => "append arrived twice",
            FaultKind::StoreFull => "store full",
            FaultKind::StoreLocked => "store locked",
            FaultKind::AppendUnsure => "append unsure",
            FaultKind::AnswerLost => "answer lost",
            FaultKind::SlowWrite => "slow write",
            FaultKind::ServiceDown => "service down",
            FaultKind::Hang => "agent hung",
            FaultKind::AgentDied => "agent died",
            FaultKind::LateChild => "late child",
            FaultKind::ClockSet => "clock set",
            FaultKind::Suspend => "machine slept",
            FaultKind::Outage => "vendor down",
        }
    }
}

impl World {
    /// Draws whether something goes wrong, and counts it.
    pub(in crate::simulate) fn fails(&self, kind: FaultKind) -> bool {
        let faults = &self.settings.faults;
        let chance = match kind {
            FaultKind::Crash => faults.crash,
            FaultKind::Usurped => faults.usurp,
            FaultKind::AppendTwice => faults.twice,
            FaultKind::StoreFull => faults.full,
            FaultKind::StoreLocked => faults.locked,
            FaultKind::AppendUnsure => faults.unsure,
            FaultKind::AnswerLost => faults.lost,
            FaultKind::SlowWrite => faults.slow,
            FaultKind::ServiceDown => faults.down,
            FaultKind::Hang => faults.hang,
            FaultKind::AgentDied => faults.die,
            FaultKind::LateChild => faults.late,
            FaultKind::ClockSet | FaultKind::Suspend | FaultKind::Outage => return false,
        };
        let mut inner = self.look();
        let falls = inner.open && inner.dice.falls(chance);
        if falls {
            inner.count(kind);
        }
        falls
    }
}
