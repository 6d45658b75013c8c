//! What a report needs of the past: as much of the ledger as it tells of, however long the rest is.

use std::collections::{BTreeMap, BTreeSet};

use dayfly_core::{Event, IssueRef, ProjectName, Record, Seq, State, StateError, Store, StoreError};
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
    /// The same, with all that happened to the issues that are named in it or are not over: their whole courses.
    Courses {
        /// From when on.
        from: Timestamp,
        /// Before when.
        to: Timestamp,
        /// Only the issues of this project.
        project: Option<ProjectName>,
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

    /// The days from `first` to `last`, with the whole courses of issues.
    pub fn courses(first: Date, last: Date, zone: &TimeZone, project: Option<ProjectName>) -> Self {
        match Self::days(first, last, zone) {
            Self::Span { from, to } => Self::Courses { from, to, project },
            other => other,
        }
    }

    /// The state, with the issues that the records are about, and the records. Nothing but the store is asked.
    ///
    /// # Errors
    /// If the store does not serve, or a record cannot be read.
    pub async fn read(&self, store: &dyn Store) -> Result<(State, Vec<Record>), StoreError> {
        let mut state = store.load().await?;
        let records = match self {
            Self::Nothing => Vec::new(),
            Self::Issue(issue) => store.about(issue).await?,
            Self::Span { from, to } => span(store, *from, *to).await?,
            Self::Courses { from, to, project } => {
                let within = span(store, *from, *to).await?;
                // The records of an issue name it themselves: it need not be known otherwise.
                let records = courses(store, &state, within, project.as_ref()).await?;
                return Ok((state, records));
            }
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

/// Adds all that is about the issues that the records name, and those that are not over.
async fn courses(
    store: &dyn Store,
    state: &State,
    within: Vec<Record>,
    project: Option<&ProjectName>,
) -> Result<Vec<Record>, StoreError> {
    let open = state.issues.iter().filter(|(_, known)| !known.phase.is_final()).map(|(issue, _)| issue.clone());
    let mut issues: BTreeSet<IssueRef> = open.collect();
    for record in &within {
        issues.extend(record.event().map_err(StateError::from)?.issue().cloned());
    }
    let mut all: BTreeMap<Seq, Record> = within.into_iter().map(|record| (record.seq, record)).collect();
    for issue in issues.iter().filter(|issue| project.is_none_or(|project| issue.project == *project)) {
        all.extend(store.about(issue).await?.into_iter().map(|record| (record.seq, record)));
    }
    Ok(all.into_values().collect())
}
