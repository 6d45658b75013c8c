use super::*;
use crate::NewIssue;

fn label(add: &[&str], remove: &[&str]) -> TrackerWrite {
    let words = |all: &[&str]| all.iter().map(|&w| w.to_owned()).collect();
    TrackerWrite::Labels { issue: IssueId::new("1").unwrap(), add: words(add), remove: words(remove) }
}

#[test]
fn a_write_of_our_own_is_shown_without_reading_anew() {
    let mut world = World::new();
    world.labelled("web#1", "ready-for-dev");
    world.labelled("web#1", "bug");
    let id = || IssueId::new("1").unwrap();
    let view = world.views.get_mut(&project("web")).unwrap();
    assert!(view.show("a/0", &label(&["in-progress", "bug"], &["ready-for-dev"])));
    assert!(view.show("a/1", &TrackerWrite::Comment { issue: id(), body: "Which?".into() }));
    assert!(view.show("a/2", &TrackerWrite::State { issue: id(), state: TrackerState::Closed }));
    let issue = &view.issues[0];
    assert_eq!(issue.labels, ["bug", "in-progress"]);
    assert_eq!(issue.state, TrackerState::Closed);
    assert!(issue.comments[0].is_own(), "no answer of a person's");
}

#[test]
fn what_a_write_did_elsewhere_must_be_read() {
    let mut view = ProjectView::default();
    let child = NewIssue {
        title: "x".into(),
        body: String::new(),
        labels: vec![],
        milestone: None,
        parent: None,
        ..NewIssue::default()
    };
    assert!(!view.show("a/0", &TrackerWrite::Create(child)));
    assert!(!view.show("a/1", &label(&["bug"], &[])), "the issue is not there");
}

/// The engine looks only where something has changed; that must find what a look at everything finds.
#[test]
fn a_look_at_some_issues_sees_of_them_what_a_look_at_all_sees() {
    let mut world = World::new();
    for n in 1..4 {
        world.known(&format!("web#{n}"), "exec", queued());
        world.issue(&format!("web#{n}")).state = TrackerState::Closed;
    }
    let some = |names: &[&str]| {
        let issues = names.iter().map(|n| issue_ref(n)).collect();
        world.input().observations_of(&issues)
    };
    assert_eq!(some(&["web#1", "web#2", "web#3"]), world.seen());
    assert_eq!(some(&["web#2"]), [Event::Closed { issue: issue_ref("web#2") }]);
    assert_eq!(some(&["web#9", "none#1"]), []);
    assert_eq!(some(&[]), []);
}
