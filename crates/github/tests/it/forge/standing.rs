//! What is seen of an open pull request: rules, checks, reviews, conversations.

use dayfly_core::{Checks, Forge as _, Mergeable, Review};
use dayfly_testkit::github::{
    Annotation, BranchRules, CheckState, Fault, GitHubServer, Match, Permission, StatusState,
};

use super::{Scene, project};

fn rules(checks: &[&str]) -> BranchRules {
    BranchRules { checks: checks.iter().map(|c| (*c).to_owned()).collect(), ..BranchRules::default() }
}

#[tokio::test]
async fn checks_run_and_end() {
    let scene = Scene::new();
    let (_, head) = scene.opened("dayfly/1").await;
    assert_eq!(scene.look("dayfly/1").await.checks, Checks::None);
    scene.repo.check(&head.0, "build", CheckState::InProgress);
    scene.repo.status(&head.0, "ci/old", StatusState::Success);
    assert_eq!(scene.look("dayfly/1").await.checks, Checks::Pending(vec!["build".into()]));
    scene.repo.check(&head.0, "build", CheckState::Success);
    let pull = scene.known("dayfly/1").await;
    assert_eq!((pull.checks, pull.mergeable), (Checks::Passed, Mergeable::Clean));
    scene.repo.status(&head.0, "ci/old", StatusState::Failure);
    let Checks::Failed(failed) = scene.look("dayfly/1").await.checks else { panic!() };
    assert_eq!(failed[0].name, "ci/old");
    scene.server.verify();
}

#[tokio::test]
async fn a_required_check_that_nobody_has_begun_is_waited_for() {
    let scene = Scene::new();
    scene.repo.protect("main", rules(&["build"]));
    let (_, head) = scene.opened("dayfly/1").await;
    scene.repo.check(&head.0, "spelling", CheckState::Failure);
    scene.repo.check(&head.0, "build", CheckState::Queued);
    let pull = scene.known("dayfly/1").await;
    assert_eq!((pull.checks, pull.mergeable), (Checks::Pending(vec!["build".into()]), Mergeable::Blocked));
    scene.repo.check(&head.0, "build", CheckState::Success);
    let pull = scene.known("dayfly/1").await;
    assert_eq!((pull.checks, pull.mergeable), (Checks::Passed, Mergeable::Clean));
}

#[tokio::test]
async fn what_nobody_asks_for_says_nothing_before_what_is_asked_for_has_begun() {
    let scene = Scene::new();
    scene.repo.protect("main", rules(&["build"]));
    let (_, head) = scene.opened("dayfly/1").await;
    scene.repo.check(&head.0, "spelling", CheckState::Failure);
    assert_eq!(scene.known("dayfly/1").await.checks, Checks::Pending(vec!["build".into()]));
    scene.repo.check(&head.0, "build", CheckState::Success);
    assert_eq!(scene.known("dayfly/1").await.checks, Checks::Passed);
}

#[tokio::test]
async fn a_log_that_is_gone_is_asked_for_once() {
    let scene = Scene::new();
    let (_, head) = scene.opened("dayfly/1").await;
    scene.repo.failing_check(&head.0, "build", "the log", vec![]);
    scene.server.fault(Match::get("/logs"), Fault::NoAccess);
    for _ in 0..3 {
        assert!(matches!(scene.look("dayfly/1").await.checks, Checks::Failed(_)));
    }
    let logs = scene.server.journal().entries().iter().filter(|e| e.path.ends_with("/logs")).count();
    assert_eq!(logs, 1);
}

#[tokio::test]
async fn a_failed_check_brings_the_end_of_its_log() {
    let scene = Scene::new();
    let (_, head) = scene.opened("dayfly/1").await;
    let log: String = (0..200).map(|n| format!("2026-11-20T12:00:00.0000000Z line {n}\n")).collect();
    let said = Annotation { path: "a.txt".into(), line: 3, level: "failure".into(), message: "no such word".into() };
    scene.repo.failing_check(&head.0, "build", &log, vec![said]);
    for _ in 0..2 {
        let Checks::Failed(failed) = scene.look("dayfly/1").await.checks else { panic!() };
        let tail = &failed[0].tail;
        assert!(tail.contains("a.txt:3: no such word"), "{tail}");
        assert!(tail.ends_with("line 199") && tail.contains("\nline 140\n") && !tail.contains("line 139"), "{tail}");
    }
    let logs = scene.server.journal().entries().iter().filter(|e| e.path.ends_with("/logs")).count();
    assert_eq!(logs, 1, "a log does not change, and is fetched once");
    scene.server.verify();
}

