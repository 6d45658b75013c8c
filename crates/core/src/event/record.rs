//! Records: events in the ledger, each chained to the one before it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, Epoch, Seq};

use super::{Event, FORMAT_VERSION};

/// An event in the ledger, chained to the one before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format it was written in.
    pub format: u32,
    /// Its place, from 1 without gaps.
    pub seq: Seq,
    /// The take-over of the engine that wrote it.
    pub epoch: Epoch,
    /// The wall time at which it was written.
    pub at: Timestamp,
    /// The event as JSON, exactly as it was hashed, so that fields of newer formats survive.
    pub body: String,
    /// The hash of the record before it.
    pub prev: Digest,
    /// The hash over everything above.
    pub hash: Digest,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It was written by a newer program.
    #[error("record {seq} has format {format}, this program reads up to {FORMAT_VERSION}: use a newer dayfly")]
    Newer {
        /// Its place.
        seq: u64,
        /// Its format.
        format: u32,
    },
    /// Its body is not an event.
    #[error("record {seq} cannot be read")]
    Malformed {
        /// Its place.
        seq: u64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It does not follow from the one before it: the ledger was altered.
    #[error("record {seq} does not follow from the one before it: the ledger was altered or damaged")]
    Broken {
        /// Its place.
        seq: u64,
    },
}

impl Record {
    /// Makes the record that follows the one with place `after` and hash `prev`.
    pub fn next(after: Seq, prev: &Digest, epoch: Epoch, at: Timestamp, event: &Event) -> Self {
        let body = serde_json::to_string(event).expect("events hold nothing that JSON cannot");
        let seq = Seq(after.0 + 1);
        let hash = Self::digest(FORMAT_VERSION, seq, epoch, at, &body, prev);
        Self { format: FORMAT_VERSION, seq, epoch, at, body, prev: prev.clone(), hash }
    }

    fn digest(format: u32, seq: Seq, epoch: Epoch, at: Timestamp, body: &str, prev: &Digest) -> Digest {
        Digest::of(format!("{format}\n{}\n{}\n{at}\n{prev}\n{body}", seq.0, epoch.0).as_bytes())
    }

    /// The event it holds.
    ///
    /// # Errors
    /// If it is of a newer format or is not an event.
    pub fn event(&self) -> Result<Event, RecordError> {
        if self.format > FORMAT_VERSION {
            return Err(RecordError::Newer { seq: self.seq.0, format: self.format });
        }
        serde_json::from_str(&self.body).map_err(|source| RecordError::Malformed { seq: self.seq.0, source })
    }

    /// Whether its hash is the one of what it holds.
    pub fn is_sound(&self) -> bool {
        self.hash == Self::digest(self.format, self.seq, self.epoch, self.at, &self.body, &self.prev)
    }

    /// Checks that it follows the record with place `after` and hash `prev`, unaltered.
    ///
    /// # Errors
    /// [`RecordError::Broken`] if not.
    pub fn verify(&self, after: Seq, prev: &Digest) -> Result<(), RecordError> {
        let fine = self.seq.0 == after.0 + 1 && self.prev == *prev && self.is_sound();
        if fine { Ok(()) } else { Err(RecordError::Broken { seq: self.seq.0 }) }
    }
}
