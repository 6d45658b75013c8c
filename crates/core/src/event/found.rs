//! What an engine finds that an earlier one left.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that an earlier engine left, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What: an attempt or an effect.
    pub what: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, where that does not say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// What became of something that an earlier engine left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fate {
    /// It goes on under this engine, or its result is taken.
    TakenUp,
    /// It was ended and settled as lost; its issue goes on.
    Settled,
    /// It was ended, and its issue waits for a person.
    Parked,
    /// It is waited until nothing of it can be under way, and then looked up.
    LookedUp,
    /// It belonged to nothing that the ledger knows as running, and was ended.
    Ended,
    /// Something that a newer program did.
    #[serde(other)]
    Newer,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            Fate::TakenUp => "is taken up from an earlier engine",
            Fate::Settled => "was lost with an earlier engine; it is tried again",
            Fate::Parked => "was lost with an earlier engine, and needs you",
            Fate::LookedUp => "may have been done; it is looked up first",
            Fate::Ended => "belonged to nothing that runs, and was ended",
            Fate::Newer => "was dealt with by a newer program",
        };
        write!(f, "{}  {fate}", self.what)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, ": {}", self.why) }
    }
}
