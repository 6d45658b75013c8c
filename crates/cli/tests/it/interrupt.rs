//! A run that is interrupted, or that another run is in the way of.

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, Started, World, is_there, wait_until};

/// An agent that hangs until the sign `go` is there at its start.
fn slow() -> World {
    let world =
        World::with_agent(&format!("[ -e \"$SIGNS/go\" ] || {{ echo \"ready $$\"; exec sleep 600; }}\n{GOOD_AGENT}"));
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    world
}

/// A run whose agent hangs, with the agent's process.
fn hanging(world: &World) -> (Started<'_>, String) {
    let mut run = world.start(&["run", "--until-idle", "--verbose"]);
    let agent = run.says("web.1.exec.1 | ready ");
    assert!(is_there(&agent));
    (run, agent)
}

#[test]
fn an_interrupted_run_ends_its_agents_and_the_next_one_finishes() {
    let world = slow();
    let (run, agent) = hanging(&world);
    assert_snapshot!(world.data(&["status"]), @"
    Running
      web#1  exec  since [time]  web.1.exec.1  Be done

    0 issues done.
    ");
    run.signal("INT");
    let ran = run.ends();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(!is_there(&agent), "the agent's process is gone");
    assert_snapshot!(ran.out, @"attempts: 1 cancelled");
    assert_snapshot!(ran.err.replace(&agent, "[pid]"), @"
    web#1  exec by script: Be done
    web.1.exec.1 | ready [pid]
    stopping what runs; interrupt once more to kill it, a third time to leave at once
    web.1.exec.1  cancelled in [took]; goes to exec
    ");

    world.write("signs/go", "");
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_snapshot!(ran.out, @"
    attempts: 2 succeeded
    done: web#1
    ");
    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
}

/// An agent that waits for the sign `go`.
fn waiting() -> World {
    let wait = "echo \"ready $$\"; while [ ! -e \"$SIGNS/go\" ]; do sleep 0.05; done";
    let world = World::with_agent(&format!("{wait}\n{GOOD_AGENT}"));
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    world
}

#[test]
fn a_run_that_was_killed_is_taken_up_by_the_next_one() {
    let world = waiting();
    let (run, agent) = hanging(&world);
    run.signal("KILL");
    let ran = run.ends();
    assert_eq!(ran.code, None, "{ran:?}");
    assert!(is_there(&agent), "the agent goes on without the engine");

    let mut next = world.start(&["run", "--until-idle"]);
    next.says("web.1.exec.1  is taken up from an earlier engine");
    world.write("signs/go", "");
    let ran = next.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 2 succeeded\ndone: web#1\n"), "{ran:?}");
    assert!(!is_there(&agent));
    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
}

#[test]
fn what_ended_while_no_engine_was_there_is_kept() {
    let world = waiting();
    let (run, agent) = hanging(&world);
    run.signal("KILL");
    run.ends();
    world.write("signs/go", "");
    wait_until(|| !is_there(&agent));
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 2 succeeded\ndone: web#1\n"), "{ran:?}");
    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
}

#[test]
fn what_is_not_to_be_taken_up_ends_with_its_engine_and_is_tried_again() {
    let world = waiting();
    world.write("dayfly.toml", &format!("after-crash = \"end\"\n{}", world.read("dayfly.toml")));
    let (run, agent) = hanging(&world);
    run.signal("KILL");
    run.ends();
    wait_until(|| !is_there(&agent));
    world.write("signs/go", "");
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "attempts: 1 lost, 2 succeeded\ndone: web#1\n", "{ran:?}");
    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
}

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    let world = slow();
    let (run, _) = hanging(&world);
    let second = world.dayfly(&["run"]);
    assert_eq!((second.code, second.out.as_str()), (Some(3), ""));
    assert_snapshot!(second.err.replace(&run.pid().to_string(), "[pid]"), @"
    error: another dayfly (process [pid]) works on [root]/.dayfly
    hint: wait for it to end, or look at it with `dayfly status`
    ");
    let doctor = world.data(&["doctor"]);
    assert!(doctor.contains(&format!("note  ledger: in use by process {}", run.pid())), "{doctor}");

    run.signal("TERM");
    assert_eq!(run.ends().code, Some(130));
    world.write("signs/go", "");
    assert_eq!(world.dayfly(&["run"]).code, Some(0));
}

/// Two recovery subsystems once undid each other's work.
#[test]
fn duelling_recovery_only_the_engine_that_holds_the_lock_deals_with_what_was_left() {
    let world = waiting();
    let (run, agent) = hanging(&world);
    run.signal("KILL");
    run.ends();
    let records = |doctor: &str| doctor.lines().find(|line| line.contains("ledger: ")).unwrap().to_owned();
    let before = records(&world.data(&["doctor"]));
    for look in [&["status"][..], &["plan"], &["why", "1"], &["logs", "1"], &["doctor"]] {
        world.dayfly(look);
        assert!(is_there(&agent), "{look:?} leaves what runs alone");
    }
    assert_eq!(records(&world.data(&["doctor"])), before, "whoever looks writes nothing");

    let mut next = world.start(&["run", "--until-idle"]);
    next.says("web.1.exec.1  is taken up from an earlier engine");
    let second = world.dayfly(&["run"]);
    assert_eq!((second.code, is_there(&agent)), (Some(3), true), "{second:?}");
    world.write("signs/go", "");
    let ran = next.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 2 succeeded\ndone: web#1\n"), "{ran:?}");
    let told = world.data(&["status"]);
    assert!(told.contains("1 issue done."), "{told}");
}
