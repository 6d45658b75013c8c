//! Standard output is data: whole JSON where it is asked for, and no complaint when nobody reads on.

use std::process::Stdio;

use crate::world::{GOOD_AGENT, World};

#[test]
fn whatever_reads_writes_json_if_asked() {
    let world = World::with_agent(GOOD_AGENT);
    assert_eq!(world.json(&["issue", "new", "Be done", "--label", "ready-for-dev"])["issue"], "web#1");
    world.json(&["issue", "new", "And faster"]);
    assert_eq!(world.json(&["plan"])["ready"][0]["issue"], "web#1");
    let run = world.json(&["run", "--until-idle", "--issue", "web#1"]);
    assert_eq!((&run["done"][0], &run["ends"]["succeeded"]), (&"web#1".into(), &2.into()), "{run}");
    assert_eq!(world.json(&["plan"])["ready"][0]["issue"], "web#2");
    assert_eq!(world.json(&["status"])["done"], 1);
    assert_eq!(world.json(&["why", "web#1"])["attempts"][1]["attempt"], "web.1.merge.2");
    assert_eq!(world.json(&["logs", "web.1.exec.1"])["log"], "at work on 1\n");
    assert_eq!(world.json(&["worklog"])["landed"][0]["issue"], "web#1");
    assert_eq!(world.json(&["issue", "list", "--all"])[0]["content"]["state"], "closed");
    assert_eq!(world.json(&["issue", "show", "web#2"])["title"], "And faster");
    assert_eq!(world.json(&["config", "check"])["projects"], 1);
    assert!(world.json(&["config", "show"]).as_array().is_some_and(|settings| settings.len() > 20));
    assert_eq!(world.json(&["doctor"])[0]["what"], "git");
    assert_eq!(world.json(&["init", "web", "--force"])["projects"][0], "web");
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run"]).code, Some(0));
    for command in [
        ["plan"].as_slice(),
        &["status"],
        &["status", "--json"],
        &["doctor"],
        &["config", "show"],
        &["config", "show", "--defaults"],
        &["issue", "list"],
        &["logs", "web.1.exec.1"],
        &["worklog"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(command).stdout(Stdio::from(writer)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    let world = World::new();
    assert!(world.data(&["--version"]).starts_with("dayfly "));
    for command in ["init", "doctor", "plan", "run", "status", "why", "logs", "issue", "worklog", "config", "demo"] {
        assert!(world.data(&["--help"]).contains(&format!("\n  {command} ")), "{command}");
        assert!(world.data(&[command, "--help"]).contains("Usage: dayfly "), "{command}");
    }
}
