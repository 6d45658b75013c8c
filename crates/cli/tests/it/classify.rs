//! `dayfly agent classify`: recorded output, understood.

use std::io::Write as _;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

/// A capture of a real program's output.
fn capture(name: &str) -> String {
    format!("{}/../runner/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_limit_is_told_with_its_time() {
    // No configuration is needed: a kind is named.
    let world = World::new();
    let file = capture("codex/usagelimit.stdout");
    let args = ["agent", "classify", "codex", &file, "--exit", "1", "--at", "2026-11-21T10:00:00Z"];
    let told = world.data(&args);
    assert!(told.starts_with("quota: comes back at "), "{told}");
    let told = world.json(&args);
    assert_eq!(
        (&told["end"]["quota"]["resets_at"], &told["class"]),
        (&"2026-11-21T14:16:00Z".into(), &"transient".into())
    );
    assert_eq!(told["limits"][0]["resets_at"], "2026-11-21T14:16:00Z");
    assert_eq!((&told["limits"][0]["refused"], &told["limits"][0]["scope"]), (&true.into(), &"account".into()));
}

#[test]
fn usage_model_opening_and_what_is_not_known_are_told() {
    let world = World::new();
    let known = std::fs::read_to_string(capture("claude/text-streamjson.stdout")).unwrap();
    world.write("output.log", &format!("a word of a wrapper\n{{\"type\":\"prophecy\",\"of\":\"doom\"}}\n{known}"));
    let told = world.data(&["agent", "classify", "claude", "output.log", "--exit", "0"]);
    let told: String = told
        .lines()
        .filter(|line| !["  tools", "  skills", "  session"].iter().any(|row| line.starts_with(row)))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_snapshot!(told, @r#"
    succeeded (the gates have the verdict)
      process     exit code 0
      usage       5500 tokens read, 4000 of them cached, 40 written, $0.0079
      model       claude-opus-5-5
      billing     api-key
      version     2.1.329
      key         ANTHROPIC_API_KEY
      last words  Hello from the mock model.
      read        5 lines, 4 records, 1 not understood
                  line 2: prophecy {"of":"doom","type":"prophecy"}
    "#);
    let told = world.json(&["agent", "classify", "claude", "output.log", "--exit", "0"]);
    assert_eq!(told["unknown"][0]["line"], 2, "{told}");
    assert_eq!(told["opening"]["version"], "2.1.329");
    assert!(told["opening"]["skills"].as_array().unwrap().contains(&"close".into()), "{told}");
}

#[test]
fn standard_input_is_read_and_how_the_process_ended_counts() {
    let world = World::new();
    let known = std::fs::read(capture("claude/text-streamjson.stdout")).unwrap();
    let classify = |args: &[&str]| {
        let args = [["agent", "classify", "claude", "-", "--json"].as_slice(), args].concat();
        let mut child =
            world.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&known).unwrap();
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_else(|err| panic!("{err}: {output:?}"))
    };
    assert_eq!(classify(&[])["end"], "succeeded");
    for ended in [["--exit", "1"], ["--signal", "9"]] {
        let told = classify(&ended);
        assert_ne!(told["end"], "succeeded", "{told}");
    }
    let silent = world.dayfly(&["agent", "classify", "codex", "/dev/null"]);
    assert!(silent.out.starts_with("unknown: it printed nothing"), "{silent:?}");
    assert_snapshot!(silent.err, @"note: it is taken to have ended with exit code 0; `--exit N` or `--signal N` says how it did");
}

#[test]
fn an_agent_is_read_by_its_own_catalog() {
    let world = World::with_agent(GOOD_AGENT);
    world.write("output.log", "{\"type\":\"prophecy\",\"of\":\"doom\"}\n");
    world.write("mine.toml", "version = 1\n[[event]]\nname = \"prophecy\"\nwhen = { type = \"prophecy\" }\n");
    let config = world.read("dayfly.toml");
    world.write("dayfly.toml", &format!("{config}\n[agents.seer]\nkind = \"claude\"\nargv = [\"seer\"]\ncatalog = \"mine.toml\"\n[stages.triage]\nagents = [\"script\"]\n[stages.exec]\nagents = [\"script\"]\n"));
    let unknown =
        |agent: &str| world.json(&["agent", "classify", agent, "output.log", "--exit", "0"])["unknown"].clone();
    assert_eq!(unknown("claude").as_array().map(Vec::len), Some(1));
    assert_eq!(unknown("seer").as_array().map(Vec::len), Some(0));
    // What a program of one's own prints beyond its records is for people.
    world.write(
        "own.log",
        "hello\n{\"dayfly\":1,\"end\":\"quota\",\"resets_at\":\"2026-01-01T05:00:00Z\"}\n{\"dayfly\":7}\n",
    );
    let own = world.json(&["agent", "classify", "script", "own.log", "--exit", "1"]);
    assert_eq!(own["end"]["quota"]["resets_at"], "2026-01-01T05:00:00Z", "{own}");
    assert_eq!((&own["records"], &own["unknown"][0]["line"]), (&2.into(), &3.into()));
}

#[test]
fn what_cannot_be_read_is_told_with_what_helps() {
    let world = World::new();
    let robot = world.dayfly(&["agent", "classify", "robot", "x"]);
    assert_eq!(robot.code, Some(2));
    assert_snapshot!(robot.err, @"
    error: there is neither an agent nor a kind of agent `robot`
    hint: the kinds are command, claude, codex, opencode, gemini, copilot
    ");
    let missing = world.dayfly(&["agent", "classify", "claude", "no-such.log"]);
    assert_eq!(missing.code, Some(3));
    assert_snapshot!(missing.err, @"
    error: cannot use no-such.log
      caused by: No such file or directory (os error 2)
    ");
    let both = world.dayfly(&["agent", "classify", "claude", "-", "--stderr", "-"]);
    assert_eq!(both.code, Some(2));
    assert_snapshot!(both.err, @"
    error: both streams cannot be read from standard input
    hint: put what was printed on standard error into a file
    ");
}
