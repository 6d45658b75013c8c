//! What is kept beside the records, and made from them.

use dayfly_core::{IssueRef, Phase};

use super::*;

/// A ledger as a program of version 1 wrote it, from the oldest sample there is.
pub(super) fn version_1(path: &Utf8Path) -> Vec<Record> {
    let sample = include_str!("../../../../core/tests/data/ledger-v1.jsonl");
    let records: Vec<Record> = sample.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(include_str!("../v1.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 1684434041; PRAGMA user_version = 1").unwrap();
    let file = rows::File { path, connection: &connection };
    for record in &records {
        file.insert(record, &record.event().unwrap()).unwrap();
    }
    records
}

/// What the file holds besides its records.
async fn all_of(store: &SqliteStore, issues: &[IssueRef]) -> (State, Vec<(IssueRef, dayfly_core::IssueState)>) {
    (store.load().await.unwrap(), store.recall(issues).await.unwrap())
}

#[tokio::test]
async fn a_file_of_version_1_is_copied_and_then_goes_on() {
    let (_folder, path) = folder();
    let records = version_1(&path);
    let whole = State::fold(&records).unwrap();
    let issues: Vec<IssueRef> = whole.issues.keys().cloned().collect();

    // Whoever only reads changes nothing, and sees the same.
    let reader = SqliteStore::open_read_only(&path).unwrap();
    let (state, known) = all_of(&reader, &issues).await;
    assert_eq!((&state, known.len()), (&whole, issues.len()));
    let about = reader.about(&issues[0]).await.unwrap();
    let since = reader.since(records[2].at).await.unwrap();
    drop(reader);
    let copy = Utf8PathBuf::from(format!("{path}.v1"));
    assert!(!copy.exists());

    let store = SqliteStore::open(&path).unwrap();
    let (state, known) = all_of(&store, &issues).await;
    assert_eq!(known, whole.issues.iter().map(|(i, k)| (i.clone(), k.clone())).collect::<Vec<_>>());
    assert_eq!((state.head, &state.outbox, &state.capacity), (whole.head, &whole.outbox, &whole.capacity));
    let idle = whole.issues.keys().filter(|issue| whole.is_idle(issue)).count() as u64;
    assert!(idle > 0 && state.aside.done + state.aside.closed == idle, "{:?}", state.aside);
    assert_eq!(store.about(&issues[0]).await.unwrap(), about);
    assert_eq!(store.since(records[2].at).await.unwrap(), since);
    let epoch = store.take_over().await.unwrap();
    store.append(&batch(epoch, "2")).await.unwrap();
    let rebuilt = store.rebuild().await.unwrap();
    assert_eq!((rebuilt.records, rebuilt.different), (records.len() as u64 + 1, 0), "{rebuilt:?}");
    drop(store);

    // The copy is the file as it was: an older program reads it, this one refuses nothing of it.
    let version: i64 = Connection::open(&copy).unwrap().query_row("PRAGMA user_version", (), |r| r.get(0)).unwrap();
    assert_eq!(version, 1);
    let old = SqliteStore::open_read_only(&copy).unwrap();
    assert_eq!(old.read(Seq(0), 999).await.unwrap(), records);
    drop(old);

    // Somebody went back, and on again: a copy from before that is of no use.
    std::fs::remove_file(&path).unwrap();
    version_1(&path);
    std::fs::write(&copy, "an older copy").unwrap();
    drop(SqliteStore::open(&path).unwrap());
    let old = SqliteStore::open_read_only(&copy).unwrap();
    assert_eq!(old.read(Seq(0), 999).await.unwrap(), records);
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_nothing_in_the_way() {
    let (_folder, path) = folder();
    version_1(&path);
    let store = SqliteStore::open(&path).unwrap();
    alter(&path, "UPDATE ledger SET body = '{}' WHERE seq = 2");
    assert!(store.rebuild().await.is_err());
    assert!(!Utf8PathBuf::from(format!("{path}-again")).exists());
}

#[tokio::test]
async fn what_differs_from_the_ledger_is_told_and_mended() {
    let (_folder, path) = folder();
    version_1(&path);
    let store = SqliteStore::open(&path).unwrap();
    let before = store.load().await.unwrap();
    drop(store);
    alter(&path, "UPDATE issues SET hot = 1 - hot WHERE id = 1; DELETE FROM about WHERE seq = 2; DELETE FROM moments");

    let store = SqliteStore::open(&path).unwrap();
    assert_ne!(store.load().await.unwrap(), before);
    let rebuilt = store.rebuild().await.unwrap();
    assert_eq!(rebuilt.different, 2 + rebuilt.records, "{rebuilt:?}");
    assert!(rebuilt.differences[0].starts_with("issues: stored is 1 | "), "{rebuilt:?}");
    assert_eq!(store.load().await.unwrap(), before);
    assert_eq!(store.rebuild().await.unwrap().different, 0);
    assert!(!Utf8PathBuf::from(format!("{path}-again")).exists());
}

#[tokio::test]
async fn a_fold_that_does_not_fit_is_made_anew() {
    let (_folder, path) = folder();
    version_1(&path);
    let whole = SqliteStore::open(&path).unwrap().load().await.unwrap();
    for harm in [
        "UPDATE fold SET version = 99",
        "UPDATE fold SET hash = replace(hash, 'a', 'b')",
        "UPDATE fold SET rest = 'no'",
        "UPDATE issues SET state = '{}' WHERE state IS NOT NULL; UPDATE issues SET hot = 1",
        "DELETE FROM fold",
    ] {
        alter(&path, harm);
        let reader = SqliteStore::open_read_only(&path).unwrap();
        assert_eq!(reader.load().await.unwrap().head, whole.head, "{harm}");
        drop(reader);
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.load().await.unwrap(), whole, "{harm}");
        assert_eq!(store.rebuild().await.unwrap().different, 0, "{harm}");
    }
}

#[tokio::test]
async fn what_is_over_is_not_loaded_and_not_forgotten() {
    let (_folder, path) = folder();
    let records = version_1(&path);
    let done: Vec<IssueRef> = State::fold(&records)
        .unwrap()
        .issues
        .into_iter()
        .filter(|(_, known)| known.phase == Phase::Done)
        .map(|(issue, _)| issue)
        .collect();
    let store = SqliteStore::open(&path).unwrap();
    let state = store.load().await.unwrap();
    assert!(!done.is_empty() && done.iter().all(|issue| !state.issues.contains_key(issue)));
    assert_eq!(state.done(), done.len());
    assert_eq!(store.recall(&done).await.unwrap().len(), done.len());
}

#[tokio::test]
async fn leases_run_by_the_clock_of_the_store() {
    let (_folder, path) = folder();
    conformance::store_leases(async |clock| SqliteStore::open_with_clock(&path, clock).unwrap()).await;
}
