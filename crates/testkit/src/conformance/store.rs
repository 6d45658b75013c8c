//! What every store keeps to.

mod leases;
mod read;
mod samples;

use dayfly_core::{Batch, Condition, Epoch, Event, Record, Seq, State, Store, StoreError, Token, TrackerKind};
use jiff::Timestamp;

use super::{both, start_and_drop};
use samples::{attempt, batch, closed, ended, issue, job, reopened, started, with};

pub use leases::store_leases;

/// Checks that the stores which `make` gives keep the contract of [`Store`].
///
/// `make` is called for a new, empty store several times. What happens to a ledger across restarts is
/// checked by [`store_reopened`].
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn store<S: Store>(make: impl AsyncFn() -> S) {
    an_epoch_is_greater_than_those_before(&make().await).await;
    an_earlier_epoch_is_superseded(&make().await).await;
    records_are_numbered_and_chained(&make().await).await;
    what_is_written_is_read(&make().await).await;
    a_batch_is_all_or_nothing(&make().await).await;
    a_lost_claim_appends_nothing(&make().await).await;
    one_of_two_claims_wins(&make().await).await;
    reading_goes_on_after_a_place(&make().await).await;
    a_dropped_append_is_whole_or_not(&make().await).await;
    a_repeated_claim_or_finish_is_answered(&make().await).await;
    a_project_has_at_most_so_many_live_attempts(&make().await).await;
    an_attempt_is_claimed_once(&make().await).await;
    read::all(&make).await;
}

/// Checks that the ledger survives its store: `open` opens the same ledger, empty at first, each time.
///
/// # Panics
/// With the sentence of the contract that is broken.
pub async fn store_reopened<S: Store>(open: impl AsyncFn() -> S) {
    let first = open().await;
    let epoch = take_over(&first).await;
    let written = append(&first, batch(epoch, vec![started(1, 1), started(2, 1)])).await;
    drop(first);

    let second = open().await;
    assert_eq!(all(&second).await, written, "`append` is durable when it returns: reopening the store lost records");
    let later = take_over(&second).await;
    assert!(later > epoch, "`take_over` gives an epoch greater than every one before, also across restarts");
    let more = append(&second, batch(later, vec![ended(1, 1, 1)])).await;
    assert_eq!(more[0].seq, Seq(3), "records are numbered without gaps, also across restarts");
    superseded(&second, epoch, later).await;
    drop(second);

    let third = open().await;
    folded(&third).await;
    assert_eq!(all(&third).await.len(), 3, "`append` is durable when it returns");
}

async fn an_epoch_is_greater_than_those_before(store: &impl Store) {
    let mut last = Epoch(0);
    for _ in 0..3 {
        let epoch = take_over(store).await;
        assert!(epoch > last, "`take_over` gives an epoch greater than every one before: {epoch:?} after {last:?}");
        last = epoch;
    }
    let (a, b) = both(take_over(store), take_over(store)).await;
    assert_ne!(a, b, "`take_over` gives an epoch greater than every one before: two at a time got the same");
}

async fn an_earlier_epoch_is_superseded(store: &impl Store) {
    let old = take_over(store).await;
    append(store, batch(old, vec![started(1, 1)])).await;
    let new = take_over(store).await;
    superseded(store, old, new).await;
    append(store, batch(new, vec![started(2, 1)])).await;
    superseded(store, old, new).await;
    assert_eq!(all(store).await.len(), 2, "an append that is superseded appends nothing");
}

async fn records_are_numbered_and_chained(store: &impl Store) {
    let epoch = take_over(store).await;
    let mut returned = append(store, batch(epoch, vec![started(1, 1), started(2, 1)])).await;
    returned.extend(append(store, batch(epoch, vec![])).await);
    returned.extend(append(store, batch(epoch, vec![ended(1, 1, 1)])).await);
    let places: Vec<u64> = returned.iter().map(|record| record.seq.0).collect();
    assert_eq!(places, [1, 2, 3], "records are numbered from 1 without gaps");
    assert_eq!(all(store).await, returned, "`read` gives the records that `append` gave");
    let state = folded(store).await;
    assert_eq!((state.head, state.live.len()), (Seq(3), 1), "the records fold to the state they were made for");
}

