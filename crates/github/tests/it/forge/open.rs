//! Opening, making ready, removing the branch; and where git is.

use dayfly_core::{Forge as _, NewPull, PullApplied, PullState, PullWrite};
use dayfly_testkit::github::Permission;

use super::{Scene, project};

#[tokio::test]
async fn one_is_opened_and_seen() {
    let scene = Scene::new();
    let (number, head) = scene.opened("dayfly/1").await;
    let there = scene.repo.pull(number);
    assert_eq!((there.title.as_str(), there.base.as_str(), there.draft), ("Work on dayfly/1", "main", false));
    assert!(there.body.ends_with("What was done.\n"), "{}", there.body);
    let pull = scene.look("dayfly/1").await;
    assert_eq!((pull.number, pull.head, pull.state), (number, head, PullState::Open));
    assert_eq!((pull.branch.as_str(), pull.base.as_str()), ("dayfly/1", "main"));
    assert_eq!(scene.forge.pulls(&project(), &["dayfly/none".to_owned()]).await.unwrap(), []);
    scene.server.verify();
}

#[tokio::test]
async fn twice_is_once() {
    let scene = Scene::new();
    let new = scene.new_pull("dayfly/1");
    let PullApplied::Done(number) = scene.apply("k", PullWrite::Open(new.clone())).await else { panic!() };
    assert_eq!(scene.apply("k", PullWrite::Open(new.clone())).await, PullApplied::Already(number));
    let newer = NewPull { title: "Better".into(), body: "More was done.".into(), ..new };
    assert_eq!(scene.apply("k2", PullWrite::Open(newer)).await, PullApplied::Done(number));
    let there = scene.repo.pull(number.unwrap());
    assert_eq!((there.title.as_str(), scene.repo.pulls().len()), ("Better", 1));
    assert!(there.body.ends_with("More was done."));
    scene.server.verify();
}

#[tokio::test]
async fn the_one_that_somebody_else_opened_is_taken() {
    let scene = Scene::new();
    let new = scene.new_pull("dayfly/1");
    let number = scene.ann.open_pull("ann/web", ("dayfly/1", "main"), "Mine", "By hand");
    assert_eq!(scene.apply("k", PullWrite::Open(new)).await, PullApplied::Done(Some(number)));
    assert_eq!(scene.repo.pull(number).title, "Work on dayfly/1");
}

#[tokio::test]
async fn a_branch_whose_last_one_was_closed_gets_a_new_one() {
    let scene = Scene::new();
    let (first, _) = scene.opened("dayfly/1").await;
    scene.ann.close_pull("ann/web", first);
    assert_eq!(scene.look("dayfly/1").await.state, PullState::Closed);
    // The same wish is granted already; it takes a new one.
    let new = scene.new_pull("dayfly/1");
    assert_eq!(scene.apply("open-dayfly/1", PullWrite::Open(new.clone())).await, PullApplied::Already(Some(first)));
    let PullApplied::Done(Some(second)) = scene.apply("again", PullWrite::Open(new)).await else { panic!() };
    assert!(second > first);
    assert_eq!(scene.look("dayfly/1").await.number, second);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let scene = Scene::new();
    let new = NewPull { base: "nowhere".into(), ..scene.new_pull("dayfly/1") };
    let applied = scene.apply("k", PullWrite::Open(new)).await;
    assert!(matches!(applied, PullApplied::NotNow(_)), "{applied:?}");
}

#[tokio::test]
async fn a_draft_is_made_ready_once() {
    let scene = Scene::new();
    let new = NewPull { draft: true, ..scene.new_pull("dayfly/1") };
    let PullApplied::Done(number) = scene.apply("k", PullWrite::Open(new)).await else { panic!() };
    assert!(scene.look("dayfly/1").await.draft);
    let ready = || PullWrite::Ready { branch: "dayfly/1".into() };
    assert_eq!(scene.apply("r", ready()).await, PullApplied::Done(number));
    assert!(!scene.look("dayfly/1").await.draft);
    assert_eq!(scene.apply("r", ready()).await, PullApplied::Already(number));
    scene.server.verify();
}

#[tokio::test]
async fn a_branch_is_removed_only_when_all_of_it_is_done_with() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    let remove = || PullWrite::RemoveBranch { branch: "dayfly/1".into() };
    assert!(matches!(scene.apply("d", remove()).await, PullApplied::NotNow(_)));
    scene.ann.close_pull("ann/web", number);
    // What somebody pushed since is in no pull request.
    let before = scene.repo.git().head("dayfly/1").unwrap();
    let later = scene.repo.commit("dayfly/1", "one more", &[("c.txt", "1\n")]);
    assert!(matches!(scene.apply("d", remove()).await, PullApplied::NotNow(_)));
    assert_eq!(scene.repo.git().head("dayfly/1"), Some(later));
    assert_ne!(scene.repo.git().head("dayfly/1"), Some(before));

    let (number, _) = scene.opened("dayfly/2").await;
    scene.ann.merge_pull("ann/web", number);
    assert!(matches!(scene.look("dayfly/2").await.state, PullState::Merged(Some(_))));
    let remove = || PullWrite::RemoveBranch { branch: "dayfly/2".into() };
    assert_eq!(scene.apply("e", remove()).await, PullApplied::Done(Some(number)));
    assert_eq!(scene.repo.git().head("dayfly/2"), None);
    assert_eq!(scene.apply("e", remove()).await, PullApplied::Already(Some(number)));
}

#[tokio::test]
async fn git_is_told_where_and_by_whom() {
    let scene = Scene::new();
    let remote = scene.forge.remote(&project()).await.unwrap();
    assert_eq!(remote.url, scene.server.git_url("ann/web"));
    let authorization = remote.authorization.clone().unwrap();
    assert!(authorization.expose().starts_with("Basic "));
    assert!(!format!("{remote:?} {:?}", scene.forge).contains(authorization.expose()));
}

#[tokio::test]
async fn a_renamed_repository_is_still_found() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    scene.repo.rename("ann/site");
    assert_eq!(scene.look("dayfly/1").await.number, number);
    let (second, _) = scene.opened("dayfly/2").await;
    assert!(scene.repo.pull(second).open);
}

#[tokio::test]
async fn a_project_without_a_repository_is_refused() {
    let scene = Scene::new();
    let other = dayfly_core::ProjectName::new("other").unwrap();
    let error = scene.forge.pulls(&other, &[]).await.unwrap_err();
    assert!(error.to_string().contains("set `github`"), "{error}");
    // Nor is a stranger to a private one told more than that it is not there.
    let stranger = scene.world.person("sam", Permission::None);
    let keep = tempfile::tempdir().unwrap();
    let scene = Scene { repo: scene.repo.private(), ..scene };
    let forge = super::forge(&scene.server, &stranger, &keep);
    let error = forge.pulls(&project(), &["dayfly/1".to_owned()]).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
}
