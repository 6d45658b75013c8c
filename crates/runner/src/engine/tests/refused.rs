//! A tracker that does not take labels: issues go on without them, and what is blocked stays blocked.

use async_trait::async_trait;
use dayfly_core::{Applied, Ask, Milestone, Order, Request, Target, TrackerError, TrackerWrite};

use super::*;
use crate::{Inbox, new_order_id};

/// A tracker that refuses every label.
#[derive(Debug)]
struct Unlabelled(MarkdownTracker);

#[async_trait]
impl Tracker for Unlabelled {
    async fn issues(&self, project: &ProjectName) -> Result<Vec<Issue>, TrackerError> {
        self.0.issues(project).await
    }

    async fn milestones(&self, project: &ProjectName) -> Result<Vec<Milestone>, TrackerError> {
        self.0.milestones(project).await
    }

    async fn apply(&self, project: &ProjectName, key: &str, write: &TrackerWrite) -> Result<Applied, TrackerError> {
        if matches!(write, TrackerWrite::Labels { .. }) {
            return Err(TrackerError::Refused { project: project.clone(), reason: "labels are locked".into() });
        }
        self.0.apply(project, key, write).await
    }
}

fn world() -> World {
    let mut world = World::new(&["exec", "merge"]);
    world.tracker = Some(Arc::new(Unlabelled(world.markdown())));
    world
}

#[tokio::test]
async fn work_goes_on_without_labels() {
    let world = world();
    world.run(works).await;
    assert_eq!((world.words().await, world.phase(1).await), (vec!["succeeded", "succeeded"], "done"));
}

/// That its label is not there was once taken for a person's sign to go on: round and round it went, and no run ended.
#[tokio::test]
async fn a_block_whose_label_is_refused_is_lifted_by_a_persons_order_alone() {
    let world = world();
    let broken = |_: &Attempt| MockScript::ends(End::Environment { reason: "no compiler".into() });
    world.run(broken).await;
    world.run(works).await;
    assert_eq!((world.words().await, world.phase(1).await), (vec!["environment"], "blocked"));

    let inbox = Inbox::of(&world.repo.root.join("state"));
    let order = Order { id: new_order_id(), by: "ann".into(), reason: "there is one".into(), at: now() };
    inbox.put(&Request::new(order, Ask::Resume { what: vec![Target::Issue(issue(1))] })).unwrap();
    let engine = world.builder(world.mock(works)).inbox(inbox).build();
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!(world.phase(1).await, "done");
}
