//! What is written, and what GitHub makes of it.

use std::time::Duration;

use dayfly_core::{Applied, IssueId, NewIssue, Tracker, TrackerError, TrackerState, TrackerWrite};
use dayfly_testkit::github::{Fault, Match, Permission};

use crate::world::{Stage, WEB, id};

fn sticky(number: u64, body: &str) -> TrackerWrite {
    TrackerWrite::Sticky { issue: id(number), topic: "children".into(), body: body.into() }
}

fn child(parent: u64, part: &str) -> NewIssue {
    NewIssue { title: part.into(), parent: Some(id(parent)), part: Some(part.into()), ..NewIssue::default() }
}

fn labels(number: u64, add: &[&str], remove: &[&str]) -> TrackerWrite {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    TrackerWrite::Labels { issue: id(number), add: own(add), remove: own(remove) }
}

#[tokio::test]
async fn a_second_sticky_comment_is_taken_away() {
    let stage = Stage::new();
    let web = stage.open();
    let number = stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    web.apply("k/0", sticky(number, "0 of 2")).await;
    // A race with another process made one more.
    let twin = stage.world.repo(WEB).issue(number).comments[0].body.clone();
    stage.bot.comment(WEB, number, &twin);
    web.apply("k/1", sticky(number, "1 of 2")).await;
    let comments = stage.world.repo(WEB).issue(number).comments;
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert_eq!(comments[0].body, "<!-- dayfly:key=k/1 topic=children -->\n1 of 2");
}

#[tokio::test]
async fn a_sticky_comment_that_a_person_deleted_is_written_again() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    web.apply("k/0", sticky(number, "0 of 2")).await;
    ann.delete_comment(stage.world.repo(WEB).issue(number).comments[0].id);
    stage.world.advance(Duration::from_secs(120));
    assert_eq!(web.apply("k/1", sticky(number, "0 of 2")).await, Applied::Done(None));
    assert_eq!(web.issue(number).await.comments.len(), 1);
}

#[tokio::test]
async fn labels_that_a_repository_lacks_are_made_once() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    stage.world.repo(WEB).make_labels(&["Blocked"]);
    let number = ann.open_issue(WEB, "one", "");
    web.apply("k/0", labels(number, &["in-progress", "blocked"], &["gone/away"])).await;
    web.apply("k/1", labels(number, &["stale"], &["in-progress"])).await;
    assert_eq!(web.issue(number).await.labels, ["Blocked", "stale"]);
    assert_eq!(stage.server.journal().count("POST", "/repos/{owner}/{repo}/labels"), 2, "in-progress and stale");
    assert_eq!(stage.server.journal().count("GET", "/repos/{owner}/{repo}/labels"), 1);
}

#[tokio::test]
async fn a_label_with_any_letters_is_taken_off() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    for label in ["needs/care?", "50% #1", "größer & länger"] {
        ann.label(WEB, number, label);
        web.apply("k", labels(number, &[], &[label])).await;
        assert_eq!(stage.world.repo(WEB).issue(number).labels, Vec::<String>::new());
    }
}

#[tokio::test]
async fn labels_that_github_leaves_out_are_told() {
    let server = dayfly_testkit::github::GitHubServer::start();
    let reader = server.world().bot("dayfly-bot", Permission::Read);
    let stage = Stage::with(server, reader);
    stage.world.repo(WEB).make_labels(&["bug"]);
    let web = stage.open();
    let new = NewIssue { title: "one".into(), labels: vec!["bug".into()], ..NewIssue::default() };
    for _ in 0..2 {
        let told = web.try_apply("k/0", TrackerWrite::Create(new.clone())).await.unwrap_err();
        assert!(told.to_string().contains("token"), "{told}");
    }
    assert_eq!(stage.world.repo(WEB).issues().len(), 1, "it is not made twice");
    assert!(web.later().await[0].labels.is_empty());
}

#[tokio::test]
async fn children_hang_on_their_parent_and_wait_for_each_other() {
    let stage = Stage::new();
    let web = stage.open();
    let parent = stage.person("ann", Permission::Write).open_issue(WEB, "large", "");
    // The one that comes last is made first.
    let after = vec!["model".to_owned()];
    let last = web.create("k/0", NewIssue { after, ..child(parent, "page") }).await;
    let first = web.create("k/1", child(parent, "model")).await;
    assert_eq!(stage.world.repo(WEB).issue(parent).sub_issues, [last, first]);
    assert_eq!(stage.world.repo(WEB).issue(last).blocked_by, [first]);
    assert_eq!(web.issue(last).await.facts.blocked_by, [first.to_string()]);
    let issue = web.issue(first).await;
    assert_eq!((issue.parent, issue.facts.part.as_deref()), (Some(id(parent)), Some("model")));
}

#[tokio::test]
async fn a_person_may_free_what_dayfly_ordered() {
    let stage = Stage::new();
    let web = stage.open();
    let parent = stage.person("ann", Permission::Write).open_issue(WEB, "large", "");
    let first = web.create("k/0", child(parent, "a")).await;
    let last = web.create("k/1", NewIssue { after: vec!["a".into()], ..child(parent, "b") }).await;
    assert_eq!(web.issue(last).await.facts.blocked_by, [first.to_string()]);
    stage.unblock(last, first).await;
    stage.world.advance(Duration::from_secs(60));
    assert_eq!(web.issue(last).await.facts.blocked_by, Vec::<String>::new());
}

