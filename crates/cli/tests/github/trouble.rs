//! What people and the network do while a change is on its way.

use std::time::Duration;

use dayfly_core::{Filter, Stop};
use dayfly_runner::{Notice, Progress, RunOptions, Until};
use dayfly_testkit::github::{BranchRules, CheckState, Fault, Match};
use tokio::sync::mpsc;

use crate::yard::{REPO, Yard};

/// An issue up to its pull request; their numbers.
async fn handed(yard: &Yard) -> (u64, u64) {
    let issue = yard.ann.open_issue(REPO, "Paint the gate", "It needs no question.");
    yard.run().await;
    assert_eq!(yard.phase(issue).await, "handed", "{}", yard.world.snapshot());
    (issue, yard.repo.pulls().pop().unwrap().number)
}

async fn later(yard: &Yard) {
    yard.world.advance(Duration::from_secs(60));
    yard.run().await;
}

fn checked() -> Yard {
    let yard = Yard::new("merge = \"engine\"");
    yard.repo.protect("main", BranchRules { checks: vec!["test".into()], ..BranchRules::default() });
    yard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_holds_a_merge_by_a_label_on_the_issue_alone() {
    let yard = checked();
    let (issue, pull) = handed(&yard).await;
    yard.ann.label(REPO, issue, "human-needed");
    yard.check(pull, CheckState::Success);
    yard.run().await;
    later(&yard).await;
    assert!(yard.repo.pull(pull).open, "{}", yard.world.snapshot());
    let standing = yard.repo.take_comment(pull);
    assert!(standing.body.contains("its issue carries the label human-needed"), "{}", standing.body);
    yard.ann.unlabel(REPO, issue, "human-needed");
    later(&yard).await;
    later(&yard).await;
    assert!(yard.repo.pull(pull).merged.is_some(), "{}", yard.world.snapshot());
    yard.server.verify();
}

/// GitHub opens no pull request for nothing: the issue once waited for one for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_the_base_holds_by_now_is_done() {
    let yard = checked();
    let (issue, pull) = handed(&yard).await;
    yard.ann.close_pull(REPO, pull);
    later(&yard).await;
    assert_eq!(yard.phase(issue).await, "blocked");
    let told = yard.repo.take_comment(issue);
    assert!(told.body.contains("closed without merging"), "{}", told.body);
    yard.repo.commit("main", "I did it myself", &[(&format!("door-{issue}.txt"), "blue\n")]);
    yard.ann.unlabel(REPO, issue, "human-needed");
    later(&yard).await;
    assert_eq!(yard.phase(issue).await, "done", "{}", yard.world.snapshot());
    assert!(!yard.repo.issue(issue).open);
    assert_eq!(yard.repo.pulls().len(), 1, "no other one was opened");
    yard.server.verify();
}

/// A night was once lost over one question that git was not answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_could_not_be_fetched_is_asked_for_again_in_the_same_run() {
    let yard = Yard::new("");
    let issue = yard.ann.open_issue(REPO, "Paint the gate", "It needs no question.");
    let settings = yard.repo.git().path().join("config");
    let good = std::fs::read(&settings).unwrap();
    std::fs::write(&settings, "[broken\n").unwrap();
    let (told, mut held) = mpsc::unbounded_channel();
    let progress = Progress::new(move |notice| {
        if let Notice::Held(_, why) = notice {
            let _ = told.send(why.to_owned());
        }
    });
    let engine = yard.builder().progress(progress).build();
    let (stop, mut shutdown) = mpsc::channel::<Stop>(1);
    let options = RunOptions { until: Until::Idle { patience: Duration::from_secs(30) }, filter: Filter::default() };
    let world = yard.world.clone();
    let back = async move {
        let why = held.recv().await.unwrap();
        std::fs::write(&settings, good).unwrap();
        loop {
            world.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
            if stop.is_closed() {
                return why;
            }
        }
    };
    let both = async {
        tokio::select! {
            summary = engine.run(options, &mut shutdown) => summary.unwrap(),
            why = back => panic!("it goes on without an end: {why}"),
        }
    };
    let summary = tokio::time::timeout(Duration::from_secs(60), both).await.expect("it ends");
    assert_eq!(yard.phase(issue).await, "handed", "{summary:?}");
    assert!(summary.held.is_empty(), "what has passed is no trouble: {summary:?}");
    yard.server.verify();
}

/// What of GitHub does not answer keeps everything where it is, is told, and is no reason to write anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forge_that_is_down_for_a_whole_run_changes_nothing_and_is_told() {
    let yard = checked();
    let (issue, pull) = handed(&yard).await;
    yard.check(pull, CheckState::Success);
    let (before, place) = (yard.world.snapshot(), yard.state().await.issues);
    yard.server.fault(Match::any().by("dayfly-bot").times(10_000), Fault::Unavailable(503));
    let summary = yard.run().await;
    assert!(summary.has_trouble() && summary.unread.len() == 1, "{summary:?}");
    assert_eq!(yard.world.snapshot(), before);
    assert_eq!(yard.state().await.issues, place);
    assert_eq!(yard.phase(issue).await, "handed");
}