async fn what_is_written_is_read(store: &impl Store) {
    let epoch = take_over(store).await;
    let mut job = job(1);
    job.title = "Ünïcode \u{1f98b}, \"quotes\", a 'tick', a \\ and \0 nothing\r\n\ttab".into();
    job.prompt = "line\n".repeat(20_000);
    let event = Event::AttemptStarted {
        attempt: attempt(1, 1),
        job: Box::new(job),
        substitution: Some("x".into()),
        tracker: TrackerKind::GitHub,
    };
    let at: Timestamp = "1969-12-31T23:59:59.123456789Z".parse().expect("a time");
    let batch = Batch { epoch, at, events: vec![event.clone()], conditions: vec![] };
    append(store, batch).await;
    let read = all(store).await;
    assert_eq!(read[0].event().expect("an event"), event, "an event is read as it was appended");
    assert_eq!((read[0].at, read[0].epoch), (at, epoch), "time and epoch are read as they were appended");
    folded(store).await;
}

async fn a_batch_is_all_or_nothing(store: &impl Store) {
    let epoch = take_over(store).await;
    let before = append(store, batch(epoch, vec![started(1, 1)])).await;
    let impossible = batch(epoch, vec![started(2, 1), started(3, 1), ended(9, 1, 1)]);
    let refused = store.append(&impossible).await;
    assert!(
        matches!(refused, Err(StoreError::Ledger(_))),
        "a batch whose events cannot follow from the present state is refused with `Ledger`, got {refused:?}"
    );
    assert_eq!(all(store).await, before, "`append` is all or nothing: a refused batch left records behind");
    let claim = with(batch(epoch, vec![started(2, 1)]), Condition::Idle(issue(2)));
    let after = append(store, claim).await;
    assert_eq!(after[0].seq, Seq(2), "a refused batch leaves no gap, and nothing of it in the state");
    folded(store).await;
}

async fn a_lost_claim_appends_nothing(store: &impl Store) {
    let epoch = take_over(store).await;
    let claim = with(batch(epoch, vec![started(1, 1)]), Condition::Idle(issue(1)));
    let token = append(store, claim.clone()).await[0].seq;
    let other = with(batch(epoch, vec![started(1, 2)]), Condition::Idle(issue(1)));
    lost(store, &other, "a claim of an issue with a live attempt").await;
    let finish = |held: Token| with(batch(epoch, vec![ended(1, 1, token.0)]), Condition::Holder(attempt(1, 1), held));
    lost(store, &finish(Seq(token.0 + 1)), "a finish with the token of another claim").await;
    let nobody = with(batch(epoch, vec![started(2, 1)]), Condition::Holder(attempt(7, 1), token));
    lost(store, &nobody, "a finish of an attempt that is not live").await;
    assert_eq!(all(store).await.len(), 1, "a batch whose condition does not hold appends nothing");
    append(store, finish(token)).await;
    let again = with(batch(epoch, vec![started(1, 2)]), Condition::Idle(issue(1)));
    append(store, again).await;
}

async fn a_repeated_claim_or_finish_is_answered(store: &impl Store) {
    let epoch = take_over(store).await;
    let claim = with(batch(epoch, vec![started(1, 1)]), Condition::Idle(issue(1)));
    let claimed = append(store, claim.clone()).await;
    assert_eq!(
        append(store, claim.clone()).await,
        claimed,
        "a claim that is in the ledger is answered with its records"
    );
    let token = claimed[0].seq;
    let finish = with(batch(epoch, vec![ended(1, 1, token.0)]), Condition::Holder(attempt(1, 1), token));
    let finished = append(store, finish.clone()).await;
    append(store, batch(epoch, vec![started(2, 1)])).await;
    assert_eq!(append(store, finish.clone()).await, finished, "a finish is answered again for the same token");
    let mut other = finish.clone();
    other.events.push(started(3, 1));
    lost(store, &other, "a finish that says more than the one in the ledger").await;
    assert_eq!(all(store).await.len(), 3, "what is repeated appends nothing");
    let later = take_over(store).await;
    lost(store, &Batch { epoch: later, ..finish }, "a finish that another engine wrote").await;
}

async fn a_project_has_at_most_so_many_live_attempts(store: &impl Store) {
    let epoch = take_over(store).await;
    let free = |most| Condition::Free { project: issue(1).project, most };
    let full = with(batch(epoch, vec![started(1, 1), started(2, 1)]), free(1));
    lost(store, &full, "a batch of two claims where one may be live").await;
    append(store, with(batch(epoch, vec![started(1, 1)]), free(1))).await;
    lost(store, &with(batch(epoch, vec![started(2, 1)]), free(1)), "a claim beyond the most that may be live").await;
    let second = append(store, with(batch(epoch, vec![started(2, 1)]), free(2))).await;
    let swap = with(batch(epoch, vec![ended(2, 1, second[0].seq.0), started(3, 1)]), free(2));
    append(store, swap).await;
    assert_eq!(folded(store).await.live.len(), 2, "what ends in a batch makes room in it");
}

