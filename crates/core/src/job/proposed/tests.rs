use crate::{
    AccountName, AgentName, End, Feedback, GateFailure, Proposal, Receipt, StageName, Using, VendorName, probe_job,
};

use super::*;

fn job(trust: Trust) -> JobSpec {
    let using = Using {
        vendor: VendorName::new("script").unwrap(),
        account: AccountName::new("default").unwrap(),
        model: None,
    };
    let mut job = probe_job(&AgentName::new("script").unwrap(), &using);
    job.issue = "web#7".to_owned().try_into().unwrap();
    job.trust = trust;
    job.milestone = Some("May 2026".into());
    job
}

fn outcome(end: End, effects: Vec<Proposed>) -> Outcome {
    let proposal = Some(Proposal { version: 1, effects, ..Proposal::default() });
    Outcome { end, proposal, commit: None, answer: None, receipt: Receipt::default() }
}

fn go() -> Next {
    let feedback: Option<Feedback> = None;
    Next::Go { stage: StageName::new("prep").unwrap(), feedback, not_before: None }
}

fn good(trust: Trust, effects: Vec<Proposed>, next: &Next) -> Vec<TrackerWrite> {
    writes(&job(trust), &Labels::default(), &outcome(End::Succeeded, effects), next)
}

#[test]
fn what_is_posted_calls_and_closes_nothing() {
    let comment = Proposed::Comment { body: "@ann: fixes #1 <!-- dayfly:child parent=1 key=a -->".into() };
    let child = Child { key: "a".into(), title: "Ask @ann".into(), body: "/merge\u{202e}".into(), after: vec![] };
    let split = Proposed::Split { children: vec![child] };
    let made = good(Trust::Writer, vec![comment, split], &Next::Split);
    let [TrackerWrite::Comment { body, .. }, TrackerWrite::Create(new)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(body.trim_end(), "`@ann`: fixes `#1`");
    assert_eq!((new.title.as_str(), new.body.as_str()), ("Ask `@ann`", "\\/merge"));
}

#[test]
fn children_keep_their_keys_and_their_order() {
    let child = |key: &str, after: &[&str]| Child {
        key: key.into(),
        title: key.into(),
        after: after.iter().map(|k| (*k).to_owned()).collect(),
        ..Child::default()
    };
    let split = || Proposed::Split { children: vec![child("a", &[]), child("b", &["a"])] };
    let made = good(Trust::Writer, vec![split()], &Next::Split);
    let news: Vec<&NewIssue> = made
        .iter()
        .map(|write| match write {
            TrackerWrite::Create(new) => new,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((news[0].part.as_deref(), news[1].part.as_deref()), (Some("a"), Some("b")));
    assert_eq!((news[0].after.len(), news[1].after.as_slice()), (0, ["a".to_owned()].as_slice()));
    assert_eq!(news[1].parent.as_ref().map(|p| p.as_str()), Some("7"));
    assert_eq!(good(Trust::Writer, vec![split()], &go()), [], "only a split makes children");
}

#[test]
fn an_issue_of_its_own_is_keyed_by_where_it_was_found() {
    let create = || Proposed::Create {
        issues: vec![Created {
            key: "leak".into(),
            title: "A leak".into(),
            labels: vec!["bug".into()],
            ..Created::default()
        }],
    };
    let made = good(Trust::Writer, vec![create()], &go());
    let wanted = NewIssue {
        title: "A leak".into(),
        labels: vec!["bug".into()],
        part: Some("7.leak".into()),
        ..NewIssue::default()
    };
    assert_eq!(made, [TrackerWrite::Create(wanted.clone())]);
    let held = good(Trust::Stranger, vec![create()], &go());
    let labels = vec!["bug".to_owned(), "human-needed".to_owned()];
    assert_eq!(held, [TrackerWrite::Create(NewIssue { labels, ..wanted })], "a stranger's words do not become ours");
}

#[test]
fn no_label_of_dayfly_is_set_for_an_agent() {
    let label = |add: &[&str], remove: &[&str]| {
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        good(Trust::Writer, vec![Proposed::Label { add: own(add), remove: own(remove) }], &go())
    };
    let made = label(&["bug", "Ready-For-Dev"], &["human-needed", "docs"]);
    let [TrackerWrite::Labels { add, remove, .. }] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((add.as_slice(), remove.as_slice()), (["bug".to_owned()].as_slice(), ["docs".to_owned()].as_slice()));
    assert_eq!(label(&["in-progress"], &["blocked"]), []);
}

#[test]
fn of_work_that_goes_back_only_comments_are_taken() {
    let failed = End::GateFailed(GateFailure { gate: "commands".into(), reason: "no".into(), tail: String::new() });
    let effects = vec![
        Proposed::Label { add: vec!["bug".into()], remove: vec![] },
        Proposed::Create { issues: vec![Created { key: "a".into(), title: "A".into(), ..Created::default() }] },
        Proposed::Comment { body: "seen".into() },
    ];
    let made = writes(&job(Trust::Writer), &Labels::default(), &outcome(failed, effects), &go());
    assert!(matches!(made.as_slice(), [TrackerWrite::Comment { .. }]), "{made:?}");
}
