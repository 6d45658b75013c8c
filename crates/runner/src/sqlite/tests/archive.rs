//! The beginning of a ledger in files beside it.

use std::fs;
use std::process::Command;

use dayfly_core::{Anchor, Condition, End, JobSpec, Next, Outcome, Receipt, StageName, TrackerKind};
use jiff::SignedDuration;

use super::*;
use crate::sqlite::archive::shelf::folder as archive_folder;
use crate::sqlite::archive::{Cut, Step};

const CUT: Cut = Cut { part: 8, file: 25, keep: 6 };
const JOBS: u64 = 100;
/// Of which this many run, and are claimed behind the others.
const LIVE: u64 = 2;

fn name(n: u64) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).unwrap()
}

fn attempt(n: u64) -> AttemptId {
    AttemptId::new(&name(n), &StageName::new("exec").unwrap(), 1)
}

fn at(n: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(i64::try_from(n).unwrap())
}

fn started(n: u64) -> Event {
    let job: JobSpec = serde_json::from_value(serde_json::json!({
        "kind": "stage", "issue": name(n), "trust": "writer", "title": format!("Issue {n}"), "stage": "exec",
        "run": "agent", "agent": "a", "prompt": "What is wanted.", "access": "write", "answer": "optional",
        "effects": [], "children": 8, "base": "b".repeat(40), "start": "b".repeat(40), "admission": [], "gates": [],
        "protected": [], "diff_lines": 10, "wall": {"secs": 60, "nanos": 0}, "silence_report": {"secs": 5, "nanos": 0},
        "silence": {"secs": 10, "nanos": 0}, "grace": {"secs": 1, "nanos": 0}, "gate_timeout": {"secs": 60, "nanos": 0},
    }))
    .unwrap();
    let (attempt, job) = (attempt(n), Box::new(job));
    Event::AttemptStarted { attempt, job, substitution: None, tracker: TrackerKind::default() }
}

fn ended(n: u64, token: Token) -> Event {
    let receipt = Receipt::default();
    let outcome = Outcome { end: End::Succeeded, proposal: None, commit: None, answer: None, receipt };
    let (attempt, outcome) = (attempt(n), Box::new(outcome));
    Event::AttemptEnded { attempt, token, outcome, next: Next::Finish, effects: Vec::new() }
}

async fn claim(store: &SqliteStore, epoch: Epoch, n: u64) -> Token {
    let conditions = vec![Condition::Idle(name(n))];
    store.append(&Batch { epoch, at: at(n), events: vec![started(n)], conditions }).await.unwrap()[0].seq
}

async fn finish(store: &SqliteStore, epoch: Epoch, n: u64, token: Token) -> Vec<Record> {
    let conditions = vec![Condition::Holder(attempt(n), token)];
    store.append(&Batch { epoch, at: at(n), events: vec![ended(n, token)], conditions }).await.unwrap()
}

/// A ledger of many jobs, of which the last run.
async fn worked(path: &Utf8Path) -> (SqliteStore, Epoch) {
    let store = SqliteStore::open(path).unwrap();
    let epoch = store.take_over().await.unwrap();
    for n in 1..=JOBS {
        let token = claim(&store, epoch, n).await;
        if n <= JOBS - LIVE {
            finish(&store, epoch, n, token).await;
        }
    }
    (store, epoch)
}

/// Archives as the thread of a store does, and is killed where `step` says so.
fn archive(
    path: &Utf8Path,
    before: Timestamp,
    step: &mut dyn FnMut(Step) -> Result<(), StoreError>,
) -> Result<crate::sqlite::Archived, StoreError> {
    let connection = schema::connect(path, Access::Write).unwrap();
    Writer::new(path.to_owned(), connection, Access::Write, Arc::new(SystemClock)).archive(before, CUT, step)
}

/// The same with files of so many records, which is killed after a step.
fn cut_short(path: &Utf8Path, before: Timestamp, file: usize, last: Option<Step>) {
    let connection = schema::connect(path, Access::Write).unwrap();
    let mut writer = Writer::new(path.to_owned(), connection, Access::Write, Arc::new(SystemClock));
    let killed = || Err(failure::other("killed".into(), "here"));
    let mut step = |step| if Some(step) == last { killed() } else { Ok(()) };
    assert_eq!(writer.archive(before, Cut { file, ..CUT }, &mut step).is_ok(), last.is_none());
}

fn all(path: &Utf8Path, before: Timestamp) -> crate::sqlite::Archived {
    archive(path, before, &mut |_| Ok(())).unwrap()
}

