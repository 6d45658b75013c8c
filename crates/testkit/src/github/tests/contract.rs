use super::Scene;
use crate::github::contract::{self, Client};
use crate::github::{GitHubServer, Permission};

#[test]
fn the_suite_holds_here() {
    let scene = Scene::new();
    let report = contract::run(&scene.client(&scene.ann), "acme/web", "here");
    assert!(report.broken().is_empty() && report.skipped().is_empty(), "{report}");
    let violations = scene.server.take_violations();
    assert_eq!(violations, ["POST /repos/acme/web/issues: the request is not valid: `title`: it is missing"]);
}

#[test]
fn the_suite_skips_what_an_enterprise_server_lacks() {
    let server = GitHubServer::start_enterprise("3.18.0");
    let ann = server.world().person("ann", Permission::Admin);
    server.world().repo("acme/web");
    let report = contract::run(&Client::new(&server.url(), ann.token()), "acme/web", "there");
    assert!(report.broken().is_empty(), "{report}");
    assert_eq!(report.skipped().len(), 2, "{report}");
    server.take_violations();
}

#[test]
fn the_suite_tells_what_does_not_hold() {
    use crate::github::{Fault, Match};
    let scene = Scene::new();
    scene.server.fault(Match::delete("/issues/comments/*"), Fault::Unavailable(503));
    let report = contract::run(&scene.client(&scene.ann), "acme/web", "here");
    assert_eq!(report.broken(), ["a comment is written, edited and deleted"], "{report}");
    scene.server.take_violations();
}
