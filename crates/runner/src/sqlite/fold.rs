//! The fold of the ledger as rows, brought forward in the transaction of each append: opening a ledger costs what is at
//! hand, however long it has grown.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;

use dayfly_core::{
    AttemptId, Digest, Event, FOLD_VERSION, IssueRef, IssueState, PendingEffect, Record, Seq, Spending, State,
    StateError, StoreError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure;
use super::rows::{File, signed, unsigned};

/// How many of the last records are held against the chain by whoever only reads.
pub(super) const TAIL: u64 = 64;
/// How many are read at once for that.
const PAGE: usize = 4096;

/// Where the fold that is used lies.
pub(super) const MAIN: &str = "main";

/// The tables that hold a fold, in this order filled and compared.
pub(super) const TABLES: [&str; 7] = ["issues", "live", "outbox", "spending", "moments", "about", "fold"];

/// Where a fold lies: the schema of its tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) file: File<'a>,
    pub(super) schema: &'static str,
}

/// A state that is brought forward, with what of it is not stored yet.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) state: State,
    /// Which record is about which issue, in their order.
    about: Vec<(IssueRef, Seq)>,
    /// When records were written, in milliseconds.
    moments: Vec<(i64, Seq)>,
    attempts: BTreeSet<AttemptId>,
    slots: BTreeSet<i64>,
    /// What was recalled for a batch, which may have been refused.
    recalled: Vec<IssueRef>,
}

impl Fold {
    /// A state of which all is stored.
    pub(super) fn stored(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    /// Notes what a record will change. It is called before the record is folded.
    pub(super) fn note(&mut self, event: &Event, record: &Record) {
        self.about.extend(self.state.names(event).into_iter().map(|issue| (issue, record.seq)));
        self.moments.push((record.at.as_millisecond(), record.seq));
        self.attempts.extend(event.attempt().cloned());
        self.slots.insert(Spending::slot(record.at));
    }
}

impl Rows<'_> {
    fn sql(&self, text: &str) -> String {
        text.replace('~', self.schema)
    }

