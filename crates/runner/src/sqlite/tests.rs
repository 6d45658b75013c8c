mod archive;
mod backup;
mod fold;
mod place;
mod restore;

use std::error::Error as _;
use std::sync::atomic::{AtomicU32, Ordering};

use camino::Utf8PathBuf;
use dayfly_core::{Anchor, Event, State, StateError};
use dayfly_testkit::conformance;
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::try_from(folder.path().join("ledger.db")).unwrap();
    (folder, path)
}

fn batch(epoch: Epoch, version: &str) -> Batch {
    let events = vec![Event::EngineStarted { version: version.into() }];
    Batch { epoch, at: Timestamp::UNIX_EPOCH, events, conditions: vec![] }
}

fn alter(path: &Utf8Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn what(result: Result<SqliteStore, StoreError>) -> String {
    match result {
        Err(StoreError::Other { what, .. } | StoreError::Unavailable { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_store_in_a_file_keeps_the_contract() {
    let (folder, _) = folder();
    let count = AtomicU32::new(0);
    conformance::store(async || {
        let n = count.fetch_add(1, Ordering::Relaxed);
        SqliteStore::open(&Utf8PathBuf::try_from(folder.path().join(format!("{n}.db"))).unwrap()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn reopening_keeps_all() {
    let (_folder, path) = folder();
    conformance::store_reopened(async || SqliteStore::open(&path).unwrap()).await;
}

#[tokio::test]
async fn a_second_engine_supersedes_the_first_and_goes_on_from_its_head() {
    let (_folder, path) = folder();
    let (first, second) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    let old = first.take_over().await.unwrap();
    first.append(&batch(old, "1")).await.unwrap();
    let new = second.take_over().await.unwrap();
    let records = second.append(&batch(new, "2")).await.unwrap();
    assert_eq!(records[0].seq, Seq(2));
    let refused = first.append(&batch(old, "3")).await;
    assert!(matches!(refused, Err(StoreError::Superseded { ours: 1, current: 2 })), "{refused:?}");

    // The first folds what the second has appended before it goes on.
    let newest = first.take_over().await.unwrap();
    assert_eq!(first.append(&batch(newest, "4")).await.unwrap()[0].seq, Seq(3));
    State::fold(&second.read(Seq(0), 9).await.unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_together_are_all_kept() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = store.clone();
        let epoch = if n % 10 == 0 { Epoch(0) } else { epoch };
        tasks.spawn(async move { store.append(&batch(epoch, "x")).await.is_ok() });
    }
    let kept = tasks.join_all().await.into_iter().filter(|kept| *kept).count();
    assert_eq!(kept, 180);
    assert_eq!(State::fold(&store.read(Seq(0), 999).await.unwrap()).unwrap().head, Seq(180));
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let (_folder, path) = folder();
    std::thread::scope(|scope| {
        let open = || scope.spawn(|| SqliteStore::open(&path).map(drop));
        let threads: Vec<_> = (0..8).map(|_| open()).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn an_altered_row_is_noticed() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    store.append(&batch(epoch, "1")).await.unwrap();
    store.append(&batch(epoch, "2")).await.unwrap();
    drop(store);
    alter(&path, r#"UPDATE ledger SET body = replace(body, '"1"', '"7"')"#);

    let store = SqliteStore::open(&path).unwrap();
    let records = store.read(Seq(0), 9).await.unwrap();
    assert!(matches!(State::fold(&records), Err(StateError::Record(_))));
    let refused = store.append(&batch(epoch, "3")).await;
    assert!(matches!(refused, Err(StoreError::Ledger(_))), "{refused:?}");
    assert_eq!(store.read(Seq(0), 9).await.unwrap().len(), 2);
    alter(&path, "UPDATE ledger SET at = 'yesterday'");
    let refused = store.read(Seq(0), 9).await.unwrap_err();
    assert!(matches!(refused, StoreError::Ledger(_)) && refused.source().is_some(), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_was_set_back_is_folded_anew() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    for version in ["1", "2", "3"] {
        store.append(&batch(epoch, version)).await.unwrap();
    }
    alter(&path, "DELETE FROM ledger WHERE seq > 1");
    assert_eq!(store.append(&batch(epoch, "4")).await.unwrap()[0].seq, Seq(2));
    State::fold(&store.read(Seq(0), 9).await.unwrap()).unwrap();
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_the_ledger_in_order() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    drop(store);
    let connection = schema::connect(&path, Access::Write).unwrap();
    connection.pragma_update(None, "max_page_count", 40).unwrap();
    let (requests, inbox) = mpsc::channel(QUEUE);
    let writer = Writer::new(path.clone(), connection, Access::Write, Arc::new(SystemClock));
    let handle = std::thread::spawn(move || writer.run(inbox));
    let thread = StoreThread { path, requests: Some(requests), handle: Some(handle) };
    let store = SqliteStore { thread: Arc::new(thread) };

    store.append(&batch(epoch, "1")).await.unwrap();
    let full = store.append(&batch(epoch, &"x".repeat(200_000))).await.unwrap_err();
    assert!(full.to_string().contains("the disk is full") && full.is_transient(), "{full}");
    assert_eq!(store.append(&batch(epoch, "2")).await.unwrap()[0].seq, Seq(2));
}

#[test]
fn a_newer_file_is_refused() {
    let (_folder, path) = folder();
    drop(SqliteStore::open(&path).unwrap());
    alter(&path, "PRAGMA user_version = 99");
    for result in [SqliteStore::open(&path), SqliteStore::open_read_only(&path)] {
        assert!(what(result).contains("was written by a newer dayfly; use that one"));
    }
}

#[test]
fn a_file_that_is_no_ledger_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let garbage = b"this is a text, and no database at all\n".repeat(100);
    std::fs::write(&path, &garbage).unwrap();
    assert!(what(SqliteStore::open(&path)).contains("is not a ledger; put a copy back with"));
    assert_eq!(std::fs::read(&path).unwrap(), garbage);

    std::fs::remove_file(&path).unwrap();
    alter(&path, "CREATE TABLE songs (title TEXT)");
    assert!(what(SqliteStore::open(&path)).contains("of another program"));
    let below = path.join("ledger.db");
    assert!(what(SqliteStore::open(&below)).contains("cannot make the folder"), "a file stands where it would be");
}

#[tokio::test]
async fn a_reader_sees_what_the_writer_appends() {
    let (_folder, path) = folder();
    assert!(what(SqliteStore::open_read_only(&path)).contains("there is no ledger"));
    assert!(!path.exists());
    let writer = SqliteStore::open(&path).unwrap();
    let reader = SqliteStore::open_read_only(&path).unwrap();
    assert!(reader.is_empty().await.unwrap());
    let epoch = writer.take_over().await.unwrap();
    writer.append(&batch(epoch, "1")).await.unwrap();
    assert!(!reader.is_empty().await.unwrap());
    assert!(reader.append(&batch(epoch, "2")).await.is_err());
    assert!(reader.take_over().await.is_err());
}

#[test]
fn the_thread_ends_with_the_last_handle() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let other = store.clone();
    drop(store);
    assert!(path.with_extension("db-wal").exists());
    drop(other);
    // SQLite removes the write-ahead log when the last connection closes.
    assert!(!path.with_extension("db-wal").exists());
}

#[tokio::test]
async fn an_engine_is_soon_told_that_another_process_keeps_its_ledger_locked() {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(dir.path()).unwrap().join("ledger.sqlite");
    let store = SqliteStore::open_for_engine(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked = std::time::Instant::now();
    let err = store.take_over().await.unwrap_err();
    assert!(err.is_transient() && asked.elapsed() < Duration::from_secs(20), "{err} after {:?}", asked.elapsed());
    other.execute_batch("COMMIT").unwrap();
    store.take_over().await.unwrap();
}
