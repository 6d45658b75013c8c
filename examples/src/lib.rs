//! What the programs in `examples/examples` share.
//!
//! [`Scratch`] is the world they work in: a folder that is gone afterwards, with one git repository.
//! [`Nice`] is an executor of this crate's own; it lives here because both an example and a test use it.

mod nice;
mod scratch;

pub use nice::Nice;
pub use scratch::{Failure, Scratch, run_until_idle};
