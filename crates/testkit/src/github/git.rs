//! Real git behind the fake: bare repositories, and what the server does to them.

mod access;
mod command;
mod decline;
mod diff;
mod disk;
mod http;
mod merge;
mod repository;

#[cfg(test)]
mod tests;

pub(crate) use access::{answer, asked};
pub(crate) use command::GitFailure;
pub(crate) use diff::{Change, CommitFacts};
pub(crate) use disk::Disk;
pub(crate) use merge::{MergeMethod, Merged, Merging};
pub use repository::GitRepo;
pub(crate) use repository::Signature;