#[tokio::test]
async fn only_the_reviews_of_writers_count() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    assert_eq!(scene.look("dayfly/1").await.review, Review::None);
    scene.eve.request_changes("ann/web", number, "I do not like it.");
    assert_eq!(scene.look("dayfly/1").await.review, Review::None);
    let robot = scene.world.bot("opinions", Permission::Write);
    robot.request_changes("ann/web", number, "Beep.");
    assert!(!matches!(scene.look("dayfly/1").await.review, Review::ChangesRequested { .. }));
    robot.approve("ann/web", number);
    scene.ann.request_changes("ann/web", number, "Use the other word.");
    let Review::ChangesRequested { by, body } = scene.look("dayfly/1").await.review else { panic!() };
    assert_eq!((by.as_str(), body.as_str()), ("ann", "Use the other word."));
    // A new commit is an answer: now it is for ann to look again.
    scene.repo.commit("dayfly/1", "the other word", &[("a.txt", "other\n")]);
    assert_eq!(scene.look("dayfly/1").await.review, Review::Wanted);
    scene.ann.approve("ann/web", number);
    assert_eq!(scene.look("dayfly/1").await.review, Review::Approved);
    scene.server.verify();
}

#[tokio::test]
async fn a_rule_asks_for_a_review_and_for_resolved_conversations() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    let thread = scene.ann.remark("ann/web", number, ("a.txt", 1), "Why?");
    assert_eq!(scene.look("dayfly/1").await.unresolved, 0, "no rule asks for it");
    scene.repo.protect("main", BranchRules { approvals: 1, threads_resolved: true, ..BranchRules::default() });
    let pull = scene.known("dayfly/1").await;
    assert_eq!((pull.review, pull.unresolved, pull.mergeable), (Review::Wanted, 1, Mergeable::Blocked));
    scene.ann.resolve(thread);
    scene.ann.approve("ann/web", number);
    let pull = scene.known("dayfly/1").await;
    assert_eq!((pull.review, pull.unresolved, pull.mergeable), (Review::Approved, 0, Mergeable::Clean));
}

#[tokio::test]
async fn a_conflict_and_a_base_that_moved_on_are_told_apart() {
    let scene = Scene::new();
    scene.opened("dayfly/1").await;
    assert_eq!(scene.known("dayfly/1").await.mergeable, Mergeable::Clean);
    scene.repo.commit("main", "elsewhere", &[("b.txt", "two\n")]);
    assert_eq!(scene.look("dayfly/1").await.mergeable, Mergeable::Unknown, "GitHub finds out when it is asked");
    assert_eq!(scene.look("dayfly/1").await.mergeable, Mergeable::Clean);
    scene.repo.protect("main", BranchRules { up_to_date: true, ..rules(&[]) });
    assert_eq!(scene.known("dayfly/1").await.mergeable, Mergeable::Behind);
    scene.repo.commit("main", "the same line", &[("a.txt", "theirs\n")]);
    assert_eq!(scene.known("dayfly/1").await.mergeable, Mergeable::Conflict);
}

#[tokio::test]
async fn where_graphql_does_not_serve_rest_does() {
    for server in [GitHubServer::start(), GitHubServer::start_enterprise("3.17.0")] {
        let scene = Scene::of(server);
        scene.repo.protect("main", BranchRules { approvals: 1, ..rules(&["build", "late"]) });
        let (number, head) = scene.opened("dayfly/1").await;
        scene.repo.status(&head.0, "build", StatusState::Success);
        let said = Annotation { path: "a.txt".into(), line: 3, level: "failure".into(), message: "no".into() };
        scene.repo.failing_check(&head.0, "spelling", "the log", vec![said]);
        scene.eve.approve("ann/web", number);
        scene.server.fault(Match::graphql("PullStatus").times(100), Fault::GraphQlPartial);
        let pull = scene.known("dayfly/1").await;
        assert_eq!((pull.review, pull.checks), (Review::Wanted, Checks::Pending(vec!["late".into()])));
        assert_eq!((pull.mergeable, pull.head), (Mergeable::Blocked, head.clone()));
        scene.repo.check(&head.0, "late", CheckState::Success);
        scene.ann.approve("ann/web", number);
        let pull = scene.known("dayfly/1").await;
        assert_eq!((pull.review, pull.checks), (Review::Approved, Checks::Passed));
        assert_eq!(pull.mergeable, Mergeable::Clean);
    }
}

#[tokio::test]
async fn an_idle_look_is_cheap() {
    let scene = Scene::new();
    let branches: Vec<String> = (0..5).map(|n| format!("dayfly/{n}")).collect();
    for branch in &branches {
        let (number, _) = scene.opened(branch).await;
        scene.ann.close_pull("ann/web", number);
    }
    scene.forge.pulls(&project(), &branches).await.unwrap();
    let before = scene.server.journal().paid_rest();
    scene.forge.pulls(&project(), &branches).await.unwrap();
    assert_eq!(scene.server.journal().paid_rest() - before, 0, "what has not changed costs nothing");
}
