//! The client against a scripted server: each trap of the API as a story.

mod access;
mod limits;
mod lost;
mod pages;
mod redirects;
mod refusals;
mod secrets;
mod server;
