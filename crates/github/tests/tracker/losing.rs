//! Each write, with each answer lost and each server gone, at each of its calls; then done again by a new process.

use std::collections::BTreeMap;
use std::time::Duration;

use dayfly_core::{Applied, NewIssue, TrackerError, TrackerState, TrackerWrite};
use dayfly_testkit::github::{Fault, Match, Permission};

use crate::world::{Stage, WEB, Web, id};

/// The most writes to GitHub that one write of core takes.
const MOST_CALLS: usize = 8;

fn faults() -> Vec<Fault> {
    vec![Fault::LostAfterWrite, Fault::BadGatewayAfterWrite, Fault::Reset, Fault::Unavailable(503)]
}

/// Writes of every kind, in an order in which each finds what it needs.
fn script() -> Vec<TrackerWrite> {
    let child = |part: &str, after: &[&str]| {
        TrackerWrite::Create(NewIssue {
            title: part.into(),
            body: "text".into(),
            labels: vec!["bug".into(), "ready-for-dev".into()],
            milestone: Some("March 2026".into()),
            parent: Some(id(1)),
            part: Some(part.into()),
            after: after.iter().map(|part| (*part).to_owned()).collect(),
        })
    };
    let sticky = |body: &str| TrackerWrite::Sticky { issue: id(1), topic: "children".into(), body: body.into() };
    let milestone = |due: Option<&str>, state| TrackerWrite::Milestone {
        title: "March 2026".into(),
        due: due.map(|due| due.parse().unwrap()),
        state,
    };
    vec![
        TrackerWrite::Comment { issue: id(1), body: "Which one?".into() },
        TrackerWrite::Labels { issue: id(1), add: vec!["blocked".into()], remove: vec!["needs-decompose".into()] },
        milestone(Some("2026-03-31"), TrackerState::Open),
        child("b", &["a"]),
        child("a", &[]),
        sticky("0 of 2"),
        sticky("1 of 2"),
        TrackerWrite::SetMilestone { issue: id(1), milestone: Some("March 2026".into()) },
        TrackerWrite::BlockedBy { issue: id(2), by: vec![id(1), id(3)] },
        TrackerWrite::Duplicate { issue: id(2), of: id(1) },
        TrackerWrite::State { issue: id(1), state: TrackerState::Closed },
        milestone(None, TrackerState::Closed),
    ]
}

/// What people see in the end.
fn end(stage: &Stage) -> BTreeMap<u64, String> {
    let tell = |issue: dayfly_testkit::github::IssueNow| {
        let mut labels = issue.labels.clone();
        labels.sort();
        let said: Vec<_> = issue.comments.iter().map(|comment| comment.body.clone()).collect();
        let (parts, blockers, under) = (issue.sub_issues, issue.blocked_by, issue.milestone);
        let (title, body) = (issue.title, issue.body);
        format!("{title} {body} {} {labels:?} {said:?} {parts:?} {blockers:?} {under:?}", issue.open)
    };
    stage.world.repo(WEB).issues().into_iter().map(|(number, issue)| (number, tell(issue))).collect()
}

fn stage() -> Stage {
    let stage = Stage::new();
    let ann = stage.person("ann", Permission::Admin);
    let number = ann.open_issue(WEB, "large", "text");
    ann.label(WEB, number, "needs-decompose");
    stage
}

/// Applies a write as the engine does: again after a while as long as it may help, each time by a new process.
pub(crate) async fn persist(stage: &Stage, web: &mut Web, key: &str, write: &TrackerWrite) -> Applied {
    let mut told = Vec::new();
    for _ in 0..8 {
        match web.try_apply(key, write.clone()).await {
            Ok(applied) => return applied,
            Err(error) => {
                assert!(error.is_transient(), "{write:?}: {error}");
                let wait = match &error {
                    TrackerError::Limited { .. } => 20,
                    _ => 5,
                };
                told.push(error.to_string());
                *web = stage.open();
                stage.pass(wait).await;
            }
        }
    }
    panic!("{write:?} never comes through: {told:#?}\n{}", stage.server.journal());
}

