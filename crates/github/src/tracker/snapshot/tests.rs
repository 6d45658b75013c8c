use serde_json::json;

use super::super::laid::Fact;
use super::super::seen::SeenComment;
use super::*;

fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(second)
}

fn issue(number: u64, updated: i64, labels: &[&str]) -> wire::Issue {
    let value = json!({
        "id": 1000 + number, "number": number, "title": "one", "labels": labels, "updated_at": at(updated).to_string(),
    });
    serde_json::from_value(value).unwrap()
}

fn comment(id: u64, number: u64, updated: i64, body: &str) -> wire::Comment {
    let url = format!("https://api.github.com/repos/acme/web/issues/{number}");
    let value = json!({ "id": id, "body": body, "issue_url": url, "updated_at": at(updated).to_string() });
    serde_json::from_value(value).unwrap()
}

fn print(open: u64, all: u64, issue: i64) -> Print {
    let issue = Some(at(issue));
    Print { open, all, issue, milestones: 0, milestone: None, highest: 0, sure: false }
}

fn labels(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.issues[&1].labels.iter().map(String::as_str).collect()
}

#[test]
fn what_is_older_than_known_is_passed_over() {
    let mut snapshot = Snapshot::new(at(0));
    assert_eq!(snapshot.merge(vec![issue(1, 5, &["b"])], at(5)), BTreeSet::from([1]));
    assert_eq!(snapshot.merge(vec![issue(1, 3, &["a"])], at(6)), BTreeSet::new(), "a replica lags");
    assert_eq!(labels(&snapshot), ["b"]);
    assert_eq!(snapshot.merge(vec![issue(1, 5, &["b"])], at(6)), BTreeSet::new(), "nothing new");
    assert_eq!(snapshot.merge(vec![issue(1, 5, &["c"])], at(6)), BTreeSet::from([1]), "changed in the same second");
    assert_eq!((snapshot.cursor, snapshot.newest), (None, Some(at(5))));
    snapshot.arrive(at(6));
    assert_eq!((snapshot.cursor, snapshot.pending.len()), (Some(at(5)), 0));
    snapshot.merge_comments(vec![comment(7, 1, 5, "new"), comment(8, 9, 5, "of a pull request")]);
    snapshot.merge_comments(vec![comment(7, 1, 4, "old")]);
    assert_eq!(snapshot.issues[&1].comments[&7].body, "new");
}

#[test]
fn an_own_write_is_shown_until_it_is_seen_and_then_anybody_may_undo_it() {
    let mut snapshot = Snapshot::new(at(0));
    snapshot.merge(vec![issue(1, 5, &["a"])], at(5));
    snapshot.lay(1, at(10), Fact::With("b".into()));
    snapshot.lay(1, at(10), Fact::Without("A".into()));
    assert_eq!(labels(&snapshot), ["b"]);
    snapshot.merge(vec![issue(1, 10, &["a"])], at(11));
    assert_eq!(labels(&snapshot), ["b"], "it is not everywhere yet");
    snapshot.merge(vec![issue(1, 10, &["b"])], at(12));
    snapshot.merge(vec![issue(1, 13, &[])], at(13));
    assert_eq!(labels(&snapshot), Vec::<&str>::new(), "a person took it off");

    snapshot.lay(1, at(20), Fact::With("c".into()));
    snapshot.merge(vec![issue(1, 21, &["a"])], at(100));
    assert_eq!(labels(&snapshot), ["a"], "no replica lags so long: somebody undid it between two looks");
    assert!(snapshot.laid.is_empty());
}

#[test]
fn an_own_comment_survives_a_list_that_does_not_have_it_yet() {
    let mut snapshot = Snapshot::new(at(0));
    snapshot.merge(vec![issue(1, 5, &[])], at(5));
    let own = SeenComment::from_wire(comment(7, 1, 10, "own"));
    snapshot.lay(1, at(10), Fact::Comment(own.clone()));
    snapshot.replace_comments(1, vec![comment(6, 1, 4, "theirs")], at(11));
    assert_eq!(snapshot.issues[&1].comments.len(), 2);
    assert_eq!(snapshot.laid_comments(1, at(11)).0, [own]);
    snapshot.lay(1, at(12), Fact::NoComment(7));
    snapshot.replace_comments(1, vec![comment(7, 1, 10, "own")], at(13));
    assert!(snapshot.issues[&1].comments.is_empty(), "the other is gone, and the own one was removed");
}

#[test]
fn numbers_tell_what_no_list_of_changes_shows() {
    let mut snapshot = Snapshot::new(at(0));
    snapshot.merge(vec![issue(1, 5, &[]), issue(2, 5, &[])], at(5));
    assert!(snapshot.agrees_with(&print(2, 7, 5)), "at first, how many there ever were is news");
    snapshot.print = Some(Print { highest: 2, ..print(2, 7, 5) });
    snapshot.merge(vec![issue(3, 6, &[])], at(6));
    assert!(snapshot.agrees_with(&print(3, 8, 6)));
    assert!(!snapshot.agrees_with(&print(3, 7, 6)), "one that was closed is gone");
    assert!(!snapshot.agrees_with(&print(2, 8, 6)), "one that is open is gone");
    assert!(snapshot.reaches(&print(3, 8, 6), at(9)) && !snapshot.reaches(&print(3, 8, 7), at(9)));
    assert!(snapshot.reaches(&print(3, 8, 7), at(700)), "what no machine shows after that is not there");
}

#[test]
fn what_was_just_made_survives_a_list_that_does_not_have_it_yet() {
    let mut snapshot = Snapshot::new(at(0));
    let made = SeenIssue::from_wire(issue(2, 10, &[]));
    snapshot.lay(2, at(10), Fact::Issue(Box::new(made)));
    snapshot.replace(vec![issue(1, 5, &[])], at(11));
    assert_eq!(snapshot.issues.keys().copied().collect::<Vec<_>>(), [1, 2]);
    snapshot.replace(vec![issue(1, 5, &[])], at(100));
    assert_eq!(snapshot.issues.keys().copied().collect::<Vec<_>>(), [1], "later it was deleted");
}

#[test]
fn a_snapshot_comes_back_from_its_file() {
    let mut snapshot = Snapshot::new(at(0));
    snapshot.merge(vec![issue(1, 5, &["a"])], at(5));
    snapshot.merge_comments(vec![comment(7, 1, 5, "text")]);
    snapshot.remember_label(1, Doing::Labelled("a".into()), at(3));
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
    assert!(snapshot.is_own_label(1, &Doing::Labelled("A".into()), at(60)));
    assert!(!snapshot.is_own_label(1, &Doing::Unlabelled("a".into()), at(3)), "that was another doing");
    assert!(!snapshot.is_own_label(1, &Doing::Labelled("a".into()), at(300)), "that was later");
}
