//! The crate by what it shows to the outside: the client against a scripted server, each trap of the API as a story; and
//! webhooks.

#![expect(clippy::unwrap_used, reason = "what cannot be done fails the test")]

mod access;
mod documents;
mod forge;
mod limits;
mod lost;
mod pages;
mod partial;
mod redirects;
mod refusals;
mod secrets;
mod server;
mod webhooks;
