//! The one comment about a topic.

use dayfly_core::{PullApplied, PullWrite};

use super::Scene;

fn say(body: &str) -> PullWrite {
    PullWrite::Say { branch: "dayfly/1".into(), topic: "standing".into(), body: body.into() }
}

#[tokio::test]
async fn what_changes_is_said_in_place() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    assert_eq!(scene.apply("a", say("It waits.")).await, PullApplied::Done(Some(number)));
    assert_eq!(scene.apply("a", say("It waits.")).await, PullApplied::Already(Some(number)));
    assert_eq!(scene.apply("b", say("It is being merged.")).await, PullApplied::Done(Some(number)));
    let comments = scene.repo.issue(number).comments;
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.ends_with("It is being merged."), "{comments:?}");
    scene.server.verify();
}

#[tokio::test]
async fn another_topic_is_another_comment() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    scene.apply("a", say("It waits.")).await;
    let other = PullWrite::Say { branch: "dayfly/1".into(), topic: "receipt".into(), body: "So much.".into() };
    scene.apply("b", other).await;
    assert_eq!(scene.repo.issue(number).comments.len(), 2);
}

#[tokio::test]
async fn a_pasted_mark_is_nobodys_comment_but_its_authors() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    scene.apply("a", say("It waits.")).await;
    let own = scene.repo.issue(number).comments[0].body.clone();
    scene.eve.comment("ann/web", number, &own.replace("waits", "is evil"));
    scene.ann.comment("ann/web", number, &format!("> {own}\n\nWhy?"));
    scene.apply("b", say("Done.")).await;
    let bodies: Vec<String> = scene.repo.issue(number).comments.into_iter().map(|c| c.body).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies[0].ends_with("Done.") && bodies[1].ends_with("is evil.") && bodies[2].ends_with("Why?"));
}

#[tokio::test]
async fn two_that_came_about_become_one() {
    let scene = Scene::new();
    let (number, _) = scene.opened("dayfly/1").await;
    scene.apply("a", say("It waits.")).await;
    let own = scene.repo.issue(number).comments[0].body.clone();
    scene.bot.comment("ann/web", number, &own);
    scene.apply("b", say("Done.")).await;
    let comments = scene.repo.issue(number).comments;
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.ends_with("Done."));
}
