//! The contract of a forge.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use dayfly_core::Clock as _;
use dayfly_github::GitHubForge;
use dayfly_testkit::conformance::{self, ForgeBench};
use dayfly_testkit::github::GitHubServer;

use super::{Scene, forge, project};

fn bench(scene: &Rc<Scene>) -> ForgeBench<GitHubForge> {
    let (pushing, closing, waiting) = (scene.clone(), scene.clone(), scene.clone());
    let pushes = Cell::new(0);
    ForgeBench {
        forge: forge(&scene.server, &scene.bot, &scene.keep),
        project: project(),
        push: Box::new(move |branch| {
            pushes.set(pushes.get() + 1);
            // Each branch has files of its own, so that none is in another's way.
            let file = format!("{}-{}.txt", branch.replace('/', "-"), pushes.get());
            dayfly_core::Commit(pushing.repo.commit(branch, "work", &[(file.as_str(), "done\n")]))
        }),
        close: Box::new(move |number| closing.ann.close_pull("ann/web", number)),
        until: Box::new(move |at| {
            let now = waiting.world.clock().now();
            waiting.world.advance(Duration::try_from(at.duration_since(now)).unwrap_or_default());
        }),
    }
}

#[tokio::test]
async fn github_keeps_the_contract_of_a_forge() {
    conformance::forge(async || bench(&Rc::new(Scene::new()))).await;
}

#[tokio::test]
async fn an_enterprise_server_keeps_the_contract_of_a_forge() {
    conformance::forge(async || bench(&Rc::new(Scene::of(GitHubServer::start_enterprise("3.19.0"))))).await;
}

#[tokio::test]
async fn github_remembers_across_restarts() {
    let scene = Rc::new(Scene::new());
    conformance::forge_reopened(async || bench(&scene)).await;
}
