//! The parts that a rehearsal without a defence is given. Each keeps the form of what it stands for, and behaves as the
//! system did to which the incident happened.

pub(super) mod agents;
pub(super) mod runners;
pub(super) mod stores;
pub(super) mod trackers;
