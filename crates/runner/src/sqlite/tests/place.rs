//! Files that are moved, removed, emptied or damaged: beneath an open ledger, and before it is opened.

use std::fs;
use std::os::unix::fs::FileExt as _;

use super::*;

fn beside(path: &Utf8Path, end: &str) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}{end}"))
}

#[tokio::test]
async fn nothing_is_written_to_a_ledger_that_lost_its_place() {
    let gone = |path: &Utf8Path| fs::remove_file(path).unwrap();
    let moved = |path: &Utf8Path| fs::rename(path, beside(path, ".moved")).unwrap();
    let replaced = |path: &Utf8Path| {
        fs::copy(path, beside(path, ".other")).unwrap();
        fs::rename(beside(path, ".other"), path).unwrap();
    };
    let unlogged = |path: &Utf8Path| fs::remove_file(beside(path, "-wal")).unwrap();
    let cases: [&dyn Fn(&Utf8Path); 4] = [&gone, &moved, &replaced, &unlogged];
    for (n, case) in cases.into_iter().enumerate() {
        let (_folder, path) = folder();
        let store = SqliteStore::open(&path).unwrap();
        let epoch = store.take_over().await.unwrap();
        store.append(&batch(epoch, "1")).await.unwrap();
        case(&path);
        let refused = store.append(&batch(epoch, "2")).await.unwrap_err();
        assert!(refused.to_string().contains("moved, removed or replaced"), "case {n}: {refused}");
        assert!(!refused.is_transient(), "case {n}: the run ends");
        assert!(store.load().await.is_err() && store.take_over().await.is_err(), "case {n}");
        assert!(store.renew(epoch, &[], Duration::from_secs(1)).await.is_err(), "case {n}");
    }
}

#[tokio::test]
async fn a_ledger_that_was_put_back_is_whole_for_the_next_run_and_over_for_this_one() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    store.append(&batch(epoch, "1")).await.unwrap();
    fs::rename(&path, beside(&path, ".moved")).unwrap();
    store.append(&batch(epoch, "2")).await.unwrap_err();
    fs::rename(beside(&path, ".moved"), &path).unwrap();
    store.append(&batch(epoch, "2")).await.unwrap_err();
    drop(store);
    let next = SqliteStore::open(&path).unwrap();
    assert_eq!(next.append(&batch(epoch, "2")).await.unwrap()[0].seq, Seq(2));
    assert!(audit(&path, Vec::new()).unwrap().is_whole());
}

#[tokio::test]
async fn damage_that_any_reading_meets_ends_the_writing_for_good() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    store.append(&batch(epoch, "1")).await.unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&vec![0xaa; whole.len() - 4096], 4096).unwrap();
    let met = store.read(Seq(0), 9).await.unwrap_err();
    assert!(met.to_string().contains("is damaged; put a copy back with `dayfly store restore FILE`"), "{met}");
    file.write_all_at(&whole, 0).unwrap();
    let refused = store.append(&batch(epoch, "2")).await.unwrap_err();
    assert!(refused.to_string() == met.to_string() && !refused.is_transient(), "{refused}");
    drop(store);
    assert_eq!(SqliteStore::open(&path).unwrap().read(Seq(0), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_record_that_was_altered_long_ago_is_met_before_anything_is_appended() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path).unwrap();
    let epoch = store.take_over().await.unwrap();
    let events = vec![Event::EngineStarted { version: "1".into() }; 6_000];
    store.append(&Batch { events, ..batch(epoch, "1") }).await.unwrap();
    drop(store);
    for seq in [1, 4_095, 4_097, 5_000] {
        let with = |from: &str, to: &str| {
            alter(
                &path,
                &format!("UPDATE ledger SET body = replace(body, '\"{from}\"', '\"{to}\"') WHERE seq = {seq}"),
            );
        };
        with("1", "7");
        let refused = SqliteStore::open(&path).unwrap().append(&batch(epoch, "2")).await.unwrap_err();
        assert!(matches!(refused, StoreError::Ledger(_)), "{seq}: {refused}");
        with("7", "1");
    }
    SqliteStore::open(&path).unwrap().append(&batch(epoch, "2")).await.unwrap();
}

#[test]
fn a_lost_ledger_is_not_taken_for_a_first_start() {
    let (folder, path) = folder();
    let at = |name: &str| path.with_file_name(name);
    let make = |name: &str| {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), "x").unwrap();
    };
    for (name, said) in [
        ("attempts/web.1.exec.1", "there are attempts; put a copy back with `dayfly store restore FILE`"),
        ("archive/ledger-1-9.jsonl.gz", "there are archives; "),
        ("backups/ledger-20200101T000000000Z.sqlite", "there are backups; put its newest copy back with"),
        ("ledger.db-wal", "there are records in its log; "),
    ] {
        make(name);
        for empty in [false, true] {
            if empty {
                fs::write(&path, "").unwrap();
            }
            for result in [SqliteStore::open(&path), SqliteStore::open_read_only(&path)] {
                let what = what(result);
                assert!(what.contains(said) && what.contains("or move the folder"), "{name}, {empty}: {what}");
            }
            assert_eq!(path.metadata().map_or(0, |file| file.len()), 0, "nothing is made");
        }
        fs::remove_file(&path).unwrap();
        fs::remove_file(at(name)).unwrap();
    }
    make("backups/ledger-20200101T000000000Z.sqlite");
    make("backups/ledger-20200102T000000000Z.sqlite");
    let said = what(SqliteStore::open(&path));
    assert!(said.contains(&format!("restore {}`", at("backups/ledger-20200102T000000000Z.sqlite"))), "{said}");
    fs::remove_dir_all(at("backups")).unwrap();

    // A first run that was killed before it made anything leaves empty folders, and perhaps an empty file.
    assert!(folder.path().join("attempts").is_dir());
    fs::write(&path, "").unwrap();
    drop(SqliteStore::open(&path).unwrap());
    make("attempts/web.1.exec.1");
    drop(SqliteStore::open(&path).unwrap());
}
