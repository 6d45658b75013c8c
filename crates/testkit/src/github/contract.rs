//! What a GitHub does, as a suite that any GitHub can be held against: this one, github.com, or an Enterprise Server.

mod client;

pub use client::{Client, Response};
