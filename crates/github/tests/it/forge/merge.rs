//! Merging: the commit that was judged, or nothing.

use std::time::Duration;

use dayfly_core::{Checks, Commit, Forge as _, MergeMethod, PullApplied, PullState, PullWrite};
use dayfly_github::Pace;
use dayfly_testkit::github::{BranchRules, CheckState, Fault, GitHubServer, Limits, Match};

use super::{Scene, project};

fn merge(branch: &str, head: &Commit) -> PullWrite {
    PullWrite::Merge { branch: branch.into(), head: head.clone(), method: MergeMethod::Squash }
}

#[tokio::test]
async fn a_merge_is_asked_for_and_then_seen() {
    let scene = Scene::new();
    scene.repo.merges_after(3);
    let (number, head) = scene.opened("dayfly/1").await;
    assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Done(Some(number)));
    assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Already(Some(number)));
    let pull = scene.look("dayfly/1").await;
    assert_eq!((pull.state, pull.merging), (PullState::Open, true));
    let mut looks = 0;
    let merged = loop {
        let pull = scene.look("dayfly/1").await;
        if pull.state != PullState::Open {
            break pull;
        }
        assert!(pull.merging && pull.failed.is_none(), "{pull:?}");
        looks += 1;
        assert!(looks < 10);
    };
    assert_eq!(merged.state, PullState::Merged(scene.repo.git().head("main").map(Commit)));
    assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Already(Some(number)));
    assert_eq!(scene.repo.git().log("main").len(), 2);
    scene.server.verify();
}

#[tokio::test]
async fn a_branch_that_moved_is_not_merged() {
    for server in [GitHubServer::start(), GitHubServer::start_enterprise("3.19.0")] {
        let scene = Scene::of(server);
        let (_, judged) = scene.opened("dayfly/1").await;
        let before = scene.repo.git().head("main");
        scene.repo.commit("dayfly/1", "not judged", &[("c.txt", "1\n")]);
        let applied = scene.apply("m", merge("dayfly/1", &judged)).await;
        assert!(matches!(applied, PullApplied::NotNow(_)), "{applied:?}");
        assert_eq!(scene.repo.git().head("main"), before);
    }
}

#[tokio::test]
async fn a_push_while_it_is_being_merged_stops_it() {
    let scene = Scene::new();
    scene.repo.merges_after(3);
    let (_, judged) = scene.opened("dayfly/1").await;
    scene.apply("m", merge("dayfly/1", &judged)).await;
    let before = scene.repo.git().head("main");
    let pushed = scene.repo.commit("dayfly/1", "not judged", &[("c.txt", "1\n")]);
    for _ in 0..6 {
        let pull = scene.look("dayfly/1").await;
        assert_eq!((pull.state, pull.head.0.as_str()), (PullState::Open, pushed.as_str()));
    }
    assert_eq!(scene.repo.git().head("main"), before);
}

#[tokio::test]
async fn a_merge_that_fails_late_says_why() {
    let scene = Scene::new();
    scene.repo.protect("main", BranchRules { checks: vec!["ci".into()], ..BranchRules::default() });
    let (number, head) = scene.opened("dayfly/1").await;
    scene.repo.check(&head.0, "ci", CheckState::Success);
    scene.repo.merges_after(2);
    assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Done(Some(number)));
    scene.repo.check(&head.0, "ci", CheckState::Failure);
    let mut pull = scene.look("dayfly/1").await;
    for _ in 0..5 {
        pull = scene.look("dayfly/1").await;
    }
    assert!(pull.failed.as_deref().is_some_and(|why| why.contains("ci")), "{pull:?}");
    assert!(!pull.merging && matches!(pull.checks, Checks::Failed(_)));
    // It can be asked for again when it is mended.
    scene.repo.check(&head.0, "ci", CheckState::Success);
    assert_eq!(scene.apply("m2", merge("dayfly/1", &head)).await, PullApplied::Done(Some(number)));
    let pull = scene.look("dayfly/1").await;
    assert!(pull.failed.is_none(), "{pull:?}");
}

