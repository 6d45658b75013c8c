//! The demo: each of its stories, and that it can be repeated.

use std::time::{Duration, Instant};

use crate::world::World;

/// How many commits there are in the demo's repositories.
fn commits(world: &World) -> Vec<usize> {
    let count = |name: &str| world.subjects(&format!("dayfly-demo/repos/{name}"), "main").len();
    ["greeter", "handbook", "clock"].map(count).to_vec()
}

fn asked(world: &World, command: &[&str]) -> String {
    world.data(&[["--config", "dayfly-demo/dayfly.toml"].as_slice(), command].concat())
}

#[test]
fn the_demo_tells_its_stories_and_can_be_repeated() {
    let world = World::new();
    let begun = Instant::now();
    let demo = world.dayfly(&["demo"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "the demo took {:?}", begun.elapsed());
    assert_eq!(demo.code, Some(0), "{demo:?}");
    for part in [
        "# Work log",
        "- greeter#1 Greet by name ([commit])",
        "- clock#1 The build is broken ([commit])",
        "- handbook#1 Write the onboarding guide\n",
        "# What waits now",
        "# Where to look",
    ] {
        assert!(demo.out.contains(part), "{part:?} is not in:\n{}", demo.out);
    }
    its_stories_are_told(&world);

    let (before, status) = (commits(&world), asked(&world, &["status"]));
    assert_eq!(before, [4, 3, 2]);
    let again = world.dayfly(&["demo"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.err.starts_with("going on with the demo in [root]/dayfly-demo"), "{again:?}");
    assert_eq!((commits(&world), asked(&world, &["status"])), (before, status), "a second run does nothing twice");
    assert_eq!(world.json(&["demo"])["worklog"]["landed"].as_array().map(Vec::len), Some(5));

    assert_eq!(answered(&world), "LANGUAGE");
}

/// The stories that the demo's last words name.
fn its_stories_are_told(world: &World) {
    let mended = asked(world, &["why", "greeter#2"]);
    assert!(mended.contains("gate-failed: commands: `sh test.sh` ended with exit code 1"), "{mended}");
    assert!(mended.contains("review"), "{mended}");
    let idle = asked(world, &["why", "clock#2"]);
    assert!(idle.contains("The agent says that stage `exec` is done, and changed nothing"), "{idle}");
    let hung = asked(world, &["why", "clock#3"]);
    assert!(hung.contains("timed-out-silence: no sign of life for 2s"), "{hung}");
    let log = asked(world, &["logs", "clock.3.exec.3"]);
    assert_eq!(log, "stage exec of clock#3: Make it faster\n");
    let question = asked(world, &["why", "greeter#3"]);
    assert!(question.contains("what helps: `dayfly issue answer greeter#3"), "{question}");
    let pages = world.git("dayfly-demo/repos/handbook", &["ls-files"]);
    assert!(pages.contains("first-day.md") && pages.contains("first-week.md"), "{pages}");
}

/// Answers the demo's question, and gives the files of the change that follows.
fn answered(world: &World) -> String {
    let config = ["--config", "dayfly-demo/dayfly.toml"];
    let answer = world.dayfly(&[config.as_slice(), &["issue", "answer", "greeter#3", "Esperanto"]].concat());
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let mut run = world.command(&["run", "--until-idle", "--issue", "greeter#3"]);
    let run = run.current_dir(world.path("dayfly-demo")).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(world.read("dayfly-demo/repos/greeter/LANGUAGE"), "Esperanto\n");
    world.git("dayfly-demo/repos/greeter", &["show", "--format=", "--name-only", "main"])
}

#[test]
fn the_demo_starts_anew_only_where_an_earlier_demo_was() {
    let world = World::new();
    assert_eq!(world.dayfly(&["demo", "--no-run"]).code, Some(0));
    world.write("dayfly-demo/mine.txt", "");
    assert_eq!(world.dayfly(&["demo", "--no-run"]).code, Some(0));
    assert!(world.path("dayfly-demo/mine.txt").exists(), "without `--fresh` all of it stays");
    assert_eq!(world.dayfly(&["demo", "--fresh", "--no-run"]).code, Some(0));
    assert!(!world.path("dayfly-demo/mine.txt").exists());
    assert_eq!(commits(&world), [1, 1, 1]);

    let spaced = world.dayfly(&["demo", "my demo", "--no-run"]);
    assert!(spaced.err.contains("cd '[root]/my demo', then"), "{spaced:?}");

    world.write("mine/notes.txt", "dear\n");
    for command in [["demo", "mine"].as_slice(), &["demo", "mine", "--fresh"]] {
        let refused = world.dayfly(command);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains("mine is not empty, and no demo made it"), "{refused:?}");
    }
    assert_eq!(world.read("mine/notes.txt"), "dear\n");
}
