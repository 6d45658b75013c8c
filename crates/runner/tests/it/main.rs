//! Tests of the public parts together.

mod broken_runners;
