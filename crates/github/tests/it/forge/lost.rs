//! Answers that are lost in the middle of a write.

use std::time::Duration;

use dayfly_core::{Forge as _, MergeMethod, PullApplied, PullWrite};
use dayfly_testkit::github::{Fault, Match};

use super::{Scene, project};

fn say() -> PullWrite {
    PullWrite::Say { branch: "dayfly/1".into(), topic: "standing".into(), body: "It waits.".into() }
}

#[tokio::test]
async fn one_that_was_opened_without_an_answer_is_found_again() {
    for fault in [Fault::LostAfterWrite, Fault::BadGatewayAfterWrite] {
        let scene = Scene::new();
        scene.server.fault(Match::post("/pulls"), fault);
        let new = scene.new_pull("dayfly/1");
        let error = scene.tried("k", PullWrite::Open(new.clone())).await.unwrap_err();
        assert!(error.is_transient() && error.not_before().is_some(), "{error:?}");
        let number = scene.repo.pulls()[0].number;
        assert_eq!(scene.apply("k", PullWrite::Open(new)).await, PullApplied::Already(Some(number)));
        assert_eq!(scene.repo.pulls().len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_sent_again_while_it_may_be_under_way() {
    let scene = Scene::new();
    scene.opened("dayfly/1").await;
    scene.server.fault(Match::post("/comments"), Fault::Reset);
    scene.tried("s", say()).await.unwrap_err();
    let posts = || scene.server.journal().entries().iter().filter(|e| e.method == "POST").count();
    let before = posts();
    let error = scene.tried("s", say()).await.unwrap_err();
    assert!(error.not_before().is_some() && posts() == before, "{error:?}");

    // So it is for the next process, too.
    let next = super::forge(&scene.server, &scene.bot, &scene.keep);
    let error = next.apply(&project(), "s", &say()).await.unwrap_err();
    assert!(error.not_before().is_some() && posts() == before, "{error:?}");
    scene.world.advance(Duration::from_secs(16));
    let applied = next.apply(&project(), "s", &say()).await.unwrap();
    assert!(matches!(applied, PullApplied::Done(_)), "{applied:?}");
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_there_once() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    scene.server.fault(Match::post("/comments"), Fault::LostAfterWrite);
    scene.tried("s", say()).await.unwrap_err();
    assert_eq!(scene.apply("s", say()).await, PullApplied::Already(Some(number)));
    assert_eq!(scene.repo.issue(number).comments.len(), 1);
}

#[tokio::test]
async fn a_merge_whose_answer_was_lost_is_one_merge() {
    let scene = Scene::new();
    let (number, head) = scene.opened("dayfly/1").await;
    scene.server.fault(Match::put("/merge-async"), Fault::LostAfterWrite);
    let merge = PullWrite::Merge { branch: "dayfly/1".into(), head, method: MergeMethod::Merge };
    let applied = scene.apply("m", merge).await;
    assert_eq!(applied, PullApplied::Already(Some(number)));
    for _ in 0..3 {
        scene.look("dayfly/1").await;
    }
    assert_eq!(scene.repo.git().log("main").len(), 3);
    assert!(scene.repo.pull(number).merged.is_some());
}