#[tokio::test]
async fn what_cannot_be_merged_is_no_error() {
    let scene = Scene::new();
    let (number, head) = scene.opened("dayfly/1").await;
    scene.ann.close_pull("ann/web", number);
    assert!(matches!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::NotNow(_)));
    let none = scene.apply("m", merge("dayfly/none", &head)).await;
    assert!(matches!(none, PullApplied::NotNow(_)), "{none:?}");
    let new = dayfly_core::NewPull { draft: true, ..scene.new_pull("dayfly/2") };
    let head = new.head.clone();
    scene.apply("o", PullWrite::Open(new)).await;
    let draft = scene.apply("m", merge("dayfly/2", &head)).await;
    assert!(matches!(&draft, PullApplied::NotNow(why) if why.contains("draft")), "{draft:?}");
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_merges_at_once() {
    let scene = Scene::of(GitHubServer::start_enterprise("3.19.0"));
    let (number, head) = scene.opened("dayfly/1").await;
    assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Done(Some(number)));
    assert!(matches!(scene.look("dayfly/1").await.state, PullState::Merged(_)));
    let tried = scene.server.journal().entries().iter().filter(|e| e.path.contains("merge-async")).count();
    assert_eq!(tried, 0, "its version says that it has no such merge");

    // One that says it is newer, and has it not, is asked once.
    let scene = Scene::of(GitHubServer::start_enterprise("3.21.0"));
    for branch in ["dayfly/1", "dayfly/2"] {
        scene.server.fault(Match::put("/merge-async"), Fault::NoAccess);
        let (_, head) = scene.opened(branch).await;
        scene.apply(branch, merge(branch, &head)).await;
        let rejected = scene.apply(branch, merge(branch, &head)).await;
        assert!(!matches!(rejected, PullApplied::Done(_)), "{rejected:?}");
        scene.repo.commit("main", "theirs", &[("b.txt", branch)]);
    }
    let tried = scene.server.journal().entries().iter().filter(|e| e.path.ends_with("merge-async")).count();
    assert_eq!(tried, 1);
}

#[tokio::test]
async fn a_queue_takes_it_where_the_base_has_one() {
    for server in [GitHubServer::start(), GitHubServer::start_enterprise("3.19.0")] {
        let scene = Scene::of(server);
        let queue = BranchRules { merge_queue: true, checks: vec!["ci".into()], ..BranchRules::default() };
        scene.repo.protect("main", queue);
        let (number, head) = scene.opened("dayfly/1").await;
        scene.repo.check(&head.0, "ci", CheckState::Success);
        scene.known("dayfly/1").await;
        assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Done(Some(number)));
        let mut pull = scene.look("dayfly/1").await;
        for _ in 0..4 {
            pull = scene.look("dayfly/1").await;
        }
        assert!(pull.merging && pull.state == PullState::Open, "{pull:?}");
        assert!(scene.repo.pull(number).queued.is_some());
        let group = scene.repo.merge_groups()[0].clone();
        scene.repo.check(&group, "ci", CheckState::Success);
        scene.world.advance(Duration::from_secs(60));
        let pull = scene.look("dayfly/1").await;
        assert!(matches!(pull.state, PullState::Merged(_)), "{pull:?}");
    }
}

#[tokio::test]
async fn the_merging_goes_on_when_the_hour_is_nearly_used_up() {
    let scene = Scene::new();
    let (number, head) = scene.opened("dayfly/1").await;
    // A tenth of a small budget is kept for merging.
    scene.world.limit(Limits { core: 60, ..Limits::default() });
    let forge = super::forge_with(&scene.server, &scene.bot, &scene.keep, Pace { reserve: 500, ..Pace::none() });
    for n in 0.. {
        let branch = format!("dayfly/none-{n}");
        let say = PullWrite::Say { branch: "dayfly/1".into(), topic: "t".into(), body: branch };
        if let Err(error) = forge.apply(&project(), "s", &say).await {
            assert!(error.to_string().contains("kept for merging"), "{error}");
            break;
        }
        assert!(n < 60, "the reserve is used by what does not merge");
    }
    let write = merge("dayfly/1", &head);
    assert_eq!(forge.apply(&project(), "m", &write).await.unwrap(), PullApplied::Done(Some(number)));
}

#[tokio::test]
async fn a_limit_of_graphql_does_not_keep_what_rest_can_do() {
    let scene = Scene::new();
    let (number, head) = scene.opened("dayfly/1").await;
    scene.server.fault(Match::graphql("PullStatus"), Fault::PrimaryLimit(Duration::from_secs(600)));
    let error = scene.forge.pulls(&project(), &["dayfly/1".to_owned()]).await.unwrap_err();
    assert!(error.not_before().is_some(), "{error:?}");
    assert_eq!(scene.apply("m", merge("dayfly/1", &head)).await, PullApplied::Done(Some(number)));
}
