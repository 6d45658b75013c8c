//! What a report needs of the past: as much of the ledger as it tells of, however long the rest is.

use std::collections::BTreeMap;

use dayfly_core::{Event, IssueRef, Record, Seq, State, StateError, Store, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::recover::recall;

/// What of the past is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Past {
    /// Nothing: how things stand says it all.
    #[default]
    Nothing,
    /// What happened to an issue.
    Issue(IssueRef),
    /// What happened in a span of time, with what it goes on from.
    Span {
        /// From when on.
        from: Timestamp,
        /// Before when.
        to: Timestamp,
    },
}

impl Past {
    /// The days from `first` to `last`, both included, as a zone has them.
    pub fn days(first: Date, last: Date, zone: &TimeZone) -> Self {
        let begins = |date: Date| date.to_zoned(zone.clone()).map(|day| day.timestamp());
        let from = begins(first).unwrap_or(Timestamp::MIN);
        let to = last.tomorrow().and_then(begins).unwrap_or(Timestamp::MAX);
        Self::Span { from, to }
    }

    /// The state, with the issues that the records are about, and the records.
    pub(super) async fn read(&self, store: &dyn Store) -> Result<(State, Vec<Record>), StoreError> {
        let mut state = store.load().await?;
        let records = match self {
            Self::Nothing => Vec::new(),
            Self::Issue(issue) => store.about(issue).await?,
            Self::Span { from, to } => span(store, *from, *to).await?,
        };
        let mut issues = Vec::new();
        if let Self::Issue(issue) = self {
            issues.push(issue.clone());
        }
        for record in &records {
            issues.extend(record.event().map_err(StateError::from)?.issue().cloned());
        }
        recall(store, &mut state, issues).await?;
        Ok((state, records))
    }
}

/// The records of a span, with the claims of the attempts that ended in it, and all about the issues whose branch was merged
/// in it: it was handed over before.
async fn span(store: &dyn Store, from: Timestamp, to: Timestamp) -> Result<Vec<Record>, StoreError> {
    let within = store.between(from, to).await?;
    let mut all: BTreeMap<Seq, Record> = BTreeMap::new();
    let mut before = Vec::new();
    for record in &within {
        match record.event().map_err(StateError::from)? {
            Event::AttemptEnded { token, .. } => before.push(token),
            Event::Merged { issue, .. } => {
                all.extend(store.about(&issue).await?.into_iter().map(|record| (record.seq, record)));
            }
            _ => {}
        }
    }
    all.extend(within.into_iter().map(|record| (record.seq, record)));
    for claim in before {
        if !all.contains_key(&claim) {
            let record = store.read(Seq(claim.0.saturating_sub(1)), 1).await?;
            all.extend(record.into_iter().map(|record| (record.seq, record)));
        }
    }
    Ok(all.into_values().collect())
}
