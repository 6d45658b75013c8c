use crate::{Commit, IssueId, MergeMethod, NewIssue, NewPull, ProjectName, TrackerState};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// One of each. Whoever adds a kind of write is told by the compiler to say in the table how it is done again, and by this
/// test to list it.
fn all() -> Vec<Effect> {
    let project = || ProjectName::new("web").unwrap();
    let issue = || IssueId::new("1").unwrap();
    let commit = || Commit("1".repeat(40));
    let (branch, body, topic) = (|| "dayfly/web-1".to_owned(), || "b".to_owned(), || "t".to_owned());
    let new = NewPull { branch: branch(), head: commit(), base: body(), title: body(), body: body(), draft: false };
    let tracker = [
        TrackerWrite::Comment { issue: issue(), body: body() },
        TrackerWrite::Sticky { issue: issue(), topic: topic(), body: body() },
        TrackerWrite::Create(NewIssue::default()),
        TrackerWrite::Milestone { title: body(), due: None, state: TrackerState::Open },
        TrackerWrite::Duplicate { issue: issue(), of: issue() },
        TrackerWrite::Labels { issue: issue(), add: vec![], remove: vec![] },
        TrackerWrite::State { issue: issue(), state: TrackerState::Open },
        TrackerWrite::BlockedBy { issue: issue(), by: vec![] },
        TrackerWrite::SetMilestone { issue: issue(), milestone: None },
    ];
    let pulls = [
        PullWrite::Open(new),
        PullWrite::Ready { branch: branch() },
        PullWrite::Say { branch: branch(), topic: topic(), body: body() },
        PullWrite::Merge { branch: branch(), head: commit(), method: MergeMethod::Squash },
        PullWrite::RemoveBranch { branch: branch() },
    ];
    let git = [
        Effect::Land { project: project(), branch: branch(), from: commit(), to: commit() },
        Effect::Branch { project: project(), branch: branch(), commit: commit() },
        Effect::Push { project: project(), branch: branch(), commit: commit() },
    ];
    let tracker = tracker.map(|write| Effect::Tracker { project: project(), write });
    let pulls = pulls.map(|write| Effect::Pull { project: project(), write });
    tracker.into_iter().chain(pulls).chain(git).collect()
}

#[test]
fn every_effect_has_its_own_line_in_the_table() {
    let mut lines: Vec<&str> = all().iter().map(|effect| effect.again().what).collect();
    lines.sort_unstable();
    let mut listed: Vec<&str> = Again::ALL.iter().map(|again| again.what).collect();
    listed.sort_unstable();
    assert_eq!(lines, listed);
    listed.dedup();
    assert_eq!(lines, listed, "no line twice");
}

#[test]
fn what_nothing_makes_harmless_waits_for_what_is_under_way() {
    for Again { what, idempotency, quarantine, .. } in Again::ALL {
        assert!(quarantine || !idempotency.starts_with("none"), "{what}");
    }
}

#[test]
fn the_documentation_holds_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/recovery.md");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(&Again::table()), "docs/recovery.md is to hold:\n{}", Again::table());
}

/// A label that came late once took the place of one that was set after it.
#[test]
fn what_a_late_request_would_undo_waits_for_it() {
    let waits = |write: &TrackerWrite| matches!(write, TrackerWrite::Labels { .. } | TrackerWrite::State { .. });
    let set = all().into_iter().filter(|e| matches!(e, Effect::Tracker { write, .. } if waits(write)));
    assert_eq!(set.filter(|effect| effect.again().quarantine).count(), 2);
}

#[test]
fn what_may_be_under_way_is_waited_for_from_now() {
    assert_eq!(quarantine_until(at("2026-01-01T05:00:00Z")), at("2026-01-01T05:01:00Z"));
}