async fn an_attempt_is_claimed_once(store: &impl Store) {
    let epoch = take_over(store).await;
    append(store, batch(epoch, vec![started(1, 1), ended(1, 1, 1), closed(1)])).await;
    // Whether or not the issue was set aside meanwhile.
    for n in 2..80 {
        let head = append(store, batch(epoch, vec![started(n, 1)])).await[0].seq;
        append(store, batch(epoch, vec![ended(n, 1, head.0)])).await;
    }
    let again = batch(epoch, vec![reopened(1), started(1, 1)]);
    lost(store, &again, "an attempt of a number that its issue has had").await;
    append(store, batch(epoch, vec![reopened(1), started(1, 2)])).await;
    let known = store.recall(&[issue(1)]).await.unwrap_or_else(|err| panic!("`recall` failed: {err}"));
    assert_eq!(known[0].1.attempts, 2, "an issue that is opened again goes on with its count");
}

async fn one_of_two_claims_wins(store: &impl Store) {
    let epoch = take_over(store).await;
    for n in 1..=8 {
        let claim = |number| with(batch(epoch, vec![started(n, number)]), Condition::Idle(issue(n)));
        let (first, second) = (claim(1), claim(2));
        let (a, b) = both(store.append(&first), store.append(&second)).await;
        assert!(a.is_ok() != b.is_ok(), "of two claims of an issue at the same time one wins: {a:?}, {b:?}");
        let loser = a.err().or(b.err());
        assert!(matches!(loser, Some(StoreError::Lost(_))), "the other claim is refused with `Lost`, got {loser:?}");
    }
    assert_eq!(folded(store).await.live.len(), 8, "each claim that won is in the ledger once");
}

async fn reading_goes_on_after_a_place(store: &impl Store) {
    let epoch = take_over(store).await;
    assert_eq!(all(store).await, [], "a new store holds no records");
    let written = append(store, batch(epoch, (1..=5).map(|n| started(n, 1)).collect())).await;
    for after in 0..=6 {
        for limit in [0, 1, 2, 5, usize::MAX] {
            let read = store.read(Seq(after), limit).await.unwrap_or_else(|err| panic!("`read` failed: {err}"));
            let from = written.iter().filter(|record| record.seq.0 > after).take(limit);
            assert!(
                read.iter().eq(from),
                "`read` gives the records after a place, in order, at most `limit`: after {after}, at most {limit}"
            );
        }
    }
    let beyond = store.read(Seq(u64::MAX), 1).await;
    assert!(matches!(beyond.as_deref(), Ok([])), "`read` after the last possible place gives nothing, got {beyond:?}");
}

async fn a_dropped_append_is_whole_or_not(store: &impl Store) {
    let epoch = take_over(store).await;
    let dropped = batch(epoch, vec![started(1, 1), started(2, 1)]);
    start_and_drop(store.append(&dropped)).await;
    // With a new epoch, what has not happened by now cannot happen any more.
    let epoch = take_over(store).await;
    let count = all(store).await.len();
    assert!(count == 0 || count == 2, "an `append` whose future is dropped has happened whole or not at all: {count}");
    append(store, batch(epoch, vec![started(3, 1)])).await;
    assert_eq!(folded(store).await.head, Seq(count as u64 + 1), "a dropped `append` leaves the ledger in order");
}

async fn take_over(store: &impl Store) -> Epoch {
    store.take_over().await.unwrap_or_else(|err| panic!("`take_over` failed: {err}"))
}

async fn append(store: &impl Store, batch: Batch) -> Vec<Record> {
    store.append(&batch).await.unwrap_or_else(|err| panic!("`append` refused a batch that can follow: {err}"))
}

async fn all(store: &impl Store) -> Vec<Record> {
    store.read(Seq(0), usize::MAX).await.unwrap_or_else(|err| panic!("`read` failed: {err}"))
}

async fn folded(store: &impl Store) -> State {
    State::fold(&all(store).await).unwrap_or_else(|err| panic!("each record is chained to the one before it: {err}"))
}

async fn superseded(store: &impl Store, ours: Epoch, current: Epoch) {
    let refused = store.append(&batch(ours, vec![started(99, 1)])).await;
    assert!(
        matches!(refused, Err(StoreError::Superseded { ours: a, current: b }) if a == ours.0 && b == current.0),
        "appends of epochs before the last `take_over` fail with `Superseded`, got {refused:?}"
    );
}

async fn lost(store: &impl Store, batch: &Batch, what: &str) {
    let refused = store.append(batch).await;
    assert!(matches!(refused, Err(StoreError::Lost(_))), "{what} is refused with `Lost`, got {refused:?}");
}
