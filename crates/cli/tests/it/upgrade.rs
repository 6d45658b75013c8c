//! Another program in the place of the one that ran: drained, in the middle, and of a version that the other does not know.

use std::fs;

use camino::Utf8Path;

use crate::world::{Ran, Started, World, is_there, wait_until};

/// A run with its agent at work, by an installed program.
fn working<'a>(world: &'a World, program: &Utf8Path) -> (Started<'a>, String) {
    let run = world.start_installed(program, &["run", "--until-idle"]);
    wait_until(|| world.starts().len() == 1);
    (run, world.starts()[0].clone())
}

/// Puts a new program in the place of the old one, as installing it does.
fn install(world: &World) {
    let new = world.installed("bin/new");
    fs::rename(new, world.path("bin/dayfly")).unwrap();
}

fn run(world: &World, program: &Utf8Path) -> Ran {
    world.start_installed(program, &["run", "--until-idle"]).ends()
}

fn is_whole(world: &World) {
    assert!(world.data(&["audit", "verify"]).starts_with("the ledger is whole"));
}

/// The run ends, nothing is started again, and the issue waits.
fn is_parked(world: &World, next: Started<'_>, agent: &str) {
    let ran = next.ends();
    assert!(!is_there(agent), "{ran:?}");
    assert_eq!(world.starts().len(), 1, "{ran:?}");
    let why = world.data(&["why", "web#1"]);
    assert!(why.contains("it could not be taken up: "), "{why}");
    is_whole(world);
}

#[test]
fn a_drained_engine_leaves_nothing_and_the_new_program_does_the_rest() {
    let world = World::waiting();
    world.data(&["issue", "new", "Later", "--label", "ready-for-dev"]);
    let program = world.installed("bin/dayfly");
    let (engine, _) = working(&world, &program);
    let mut stop = world.start_installed(&program, &["stop", "--drain"]);
    stop.says("waiting for the engine");
    world.write("go", "");
    assert_eq!((stop.ends().code, engine.ends().code), (Some(0), Some(0)));
    assert_eq!(world.starts().len(), 1, "the second issue waits");
    install(&world);
    let ran = run(&world, &program);
    assert!(ran.code == Some(0) && !ran.err.contains("earlier engine"), "{ran:?}");
    assert!(ran.out.ends_with("done: web#2\n"), "{ran:?}");
    assert_eq!(world.starts().len(), 2);
    is_whole(&world);
}

#[test]
fn without_a_drain_the_new_program_takes_up_what_keepers_of_the_old_one_hold() {
    let world = World::waiting();
    let program = world.installed("bin/dayfly");
    let (engine, agent) = working(&world, &program);
    install(&world);
    // The engine alone: its keepers go on, and their program is no longer where it was.
    engine.signal("KILL");
    engine.ends();
    assert!(is_there(&agent));
    let mut next = world.start_installed(&program, &["run", "--until-idle"]);
    next.says("web.1.exec.1  is taken up from an earlier engine");
    world.write("go", "");
    let ran = next.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 1 succeeded\ndone: web#1\n"), "{ran:?}");
    assert_eq!(world.starts().len(), 1, "no agent was started again");
    is_whole(&world);
}

/// Whoever goes back to an older program has keepers that it knows nothing of.
#[test]
fn a_keeper_of_a_newer_program_is_refused_and_what_it_keeps_is_ended_and_waits_for_a_person() {
    let world = World::waiting();
    let program = world.installed("bin/dayfly");
    let (engine, agent) = working(&world, &program);
    engine.signal("KILL");
    engine.ends();
    let file = ".dayfly/attempts/web.1.exec.1/keeper.json";
    let newer = world.read(file).replace("\"version\":1", "\"version\":99");
    world.write(file, &newer);
    let mut next = world.start_installed(&program, &["run", "--until-idle"]);
    next.says("its keeper is of a newer dayfly (version 99, this one knows up to 1)");
    is_parked(&world, next, &agent);
}

#[test]
fn an_attempt_whose_folder_cannot_be_looked_into_is_ended_and_waits_for_a_person_with_the_reason() {
    let world = World::waiting();
    let program = world.installed("bin/dayfly");
    let (engine, agent) = working(&world, &program);
    engine.signal("KILL");
    engine.ends();
    let folder = world.path(".dayfly/attempts/web.1.exec.1");
    fs::rename(&folder, world.path("elsewhere")).unwrap();
    // Not even whoever may read everything gets behind this.
    std::os::unix::fs::symlink(&folder, &folder).unwrap();
    let mut next = world.start_installed(&program, &["run", "--until-idle"]);
    next.says("web.1.exec.1  was lost with an earlier engine, and needs you: it could not be taken up: ");
    is_parked(&world, next, &agent);
}

#[test]
fn an_attempt_whose_project_has_another_executor_since_is_taken_up_where_it_was_started() {
    let world = World::waiting();
    let program = world.installed("bin/dayfly");
    let (engine, _) = working(&world, &program);
    engine.signal("KILL");
    engine.ends();
    let config = world.read("dayfly.toml");
    let session = "runner = \"tmux\"\n\n[projects.web.session]\ncommand = [\"sh\"]\n";
    world.write("dayfly.toml", &format!("{config}{session}"));
    let mut next = world.start_installed(&program, &["run", "--until-idle"]);
    next.says("web.1.exec.1  is taken up from an earlier engine");
    world.write("go", "");
    let ran = next.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 1 succeeded\ndone: web#1\n"), "{ran:?}");
    assert_eq!(world.starts().len(), 1);
    is_whole(&world);
}

#[test]
fn an_attempt_whose_project_left_the_configuration_is_ended_and_its_issue_goes_on_with_the_project() {
    let world = World::waiting();
    let program = world.installed("bin/dayfly");
    let (engine, agent) = working(&world, &program);
    engine.signal("KILL");
    engine.ends();
    let config = world.read("dayfly.toml");
    world.write("other/README.md", "");
    world.write("dayfly.toml", &config.replace("[projects.web]\npath = \"web\"", "[projects.other]\npath = \"other\""));
    let ran = run(&world, &program);
    assert!(ran.err.contains("web.1.exec.1  was lost with an earlier engine"), "{ran:?}");
    assert!(ran.err.contains("its project is no longer in the configuration"), "{ran:?}");
    assert!(!is_there(&agent));
    world.write("dayfly.toml", &config);
    world.write("go", "");
    let ran = run(&world, &program);
    assert_eq!((ran.code, ran.out.lines().last()), (Some(0), Some("done: web#1")), "{ran:?}");
    assert_eq!(world.starts().len(), 2);
}
