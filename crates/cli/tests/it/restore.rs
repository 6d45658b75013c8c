//! Going back to a backup: nothing is lost on the way, nothing is done twice, and what is in doubt waits for a person.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::world::{GOOD_AGENT, World, wait_until};

const STATUS: &str = ".dayfly/attempts/web.1.exec.1/status.json";

/// An agent that waits for the sign `go`, and the engine that started it, which is killed by what it is given.
fn under_way(meanwhile: impl FnOnce(&World)) -> World {
    let wait = "echo ready; while [ ! -e \"$SIGNS/go\" ]; do sleep 0.05; done";
    let world = World::with_agent(&format!("{wait}\n{GOOD_AGENT}"));
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    let mut engine = world.start(&["run", "--until-idle", "--verbose"]);
    engine.says("web.1.exec.1 | ready");
    meanwhile(&world);
    engine.signal("KILL");
    engine.ends();
    world
}

fn labels(world: &World, issue: &str) -> Vec<String> {
    let shown = world.json(&["issue", "show", issue]);
    shown["labels"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_owned()).collect()
}

fn comments(world: &World, issue: &str) -> usize {
    world.json(&["issue", "show", issue])["comments"].as_array().unwrap().len()
}

#[test]
fn an_attempt_that_ran_at_the_backup_and_has_ended_is_over_and_its_issue_waits() {
    let world = under_way(|world| drop(world.data(&["store", "backup", "copy.sqlite"])));
    world.write("signs/go", "");
    wait_until(|| world.path(STATUS).exists());
    let restored = world.data(&["store", "restore", "copy.sqlite"]);
    assert!(restored.contains("in doubt: web.1.exec.1"), "{restored}");
    let next = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(next.code, Some(1), "{next:?}");
    assert!(next.out.contains("needs you: web#1"), "{next:?}");
    assert_eq!((labels(&world, "web#1"), comments(&world, "web#1")), (vec!["human-needed".to_owned()], 1));
    let ends = world.data(&["audit", "show", "--kind", "attempt-ended"]);
    assert!(ends.lines().count() == 1 && ends.contains("web.1.exec.1              lost"), "{ends}");
    let copies = fs::read_dir(world.path(".dayfly/work")).unwrap().flatten().map(|entry| entry.file_name());
    let copies: Vec<_> = copies.collect();
    assert_eq!(copies, ["web.1.exec.1.left-1"], "what it committed is kept for the person");
    assert!(world.data(&["store", "rebuild"]).contains("it is what was stored"));

    world.data(&["issue", "retry", "web#1"]);
    let done = world.dayfly(&["run", "--until-idle"]);
    assert!(done.code == Some(0) && done.err.contains("web.1.exec.2"), "{done:?}");
    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
}

#[test]
fn a_ledger_that_was_saved_as_it_stood_is_put_back_with_its_last_records() {
    let world = under_way(|_| ());
    let head = world.json(&["audit", "verify"])["head"].as_str().unwrap().to_owned();
    fs::create_dir(world.path("saved")).unwrap();
    for part in ["", "-wal"] {
        let (from, to) = (format!(".dayfly/ledger.sqlite{part}"), format!("saved/ledger.sqlite{part}"));
        fs::copy(world.path(&from), world.path(&to)).unwrap();
    }
    fs::set_permissions(world.path("saved/ledger.sqlite"), fs::Permissions::from_mode(0o444)).unwrap();
    let restored = world.data(&["store", "restore", "saved/ledger.sqlite"]);
    assert!(restored.contains(&format!("at record {}", head.split_once(':').unwrap().0)), "{restored}");
    world.data(&["audit", "verify", "--head", &head]);
    // Its keeper lives: the attempt is not in doubt, and goes on.
    world.write("signs/go", "");
    assert!(!restored.contains("in doubt"), "{restored}");
    let next = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(next.code, Some(0), "{next:?}");
    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
}

#[test]
fn attempts_without_a_folder_are_in_doubt_and_only_open_issues_wait_and_each_is_told_of_once() {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--quiet"]).code, Some(0));
    world.data(&["store", "backup", "early.sqlite"]);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    world.data(&["issue", "new", "Not known then", "--label", "ready-for-dev"]);
    world.agent("exit 1");
    world.dayfly(&["run", "--quiet"]);
    let landed = world.subjects("web", "main");

    let named = "in doubt: web.1.merge.2, web.2.exec.1";
    let restored = world.data(&["store", "restore", "early.sqlite"]);
    assert!(restored.contains(named), "{restored}");
    fs::remove_dir_all(world.path(".dayfly/attempts")).unwrap();
    let again = world.data(&["store", "restore", "early.sqlite"]);
    assert!(again.contains(named), "the replaced ledger knew of them: {again}");

    world.agent(GOOD_AGENT);
    let next = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(next.code, Some(1), "{next:?}");
    assert!(next.out.contains("needs you: web#2 "), "{next:?}");
    assert_eq!(world.subjects("web", "main"), landed, "nothing landed twice");
    assert!(
        !labels(&world, "web#1").contains(&"human-needed".to_owned()),
        "it is closed: {:?}",
        labels(&world, "web#1")
    );
    assert!(labels(&world, "web#2").contains(&"human-needed".to_owned()));
    let told = comments(&world, "web#2");

    world.data(&["store", "backup", "late.sqlite"]);
    let restored = world.data(&["store", "restore", "late.sqlite"]);
    assert!(!restored.contains("in doubt"), "what that copy knows was dealt with: {restored}");
    let next = world.dayfly(&["run", "--until-idle"]);
    assert_eq!((next.code, comments(&world, "web#2")), (Some(0), told), "{next:?}");
}

#[test]
fn attempts_that_cannot_be_listed_stop_a_restore() {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).code, Some(0));
    world.data(&["store", "backup", "copy.sqlite"]);
    fs::rename(world.path(".dayfly/attempts"), world.path("elsewhere")).unwrap();
    world.write(".dayfly/attempts", "no folder\n");
    let before = world.json(&["audit", "verify"]);
    let refused = world.dayfly(&["store", "restore", "copy.sqlite"]);
    assert!(refused.code == Some(3) && refused.err.contains("which tells what attempts were made"), "{refused:?}");
    assert_eq!(world.json(&["audit", "verify"]), before);
}
