//! Putting a backup in the place of a ledger, file by file.

use rusqlite::{Error, ffi};

use super::fold::version_1;
use super::*;
use crate::sqlite::restore::is_in_use;

async fn ledger(path: &Utf8Path, versions: &[&str]) -> Anchor {
    let store = SqliteStore::open(path).unwrap();
    let epoch = store.take_over().await.unwrap();
    for version in versions {
        store.append(&batch(epoch, version)).await.unwrap();
    }
    let state = store.load().await.unwrap();
    Anchor::new(state.head, &state.hash)
}

#[tokio::test]
async fn a_backup_of_which_a_part_lies_beside_it_is_not_put_in_its_place() {
    let (folder, path) = folder();
    let from = path.with_file_name("backup.db");
    ledger(&from, &["1"]).await;
    ledger(&path, &["1", "2"]).await;
    let before = std::fs::read(&path).unwrap();
    let restoring = Restoring::begin(&path, &from).unwrap();
    std::fs::write(path.with_file_name("ledger.restoring-wal"), "the last records").unwrap();
    let refused = restoring.finish(Timestamp::UNIX_EPOCH).unwrap_err();
    assert!(refused.to_string().contains("cannot be brought into one file"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let names = folder.path().read_dir().unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.contains("restoring")), "nothing is left of it");
}

#[tokio::test]
async fn a_ledger_of_version_1_is_replaced_as_it_is() {
    let (_folder, path) = folder();
    let from = path.with_file_name("backup.db");
    ledger(&from, &["1"]).await;
    let records = version_1(&path);
    let restoring = Restoring::begin(&path, &from).unwrap();
    assert_eq!(restoring.replaced.as_ref().map(Anchor::seq), records.last().map(|record| record.seq));
    assert_eq!(restoring.since.len(), 2, "all that it names: it never was at the place of the backup");
    let kept = restoring.finish(Timestamp::UNIX_EPOCH).unwrap().unwrap();
    let version: i64 = Connection::open(&kept).unwrap().query_row("PRAGMA user_version", (), |r| r.get(0)).unwrap();
    assert_eq!((version, path.with_file_name("ledger.db.v1").exists()), (1, false));
}

#[tokio::test]
async fn what_lies_beside_a_ledger_that_is_gone_becomes_no_part_of_the_backup() {
    let (_folder, path) = folder();
    let from = path.with_file_name("backup.db");
    let head = ledger(&from, &["1"]).await;
    let wal = path.with_extension("db-wal");
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    for n in 1..=40 {
        store.append(&batch(epoch, &n.to_string())).await.unwrap();
    }
    let left = std::fs::read(&wal).unwrap();
    drop(store);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&wal, &left).unwrap();
    std::fs::write(path.with_extension("db-shm"), "of another time").unwrap();
    assert!(what(SqliteStore::open(&path)).contains("records in its log"));

    let kept = Restoring::begin(&path, &from).unwrap().finish(Timestamp::UNIX_EPOCH).unwrap().unwrap();
    assert!(kept.as_str().ends_with(".sqlite-wal") && std::fs::read(&kept).unwrap() == left, "{kept}");
    assert!(!wal.exists() && !path.with_extension("db-shm").exists());
    for _ in 0..2 {
        let found = audit(&path, Vec::new()).unwrap();
        assert!(found.is_whole() && found.head == head, "{found:?}");
        drop(SqliteStore::open(&path).unwrap().load().await.unwrap());
    }
}

#[test]
fn only_whoever_uses_the_ledger_is_in_the_way_of_a_backup() {
    let of = |code| failure::sqlite(Utf8Path::new("l"), Error::SqliteFailure(ffi::Error::new(code), None));
    for (code, refuses) in [
        (ffi::SQLITE_BUSY, true),
        (ffi::SQLITE_LOCKED, true),
        (ffi::SQLITE_IOERR_READ, false),
        (ffi::SQLITE_CANTOPEN, false),
        (ffi::SQLITE_CORRUPT, false),
        (ffi::SQLITE_READONLY, false),
    ] {
        assert_eq!(is_in_use(&of(code)), refuses, "{code}");
    }
}
