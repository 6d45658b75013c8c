//! What a store gives besides its records in order is what the records say.

use dayfly_core::{Batch, Event, IssueRef, Record, Seq, State, Store};
use jiff::{SignedDuration, Timestamp};

use super::samples::{batch, closed, ended, issue, reopened, started};
use super::{all as records, append, folded, take_over};

pub(super) async fn all<S: Store>(make: &impl AsyncFn() -> S) {
    the_state_is_the_fold(&make().await).await;
    times_and_issues_are_found(&make().await).await;
}

/// A small life: issues are worked on, closed, opened again; the clock is set back in between.
async fn live(store: &impl Store) -> Vec<Record> {
    let epoch = take_over(store).await;
    let mut written: Vec<Record> = Vec::new();
    for n in 1..=6_u32 {
        let at = |minute: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        let minute = if n == 4 { -90 } else { i64::from(n) * 10 };
        let add = |events: Vec<Event>| Batch { at: at(minute), ..batch(epoch, events) };
        let claim = append(store, add(vec![started(n, 1)])).await;
        let token = claim[0].seq.0;
        written.extend(claim);
        if n != 5 {
            written.extend(append(store, add(vec![ended(n, 1, token)])).await);
        }
        if n < 4 {
            written.extend(append(store, add(vec![closed(n)])).await);
        }
    }
    written.extend(append(store, batch(epoch, vec![reopened(2)])).await);
    written
}

/// The state with all issues that were set aside.
async fn whole(store: &impl Store, wanted: &State) -> State {
    let mut state = store.load().await.unwrap_or_else(|err| panic!("`load` failed: {err}"));
    let missing: Vec<IssueRef> = wanted.issues.keys().filter(|i| !state.issues.contains_key(i)).cloned().collect();
    let aside = state.aside.done + state.aside.closed;
    assert_eq!(missing.len() as u64, aside, "`load` counts the issues that it has set aside");
    for (issue, known) in store.recall(&missing).await.unwrap_or_else(|err| panic!("`recall` failed: {err}")) {
        state.recall(issue, known);
    }
    state
}

async fn the_state_is_the_fold(store: &impl Store) {
    assert_eq!(whole(store, &State::default()).await, State::default(), "an empty store has an empty state");
    live(store).await;
    let wanted = folded(store).await;
    assert_eq!(whole(store, &wanted).await, wanted, "`load` and `recall` give the fold of all records");
    let unknown = store.recall(&[issue(99), issue(1)]).await.unwrap_or_else(|err| panic!("`recall` failed: {err}"));
    assert_eq!(unknown.len(), 1, "`recall` gives those of the issues that the ledger knows");
}

async fn times_and_issues_are_found(store: &impl Store) {
    let written = live(store).await;
    assert_eq!(records(store).await, written);
    let mut times: Vec<Timestamp> = written.iter().map(|record| record.at).collect();
    times.extend([Timestamp::MIN, Timestamp::MAX]);
    for from in &times {
        for to in &times {
            let found = store.between(*from, *to).await.unwrap_or_else(|err| panic!("`between` failed: {err}"));
            let wanted = written.iter().filter(|record| (*from..*to).contains(&record.at));
            assert!(found.iter().eq(wanted), "`between` gives the records of {from} to {to}, in order");
        }
    }
    let since = store.since(times[2]).await.unwrap_or_else(|err| panic!("`since` failed: {err}"));
    assert!(since.len() < written.len() && since.iter().all(|record| record.at >= times[2]));
    for n in 1..=7 {
        let found = store.about(&issue(n)).await.unwrap_or_else(|err| panic!("`about` failed: {err}"));
        let (mut state, mut wanted) = (State::default(), Vec::<Seq>::new());
        for record in &written {
            let event = record.event().expect("an event");
            wanted.extend(state.names(&event).contains(&issue(n)).then_some(record.seq));
            state.apply(record).expect("it folds");
        }
        let found: Vec<Seq> = found.iter().map(|record| record.seq).collect();
        assert_eq!(found, wanted, "`about` gives the records that name {}", issue(n));
        assert_eq!(found.is_empty(), n == 7);
    }
}
