//! A rehearsal touches nothing and says the same each time.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::world::{GOOD_AGENT, World};

/// All files below a folder, with what is in them.
fn files(dir: &Utf8Path, found: &mut BTreeMap<Utf8PathBuf, Vec<u8>>) {
    for entry in dir.read_dir_utf8().unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files(entry.path(), found),
            false => drop(found.insert(entry.path().to_owned(), std::fs::read(entry.path()).unwrap_or_default())),
        }
    }
}

#[test]
fn a_rehearsal_touches_nothing_and_says_the_same_each_time() {
    let world = World::with_agent(GOOD_AGENT);
    let there = || {
        let mut found = BTreeMap::new();
        files(&world.root, &mut found);
        found
    };
    let before = there();
    let asked = ["simulate", "--days", "1", "--issues", "1", "--accounts", "2"];
    let first = world.json(&asked);
    assert_eq!(first["reports"][0]["violations"], serde_json::json!([]), "{first}");
    assert_eq!(first["changed"][0]["version"], 1, "{first}");
    assert!(first["reports"][0]["standing"]["done"].as_u64() > Some(0), "{first}");
    assert_eq!(world.json(&asked), first, "the same seed gives the same");
    let told = world.data(&["simulate", "--days", "1", "--issues", "1", "--faults", "none"]);
    assert!(told.contains("Nothing was lost, and nothing was done twice."), "{told}");
    assert!(there() == before, "a rehearsal has changed a file");
    let none = world.dayfly(&["simulate", "--scenario", "none-such"]);
    assert!(none.code == Some(2) && none.err.contains("`dayfly simulate --list` shows them"), "{none:?}");
}

#[test]
fn an_incident_is_rehearsed_with_its_defence_and_without() {
    let world = World::new();
    assert_eq!(world.json(&["simulate", "--list"]).as_array().map(Vec::len), Some(26));
    let told = world.data(&["simulate", "--scenario", "renamed-repo"]);
    assert!(told.contains("What protects: ") && told.trim_end().ends_with("passed"), "{told}");
    let bare = world.dayfly(&["simulate", "--scenario", "renamed-repo", "--without-defence"]);
    assert!(bare.code == Some(1) && bare.out.contains("fails  ") && bare.out.contains("In its place: "), "{bare:?}");
}

#[test]
fn money_is_what_the_ledger_says_and_a_wrong_what_if_is_told_of_itself() {
    let usage = r#"{"dayfly":1,"usage":{"input_tokens":140000,"output_tokens":10000,"cost_usd":1.0}}"#;
    let world = World::with_agent(&format!("echo '{usage}'\n{GOOD_AGENT}"));
    let guessed = world.json(&["simulate", "--days", "1", "--issues", "1", "--faults", "none"]);
    assert_eq!(guessed["reports"][0]["bases"][0]["money"], "guess", "{guessed}");
    world.data(&["issue", "new", "First", "--label", "ready-for-dev"]);
    assert!(world.dayfly(&["run", "--until-idle", "--patience", "1ms"]).out.contains("done: web#1"));
    let known = world.json(&["simulate", "--days", "1", "--issues", "1", "--faults", "none"]);
    let report = &known["reports"][0];
    assert_eq!(report["bases"][0]["money"], serde_json::json!({ "ledger": 1 }), "{known}");
    let row = &report["costs"][0];
    let by_the_token = row["usd"].as_f64().unwrap() / row["tokens"].as_f64().unwrap();
    assert!((by_the_token * 150_000.0 - 1.0).abs() < 0.01, "{row}");

    for sets in [&["--set", "nosuch=4"][..], &["--set", "concurrency=2", "--set", "nosuch=4"]] {
        let wrong = world.dayfly(&[&["simulate"], sets].concat());
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        assert!(wrong.err.starts_with("error: `--set nosuch=4` makes a configuration"), "{wrong:?}");
        assert!(wrong.err.contains("unknown key `nosuch`") && !wrong.err.contains("dayfly.toml"), "{wrong:?}");
    }
}
