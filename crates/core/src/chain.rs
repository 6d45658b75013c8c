//! The proof that a ledger is whole: its chain of hashes, one record at a time.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, Event, Record, Seq};

/// The least of a hash by which a record is told from every other.
const LEAST_DIGITS: usize = 16;

/// A place of a ledger with the hash of the record there, written `SEQ:HASH`. Kept outside the ledger, as in a work log
/// that was committed, it shows that nothing before it was changed or cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Anchor {
    seq: Seq,
    hash: String,
}

/// A text that is no anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place of a ledger: write it as SEQ:HASH, with at least {LEAST_DIGITS} digits of the hash")]
pub struct AnchorError(String);

impl Anchor {
    /// The place `seq`, at which the record has this hash.
    pub fn new(seq: Seq, hash: &Digest) -> Self {
        Self { seq, hash: hash.as_str().to_owned() }
    }

    /// The place.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The hash there, or its beginning.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Every anchor that a text names, such as a work log.
    pub fn find(text: &str) -> Vec<Self> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
        words.filter_map(|word| word.parse().ok()).collect()
    }

    fn holds(&self, hash: &Digest) -> bool {
        hash.as_str().starts_with(&self.hash)
    }
}

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(text: &str) -> Result<Self, AnchorError> {
        let wrong = || AnchorError(text.to_owned());
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let digits = (LEAST_DIGITS..=Digest::zero().as_str().len()).contains(&hash.len());
        let hex = hash.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        let seq = seq.parse().ok().filter(|_| digits && hex && seq.chars().all(|c| c.is_ascii_digit()));
        Ok(Self { seq: Seq(seq.ok_or_else(wrong)?), hash: hash.to_owned() })
    }
}

impl TryFrom<String> for Anchor {
    type Error = AnchorError;

    fn try_from(text: String) -> Result<Self, AnchorError> {
        text.parse()
    }
}

impl From<Anchor> for String {
    fn from(anchor: Anchor) -> String {
        anchor.to_string()
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq.0, self.hash)
    }
}

/// What is wrong with a ledger, at the first record where it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Broken {
    /// A record is not what was written.
    #[error("record {seq} was altered: it is not what its hash was made of")]
    Altered {
        /// Its place.
        seq: u64,
    },
    /// A record is sound in itself and follows another one than the one before it.
    #[error("record {seq} does not follow from the one before it: one of them was exchanged")]
    Unchained {
        /// Its place.
        seq: u64,
    },
    /// Records are missing before one.
    #[error("record {seq} is missing: the next one that is there is {next}")]
    Missing {
        /// The first that is missing.
        seq: u64,
        /// The next one that is there.
        next: u64,
    },
    /// A record stands where another one should.
    #[error("record {found} stands where record {seq} should: the order was changed")]
    Reordered {
        /// The place.
        seq: u64,
        /// What stands there.
        found: u64,
    },
    /// A record cannot be read.
    #[error("record {seq} cannot be read: {why}")]
    Unreadable {
        /// Its place.
        seq: u64,
        /// Why.
        why: String,
    },
    /// The ledger ends before a place that it is known to have reached.
    #[error("record {seq} is missing: the ledger ends at {head}, and had reached {known}")]
    Truncated {
        /// The first that is missing.
        seq: u64,
        /// Its last record.
        head: u64,
        /// The place that it had reached.
        known: u64,
    },
    /// The ledger is whole in itself and is not the one whose place is known.
    #[error("record {seq} is another one than the one known from elsewhere: the ledger was written anew")]
    Rewritten {
        /// The place.
        seq: u64,
    },
}

impl Broken {
    /// The first place where it shows.
    pub fn seq(&self) -> u64 {
        match self {
            Broken::Altered { seq }
            | Broken::Unchained { seq }
            | Broken::Missing { seq, .. }
            | Broken::Reordered { seq, .. }
            | Broken::Unreadable { seq, .. }
            | Broken::Truncated { seq, .. }
            | Broken::Rewritten { seq } => *seq,
        }
    }
}

/// That a ledger was put back from a backup, which explains why it does not go through a place that it is known to have
/// reached. Whoever can write to the ledger can say so: it is no proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PutBack {
    /// The record to which it went back.
    pub to: u64,
    /// When.
    pub at: Timestamp,
    /// How far the ledger had come that was replaced, where that was known.
    pub replaced: Option<Anchor>,
    /// The place that it does not go through.
    pub known: Anchor,
}

