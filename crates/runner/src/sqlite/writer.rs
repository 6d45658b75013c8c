//! The thread that owns the connection.

use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    AttemptId, Batch, Clock, Epoch, IssueRef, IssueState, Record, Seq, State, StateError, StoreError, Token,
};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::archive::{Archived, Cut};
use super::failure;
use super::fold::{Fold, MAIN, Rows, verify_tail};
use super::place::Place;
use super::rebuild::Rebuilt;
use super::rows::{File, unsigned};
use super::schema::Access;

/// How many appends are committed together at most.
const GROUP: usize = 32;
/// Enough for every statement there is.
const STATEMENTS: usize = 64;
/// How many records are folded in one transaction, where the stored fold must be brought forward.
const CHUNK: usize = 4096;
/// How many of the last records are held against the chain before the first of a run is appended: what that takes is a
/// part of a second.
const VERIFIED: u64 = 16_384;

const EPOCH: &str = "SELECT epoch FROM meta WHERE id = 1";
const TAKE_OVER: &str = "UPDATE meta SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";
const LEASE: &str = "SELECT until FROM leases WHERE attempt = ?1";
const RENEW: &str = "INSERT OR REPLACE INTO leases (attempt, until) VALUES (?1, ?2)";

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread can be asked for.
#[derive(Debug)]
pub(super) enum Request {
    TakeOver(Reply<Epoch>),
    Append(Box<Batch>, Reply<Vec<Record>>),
    Read { after: Seq, limit: usize, reply: Reply<Vec<Record>> },
    Load(Reply<State>),
    Recall(Vec<IssueRef>, Reply<Vec<(IssueRef, IssueState)>>),
    Between(Timestamp, Timestamp, Reply<Vec<Record>>),
    About(IssueRef, Reply<Vec<Record>>),
    Renew { epoch: Epoch, held: Vec<(AttemptId, Token)>, lease: Duration, reply: Reply<Vec<AttemptId>> },
    Rebuild(Reply<Rebuilt>),
    Archive(Timestamp, Cut, Reply<Archived>),
}

type Append = (Box<Batch>, Reply<Vec<Record>>);

/// Owns the connection and the state folded from the file.
pub(super) struct Writer {
    pub(super) path: Utf8PathBuf,
    pub(super) connection: Connection,
    access: Access,
    clock: Arc<dyn Clock>,
    // `None` where it must be loaded anew from the file.
    state: Option<State>,
    // Whether the end of the chain has been held against the records.
    verified: bool,
    place: Place,
    // Why nothing is written any more. A file that was put back may be another one: the next run finds out.
    over: Option<(String, String)>,
}

/// The fold that is used.
pub(super) fn rows<'a>(path: &'a Utf8Path, connection: &'a Connection) -> Rows<'a> {
    Rows { file: File { path, connection }, schema: MAIN }
}

