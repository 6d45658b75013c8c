//! Issue and milestone files as anybody may write them.

use dayfly_core::{IssueId, TrackerState};
use jiff::Timestamp;

use super::{milestones, parse, text};

/// A file is read or refused with its line, and what is written into it changes nothing else.
pub(crate) fn issues(data: &[u8]) {
    let whole = &*String::from_utf8_lossy(data);
    let lines = whole.matches('\n').count() + 1;
    match parse::milestones(whole) {
        Ok(known) => {
            if let Ok(Some(more)) = milestones::changed(whole, "a new one", None, TrackerState::Open) {
                let again = parse::milestones(&more).map(|all| all.len());
                assert_eq!(again, Ok(known.len() + 1), "{whole:?} became {more:?}");
                assert!(keeps(whole, &more), "{whole:?} became {more:?}");
            }
        }
        Err(flaw) => assert!((1..=lines).contains(&flaw.line) && !flaw.problem.is_empty(), "{flaw:?}"),
    }
    let issue = match parse::issue(whole, "1-a-name") {
        Ok(parsed) => parsed.issue,
        Err(flaw) => return assert!((1..=lines).contains(&flaw.line) && !flaw.problem.is_empty(), "{flaw:?}"),
    };
    let comment = text::comment("ann", Timestamp::UNIX_EPOCH, Some("a key"), &issue.body);
    let said = text::with_comment(whole, &comment);
    assert!(said.starts_with(whole));
    let read = parse::issue(&said, "1-a-name").map(|parsed| parsed.issue);
    let read = read.unwrap_or_else(|flaw| panic!("{whole:?} with a comment is refused: {flaw:?}"));
    assert_eq!((&read.title, &read.body, read.comments.len()), (&issue.title, &issue.body, issue.comments.len() + 1));
    let last = read.comments.last().map(|last| (last.key.as_deref(), &last.body));
    assert_eq!(last, Some((Some("a key"), &issue.body)), "{said:?}");
    let label = ["needs-a-look".to_owned()];
    let more = text::with_labels(whole, &label, &[]);
    assert!(more.is_err() || more.is_ok_and(|more| keeps(whole, &more)), "{whole:?} loses by a label");
    let closed = text::with_state(whole, "closed").and_then(|text| text::with_labels(&text, &label, &issue.labels));
    let blocked =
        closed.and_then(|text| text::with_blockers(&text, &IssueId::new("7").into_iter().collect::<Vec<_>>()));
    let Ok(changed) = blocked else { return };
    let read = parse::issue(&changed, "1-a-name").map(|parsed| parsed.issue);
    let read = read.unwrap_or_else(|flaw| panic!("{whole:?} became {changed:?}, which is refused: {flaw:?}"));
    assert_eq!((read.title, read.body, read.comments.len()), (issue.title, issue.body, issue.comments.len()));
    assert_eq!(read.state, TrackerState::Closed, "{whole:?} became {changed:?}");
    assert!(read.labels.contains(&label[0]), "{whole:?} became {changed:?}");
}

/// Whether all of the old text is still there, in its order.
fn keeps(old: &str, new: &str) -> bool {
    let mut new = new.bytes();
    old.bytes().all(|byte| new.any(|other| other == byte))
}
