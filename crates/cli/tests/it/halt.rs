//! Everything is stopped: with an engine, with one that does not answer, and without.

use std::time::{Duration, Instant};

use crate::world::{Started, World, is_there, wait_until};

/// How many attempts run at once, each with three processes that take no polite signal.
const ATTEMPTS: usize = 24;

/// An agent that ignores what it is asked, with a child in a session of its own, and one that also hides its mark.
const STUBBORN: &str = "trap '' TERM INT HUP
loop='trap \"\" TERM INT HUP; echo $$ >>PIDS; while :; do sleep 600; done'
setsid sh -c \"$loop\" &
env -i PATH=\"$PATH\" setsid sh -c \"$loop\" &
eval \"$loop\"
";

/// So many issues, and a project that works on all at once.
fn stubborn(attempts: usize) -> World {
    let world = World::new();
    world.agent(&STUBBORN.replace("PIDS", world.path("pids").as_str()));
    world.write("work/README.md", "");
    let config = format!(
        "version = 1\nconcurrency = {attempts}\npipeline = [\"exec\"]\n\n[agents.script]\nkind = \"command\"\n\
         argv = [\"{}/agent.sh\"]\n\n[stages.exec]\ngates = []\n\n[projects.work]\npath = \"work\"\n\
         repository = false\nconcurrency = {attempts}\n",
        world.root
    );
    world.write("dayfly.toml", &config);
    for n in 1..=attempts {
        world.write(&format!("issues/work/{n}.md"), &format!("+++\nid = {n}\ntitle = \"Issue {n}\"\n+++\n"));
    }
    world
}