/// Follows a ledger's chain, holding nothing but the place it has come to.
///
/// ```
/// use dayfly_core::{Chain, Epoch, Event, Record, Seq};
///
/// let event = Event::EngineStarted { version: "1".into() };
/// let mut chain = Chain::new(Vec::new());
/// let start = chain.head();
/// let first = Record::next(Seq(0), &dayfly_core::Digest::zero(), Epoch(1), jiff::Timestamp::UNIX_EPOCH, &event);
/// chain.take(&first)?;
/// assert_eq!((start.seq(), chain.head().seq()), (Seq(0), Seq(1)));
/// chain.end()?;
/// # Ok::<(), dayfly_core::Broken>(())
/// ```
#[derive(Debug, Clone)]
pub struct Chain {
    seq: Seq,
    hash: Digest,
    anchors: Vec<Anchor>,
    // What says that it was put back: the place, the time, and how far the replaced ledger had come.
    restores: Vec<(Seq, Timestamp, Option<Anchor>)>,
    // The first place that it does not go through, and may not have to.
    passed: Option<PutBack>,
}

impl Chain {
    /// The beginning of a ledger, which is to go through all these places.
    pub fn new(anchors: Vec<Anchor>) -> Self {
        Self { anchors, ..Self::behind(Seq(0), Digest::zero()) }
    }

    /// The chain behind a record with this place and hash, of which it is known that all before it is in order.
    pub fn behind(seq: Seq, hash: Digest) -> Self {
        Self { seq, hash, anchors: Vec::new(), restores: Vec::new(), passed: None }
    }

    /// The whole hash of the last record.
    pub fn hash(&self) -> &Digest {
        &self.hash
    }

    /// The place it has come to.
    pub fn head(&self) -> Anchor {
        Anchor::new(self.seq, &self.hash)
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// What is wrong with it; the chain stays where it was.
    pub fn take(&mut self, record: &Record) -> Result<(), Broken> {
        let (seq, found) = (self.seq.0 + 1, record.seq.0);
        if !record.is_sound() {
            // What stands there says no more than that it is not what was written.
            return Err(Broken::Altered { seq });
        }
        if found > seq {
            return Err(Broken::Missing { seq, next: found });
        }
        if found < seq {
            return Err(Broken::Reordered { seq, found });
        }
        if record.prev != self.hash {
            return Err(Broken::Unchained { seq });
        }
        if !self.anchors.is_empty()
            && let Ok(Event::Restored { replaced, .. }) = record.event()
        {
            self.restores.push((record.seq, record.at, replaced));
        }
        if let Some(known) = self.anchors.iter().find(|known| known.seq == record.seq && !known.holds(&record.hash)) {
            let why = self.explains(known).ok_or(Broken::Rewritten { seq })?;
            self.passed.get_or_insert(why);
        }
        (self.seq, self.hash) = (record.seq, record.hash.clone());
        Ok(())
    }

    /// The head, now that there is no more record.
    ///
    /// # Errors
    /// [`Broken::Truncated`] if a place is known that was not reached.
    pub fn end(self) -> Result<Anchor, Broken> {
        let head = self.seq.0;
        let beyond = self.anchors.iter().filter(|known| known.seq.0 > head && self.explains(known).is_none());
        match beyond.map(|known| known.seq.0).max() {
            Some(known) => Err(Broken::Truncated { seq: head + 1, head, known }),
            None => Ok(self.head()),
        }
    }

    /// Why a known place is not one of its own, now that there is no more record, if it was put back since.
    pub fn put_back(&self) -> Option<PutBack> {
        let beyond = || self.anchors.iter().filter(|known| known.seq > self.seq).find_map(|known| self.explains(known));
        self.passed.clone().or_else(beyond)
    }

    /// A ledger that was put back went through a place if that lies between, as far as it is known how far it had come.
    fn explains(&self, known: &Anchor) -> Option<PutBack> {
        let reached = |last: &Anchor| {
            let same = last.hash.starts_with(&known.hash) || known.hash.starts_with(&last.hash);
            known.seq < last.seq || (known.seq == last.seq && same)
        };
        let between = |(seq, _, replaced): &&(Seq, Timestamp, Option<Anchor>)| {
            *seq <= known.seq && replaced.as_ref().is_none_or(reached)
        };
        let (seq, at, replaced) = self.restores.iter().rev().find(between)?;
        let to = seq.0.saturating_sub(1);
        Some(PutBack { to, at: *at, replaced: replaced.clone(), known: known.clone() })
    }
}

#[cfg(test)]
mod tests;