async fn run(stage: &Stage) {
    let mut web = stage.open();
    for (n, write) in script().iter().enumerate() {
        persist(stage, &mut web, &format!("web.1.exec.1/{n}"), write).await;
        stage.world.advance(Duration::from_secs(3));
    }
    // Everything once more, as after a ledger that was put back.
    for (n, write) in script().iter().enumerate() {
        if matches!(write, TrackerWrite::Comment { .. } | TrackerWrite::Create(_)) {
            let applied = persist(stage, &mut web, &format!("web.1.exec.1/{n}"), write).await;
            assert!(matches!(applied, Applied::Already(_)), "{write:?}: {applied:?}");
        }
    }
}

#[tokio::test]
async fn whatever_is_lost_nothing_is_written_twice_and_nothing_is_left_out() {
    let calm = stage();
    run(&calm).await;
    let (wanted, calls) = (end(&calm), calm.server.journal().writes());
    assert!(calls > script().len() && calls < MOST_CALLS * script().len(), "{}", calm.server.journal());
    // Each of the faults at each write takes minutes; else they take turns.
    let all = std::env::var_os("DAYFLY_LOSSES").is_some();
    for (turn, fault) in faults().into_iter().enumerate() {
        for nth in (1..=calls).filter(|nth| all || nth % faults().len() == turn) {
            let stage = stage();
            stage.server.fault(Match::writes().nth(nth), fault.clone());
            run(&stage).await;
            assert_eq!(end(&stage), wanted, "{fault:?} at write {nth}:\n{}", stage.server.journal());
            assert_eq!(stage.world.unmet_faults(), [], "{fault:?} at write {nth}");
        }
    }
}

#[tokio::test]
async fn two_lost_answers_in_a_row_are_no_worse() {
    let calm = stage();
    run(&calm).await;
    let (wanted, calls) = (end(&calm), calm.server.journal().writes());
    for nth in (1..calls).step_by(3) {
        let stage = stage();
        stage.server.fault(Match::writes().nth(nth).times(2), Fault::LostAfterWrite);
        run(&stage).await;
        assert_eq!(end(&stage), wanted, "from write {nth}:\n{}", stage.server.journal());
    }
}

#[tokio::test]
async fn what_may_still_be_under_way_is_not_sent_again() {
    let stage = stage();
    let web = stage.open();
    let write = TrackerWrite::Comment { issue: id(1), body: "hello".into() };
    stage.server.fault(Match::post("/issues/*/comments"), Fault::Reset);
    let told = web.try_apply("k/0", write.clone()).await.unwrap_err();
    assert!(told.not_before().is_some(), "{told}");
    // Killed, and started again at once.
    let told = stage.open().try_apply("k/0", write.clone()).await.unwrap_err();
    assert!(told.not_before().is_some(), "{told}");
    assert_eq!(stage.world.repo(WEB).issue(1).comments, []);
    stage.world.advance(Duration::from_secs(20));
    assert_eq!(stage.open().apply("k/0", write).await, Applied::Done(None));
    assert_eq!(stage.world.repo(WEB).issue(1).comments.len(), 1);
}

#[tokio::test]
async fn what_was_done_though_its_answer_is_lost_is_found_at_once() {
    let stage = stage();
    let web = stage.open();
    for fault in [Fault::LostAfterWrite, Fault::BadGatewayAfterWrite] {
        stage.server.fault(Match::post("/issues/*/comments"), fault.clone());
        let key = format!("k/{fault:?}");
        let write = TrackerWrite::Comment { issue: id(1), body: "hello".into() };
        assert_eq!(web.apply(&key, write.clone()).await, Applied::Done(None));
        assert_eq!(web.apply(&key, write).await, Applied::Already(None));
    }
    let new = TrackerWrite::Create(NewIssue { title: "one".into(), ..NewIssue::default() });
    stage.server.fault(Match::post("/issues"), Fault::LostAfterWrite);
    assert_eq!(web.apply("k/0", new).await, Applied::Done(Some(id(2))));
    assert_eq!(web.issues().await.len(), 2);
}