fn pids(world: &World) -> Vec<String> {
    std::fs::read_to_string(world.path("pids")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// An engine with all its attempts at work.
fn working(world: &World, attempts: usize) -> Started<'_> {
    let run = world.start(&["run", "--until-idle"]);
    wait_until(|| pids(world).len() == 3 * attempts);
    run
}

/// Stops everything, and gives how long it took until nothing was left.
fn stop(world: &World) -> (crate::world::Ran, Duration) {
    let pids = pids(world);
    let start = Instant::now();
    let stop = world.start(&["stop", "--all", "--reason", "wrong key"]);
    let gone = std::cell::Cell::new(Duration::ZERO);
    wait_until(|| {
        gone.set(start.elapsed());
        !pids.iter().any(|pid| is_there(pid))
    });
    (stop.ends(), gone.get())
}

#[test]
fn everything_ends_at_once_and_stays_so_until_it_is_lifted() {
    let world = stubborn(ATTEMPTS);
    let other = stubborn(1);
    let bystander = working(&other, 1);
    let run = working(&world, ATTEMPTS);
    let (ran, took) = stop(&world);
    println!("{ATTEMPTS} attempts of three processes each, with their engine: all gone after {took:?}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let run = run.ends();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.out.contains(&format!("attempts: {ATTEMPTS} cancelled")), "{run:?}");
    assert!(pids(&other).iter().all(|pid| is_there(pid)), "nothing of another installation is touched");

    for command in [["run"].as_slice(), &["run", "--until-idle"], &["triage"]] {
        let refused = world.dayfly(command);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
        assert!(refused.err.contains("stopped everything") && refused.err.contains("wrong key"), "{refused:?}");
        assert!(refused.err.contains("hint: once that is mended, lift it: dayfly resume --all --reason TEXT"));
    }
    for command in [["status"].as_slice(), &["plan"], &["why", "work#1"]] {
        let shown = world.data(command);
        assert!(shown.contains("wrong key") && shown.contains("dayfly resume --all"), "{command:?}: {shown}");
    }
    let doctor = world.dayfly(&["doctor"]);
    assert!(doctor.code == Some(3) && doctor.out.contains("stopped everything: wrong key"), "{doctor:?}");
    assert_eq!(world.json(&["status"])["halt"]["reason"], "wrong key");

    let (again, _) = stop(&world);
    assert_eq!(again.code, Some(0), "to stop what is stopped is no error: {again:?}");
    assert_eq!(world.dayfly(&["resume", "--all"]).code, Some(2), "without a reason it is not lifted");
    assert_eq!(world.dayfly(&["resume", "--all", "--reason", " "]).code, Some(2));
    let lifted = world.data(&["resume", "--all", "--reason", "the key is changed"]);
    assert!(lifted.contains("wrong key"), "{lifted}");
    world.agent("true");
    let ran = world.dayfly(&["run"]);
    assert_eq!((ran.code, ran.out.lines().next()), (Some(0), Some("attempts: 24 succeeded")), "{ran:?}");
    assert_eq!(world.data(&["resume", "--all", "--reason", "again"]).trim(), "Nothing is stopped.");

    other.dayfly(&["stop", "--all", "--reason", "the test is over"]);
    bystander.ends();
}

#[test]
fn everything_ends_though_the_engine_does_not_answer() {
    let world = stubborn(ATTEMPTS);
    let run = working(&world, ATTEMPTS);
    run.signal("STOP");
    let pids = pids(&world);
    let start = Instant::now();
    let stop = world.start(&["stop", "--all", "--reason", "wedged"]);
    wait_until(|| !pids.iter().any(|pid| is_there(pid)));
    let took = start.elapsed();
    println!("{ATTEMPTS} attempts of three processes each, with a wedged engine: all gone after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    run.signal("CONT");
    let ran = stop.ends();
    assert_eq!(ran.code, Some(0), "the engine has answered at last: {ran:?}");
    let run = run.ends();
    assert!(run.code == Some(130) && run.out.contains(&format!("attempts: {ATTEMPTS} cancelled")), "{run:?}");
}

#[test]
fn everything_ends_without_an_engine_and_its_attempts_start_again_after_the_lift() {
    let world = stubborn(ATTEMPTS);
    let run = working(&world, ATTEMPTS);
    run.signal("KILL");
    run.ends();
    assert!(pids(&world).iter().all(|pid| is_there(pid)), "their keepers hold them");
    let (ran, took) = stop(&world);
    println!("{ATTEMPTS} attempts of three processes each, without an engine: all gone after {took:?}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let status = world.data(&["status"]);
    assert!(status.contains("the next `dayfly run` settles these") && !status.contains("takes these up"), "{status}");
    assert_eq!(world.dayfly(&["run"]).code, Some(1));
    world.data(&["resume", "--all", "--reason", "done"]);
    world.agent("true");
    let ran = world.dayfly(&["run", "--until-idle"]);
    let ends = format!("attempts: {ATTEMPTS} cancelled, {ATTEMPTS} succeeded");
    assert_eq!((ran.code, ran.out.lines().next()), (Some(0), Some(ends.as_str())), "{ran:?}");
}

/// Whoever stops everything is killed after the file, and before the row.
#[test]
fn a_halt_that_was_cut_off_after_its_file_is_in_force_and_comes_into_the_ledger() {
    let world = stubborn(1);
    let run = working(&world, 1);
    run.signal("STOP");
    let stop = world.start(&["stop", "--all", "--reason", "cut off"]);
    wait_until(|| world.path(".dayfly/STOP").exists());
    stop.signal("KILL");
    stop.ends();
    run.signal("KILL");
    run.ends();
    let refused = world.dayfly(&["run"]);
    assert!(refused.code == Some(1) && refused.err.contains("cut off"), "{refused:?}");
    // That run has written the row: without the file it is in force all the same.
    std::fs::remove_file(world.path(".dayfly/STOP")).unwrap();
    assert_eq!(world.dayfly(&["run"]).code, Some(1));
    assert_eq!(world.dayfly(&["stop", "--all", "--reason", "once more"]).code, Some(0));
    wait_until(|| !pids(&world).iter().any(|pid| is_there(pid)));
    world.data(&["resume", "--all", "--reason", "done"]);
    assert_eq!(world.json(&["status"])["halt"], serde_json::Value::Null);
}

/// Whoever lifts a stop is killed after the row, and before the file is gone.
#[test]
fn a_stop_that_finds_one_that_was_lifted_is_a_new_one() {
    let world = stubborn(1);
    assert_eq!(world.dayfly(&["stop", "--all", "--reason", "first"]).code, Some(0));
    let first = world.read(".dayfly/STOP");
    world.data(&["resume", "--all", "--reason", "done"]);
    world.write(".dayfly/STOP", &first);
    let said = world.data(&["stop", "--all", "--reason", "second"]);
    assert!(said.contains("second"), "{said}");
    assert!(world.path(".dayfly/STOP").exists());
    assert_eq!(world.json(&["status"])["halt"]["reason"], "second");
    let refused = world.dayfly(&["run"]);
    assert!(refused.code == Some(1) && refused.err.contains("second"), "{refused:?}");
}