    /// The state that is stored, if it is one of this ledger that this program can go on from; without the records after it.
    pub(super) fn load(&self) -> Result<Option<State>, StoreError> {
        let row = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
        };
        let stored = self.file.one(&self.sql("SELECT version, seq, hash, rest FROM ~.fold WHERE id = 1"), (), row)?;
        let Some((_, seq, hash, rest)) = stored.filter(|(version, ..)| *version == FOLD_VERSION) else {
            return Ok(None);
        };
        if seq > 0 {
            // A fold that is being made anew comes through the archives.
            let there = self.file.after(Seq(unsigned(self.file.path, seq)?.saturating_sub(1)), 1)?.pop();
            if there.is_none_or(|there| signed(there.seq.0) != seq || there.hash.as_str() != hash) {
                return Ok(None);
            }
        }
        // What cannot be read is made anew.
        let Ok(mut state) = serde_json::from_str::<State>(&rest) else { return Ok(None) };
        if state.head.0 != unsigned(self.file.path, seq)? || (seq > 0 && state.hash.as_str() != hash) {
            return Ok(None);
        }
        Ok(self.fill(&mut state)?.map(|()| state))
    }

    fn fill(&self, state: &mut State) -> Result<Option<()>, StoreError> {
        let pair = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        for (name, known) in self.file.all(&self.sql("SELECT name, state FROM ~.issues WHERE hot = 1"), (), pair)? {
            let (Ok(issue), Some(known)) = (IssueRef::try_from(name), read(&known)) else { return Ok(None) };
            state.issues.insert(issue, known);
        }
        for (attempt, live) in self.file.all(&self.sql("SELECT attempt, state FROM ~.live"), (), pair)? {
            let Some(live) = read(&live) else { return Ok(None) };
            state.live.insert(AttemptId::from_text(attempt), live);
        }
        let outbox: Vec<String> =
            self.file.all(&self.sql("SELECT state FROM ~.outbox ORDER BY n"), (), |row| row.get(0))?;
        for pending in outbox {
            let Some(pending) = read::<PendingEffect>(&pending) else { return Ok(None) };
            state.outbox.push(pending);
        }
        let slot = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
        for (slot, spent) in self.file.all(&self.sql("SELECT slot, spent FROM ~.spending"), (), slot)? {
            let Some(spent) = read(&spent) else { return Ok(None) };
            state.capacity.spending.restore(slot, spent);
        }
        Ok(Some(()))
    }

    /// What is stored of an issue.
    pub(super) fn issue(&self, issue: &IssueRef) -> Result<Option<IssueState>, StoreError> {
        let sql = self.sql("SELECT state FROM ~.issues WHERE name = ?1");
        let known: Option<String> = self.file.one(&sql, (issue.to_string(),), |row| row.get(0))?.flatten();
        Ok(known.and_then(|known| read(&known)))
    }

    /// Recalls the issues that events name and the state does not hold.
    pub(super) fn recall<'e>(
        &self,
        fold: &mut Fold,
        events: impl IntoIterator<Item = &'e Event>,
    ) -> Result<(), StoreError> {
        for issue in fold.state.missing(events) {
            if let Some(known) = self.issue(&issue)? {
                fold.recalled.push(issue.clone());
                fold.state.recall(issue, known);
            }
        }
        Ok(())
    }

    /// Folds records that are in the ledger already, at most so many; tells whether there may be more.
    pub(super) fn follow(&self, fold: &mut Fold, limit: usize) -> Result<bool, StoreError> {
        let records = self.file.after(fold.state.head, limit)?;
        for record in &records {
            let event = record.event().map_err(StateError::from)?;
            self.recall(fold, [&event])?;
            fold.note(&event, record);
            fold.state.apply_read(record, event)?;
        }
        Ok(records.len() == limit)
    }

    /// Stores what has changed, and sets aside what may be.
    pub(super) fn save(&self, fold: &mut Fold) -> Result<(), StoreError> {
        let touched = self.save_issues(fold)?;
        self.save_outbox(fold, touched.keys())?;
        for issue in touched.into_keys().chain(take(&mut fold.recalled)) {
            fold.state.set_aside(&issue);
        }
        for attempt in take(&mut fold.attempts) {
            match fold.state.live.get(&attempt) {
                Some(live) => {
                    let sql = self.sql("INSERT OR REPLACE INTO ~.live (attempt, state) VALUES (?1, ?2)");
                    self.file.execute(&sql, (attempt.as_str(), self.text(live)?))?;
                }
                None => {
                    self.file.execute(&self.sql("DELETE FROM ~.live WHERE attempt = ?1"), (attempt.as_str(),))?;
                    if self.schema == MAIN {
                        self.file.execute("DELETE FROM leases WHERE attempt = ?1", (attempt.as_str(),))?;
                    }
                }
            }
        }
        let moment = self.sql("INSERT OR IGNORE INTO ~.moments (ms, seq) VALUES (?1, ?2)");
        for (ms, seq) in take(&mut fold.moments) {
            self.file.execute(&moment, (ms, signed(seq.0)))?;
        }
        self.save_spending(fold)?;
        self.save_rest(&mut fold.state)
    }

    fn save_issues(&self, fold: &mut Fold) -> Result<BTreeMap<IssueRef, i64>, StoreError> {
        let issue = self.sql(
            "INSERT INTO ~.issues (name, hot, state) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE
             SET hot = iif(?3 IS NULL, hot, ?2), state = coalesce(?3, state) RETURNING id",
        );
        let about = self.sql("INSERT OR IGNORE INTO ~.about (issue, seq) VALUES (?1, ?2)");
        let mut touched: BTreeMap<IssueRef, i64> = BTreeMap::new();
        for (name, seq) in take(&mut fold.about) {
            let id = match touched.get(&name) {
                Some(id) => *id,
                None => {
                    let known = fold.state.issues.get(&name);
                    let hot = known.is_some() && !fold.state.is_idle(&name);
                    let known = known.map(|known| self.text(known)).transpose()?;
                    let row = (name.to_string(), hot, known);
                    let id = self.file.one(&issue, row, |row| row.get(0))?.unwrap_or_default();
                    touched.insert(name, id);
                    id
                }
            };
            self.file.execute(&about, (id, signed(seq.0)))?;
        }
        Ok(touched)
    }

    /// What waits keeps its place, and what is new comes behind all else, in the order of the state.
    fn save_outbox<'i>(&self, fold: &Fold, issues: impl Iterator<Item = &'i IssueRef>) -> Result<(), StoreError> {
        let rows = self.sql("SELECT n, effect, state FROM ~.outbox WHERE issue = ?1 ORDER BY n");
        let mut new: BTreeMap<usize, String> = BTreeMap::new();
        for issue in issues {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let old: Vec<(i64, String, String)> = self.file.all(&rows, (issue.to_string(),), row)?;
            let mut old = old.into_iter().peekable();
            let mut gone = Vec::new();
            for (at, pending) in fold.state.outbox.iter().enumerate().filter(|(_, p)| p.entry.issue == *issue) {
                let text = self.text(pending)?;
                gone.extend(std::iter::from_fn(|| old.next_if(|(_, id, _)| *id != pending.entry.id.0)).map(|o| o.0));
                match old.next() {
                    Some((_, _, same)) if same == text => {}
                    Some((n, ..)) => {
                        let sql = self.sql("UPDATE ~.outbox SET state = ?2 WHERE n = ?1");
                        self.file.execute(&sql, (n, text))?;
                    }
                    None => {
                        new.insert(at, text);
                    }
                }
            }
            for n in gone.into_iter().chain(old.map(|o| o.0)) {
                self.file.execute(&self.sql("DELETE FROM ~.outbox WHERE n = ?1"), (n,))?;
            }
        }
        for (at, text) in new {
            let Some(pending) = fold.state.outbox.get(at) else { continue };
            let sql = self.sql("INSERT INTO ~.outbox (issue, effect, state) VALUES (?1, ?2, ?3)");
            self.file.execute(&sql, (pending.entry.issue.to_string(), &pending.entry.id.0, text))?;
        }
        Ok(())
    }

    fn save_spending(&self, fold: &mut Fold) -> Result<(), StoreError> {
        let slots = fold.state.capacity.spending.slots();
        for slot in take(&mut fold.slots) {
            let Some(spent) = slots.get(&slot) else { continue };
            let sql = self.sql("INSERT OR REPLACE INTO ~.spending (slot, spent) VALUES (?1, ?2)");
            self.file.execute(&sql, (slot, self.text(spent)?))?;
        }
        if let Some((first, _)) = slots.first_key_value() {
            self.file.execute(&self.sql("DELETE FROM ~.spending WHERE slot < ?1"), (*first,))?;
        }
        Ok(())
    }

    fn save_rest(&self, state: &mut State) -> Result<(), StoreError> {
        let (issues, live, outbox) = (take(&mut state.issues), take(&mut state.live), take(&mut state.outbox));
        let spending = take(&mut state.capacity.spending);
        let rest = self.text(state);
        (state.issues, state.live, state.outbox) = (issues, live, outbox);
        state.capacity.spending = spending;
        let sql = self.sql("INSERT OR REPLACE INTO ~.fold (id, version, seq, hash, rest) VALUES (1, ?1, ?2, ?3, ?4)");
        self.file.execute(&sql, (FOLD_VERSION, signed(state.head.0), state.hash.as_str(), rest?)).map(drop)
    }

    fn text(&self, value: &impl Serialize) -> Result<String, StoreError> {
        let what = || format!("the state of the ledger `{}` cannot be written; please report it", self.file.path);
        serde_json::to_string(value).map_err(|err| failure::other(what(), err))
    }

    /// Empties the tables: the fold begins anew.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        for table in TABLES {
            self.file.execute(&self.sql(&format!("DELETE FROM ~.{table}")), ())?;
        }
        Ok(())
    }
}

/// Holds the last records against the chain: as many as are asked for, as far as they are not in archives, which may be
/// missing.
pub(super) fn verify_tail(file: &File<'_>, head: Seq, most: u64) -> Result<(), StoreError> {
    let from = Seq(head.0.saturating_sub(most));
    let archived = file.archives()?.pop().map(|archive| (Seq(archive.last), archive.hash));
    let mut before = match archived {
        Some(end) if end.0 >= from => end,
        _ if from == Seq(0) => (Seq(0), Digest::zero()),
        _ => match file.after(Seq(from.0 - 1), 1)?.pop() {
            Some(record) => (record.seq, record.hash),
            None => return Ok(()),
        },
    };
    loop {
        let page = file.after(before.0, PAGE)?;
        for record in &page {
            record.verify(before.0, &before.1).map_err(StateError::from)?;
            before = (record.seq, record.hash.clone());
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
