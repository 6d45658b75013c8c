//! When something comes back, as vendors say it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When something comes back, as a vendor said it: to be turned into a time where the present and the zone are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetTime {
    /// At a time.
    At(Timestamp),
    /// So long after it was said.
    After(Duration),
    /// In words.
    Text(String),
}
