//! A GitHub of one's own on loopback.

mod git;

pub use git::GitRepo;
