use serde_json::json;

use super::super::wire::Issue;
use super::*;

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn issue(number: u64, login: &str, association: &str) -> Issue {
    let value = json!({
        "id": number, "number": number, "created_at": at(5).to_string(), "user": { "login": login, "type": "User" }, "author_association": association,
    });
    serde_json::from_value(value).unwrap()
}

fn own() -> Identity {
    Identity { login: "dayfly-bot".into(), is_person: false }
}

fn asked(snapshot: &Snapshot, changed: &[u64], minute: i64) -> Vec<String> {
    unknown(snapshot, &changed.iter().copied().collect(), &own(), at(minute))
}

#[test]
fn those_who_acted_and_those_who_may_write_are_asked_for_again_soon() {
    let mut snapshot = Snapshot::new(at(0));
    let list = vec![
        issue(1, "Ann", "OWNER"),
        issue(2, "mallory", "NONE"),
        issue(3, "dayfly-bot", "NONE"),
        issue(4, "ci[bot]", "NONE"),
    ];
    snapshot.merge(list, at(0));
    assert_eq!(asked(&snapshot, &[], 0), ["ann", "mallory"]);
    for (login, writer) in [("ann", true), ("mallory", false)] {
        snapshot.people.insert(login.into(), Permitted { writer, asked: at(0) });
    }
    assert_eq!(asked(&snapshot, &[1, 2], 9), Vec::<String>::new());
    assert_eq!(asked(&snapshot, &[], 11), ["ann"], "a permission that was taken away must not last");
    assert_eq!(asked(&snapshot, &[2], 11), ["ann", "mallory"], "one that was given must not wait");
    snapshot.people.insert("mallory".into(), Permitted { writer: false, asked: at(6) });
    assert_eq!(asked(&snapshot, &[2], 17), ["ann"], "who did nothing since is what they were");
    assert_eq!(asked(&snapshot, &[], 60 * 25), ["ann", "mallory"]);
}

#[test]
fn a_crowd_of_outsiders_is_asked_for_bit_by_bit_and_the_newest_first() {
    let mut snapshot = Snapshot::new(at(0));
    let crowd = (1..=80).map(|n| issue(n, &format!("user-{n}"), "NONE"));
    snapshot.merge(crowd.chain([issue(81, "ann", "MEMBER")]).collect(), at(0));
    let first = asked(&snapshot, &[], 0);
    assert_eq!((first.len(), first[0].as_str(), first[1].as_str()), (51, "ann", "user-80"));
    for login in first {
        snapshot.people.insert(login, Permitted { writer: false, asked: at(0) });
    }
    assert_eq!(asked(&snapshot, &[], 1).len(), 30);
}
