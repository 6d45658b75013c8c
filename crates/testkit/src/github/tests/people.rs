use serde_json::{Value, json};

use super::Scene;
use crate::github::Permission;
use crate::github::contract::Client;

#[test]
fn a_private_repository_is_not_there_for_those_who_may_do_nothing_in_it() {
    let scene = Scene::new();
    let world = scene.server.world();
    let stranger = world.person("eve", Permission::None);
    let _ = world.repo("acme/secret").private();
    let seen = |person| scene.client(person).get("/repos/acme/secret").status;
    assert_eq!((seen(&scene.ann), seen(&stranger)), (200, 404));
    assert_eq!(scene.client(&stranger).get("/repos/acme/web").status, 200);
}

#[test]
fn a_permission_and_an_association_need_not_agree() {
    let scene = Scene::new();
    let world = scene.server.world();
    let hidden = world.person("hidden-member", Permission::Write).seen_as("CONTRIBUTOR");
    let reader = world.person("reader", Permission::None);
    scene.web.grant(&reader, Permission::Read);
    let number = hidden.open_issue("acme/web", "t", "b");
    reader.comment("acme/web", number, "me too");
    let association = |path: &str| scene.get(path).body["author_association"].clone();
    assert_eq!(association("/repos/acme/web/issues/1"), "CONTRIBUTOR");
    let comments = scene.get("/repos/acme/web/issues/1/comments").body;
    assert_eq!(comments[0]["author_association"], "COLLABORATOR");
    let permission = |login: &str| {
        let told = scene.get(&format!("/repos/acme/web/collaborators/{login}/permission")).body;
        (told["permission"].as_str().unwrap().to_owned(), told["role_name"].as_str().unwrap().to_owned())
    };
    assert_eq!(permission("hidden-member"), ("write".to_owned(), "write".to_owned()));
    assert_eq!(permission("reader"), ("read".to_owned(), "read".to_owned()));
    assert_eq!(permission("ann"), ("write".to_owned(), "maintain".to_owned()));
    let refused = scene.client(&reader).get("/repos/acme/web/collaborators/ann/permission");
    assert_eq!(refused.status, 403);
}

#[test]
fn what_somebody_wrote_whose_account_is_gone_is_nobodys() {
    let scene = Scene::new();
    let leaver = scene.server.world().person("leaver", Permission::Read);
    let token = leaver.token().to_owned();
    let number = leaver.open_issue("acme/web", "t", "b");
    leaver.comment("acme/web", number, "bye");
    leaver.vanish();
    assert_eq!(scene.get("/repos/acme/web/issues/1").body["user"], Value::Null);
    assert_eq!(scene.get("/repos/acme/web/issues/1/comments").body[0]["user"], Value::Null);
    assert_eq!(Client::new(&scene.server.url(), &token).get("/user").status, 401);
}

#[test]
fn a_renamed_repository_is_found_by_reads_and_writes_that_follow() {
    let scene = Scene::new();
    scene.web.rename("acme/site");
    let read = scene.get("/repos/acme/web/issues?state=all");
    assert_eq!(read.status, 301);
    let to = read.header("location").unwrap();
    assert!(to.ends_with(&format!("/repositories/{}/issues?state=all", scene.web.id())), "{to}");
    assert_eq!(scene.get(to).status, 200);
    let write = scene.call("POST", "/repos/acme/web/issues", json!({ "title": "t" }));
    assert_eq!(write.status, 307);
    assert_eq!(scene.call("POST", write.header("location").unwrap(), json!({ "title": "t" })).status, 201);
    assert_eq!(scene.get("/repos/acme/site").body["full_name"], "acme/site");
}

#[test]
fn without_a_good_token_nothing_is_answered() {
    let scene = Scene::new();
    assert_eq!(Client::new(&scene.server.url(), "wrong").get("/user").status, 401);
    scene.server.world().revoke(scene.bot.token());
    assert_eq!(scene.get("/user").status, 401);
    let user = scene.client(&scene.ann).get("/user");
    assert_eq!((user.status, &user.body["login"]), (200, &json!("ann")));
    let odd = scene.client(&scene.ann).send("GET", "/user", &Value::Null, &[("x-github-api-version", "2011-01-01")]);
    assert_eq!(odd.unwrap().status, 400);
    let mute = scene.client(&scene.ann).send("GET", "/user", &Value::Null, &[("user-agent", "")]);
    assert_eq!(mute.unwrap().status, 403);
}

#[test]
fn a_person_and_a_program_that_share_a_login_are_told_apart_by_nobody_but_the_test() {
    let scene = Scene::new();
    let token = scene.ann.another_token("for_the_program");
    let number = scene.ann.open_issue("acme/web", "t", "b");
    let client = Client::new(&scene.server.url(), &token);
    client.call("POST", &format!("/repos/acme/web/issues/{number}/comments"), &json!({ "body": "by the program" }));
    scene.ann.comment("acme/web", number, "by hand");
    let comments = scene.get(&format!("/repos/acme/web/issues/{number}/comments")).body;
    assert_eq!(comments[0]["user"], comments[1]["user"]);
    assert_eq!(scene.web.take_comment(number).body, "by the program");
    scene.server.world().assert_no_unexpected_comments();
}