fn rows(path: &Utf8Path) -> u64 {
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    Connection::open(path).unwrap().query_row("SELECT count(*) FROM ledger", (), count).unwrap() as u64
}

/// Everything that can be asked of a store about the past.
async fn told(store: &SqliteStore) -> Vec<Vec<Record>> {
    let mut pages = Vec::new();
    let mut after = Seq(0);
    loop {
        let page = store.read(after, 33).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.seq;
        pages.extend(page);
    }
    let mut told = vec![pages, store.read(Seq(0), usize::MAX).await.unwrap()];
    for n in [1, 2, 40, JOBS] {
        told.push(store.about(&name(n)).await.unwrap());
        told.push(store.between(at(n), at(n + 9)).await.unwrap());
        told.push(store.read(Seq(n), 3).await.unwrap());
    }
    told.push(store.since(Timestamp::MIN).await.unwrap());
    told
}

#[tokio::test]
async fn what_is_in_archives_is_read_as_if_it_were_still_there() {
    let (_folder, path) = folder();
    let (store, epoch) = worked(&path).await;
    let reader = SqliteStore::open_read_only(&path).unwrap();
    let (before, state) = (told(&store).await, store.load().await.unwrap());
    let whole = audit(&path, Vec::new()).unwrap();
    drop(store);

    let first = all(&path, at(30));
    assert_eq!(first.records, 58, "two for each of the 29 jobs before");
    assert_eq!((first.files.len(), rows(&path)), (3, before[0].len() as u64 - 58));
    assert_eq!(all(&path, at(30)).records, 0, "there is nothing more of that age");
    // All of the 64 last ends stay, and what is claimed.
    let rest = all(&path, Timestamp::MAX);
    let last_ends = 64;
    assert_eq!(first.records + rest.records, 2 * (JOBS - LIVE - last_ends + 1) - CUT.keep, "{rest:?}");

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(told(&store).await, before);
    assert_eq!(told(&reader).await, before, "also by whoever had it open");
    assert_eq!(store.load().await.unwrap(), state);
    assert_eq!(audit(&path, vec![whole.head.clone()]).unwrap(), whole);
    assert_eq!(audit(&path, vec![Anchor::new(Seq(9), &before[0][8].hash)]).unwrap(), whole, "a place in an archive");
    assert_eq!(store.rebuild().await.unwrap().different, 0);
    alter(&path, "DELETE FROM fold");
    assert_eq!(SqliteStore::open(&path).unwrap().load().await.unwrap(), state, "all is folded anew from both");
    finish(&store, epoch, JOBS, before[0].last().unwrap().seq).await;
    assert_eq!(store.rebuild().await.unwrap().different, 0);

    let unpacked = Command::new("gzip").arg("-dc").args(&first.files).output().unwrap();
    let lines = String::from_utf8(unpacked.stdout).unwrap();
    let records: Vec<Record> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records, before[0][..58], "anybody's gzip reads them, as `audit show --json` writes them");
}

#[tokio::test]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_is_there_twice() {
    let (_folder, intact) = folder();
    let (store, _) = worked(&intact).await;
    let (before, whole) = (told(&store).await, audit(&intact, Vec::new()).unwrap());
    drop(store);
    let mut kills = 0;
    for nth in 1.. {
        let (_folder, path) = folder();
        fs::copy(&intact, &path).unwrap();
        let mut steps = Vec::new();
        let killed = archive(&path, at(60), &mut |step| {
            steps.push(step);
            if steps.len() == nth { Err(failure::other("killed".into(), "here")) } else { Ok(()) }
        });
        let check = async |when: &str| {
            let store = SqliteStore::open(&path).unwrap();
            assert_eq!(told(&store).await, before, "{when} {steps:?}");
            assert_eq!(audit(&path, vec![whole.head.clone()]).unwrap(), whole, "{when} {steps:?}");
            assert_eq!(store.rebuild().await.unwrap().different, 0, "{when} {steps:?}");
        };
        check("after the kill").await;
        let gone = before[0].len() as u64 - rows(&path);
        let again = all(&path, at(60));
        check("after it was done again").await;
        let left: Vec<_> = archive_folder(&path).read_dir_utf8().unwrap().map(|e| e.unwrap().into_path()).collect();
        let known = crate::sqlite::archives(&path).unwrap();
        assert_eq!(left.len(), known.len(), "no file is left that nothing names: {left:?} {steps:?}");
        assert_eq!(known.iter().map(|a| a.last - a.first + 1).sum::<u64>(), gone + again.records);
        if killed.is_ok() {
            break;
        }
        kills += 1;
    }
    assert_eq!(kills, 12, "there are three files of four steps");
}

