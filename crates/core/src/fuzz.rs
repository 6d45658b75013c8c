//! What is tried with any bytes: what comes from outside is read, and what must hold of it is asserted.
//!
//! Not a part of the interface: the targets in `fuzz/` and the short run of the tests share these bodies.

mod files;
mod texts;

/// Tries one input; it panics where something does not hold.
pub type Body = fn(&[u8]);

/// All bodies, by the names of their targets.
pub const BODIES: &[(&str, Body)] = &[
    ("text", texts::text),
    ("reset", texts::reset),
    ("words", texts::words),
    ("config", files::config),
    ("proposal", files::proposal),
    ("ledger", files::ledger),
];
