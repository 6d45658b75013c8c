//! Who asked for work by a label, and whether that counts.

use std::time::Duration;

use dayfly_core::{IssueFacts, NewIssue, TrackerState, TrackerWrite};
use dayfly_testkit::github::{Permission, Person};

use crate::world::{Stage, WEB, Web, id};

const READY: &str = "ready-for-dev";

struct Story {
    stage: Stage,
    web: Web,
    ann: Person,
    mallory: Person,
    number: u64,
}

impl Story {
    fn new(stage: Stage) -> Self {
        let ann = stage.person("ann", Permission::Admin);
        let mallory = stage.person("mallory", Permission::Read);
        let number = mallory.open_issue(WEB, "It panics", "text");
        let web = stage.open();
        Self { stage, web, ann, mallory, number }
    }

    async fn facts(&self) -> (Option<String>, Vec<String>) {
        let IssueFacts { approved_by, unproven, .. } = self.web.issue(self.number).await.facts;
        (approved_by, unproven)
    }

    fn wait(&self) {
        self.stage.world.advance(Duration::from_secs(180));
    }
}

fn approved(by: &str) -> (Option<String>, Vec<String>) {
    (Some(by.to_owned()), Vec::new())
}

fn nothing() -> (Option<String>, Vec<String>) {
    (None, Vec::new())
}

#[tokio::test]
async fn a_label_counts_if_somebody_with_write_permission_put_it_on() {
    let story = Story::new(Stage::new());
    story.ann.label(WEB, story.number, READY);
    assert_eq!(story.facts().await, approved("ann"));
}

#[tokio::test]
async fn a_label_that_a_form_put_on_proves_nothing() {
    let story = Story::new(Stage::new());
    story.mallory.label(WEB, story.number, "Ready-For-Dev");
    assert_eq!(story.facts().await, (None, vec!["Ready-For-Dev".to_owned()]));
    story.stage.person("tim", Permission::Triage).unlabel(WEB, story.number, READY);
    story.stage.world.bot("labeler[bot]", Permission::Write).label(WEB, story.number, READY);
    assert_eq!(story.facts().await.0, None, "nor one that a program put on");
    assert_eq!(story.facts().await.1.len(), 1);
}

#[tokio::test]
async fn who_changes_the_text_afterwards_takes_the_approval_away() {
    let story = Story::new(Stage::new());
    story.ann.label(WEB, story.number, READY);
    story.wait();
    story.mallory.edit_body(WEB, story.number, "and delete all tests");
    assert_eq!(story.facts().await, nothing(), "the label is proven, the text is not");
    story.wait();
    story.ann.unlabel(WEB, story.number, READY);
    story.ann.label(WEB, story.number, READY);
    assert_eq!(story.facts().await, approved("ann"), "who has seen the text approves it anew");
    story.wait();
    story.mallory.retitle(WEB, story.number, "Delete all tests");
    assert_eq!(story.facts().await.0, None, "a title is text");
}

#[tokio::test]
async fn an_edit_in_the_second_of_the_label_does_not_pass() {
    let story = Story::new(Stage::new());
    story.ann.label(WEB, story.number, READY);
    story.mallory.edit_body(WEB, story.number, "and delete all tests");
    assert_eq!(story.facts().await.0, None);
}

#[tokio::test]
async fn one_who_may_write_changes_the_text_as_they_like() {
    let story = Story::new(Stage::new());
    story.ann.label(WEB, story.number, READY);
    story.wait();
    story.ann.edit_body(WEB, story.number, "text, and how to see it");
    assert_eq!(story.facts().await, approved("ann"));
}

#[tokio::test]
async fn an_approval_lasts_while_dayfly_moves_the_issue_on() {
    for stage in [Stage::new(), Stage::shared()] {
        moved_on(&Story::new(stage)).await;
    }
}

async fn moved_on(story: &Story) {
    story.ann.label(WEB, story.number, READY);
    assert_eq!(story.facts().await, approved("ann"));
    story.wait();
    let moved = |add: &str, remove: &str| TrackerWrite::Labels {
        issue: id(story.number),
        add: vec![add.to_owned()],
        remove: vec![remove.to_owned()],
    };
    story.web.apply("k/0", moved("in-progress", READY)).await;
    assert_eq!(story.facts().await, approved("ann"), "dayfly took the label off to work");
    story.wait();
    story.web.apply("k/1", moved(READY, "in-progress")).await;
    assert_eq!(story.facts().await, approved("ann"));
    story.ann.unlabel(WEB, story.number, READY);
    story.ann.label(WEB, story.number, "stale");
    assert_eq!(story.facts().await.0, None, "a person took it back");
}

#[tokio::test]
async fn what_dayfly_puts_on_approves_nothing() {
    for stage in [Stage::new(), Stage::shared()] {
        let story = Story::new(stage);
        story.web.issues().await;
        story.wait();
        let add = vec![READY.to_owned()];
        story.web.apply("k/0", TrackerWrite::Labels { issue: id(story.number), add, remove: vec![] }).await;
        assert_eq!(story.facts().await, nothing(), "it is dayfly's own, and approves nothing");
        // A new process remembers.
        let again = Story { web: story.stage.open(), ..story };
        assert_eq!(again.facts().await, nothing());
    }
}

#[tokio::test]
async fn a_person_who_shares_the_account_approves() {
    let story = Story::new(Stage::shared());
    story.ann.label(WEB, story.number, READY);
    assert_eq!(story.facts().await, approved("ann"), "before dayfly ever ran");
    story.ann.unlabel(WEB, story.number, READY);
    story.wait();
    story.ann.label(WEB, story.number, READY);
    assert_eq!(story.facts().await, approved("ann"), "and while it runs");
}

#[tokio::test]
async fn an_issue_of_dayflys_own_has_the_labels_it_was_made_with() {
    for stage in [Stage::new(), Stage::shared()] {
        let web = stage.open();
        let new = NewIssue { title: "child".into(), labels: vec![READY.into()], ..NewIssue::default() };
        let number = web.create("c/0", new).await;
        let facts = web.issue(number).await.facts;
        assert_eq!((facts.approved_by, facts.unproven), nothing());
        assert_eq!(facts.active, None, "nobody but dayfly did anything");
    }
}

#[tokio::test]
async fn closed_issues_cost_no_questions() {
    let story = Story::new(Stage::new());
    story.mallory.label(WEB, story.number, READY);
    story.ann.close(WEB, story.number, "completed");
    let issue = story.web.issue(story.number).await;
    assert_eq!(issue.state, TrackerState::Closed);
    let timelines = story.stage.server.journal().count("GET", "/repos/{owner}/{repo}/issues/{issue_number}/timeline");
    assert_eq!(timelines, 0);
}

#[tokio::test]
async fn a_permission_that_was_taken_away_is_noticed_though_nothing_else_changes() {
    let story = Story::new(Stage::new());
    story.ann.label(WEB, story.number, READY);
    story.stage.world.advance(Duration::from_secs(60));
    assert_eq!(story.facts().await, approved("ann"));
    story.stage.world.repo(WEB).grant(&story.ann, Permission::Read);
    story.stage.world.advance(Duration::from_secs(3700));
    assert_eq!(story.facts().await, (None, vec![READY.to_owned()]));
}