#[tokio::test]
async fn work_goes_on_without_archives_and_whoever_needs_one_is_told_which() {
    let (folder, path) = folder();
    let (store, epoch) = worked(&path).await;
    let (before, state, whole) = (told(&store).await, store.load().await.unwrap(), audit(&path, Vec::new()).unwrap());
    drop(store);
    let file = all(&path, Timestamp::MAX).files.remove(0);
    let intact = fs::read(&file).unwrap();
    let mut bit = intact.clone();
    bit[intact.len() / 2] ^= 1;
    let longer = [intact.as_slice(), b"x"].concat();
    let harm: [(&str, Option<&[u8]>); 4] = [
        ("is missing", None),
        ("was changed", Some(&bit)),
        ("was changed", Some(&intact[..9])),
        ("was changed", Some(&longer)),
    ];
    for (n, (why, bytes)) in harm.into_iter().enumerate() {
        match bytes {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.load().await.unwrap().done(), state.done() + n);
        assert_eq!(
            store.recall(&[name(1)]).await.unwrap().len(),
            1,
            "also what is in the archive is known as it stands"
        );
        let job = JOBS + 1 + n as u64;
        let token = claim(&store, epoch, job).await;
        let end = finish(&store, epoch, job, token).await;
        assert_eq!(finish(&store, epoch, job, token).await, end, "an answer that was lost is given again");
        assert_eq!(store.between(at(JOBS - 1), at(JOBS)).await.unwrap(), before[0][whole.records as usize - 2..][..1]);

        let said = |err: StoreError| err.to_string();
        let names = |text: &str| {
            assert!(text.contains(file.file_name().unwrap()) && text.contains(why), "{text}");
            assert!(text.contains("put it back from the folder `archive` beside a backup"), "{text}");
        };
        let found = audit(&path, Vec::new()).unwrap();
        names(&found.broken.unwrap().to_string());
        // A byte behind all that is read harms no reader.
        if n < 3 {
            names(&said(store.read(Seq(0), usize::MAX).await.unwrap_err()));
            names(&said(store.rebuild().await.unwrap_err()));
        }
        let copy = path.with_file_name("copy").join("ledger.sqlite");
        names(&said(backup(&path, &copy).unwrap_err()));
        assert!(!copy.exists());
    }
    fs::write(&file, &intact).unwrap();
    assert!(audit(&path, vec![whole.head]).unwrap().is_whole());
    assert_eq!(SqliteStore::open(&path).unwrap().rebuild().await.unwrap().different, 0);
    drop(folder);
}

#[tokio::test]
async fn what_is_not_in_order_is_not_moved_and_a_file_without_archives_stays_as_old_programs_read_it() {
    let (_folder, path) = folder();
    drop(worked(&path).await);
    let version =
        || -> i64 { Connection::open(&path).unwrap().query_row("PRAGMA user_version", (), |r| r.get(0)).unwrap() };
    assert_eq!((all(&path, Timestamp::MIN).records, version()), (0, 2));
    alter(&path, "UPDATE ledger SET at = replace(at, 'Z', '.5Z') WHERE seq = 20");
    let refused = archive(&path, at(30), &mut |_| Ok(())).unwrap_err();
    assert!(matches!(refused, StoreError::Ledger(_)), "{refused}");
    assert_eq!(rows(&path), 2 * JOBS - LIVE, "{refused}");
    alter(&path, "UPDATE ledger SET at = replace(at, '.5Z', 'Z') WHERE seq = 20");
    assert_eq!((all(&path, at(30)).records, version()), (58, 3));
}

#[tokio::test]
async fn a_copy_takes_its_archives_along() {
    let (_folder, path) = folder();
    let (store, _) = worked(&path).await;
    let before = told(&store).await;
    drop(store);
    let files = all(&path, at(60)).files;
    let copy = path.with_file_name("copies").join("ledger.sqlite");
    assert_eq!(backup(&path, &copy).unwrap().archives, files.len());
    fs::remove_dir_all(archive_folder(&path)).unwrap();
    let store = SqliteStore::open_read_only(&copy).unwrap();
    assert_eq!(told(&store).await, before);
    drop(store);

    Restoring::begin(&path, &copy).unwrap().finish(at(1)).unwrap();
    assert_eq!(told(&SqliteStore::open(&path).unwrap()).await, before, "and brings them back");
    // One that was harmed among the copies is made anew with the next.
    fs::write(archive_folder(&copy).join(files[0].file_name().unwrap()), "no").unwrap();
    assert!(!audit(&copy, Vec::new()).unwrap().is_whole());
    backup(&path, &copy.with_file_name("next.sqlite")).unwrap();
    assert!(audit(&copy, Vec::new()).unwrap().is_whole());
}

