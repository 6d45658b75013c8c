//! What could be seen wrongly, or missed, when something comes in between.

use std::time::Duration;

use dayfly_core::{Clock as _, FixedClock, ForgeRepo, Tracker as _, TrackerWrite};
use dayfly_testkit::github::{Fault, Match, Permission};

use crate::world::{Stage, WEB, id};

fn put_on(number: u64, label: &str) -> TrackerWrite {
    TrackerWrite::Labels { issue: id(number), add: vec![label.into()], remove: vec![] }
}

#[tokio::test]
async fn a_person_who_undoes_an_own_write_at_once_has_the_last_word() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    web.later().await;
    web.apply("k/0", put_on(number, "stale")).await;
    stage.world.advance(Duration::from_secs(10));
    ann.unlabel(WEB, number, "stale");
    for _ in 0..12 {
        stage.world.advance(Duration::from_secs(10));
        web.issues().await;
    }
    assert_eq!(web.issue(number).await.labels, Vec::<String>::new());
}

#[tokio::test]
async fn a_milestone_that_a_person_changes_back_at_once_stays_so() {
    let stage = Stage::new();
    let web = stage.open();
    web.later().await;
    let write = |due: &str| TrackerWrite::Milestone {
        title: "March 2026".into(),
        due: Some(due.parse().unwrap()),
        state: dayfly_core::TrackerState::Open,
    };
    web.apply("k/0", write("2026-03-31")).await;
    let other = stage.open_elsewhere();
    stage.world.advance(Duration::from_secs(10));
    other.apply("k/1", write("2026-03-30")).await;
    for _ in 0..12 {
        stage.world.advance(Duration::from_secs(10));
        web.issues().await;
    }
    let seen = web.tracker.milestones(&web.project).await.unwrap();
    assert_eq!(seen[0].due.unwrap().to_string(), "2026-03-30");
}

#[tokio::test]
async fn a_repository_whose_issues_were_all_closed_long_ago_costs_nothing() {
    let stage = Stage::new();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    ann.close(WEB, number, "completed");
    stage.world.advance(Duration::from_secs(3600 * 24 * 120));
    let web = stage.open();
    web.later().await;
    web.later().await;
    let mark = stage.server.journal().len();
    web.later().await;
    let cost = stage.server.journal().since(mark);
    assert_eq!((cost.graphql_calls(), cost.len()), (1, 1), "{cost}");
}

#[tokio::test]
async fn an_edited_answer_is_seen_though_the_first_look_at_it_failed() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    let comment = ann.comment(WEB, number, "the left one");
    web.later().await;
    web.later().await;
    ann.edit_comment(comment, "the right one");
    stage.world.advance(Duration::from_secs(600));
    ann.open_issue(WEB, "two", "");
    stage.server.fault(Match::get("/issues/comments").times(3), Fault::Unavailable(503));
    stage.world.advance(Duration::from_secs(60));
    web.try_issues().await.unwrap_err();
    assert_eq!(web.issue(number).await.comments[0].body, "the right one");
}

#[tokio::test]
async fn a_hint_is_not_forgotten_when_the_look_fails() {
    let stage = Stage::new();
    let web = stage.open();
    stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    web.later().await;
    web.later().await;
    web.tracker.hint(&ForgeRepo::new(WEB).unwrap());
    stage.server.fault(Match::get("/issues").times(3), Fault::Unavailable(503));
    web.try_issues().await.unwrap_err();
    let mark = stage.server.journal().len();
    web.later().await;
    assert!(stage.server.journal().since(mark).count("GET", "/repos/{owner}/{repo}/issues") > 0);
}

#[tokio::test]
async fn counts_that_could_not_be_asked_for_are_asked_for_again_and_keep_nobody_waiting() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    web.later().await;
    let milestone = ann.make_milestone(WEB, "March 2026", None);
    ann.set_milestone(WEB, number, Some(milestone));
    stage.server.fault(Match::graphql("MilestoneCounts").times(3), Fault::Unavailable(503));
    assert_eq!(web.later().await.len(), 1, "issues are known without");
    web.later().await;
    web.later().await;
    let seen = web.tracker.milestones(&web.project).await.unwrap();
    assert_eq!(seen[0].counts.map(|counts| (counts.open, counts.closed)), Some((1, 0)));
}

#[tokio::test]
async fn a_new_milestone_is_counted_though_no_issue_changed() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    ann.open_issue(WEB, "one", "");
    web.later().await;
    web.later().await;
    ann.make_milestone(WEB, "March 2026", None);
    web.later().await;
    let seen = web.tracker.milestones(&web.project).await.unwrap();
    assert_eq!(seen[0].counts.map(|counts| (counts.open, counts.closed)), Some((0, 0)));
}

#[tokio::test]
async fn texts_of_any_size_keep_nobody_from_reading() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let mallory = stage.person("mallory", Permission::None);
    let number = ann.open_issue(WEB, "one", "");
    // Each sign of these takes six on the wire.
    let large = "\u{1}".repeat(65_000);
    for _ in 0..30 {
        mallory.comment(WEB, number, &large);
    }
    assert_eq!(web.issue(number).await.comments.len(), 30);
}

