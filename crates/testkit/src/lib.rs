//! Conformance suites, for dayfly's own tests and those of its embedders.

pub mod conformance;
