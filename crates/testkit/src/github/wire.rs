//! The forms in which things are told, made from the state alone: never with a client's types.

pub(crate) mod user;