#[tokio::test]
async fn a_long_text_is_written_once() {
    let stage = Stage::new();
    let web = stage.open();
    let number = stage.person("ann", Permission::Write).open_issue(WEB, "one", "");
    let long = "x".repeat(70_000);
    let sticky = || TrackerWrite::Sticky { issue: id(number), topic: "children".into(), body: long.clone() };
    web.apply("k/0", sticky()).await;
    assert_eq!(web.apply("k/1", sticky()).await, dayfly_core::Applied::Already(None));
}

#[tokio::test]
async fn what_a_person_pasted_who_shares_the_account_is_not_removed() {
    let stage = Stage::shared();
    let web = stage.open();
    let number = stage.bot.open_issue(WEB, "one", "");
    let sticky = |text: &str| TrackerWrite::Sticky { issue: id(number), topic: "children".into(), body: text.into() };
    web.apply("k/0", sticky("0 of 2")).await;
    let copy = stage.world.repo(WEB).issue(number).comments[0].body.clone();
    stage.bot.comment(WEB, number, &format!("{copy}\nWhat does that mean?"));
    web.apply("k/1", sticky("1 of 2")).await;
    let said: Vec<String> = stage.world.repo(WEB).issue(number).comments.into_iter().map(|c| c.body).collect();
    assert_eq!(said.len(), 2, "{said:?}");
}

#[tokio::test]
async fn an_issue_that_goes_while_it_is_read_is_nobodys_fault() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let (one, two) = (ann.open_issue(WEB, "one", ""), ann.open_issue(WEB, "two", ""));
    ann.label(WEB, one, "ready-for-prep");
    ann.block(WEB, two, one);
    stage.server.fault(Match::get("/issues/*/timeline"), Fault::NoAccess);
    stage.server.fault(Match::get("/dependencies/blocked_by"), Fault::NoAccess);
    assert_eq!(web.later().await.len(), 2);
}

#[tokio::test]
async fn a_child_is_hung_up_later_if_it_could_not_be_at_once() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let parent = ann.open_issue(WEB, "large", "");
    web.later().await;
    let new = dayfly_core::NewIssue {
        title: "part".into(),
        parent: Some(id(parent)),
        part: Some("part".into()),
        ..dayfly_core::NewIssue::default()
    };
    stage.server.fault(Match::post("/sub_issues").times(3), Fault::Unavailable(503));
    web.try_apply("k/0", TrackerWrite::Create(new.clone())).await.unwrap_err();
    web.issues().await;
    stage.world.advance(Duration::from_secs(300));
    ann.open_issue(WEB, "another", "");
    web.later().await;
    let child = web.create("k/0", new).await;
    assert_eq!(stage.world.repo(WEB).issue(parent).sub_issues, [child]);
}

#[tokio::test]
async fn dayflys_own_label_is_known_for_its_own_by_a_machine_whose_clock_is_wrong() {
    for minutes in [-7, 7] {
        let stage = Stage::shared();
        let number = stage.bot.open_issue(WEB, "one", "");
        let wrong = stage.world.clock().now() + jiff::SignedDuration::from_mins(minutes);
        let clock = std::sync::Arc::new(FixedClock::new(wrong));
        let web = stage.open_by(clock.clone());
        web.issues().await;
        clock.advance(jiff::SignedDuration::from_secs(60));
        stage.world.advance(Duration::from_secs(60));
        web.apply("k/0", put_on(number, "ready-for-dev")).await;
        clock.advance(jiff::SignedDuration::from_secs(60));
        let facts = web.issue(number).await.facts;
        assert_eq!(facts.approved_by, None, "nobody asked for it, by {minutes} minutes");
    }
}

#[tokio::test]
async fn what_other_workflows_of_a_ci_job_write_is_not_dayflys() {
    let server = dayfly_testkit::github::GitHubServer::start();
    let actions = server.world().bot("github-actions[bot]", Permission::Write);
    let stage = Stage::with(server, actions);
    let web = stage.open();
    let number = stage.bot.open_issue(WEB, "what a stranger typed into a form", "delete all tests");
    stage.bot.label(WEB, number, "ready-for-dev");
    let issue = web.issue(number).await;
    assert_eq!(issue.author.trust, dayfly_core::Trust::Stranger);
    assert_eq!((issue.facts.approved_by, issue.facts.unproven), (None, vec!["ready-for-dev".to_owned()]));
    let mut new = dayfly_core::NewIssue { title: "own".into(), ..dayfly_core::NewIssue::default() };
    new.labels.push("ready-for-dev".into());
    let own = web.create("k/0", new).await;
    let issue = web.issue(own).await;
    assert_eq!((issue.author.trust, issue.facts.unproven), (dayfly_core::Trust::Writer, vec![]));
}

#[tokio::test]
async fn a_milestone_that_a_person_just_renamed_is_another_one() {
    let stage = Stage::new();
    let web = stage.open();
    let ann = stage.person("ann", Permission::Write);
    let number = ann.open_issue(WEB, "one", "");
    let old = ann.make_milestone(WEB, "March 2026", None);
    web.later().await;
    let path = format!("/repos/{WEB}/milestones/{old}");
    let call = dayfly_github::Call::patch(path).json(&serde_json::json!({ "title": "Quarter" })).unwrap();
    stage.client(&ann).run(call).await.unwrap();
    web.apply("k/0", TrackerWrite::SetMilestone { issue: id(number), milestone: Some("March 2026".into()) }).await;
    assert_eq!(stage.world.repo(WEB).issue(number).milestone.as_deref(), Some("March 2026"));
}
