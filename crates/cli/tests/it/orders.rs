//! Pausing, going on, cancelling, and ending an engine: with an engine and without.

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, Started, World, is_there, wait_until};

/// An agent that waits for the sign `go`.
fn waiting() -> World {
    let wait = "echo \"ready $$\"; while [ ! -e \"$SIGNS/go\" ]; do sleep 0.05; done";
    let world = World::with_agent(&format!("{wait}\n{GOOD_AGENT}"));
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    world
}

/// A run whose agent waits, with the agent's process.
fn running(world: &World) -> (Started<'_>, String) {
    let mut run = world.start(&["run", "--until-idle", "--verbose"]);
    let agent = run.says("web.1.exec.1 | ready ");
    assert!(is_there(&agent));
    (run, agent)
}

#[test]
fn a_pause_without_an_engine_keeps_work_waiting_with_its_reason() {
    let world = waiting();
    assert_eq!(world.data(&["pause", "web", "--reason", "release day"]).trim(), "web: paused; nothing new is begun");
    world.data(&["pause", "web", "--reason", "release day"]);
    assert_snapshot!(world.data(&["plan"]).replace(&person(), "[person]"), @"
    Waits:
      web  [person] paused web: release day
          what helps: `dayfly resume web`
    ");
    let why = world.data(&["why", "web#1"]);
    assert!(why.contains("paused web: release day") && why.contains("dayfly resume web"), "{why}");
    assert_eq!(world.json(&["status"])["paused"][0]["order"]["reason"], "release day");
    let doctor = world.data(&["doctor"]);
    assert!(doctor.contains("paused web: release day"), "{doctor}");
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(
        (ran.code, ran.out.lines().next()),
        (Some(0), Some("There was nothing to do. `dayfly plan` shows why."))
    );

    world.write("signs/go", "");
    assert_eq!(world.data(&["resume", "web"]).trim(), "web: goes on");
    assert_eq!(world.data(&["resume", "web"]).trim(), "web: goes on", "what goes on goes on");
    assert_eq!(world.data(&["run", "--until-idle", "--quiet"]).lines().last(), Some("done: web#1"));
}

/// The name of whoever runs the tests, as the sealed environment shows it.
fn person() -> String {
    "you".into()
}

#[test]
fn a_running_engine_takes_a_pause_in_at_once_and_ends_when_what_runs_has_ended() {
    let world = waiting();
    let (mut run, _) = running(&world);
    let paused = world.data(&["pause", "--reason", "maintenance"]);
    assert_eq!(paused, "everything: paused; nothing new is begun\nto its end goes web.1.exec.1\n");
    run.says("you paused everything: maintenance");
    world.write("signs/go", "");
    let ran = run.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 1 succeeded\n"), "{ran:?}");
    assert_eq!(world.subjects("web", "main"), ["the beginning"], "it is not landed");
    world.data(&["resume"]);
    assert_eq!(world.data(&["run", "--quiet"]).lines().last(), Some("done: web#1"));
}

#[test]
fn a_cancelled_attempt_ends_and_its_issue_waits_for_a_person() {
    let world = waiting();
    let (mut run, agent) = running(&world);
    let unknown = world.dayfly(&["cancel", "web.1.exec.7", "--reason", "no"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("web.1.exec.7 does not run"), "{unknown:?}");
    let cancelled = world.data(&["cancel", "web.1.exec.1", "--reason", "the wrong way"]);
    let said = "web#1: cancelled; web.1.exec.1 was ended, charged to nobody. `dayfly resume web#1` lets it go on.\n";
    assert_eq!(cancelled, said);
    assert!(!is_there(&agent));
    run.says("web.1.exec.1  cancelled in");
    let ran = run.ends();
    assert!(ran.code == Some(1) || ran.code == Some(0), "{ran:?}");
    assert!(world.data(&["why", "web#1"]).contains("you cancelled web#1: the wrong way"));
    let again = world.data(&["cancel", "web#1", "--reason", "still"]);
    assert!(again.contains("nothing ran for it"), "{again}");
    let ended = world.dayfly(&["cancel", "web.1.exec.1", "--reason", "once more"]);
    assert!(ended.code == Some(1) && ended.err.contains("web.1.exec.1 does not run"), "{ended:?}");
    world.write("signs/go", "");
    world.data(&["resume", "web#1"]);
    assert_eq!(world.data(&["run", "--until-idle", "--quiet"]).lines().last(), Some("done: web#1"));
}

/// The engine dies between the row and the end of the attempt, which its keeper holds.
#[test]
fn what_was_cancelled_without_an_engine_is_ended_by_the_next_one() {
    let world = waiting();
    let (run, agent) = running(&world);
    run.signal("KILL");
    run.ends();
    let cancelled = world.data(&["cancel", "web#1", "--reason", "the wrong way"]);
    assert!(cancelled.contains("web.1.exec.1 is ended by the next `dayfly run`"), "{cancelled}");
    assert!(is_there(&agent));
    world.dayfly(&["run", "--until-idle"]);
    assert!(!is_there(&agent));
    assert!(world.data(&["why", "web#1"]).contains("you cancelled web#1"));
}

#[test]
fn a_drained_engine_lets_what_runs_end() {
    let world = waiting();
    world.data(&["issue", "new", "Later", "--label", "ready-for-dev"]);
    let (mut run, _) = running(&world);
    let early = world.dayfly(&["stop", "--drain", "--timeout", "100ms"]);
    assert!(early.code == Some(1) && early.err.contains("1 attempt still run"), "{early:?}");
    run.says("starting nothing more");
    let mut stop = world.start(&["stop", "--drain"]);
    stop.says("waiting for the engine");
    world.write("signs/go", "");
    let ran = stop.ends();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = run.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "attempts: 1 succeeded\n"), "{ran:?}");
    assert!(world.data(&["stop"]).starts_with("No engine works on"));
}

