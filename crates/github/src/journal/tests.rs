use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_176_000 + seconds).unwrap()
}

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().join("github")).unwrap();
    (folder, path)
}

#[test]
fn what_was_begun_is_known_until_it_ended() {
    let (_keep, folder) = folder();
    let journal = Journal::open(&folder).unwrap();
    journal.begin(at(0), "a", "POST", "/a").unwrap();
    journal.begin(at(1), "b", "POST", "/b").unwrap();
    journal.end(at(2), "a", Some(201), Some("AB:1".into())).unwrap();
    journal.end(at(2), "never-begun", None, None).unwrap();
    assert_eq!(journal.all_unsettled(), [("b".to_owned(), at(1))]);
    drop(journal);
    let journal = Journal::open(&folder).unwrap();
    assert_eq!((journal.unsettled("a"), journal.unsettled("b")), (None, Some(at(1))));
}

#[test]
fn a_torn_line_is_not_a_line() {
    let (_keep, folder) = folder();
    let journal = Journal::open(&folder).unwrap();
    journal.begin(at(0), "a", "POST", "/a").unwrap();
    drop(journal);
    let file = folder.join("writes.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    // However much of a further line is on disk, the first ones count, and a next one is whole.
    let torn = r#"{"line":"outcome","at":"2026-11-20T12:00:00Z","key":"a","status":201,"request":null}"#;
    for length in 0..torn.len() {
        std::fs::write(&file, format!("{text}{}", &torn[..length])).unwrap();
        let journal = Journal::open(&folder).unwrap();
        assert_eq!(journal.unsettled("a"), Some(at(0)));
        journal.begin(at(1), "b", "POST", "/b").unwrap();
        drop(journal);
        assert_eq!(Journal::open(&folder).unwrap().all_unsettled().len(), 2);
    }
}

#[test]
fn a_line_that_cannot_be_read_is_a_fault_and_a_newer_format_too() {
    let (_keep, folder) = folder();
    drop(Journal::open(&folder).unwrap());
    let file = folder.join("writes.jsonl");
    std::fs::write(&file, "{\"line\":\"journal\",\"version\":1}\nnonsense\n").unwrap();
    assert!(Journal::open(&folder).unwrap_err().to_string().contains("line 2"));
    std::fs::write(&file, "{\"line\":\"journal\",\"version\":2}\n").unwrap();
    assert!(Journal::open(&folder).unwrap_err().to_string().contains("update dayfly"));
}

#[test]
fn the_file_starts_anew_with_what_is_not_settled() {
    let (_keep, folder) = folder();
    let journal = Journal::open(&folder).unwrap();
    journal.begin(at(0), "old", "POST", "/old").unwrap();
    journal.locked().size = MOST_BYTES + 1;
    journal.begin(at(1), "new", "POST", "/new").unwrap();
    let text = std::fs::read_to_string(folder.join("writes.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert_eq!(journal.locked().size, text.len() as u64);
    journal.end(at(2), "old", None, None).unwrap();
    drop(journal);
    assert_eq!(Journal::open(&folder).unwrap().all_unsettled(), [("new".to_owned(), at(1))]);
}

#[test]
fn a_sample_of_the_first_format_loads_for_ever() {
    let (_keep, folder) = folder();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("writes.jsonl"), include_str!("../../tests/data/writes-1.jsonl")).unwrap();
    let journal = Journal::open(&folder).unwrap();
    assert_eq!(journal.all_unsettled(), [("shop-42-comment".to_owned(), at(3))]);
}
