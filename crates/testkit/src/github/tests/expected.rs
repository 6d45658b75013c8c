use serde_json::json;

use super::Scene;

const COMMENTS: &str = "/repos/acme/web/issues/1/comments";

#[test]
fn what_a_program_says_must_have_been_expected() {
    let scene = Scene::new();
    let world = scene.server.world();
    scene.ann.open_issue("acme/web", "t", "b");
    scene.ann.comment("acme/web", 1, "a person may say what they like");
    world.assert_no_unexpected_comments();
    for body in ["one", "two"] {
        scene.call("POST", COMMENTS, json!({ "body": body }));
    }
    assert_eq!(scene.web.take_comment(1).body, "one");
    let told = std::panic::catch_unwind(|| world.assert_no_unexpected_comments()).unwrap_err();
    assert!(told.downcast_ref::<String>().unwrap().ends_with("acme/web#1: two"));
    assert_eq!(scene.web.take_comment(1).body, "two");
    world.assert_no_unexpected_comments();
}

#[test]
fn a_server_whose_client_did_what_github_refuses_panics_at_its_end() {
    let told = std::panic::catch_unwind(|| {
        let scene = Scene::new();
        scene.call("POST", "/repos/acme/web/issues", json!({ "titel": "t" }));
    });
    let told = told.unwrap_err();
    assert!(told.downcast_ref::<String>().unwrap().contains("`title`: it is missing"));
}

#[test]
fn all_that_people_see_is_a_text() {
    let scene = Scene::new();
    scene.ann.make_milestone("acme/web", "March 2026", Some("2026-03-30T12:00:00Z"));
    for title in ["It fails", "A part", "First of all"] {
        scene.ann.open_issue("acme/web", title, "");
    }
    scene.ann.edit_body("acme/web", 1, "Always.\n\nSince Monday.");
    scene.ann.label("acme/web", 1, "bug");
    scene.ann.set_milestone("acme/web", 1, Some(1));
    scene.ann.assign("acme/web", 1, "ann");
    scene.ann.add_sub_issue("acme/web", 1, 2);
    scene.ann.block("acme/web", 2, 3);
    scene.ann.close("acme/web", 3, "not_planned");
    scene.call("POST", COMMENTS, json!({ "body": "Which version?" }));
    let expected = "\
acme/web
  March 2026: open, 0 closed, 1 open, due 2026-03-30
  #1 It fails by ann: open, labels bug, in March 2026, assigned to ann, parts #2
    | Always.
    |
    | Since Monday.
    dayfly-bot:
      | Which version?
  #2 A part by ann: open, waits for #3
  #3 First of all by ann: not_planned
";
    assert_eq!(scene.server.world().snapshot(), expected);
}