#[test]
fn a_stop_is_as_an_interrupt_and_a_second_one_can_kill() {
    let stubborn = "trap '' TERM; echo \"ready $$\"; while :; do sleep 600; done";
    let world = World::with_agent(&format!("{stubborn}\n"));
    let config = world.read("dayfly.toml").replace("grace = \"1s\"", "grace = \"1h\"");
    world.write("dayfly.toml", &config);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    let (mut run, agent) = running(&world);
    let polite = world.dayfly(&["stop", "--timeout", "100ms"]);
    assert_eq!(polite.code, Some(1), "{polite:?}");
    run.says("stopping what runs");
    assert_eq!(world.dayfly(&["stop", "--now"]).code, Some(0));
    wait_until(|| !is_there(&agent));
    let ran = run.ends();
    assert_eq!((ran.code, ran.out.as_str()), (Some(130), "attempts: 1 cancelled\n"), "{ran:?}");
}

#[test]
fn an_order_that_is_incomplete_is_refused_with_what_is_missing() {
    let world = waiting();
    for args in [
        ["stop", "--all"].as_slice(),
        &["stop", "--reason", "x"],
        &["stop", "--drain", "--now"],
        &["pause", "web"],
        &["pause", "web", "--reason", ""],
        &["cancel", "web#1"],
        &["pause", "nowhere", "--reason", "x"],
    ] {
        let ran = world.dayfly(args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{args:?}: {ran:?}");
    }
}

#[test]
fn an_issue_that_nobody_knows_or_that_is_over_is_no_target() {
    let world = waiting();
    for order in ["pause", "cancel"] {
        let unknown = world.dayfly(&[order, "web#99", "--reason", "x"]);
        assert!(unknown.code == Some(2) && unknown.err.contains("there is no issue web#99"), "{order}: {unknown:?}");
    }
    assert_eq!(world.json(&["status"]).get("paused"), None, "nothing was given");
    world.write("signs/go", "");
    world.data(&["run", "--until-idle", "--quiet"]);
    let over = world.dayfly(&["pause", "web#1", "--reason", "x"]);
    assert!(over.code == Some(2) && over.err.contains("web#1 is closed"), "{over:?}");

    // Without a tracker to ask nobody is kept from it.
    let (issues, aside) = (world.path("issues"), world.path("aside"));
    std::fs::rename(&issues, &aside).unwrap();
    world.write("issues", "");
    let unsure = world.dayfly(&["pause", "web#7", "--reason", "to be sure"]);
    assert!(unsure.code == Some(0) && unsure.err.contains("is not known"), "{unsure:?}");
    std::fs::remove_file(&issues).unwrap();
    std::fs::rename(&aside, &issues).unwrap();
    let status = world.data(&["status"]);
    assert!(status.contains("Held, and not waiting for anything else") && status.contains("web#7"), "{status}");
    let shown = world.data(&["audit", "show", "--issue", "web#7"]);
    assert!(shown.contains("paused") && shown.contains("by you: to be sure"), "{shown}");
}

#[test]
fn the_audit_says_who_ordered_what_and_refuses_what_nobody_knows() {
    let world = waiting();
    world.data(&["pause", "web#1", "--reason", "a look first"]);
    world.data(&["pause", "web", "--reason", "release day"]);
    world.data(&["resume", "web", "--reason", "released"]);
    world.data(&["stop", "--all", "--reason", "wrong key"]);
    world.data(&["resume", "--all", "--reason", "the right key"]);
    let shown = world.data(&["audit", "show"]);
    let lines: Vec<String> =
        shown.lines().map(|line| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "paused web#1 by you: a look first",
            "paused web by you: release day",
            "resumed web by you: released",
            "halted by you: wrong key",
            "lifted by you: the right key",
        ]
    );
    let count = |filter: [&str; 2]| world.data(&["audit", "show", filter[0], filter[1]]).lines().count();
    assert_eq!((count(["--issue", "web#1"]), count(["--project", "web"])), (1, 3));
    for (filter, name) in [("--project", "nosuch"), ("--issue", "web#999"), ("--attempt", "nope.1")] {
        let refused = world.dayfly(&["audit", "show", filter, name]);
        assert!(refused.code == Some(2) && refused.err.contains(name), "{filter}: {refused:?}");
    }
}