#[tokio::test]
async fn a_parent_without_room_is_named_in_the_text() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let parent = ann.open_issue(WEB, "large", "");
    for n in 0..100 {
        let other = ann.open_issue(WEB, &format!("part {n}"), "");
        ann.add_sub_issue(WEB, parent, other);
    }
    let number = web.create("k/0", NewIssue { body: "text".into(), ..child(parent, "one more") }).await;
    assert!(stage.world.repo(WEB).issue(number).body.ends_with("-->\nPart of #1.\n\ntext"));
    let issue = web.issue(number).await;
    assert_eq!((issue.body.as_str(), issue.parent), ("text", Some(id(parent))));
    assert_eq!(web.create("k/0", child(parent, "one more")).await, number);
}

#[tokio::test]
async fn a_milestone_is_due_on_the_day_it_was_given() {
    let stage = Stage::new();
    let web = stage.open();
    let title = || "March 2026".to_owned();
    let write = |due: &str, state| TrackerWrite::Milestone { title: title(), due: Some(due.parse().unwrap()), state };
    web.apply("k/0", write("2026-03-31", TrackerState::Open)).await;
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    let under = TrackerWrite::SetMilestone { issue: id(number), milestone: Some("march 2026".into()) };
    web.apply("k/1", under).await;
    let closed = ann.open_issue(WEB, "two", "");
    ann.set_milestone(WEB, closed, Some(1));
    ann.close(WEB, closed, "completed");
    web.later().await;
    let seen = web.tracker.milestones(&web.project).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].title.as_str(), seen[0].due.unwrap().to_string().as_str()), ("March 2026", "2026-03-31"));
    assert_eq!(seen[0].counts.map(|counts| (counts.open, counts.closed)), Some((1, 1)));
    web.apply("k/2", write("2026-12-31", TrackerState::Closed)).await;
    let seen = web.tracker.milestones(&web.project).await.unwrap();
    assert_eq!((seen[0].due.unwrap().to_string().as_str(), seen[0].state), ("2026-12-31", TrackerState::Closed));
}

#[tokio::test]
async fn a_duplicate_names_what_it_is_a_duplicate_of() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let (one, two) = (ann.open_issue(WEB, "one", ""), ann.open_issue(WEB, "two", ""));
    web.apply("k/0", TrackerWrite::Duplicate { issue: id(two), of: id(one) }).await;
    let now = stage.world.repo(WEB).issue(two);
    assert_eq!((now.open, now.state_reason.as_deref()), (false, Some("duplicate")));
    assert!(now.comments[0].body.ends_with("-->\nDuplicate of #1."));
}

#[tokio::test]
async fn what_github_will_not_take_is_refused_and_what_a_person_can_mend_waits() {
    let stage = Stage::new();
    let web = stage.open();
    let number = stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    let told = web.try_apply("k/0", labels(number, &["x".repeat(60).as_str()], &[])).await.unwrap_err();
    assert!(matches!(told, TrackerError::Refused { .. }), "{told}");
    stage.server.fault(Match::post("/issues/*/comments"), Fault::Forbidden);
    let told = web.try_apply("k/1", sticky(number, "x")).await.unwrap_err();
    assert!(matches!(told, TrackerError::Malformed { .. }), "{told}");
    stage.server.fault(Match::writes(), Fault::SecondaryLimit(Some(Duration::from_secs(90))));
    let told = web.try_apply("k/2", sticky(number, "x")).await.unwrap_err();
    assert!(told.not_before().is_some(), "{told}");
    assert!(web.try_apply("k/2", sticky(number, "x")).await.is_err(), "nothing is sent before its time");
    stage.world.advance(Duration::from_secs(100));
    assert_eq!(web.apply("k/2", sticky(number, "x")).await, Applied::Done(None));
    assert!(matches!(
        web.try_apply("k/3", sticky(4711, "x")).await,
        Err(TrackerError::NotFound { issue, .. }) if issue == IssueId::new("4711").unwrap()
    ));
}

#[tokio::test]
async fn an_issue_that_a_replica_does_not_have_yet_can_be_written_to() {
    let stage = Stage::new();
    let web = stage.open();
    web.issues().await;
    stage.server.fault(Match::post("/issues"), Fault::Lag(6));
    let number = web.create("k/0", NewIssue { title: "one".into(), ..NewIssue::default() }).await;
    assert_eq!(web.apply("k/1", labels(number, &["bug"], &[])).await, Applied::Done(None));
    assert_eq!(web.apply("k/2", sticky(number, "x")).await, Applied::Done(None));
    assert_eq!(web.create("k/0", NewIssue { title: "one".into(), ..NewIssue::default() }).await, number);
    assert_eq!(stage.world.repo(WEB).issues().len(), 1);
}

#[tokio::test]
async fn a_person_writes_by_dayfly_as_themselves() {
    let stage = Stage::shared();
    let web = stage.open();
    web.issues().await;
    let new = NewIssue { title: "one".into(), labels: vec!["ready-for-dev".into()], ..NewIssue::default() };
    let number = web.tracker.create_as_person(&web.project, &new).await.unwrap();
    web.tracker.comment_as_person(&web.project, &number, "All of them.").await.unwrap();
    let issue = web.issues().await[0].clone();
    assert_eq!((issue.author.bot, issue.comments[0].is_own()), (false, false));
    assert_eq!(issue.facts.unproven, Vec::<String>::new());

    let apart = Stage::new();
    let told = apart.open();
    let told = told.tracker.create_as_person(&told.project, &new).await;
    assert!(told.is_err(), "an App is nobody: {told:?}");
}
