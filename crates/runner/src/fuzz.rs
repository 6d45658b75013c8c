//! What is tried with any bytes: what comes from outside is read, and what must hold of it is asserted.
//!
//! Not a part of the interface: the targets in `fuzz/` and the short run of the tests share these bodies. Those over
//! what is private to a module lie beside it.

mod output;

use crate::{git, markdown, proxy, tmux};

/// Tries one input; it panics where something does not hold.
pub type Body = fn(&[u8]);

/// All bodies, by the names of their targets.
pub const BODIES: &[(&str, Body)] = &[
    ("streams", output::streams),
    ("redact", output::redact),
    ("issues", markdown::fuzz::issues),
    ("gates", output::gates),
    ("kept", output::kept),
    ("heads", proxy::fuzz::heads),
    ("costs", proxy::fuzz::costs),
    ("pane", tmux::fuzz::pane),
    ("head", git::fuzz::head),
];

/// The input in parts, wherever its own bytes say that one ends.
pub(crate) fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let length = usize::from(*rest.first()? % 23) + 1;
        let (part, left) = rest.split_at(length.min(rest.len()));
        rest = left;
        Some(part)
    })
}