impl Writer {
    pub(super) fn new(path: Utf8PathBuf, connection: Connection, access: Access, clock: Arc<dyn Clock>) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let place = Place::of(&path);
        Self { path, connection, access, clock, state: None, verified: false, place, over: None }
    }

    /// Serves requests until there is nobody left to ask.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut held = None;
        while let Some(request) = held.take().or_else(|| inbox.blocking_recv()) {
            let Request::Append(batch, reply) = request else {
                self.serve(request);
                continue;
            };
            let mut group = vec![(batch, reply)];
            while group.len() < GROUP && held.is_none() {
                match inbox.try_recv() {
                    Ok(Request::Append(batch, reply)) => group.push((batch, reply)),
                    Ok(other) => held = Some(other),
                    Err(_) => break,
                }
            }
            self.append(group);
        }
    }

    fn serve(&mut self, request: Request) {
        // Those who asked may have gone away; what they asked for is done all the same.
        match request {
            Request::TakeOver(reply) => self.answer(reply, Self::take_over),
            Request::Read { after, limit, reply } => {
                self.answer(reply, |this| this.look(|rows| rows.file.after(after, limit)));
            }
            Request::Append(batch, reply) => self.append(vec![(batch, reply)]),
            Request::Load(reply) => self.answer(reply, Self::load),
            Request::Recall(issues, reply) => self.answer(reply, |this| this.recall(&issues)),
            Request::Between(from, to, reply) => self.answer(reply, |this| this.between(from, to)),
            Request::About(issue, reply) => self.answer(reply, |this| this.about(&issue)),
            Request::Renew { epoch, held, lease, reply } => {
                self.answer(reply, |this| this.renew(epoch, &held, lease));
            }
            Request::Rebuild(reply) => self.answer(reply, Self::rebuild),
            Request::Archive(before, cut, reply) => {
                self.answer(reply, |this| this.archive(before, cut, &mut |_| Ok(())));
            }
        }
    }

    fn answer<T>(&mut self, reply: Reply<T>, ask: impl FnOnce(&mut Self) -> Result<T, StoreError>) {
        let answer = ask(self);
        if let Err(err) = &answer {
            self.end_if_damaged(err);
        }
        drop(reply.send(answer));
    }

    /// Whatever met it, nothing is written to a damaged file any more.
    fn end_if_damaged(&mut self, err: &StoreError) {
        if failure::is_damage(err) {
            self.end(err);
        }
    }

    fn end(&mut self, err: &StoreError) {
        let cause = std::error::Error::source(err).map(ToString::to_string);
        self.over.get_or_insert_with(|| (err.to_string(), cause.unwrap_or_default()));
    }

    fn take_over(&mut self) -> Result<Epoch, StoreError> {
        self.may_write()?;
        let path = &self.path;
        let failed = |err| failure::sqlite(path, err);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let epoch = transaction
            .prepare_cached(TAKE_OVER)
            .and_then(|mut statement| statement.query_row((), |row| row.get(0)))
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(Epoch(unsigned(path, epoch)?))
    }

    fn append(&mut self, group: Vec<Append>) {
        let (batches, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match self.may_write().and_then(|()| self.settle()).and_then(|()| self.commit(&batches)) {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    drop(reply.send(result));
                }
            }
            Err(err) => {
                // Nothing of the group is in the file; the state may hold a part of it.
                self.state = None;
                self.end_if_damaged(&err);
                tell_all(replies, err);
            }
        }
    }

    /// Brings the stored fold up to the head, in as many transactions as it takes, and makes it anew where it does not fit.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        while self.settle_some(CHUNK)? {}
        Ok(())
    }

    /// Brings the stored fold forward by at most so many records, in one transaction; tells whether more may be left.
    pub(super) fn settle_some(&mut self, chunk: usize) -> Result<bool, StoreError> {
        let path = &self.path;
        let failed = |err| failure::sqlite(path, err);
        let stored = rows(path, &self.connection);
        let (head, hash) = stored.file.head()?;
        if self.state.as_ref().is_some_and(|state| state.head == head && state.hash.as_str() == hash) {
            return Ok(false);
        }
        if !self.verified {
            verify_tail(&stored.file, head, VERIFIED)?;
            self.verified = true;
        }
        // Where nothing is to be written nothing is: a full disk keeps nobody from reading.
        self.state = stored.load()?.filter(|state| state.head == head);
        if self.state.is_some() {
            return Ok(false);
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let rows = rows(path, &transaction);
        let state = match rows.load()? {
            Some(state) => state,
            None => {
                rows.clear()?;
                State::default()
            }
        };
        let mut fold = Fold::stored(state);
        let more = rows.follow(&mut fold, chunk)?;
        rows.save(&mut fold)?;
        transaction.commit().map_err(failed)?;
        if !more {
            self.state = Some(fold.state);
        }
        Ok(true)
    }

    /// Appends batches in one transaction, each with a result of its own. An error means that none
    /// was appended.
    fn commit(&mut self, batches: &[Box<Batch>]) -> Result<Vec<Result<Vec<Record>, StoreError>>, StoreError> {
        let path = &self.path;
        let failed = |err| failure::sqlite(path, err);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let rows = rows(path, &transaction);
        let epoch = rows.file.one(EPOCH, (), |row| row.get(0))?.unwrap_or_default();
        let epoch = Epoch(unsigned(path, epoch)?);
        let mut fold = catch_up(&rows, self.state.take())?;
        let now = self.clock.now();
        let mut results = Vec::with_capacity(batches.len());
        for batch in batches {
            let result = add(&rows, &mut fold, batch, (epoch, now));
            match result {
                // Some of it may have been folded.
                Err(StoreError::Ledger(_)) => fold = catch_up(&rows, None)?,
                Err(err @ (StoreError::Other { .. } | StoreError::Unavailable { .. })) => return Err(err),
                _ => {}
            }
            results.push(result);
        }
        rows.save(&mut fold)?;
        transaction.commit().map_err(failed)?;
        self.state = Some(fold.state);
        Ok(results)
    }

    /// The state that was folded last, if it is still at the head.
    pub(super) fn known(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Whether the end of the chain is still to be held against the records; asked once.
    pub(super) fn is_unverified(&mut self) -> bool {
        !std::mem::replace(&mut self.verified, true)
    }

    /// Forgets what was folded.
    pub(super) fn forget(&mut self) {
        self.state = None;
    }

    fn renew(
        &mut self,
        epoch: Epoch,
        held: &[(AttemptId, Token)],
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        self.may_write()?;
        self.settle()?;
        let path = &self.path;
        let failed = |err| failure::sqlite(path, err);
        let until = self.clock.now().checked_add(lease).unwrap_or(Timestamp::MAX).as_millisecond();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let rows = rows(path, &transaction);
        let current = unsigned(path, rows.file.one(EPOCH, (), |row| row.get(0))?.unwrap_or_default())?;
        if current != epoch.0 {
            return Err(StoreError::Superseded { ours: epoch.0, current });
        }
        let fold = catch_up(&rows, self.state.take())?;
        let gone = fold.state.not_held(held);
        for (attempt, _) in held.iter().filter(|(attempt, _)| !gone.contains(attempt)) {
            rows.file.execute(RENEW, (attempt.as_str(), until))?;
        }
        transaction.commit().map_err(failed)?;
        Ok(gone)
    }

    pub(super) fn may_write(&mut self) -> Result<(), StoreError> {
        if self.access != Access::Write {
            let what = format!("the ledger `{}` was opened for reading only", self.path);
            return Err(failure::other(what, "this is a mistake in the program; please report it"));
        }
        if self.over.is_none()
            && let Some(file) = self.place.left()
        {
            let err = failure::moved(&self.path, file);
            self.end(&err);
        }
        match &self.over {
            Some((what, why)) => Err(failure::other(what.clone(), why.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn access(&self) -> Access {
        self.access
    }
}

/// Appends one batch, within a transaction.
fn add(
    rows: &Rows<'_>,
    fold: &mut Fold,
    batch: &Batch,
    (epoch, now): (Epoch, Timestamp),
) -> Result<Vec<Record>, StoreError> {
    if batch.epoch == epoch
        && let Some(first) = batch.repeats(&fold.state)
    {
        let known = rows.file.after(Seq(first.0.saturating_sub(1)), batch.events.len())?;
        if batch.is_written_as(&known) {
            return Ok(known);
        }
    }
    rows.recall(fold, &batch.events)?;
    batch.check(epoch, &fold.state)?;
    for (attempt, _) in batch.takes_back() {
        let until: Option<i64> = rows.file.one(LEASE, (attempt.as_str(),), |row| row.get(0))?;
        if until.is_some_and(|until| until > now.as_millisecond()) {
            return Err(StoreError::Lost(format!("the lease of {attempt} is in force")));
        }
    }
    let records = batch.records(fold.state.head, &fold.state.hash);
    for record in &records {
        let read = record.event().map_err(StateError::from)?;
        fold.note(&read, record);
        fold.state.apply_read(record, read)?;
    }
    for (record, event) in records.iter().zip(&batch.events) {
        rows.file.insert(record, event)?;
    }
    Ok(records)
}

/// The state at the file's head: the known one, or the stored one with the records after it.
fn catch_up(rows: &Rows<'_>, known: Option<State>) -> Result<Fold, StoreError> {
    let (head, hash) = rows.file.head()?;
    let known = known.filter(|state| state.head == head && state.hash.as_str() == hash);
    let state = match known {
        Some(state) => return Ok(Fold::stored(state)),
        None => rows.load()?,
    };
    let state = match state {
        Some(state) => state,
        None => {
            rows.clear()?;
            State::default()
        }
    };
    let mut fold = Fold::stored(state);
    rows.follow(&mut fold, usize::MAX)?;
    Ok(fold)
}

/// Gives everybody the same error; those after the first get its text and its kind.
fn tell_all(replies: Vec<Reply<Vec<Record>>>, err: StoreError) {
    let mut replies = replies.into_iter();
    let first = replies.next();
    for reply in replies {
        drop(reply.send(Err(failure::same(&err))));
    }
    if let Some(reply) = first {
        drop(reply.send(Err(err)));
    }
}
