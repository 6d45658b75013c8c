//! What is read: from the stored fold and its indexes where they fit the ledger, else from the ledger itself.

use dayfly_core::{FOLD_VERSION, IssueRef, IssueState, Record, Seq, State, StateError, Store as _, StoreError};
use jiff::Timestamp;

use super::SqliteStore;
use super::archive::shelf::{Archive, archives};
use super::fold::{Fold, Rows, TAIL, verify_tail};
use super::rows::{File, signed};
use super::schema::Access;
use super::writer::{Writer, rows};

/// How many records are read at once where all of them are.
const PAGE: usize = 4096;

impl Writer {
    pub(super) fn load(&mut self) -> Result<State, StoreError> {
        self.bring_forward()?;
        if let Some(state) = self.known() {
            return Ok(state.clone());
        }
        let unverified = self.is_unverified();
        self.look(|rows| {
            if unverified {
                verify_tail(&rows.file, rows.file.head()?.0, TAIL)?;
            }
            let stored = if has_tables(rows)? { rows.load()? } else { None };
            let Some(state) = stored else { return whole(&rows.file) };
            let mut fold = Fold::stored(state);
            rows.follow(&mut fold, usize::MAX)?;
            Ok(fold.state)
        })
    }

    pub(super) fn recall(&mut self, issues: &[IssueRef]) -> Result<Vec<(IssueRef, IssueState)>, StoreError> {
        self.bring_forward()?;
        self.look(|rows| {
            let mut found = Vec::new();
            if fits(rows)? {
                for issue in issues {
                    found.extend(rows.issue(issue)?.map(|known| (issue.clone(), known)));
                }
            } else {
                let mut state = whole(&rows.file)?;
                found.extend(issues.iter().filter_map(|issue| state.issues.remove_entry(issue)));
            }
            Ok(found)
        })
    }

    pub(super) fn between(&mut self, from: Timestamp, to: Timestamp) -> Result<Vec<Record>, StoreError> {
        self.bring_forward()?;
        self.look(|rows| {
            let wanted = |record: &Record| (from..to).contains(&record.at);
            if !fits(rows)? {
                return scan(&rows.file, |record| Ok(wanted(record)));
            }
            let mut records = rows.file.between(from.as_millisecond(), to.as_millisecond())?;
            records.retain(wanted);
            Ok(records)
        })
    }

    pub(super) fn about(&mut self, issue: &IssueRef) -> Result<Vec<Record>, StoreError> {
        self.bring_forward()?;
        self.look(|rows| {
            if fits(rows)? {
                return rows.file.about(&issue.to_string());
            }
            let mut state = State::default();
            scan(&rows.file, |record| {
                let event = record.event().map_err(StateError::from)?;
                let named = state.names(&event).contains(issue);
                state.apply_read(record, event)?;
                Ok(named)
            })
        })
    }

    fn bring_forward(&mut self) -> Result<(), StoreError> {
        if self.access() == Access::Write { self.may_write().and_then(|()| self.settle()) } else { Ok(()) }
    }

    /// All that is read in one go is of one moment.
    pub(super) fn look<T>(&mut self, read: impl FnOnce(&Rows<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let path = &self.path;
        let transaction = self.connection.transaction().map_err(|err| super::failure::sqlite(path, err))?;
        read(&rows(path, &transaction))
    }
}

impl SqliteStore {
    /// Reads the whole ledger, except archives that cannot be read, and gives these.
    ///
    /// # Errors
    /// If the ledger itself cannot be read.
    pub async fn read_readable(&self) -> Result<(Vec<Record>, Vec<Archive>), StoreError> {
        let (mut records, mut left_out, mut after) = (Vec::new(), Vec::new(), Seq(0));
        for archive in archives(&self.thread.path)? {
            match self.read(after, usize::try_from(archive.last.saturating_sub(after.0)).unwrap_or(PAGE)).await {
                Ok(stretch) => records.extend(stretch),
                Err(_) => left_out.push(archive.clone()),
            }
            after = Seq(archive.last);
        }
        loop {
            let page = self.read(after, PAGE).await?;
            let last = page.len() < PAGE;
            after = page.last().map_or(after, |record| record.seq);
            records.extend(page);
            if last {
                return Ok((records, left_out));
            }
        }
    }
}

/// Whether the file has the tables of a fold: one of an older version is not changed by whoever only reads.
fn has_tables(rows: &Rows<'_>) -> Result<bool, StoreError> {
    let found = rows.file.one("SELECT 1 FROM sqlite_schema WHERE name = 'fold'", (), |_| Ok(()))?;
    Ok(found.is_some())
}

/// Whether the stored fold is of this ledger, whole, and of a version that this program knows.
fn fits(rows: &Rows<'_>) -> Result<bool, StoreError> {
    if !has_tables(rows)? {
        return Ok(false);
    }
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let stored: Option<(u32, i64, String)> = rows.file.one("SELECT version, seq, hash FROM fold", (), row)?;
    let (head, hash) = rows.file.head()?;
    Ok(stored == Some((FOLD_VERSION, signed(head.0), hash)))
}

fn whole(file: &File<'_>) -> Result<State, StoreError> {
    let mut state = State::default();
    scan(file, |record| {
        state.apply(record)?;
        Ok(false)
    })?;
    Ok(state)
}

fn scan(
    file: &File<'_>,
    mut wanted: impl FnMut(&Record) -> Result<bool, StoreError>,
) -> Result<Vec<Record>, StoreError> {
    let (mut found, mut after) = (Vec::new(), Seq(0));
    loop {
        let page = file.after(after, PAGE)?;
        let last = page.len() < PAGE;
        for record in page {
            after = record.seq;
            if wanted(&record)? {
                found.push(record);
            }
        }
        if last {
            return Ok(found);
        }
    }
}
