//! The contract that all trackers keep.

use std::sync::Mutex;

use dayfly_github::GitHubTracker;
use dayfly_testkit::conformance;
use dayfly_testkit::github::{GitHubServer, Permission};

use crate::world::Stage;

/// Holds trackers on stages that `make` sets up against the contract. The stages last until the end.
async fn keeps(make: impl Fn() -> Stage) {
    let stages = Mutex::new(Vec::new());
    conformance::tracker(async || {
        let stage = make();
        let web = stage.open();
        stages.lock().unwrap().push(stage);
        let tracker: GitHubTracker = (*web.tracker).clone();
        (tracker, web.project)
    })
    .await;
}

#[tokio::test]
async fn a_tracker_on_github_keeps_the_contract() {
    keeps(Stage::new).await;
}

#[tokio::test]
async fn so_does_one_whose_account_a_person_shares() {
    keeps(Stage::shared).await;
}

#[tokio::test]
async fn so_does_one_on_a_server_that_knows_neither_sub_issues_nor_dependencies() {
    keeps(|| {
        let server = GitHubServer::start_enterprise("3.17.0");
        let bot = server.world().bot("dayfly-bot", Permission::Write);
        Stage::with(server, bot)
    })
    .await;
}

#[tokio::test]
async fn keys_are_known_after_a_restart() {
    let stage = Stage::new();
    conformance::tracker_reopened(async || {
        let web = stage.open();
        let tracker: GitHubTracker = (*web.tracker).clone();
        (tracker, web.project)
    })
    .await;
}

#[tokio::test]
async fn keys_are_known_where_nothing_was_kept() {
    let stage = Stage::new();
    conformance::tracker_reopened(async || {
        let _ = std::fs::remove_dir_all(stage.folder().join("seen"));
        let web = stage.open();
        let tracker: GitHubTracker = (*web.tracker).clone();
        (tracker, web.project)
    })
    .await;
}
