//! Goals with a date.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::IssueState;

/// A goal with a date, under which issues are gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Its title, which is its identity.
    pub title: String,
    /// The day it is due.
    pub due: Option<Date>,
    /// Open or closed.
    pub state: IssueState,
    /// How many issues it has, if the tracker counts them; without it those that are shown are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
}

/// How many issues of a milestone are open, and how many closed. Pull requests do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Still open.
    pub open: u32,
    /// Closed.
    pub closed: u32,
}