#[tokio::test]
async fn a_fold_that_is_made_anew_comes_through_the_archives_piece_by_piece() {
    let (_folder, path) = folder();
    let (store, _) = worked(&path).await;
    let (before, state) = (told(&store).await, store.load().await.unwrap());
    drop(store);
    assert_eq!(all(&path, at(30)).records, 58);
    alter(&path, "UPDATE fold SET version = 99");
    let pieces = 2 * JOBS / 7;
    for n in 0..=pieces + 1 {
        // Each piece by a program of its own: the one before was killed.
        let connection = schema::connect(&path, Access::Write).unwrap();
        let mut writer = Writer::new(path.clone(), connection, Access::Write, Arc::new(SystemClock));
        let more = writer.settle_some(7).unwrap();
        assert_eq!(more, n <= pieces, "piece {n} of {pieces}");
        let reader = SqliteStore::open_read_only(&path).unwrap();
        assert_eq!(reader.load().await.unwrap().head, state.head, "whoever only reads goes on from it too");
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!((store.load().await.unwrap(), told(&store).await), (state, before));
    assert_eq!(store.rebuild().await.unwrap().different, 0);
}

#[tokio::test]
async fn a_ledger_that_is_replaced_is_known_as_far_as_it_goes_though_an_archive_of_it_is_missing() {
    let (_folder, path) = folder();
    let from = path.with_file_name("empty.db");
    drop(SqliteStore::open(&from).unwrap());
    drop(worked(&path).await);
    let whole = audit(&path, Vec::new()).unwrap();
    let files = all(&path, at(30)).files;
    fs::remove_file(&files[1]).unwrap();
    let (records, left_out) = SqliteStore::open_read_only(&path).unwrap().read_readable().await.unwrap();
    assert_eq!((records.len() as u64, left_out.len()), (whole.records - 25, 1));
    assert_eq!(left_out[0].file, files[1].file_name().unwrap());
    let restoring = Restoring::begin(&path, &from).unwrap();
    assert_eq!(restoring.replaced, Some(whole.head));
    // The records 26 to 50 are missing: the claims of the jobs 14 to 25.
    let readable: Vec<AttemptId> = (1..=JOBS).filter(|n| !(14..=25).contains(n)).map(attempt).collect();
    assert_eq!(restoring.since, readable.into_iter().collect());
}

#[tokio::test]
async fn a_file_that_no_ledger_names_is_removed_if_all_that_it_holds_is_still_in_the_ledger() {
    let (_folder, path) = folder();
    let (store, _) = worked(&path).await;
    let before = told(&store).await;
    drop(store);
    let in_folder = || {
        let mut names: Vec<String> =
            archive_folder(&path).read_dir_utf8().unwrap().map(|e| e.unwrap().file_name().to_owned()).collect();
        names.sort();
        names
    };
    let known = |path: &Utf8Path| -> Vec<String> {
        crate::sqlite::archives(path).unwrap().into_iter().map(|archive| archive.file).collect()
    };
    // What another ledger needs, and what is none of ours, stays.
    let replaced = path.with_file_name("replaced-ledger-20260101T000000000Z.sqlite");
    fs::copy(&path, &replaced).unwrap();
    all(&replaced, at(20));
    let mut stays = known(&replaced);
    for stranger in ["ledger-000000000001-000000000009-0123456789ab.jsonl.gz", "notes.txt"] {
        fs::write(archive_folder(&path).join(stranger), "another's").unwrap();
        stays.push(stranger.to_owned());
    }

    let there = in_folder().len();
    cut_short(&path, at(30), 10, Some(Step::Published));
    assert_eq!(in_folder().len(), there + 1);
    cut_short(&path, at(30), 12, Some(Step::Written));
    let (names, now) = (in_folder(), there + 1);
    assert!(names.len() == now && names.iter().any(|name| name.ends_with(".part")), "{names:?}");
    cut_short(&path, at(30), 4, None);
    let ours = known(&path);
    let mut wanted = [stays, ours.clone()].concat();
    wanted.sort();
    assert_eq!(in_folder(), wanted);
    assert!(ours.len() > 9 && ours.is_sorted(), "by their names they are in the order of their records: {ours:?}");
    assert_eq!(told(&SqliteStore::open(&path).unwrap()).await, before);
    assert!(audit(&replaced, Vec::new()).unwrap().is_whole());
}
