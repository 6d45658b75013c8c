//! The keeper: one small process between the engine and the processes of one attempt.
//!
//! An agent starts its tools in sessions of their own, so a process group does not hold them. The keeper does: on Linux
//! it inherits whatever its descendants leave behind, and when the attempt is over it kills its children until it has
//! none. It also outlives the engine, so that the death of the engine costs no result: it enforces the limits of time,
//! writes the logs, and leaves a status behind that the next engine takes up.
//!
//! It has no runtime, one thread, and buffers that never grow. What it is told comes as one line of JSON on its
//! standard input ([`Spec`]), and after that as the words `stop` and `kill`; what it tells goes to its standard output
//! as lines of JSON ([`Told`]), and at the end to the file [`STATUS_FILE`] ([`Status`]).
//!
//! Elsewhere than on Linux nothing inherits orphans: there the keeper holds the process group.

mod clock;
mod keep;
mod pump;
mod signals;
mod source;
mod spec;
mod start;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(not(target_os = "linux"))]
#[path = "keeper/tree_elsewhere.rs"]
mod tree;

pub(crate) use spec::{Identity, read_json, refuse_newer};
pub use spec::{KEEPER_FILE, KEEPER_VERSION, KeptEnd, STATUS_FILE, Spec, Status, Told};
pub(crate) use start::{KILL, STOP, lock};
pub use start::{Passing, is_kept, keep, main};
