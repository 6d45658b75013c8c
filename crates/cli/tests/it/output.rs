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
    let defaults = world.json(&["config", "show", "--defaults"]);
    let wall = defaults.as_array().and_then(|all| all.iter().find(|s| s["key"] == "limits.wall"));
    assert_eq!(wall.map(|s| (&s["value"], &s["origin"])), Some((&"\"45m\"".into(), &"built-in".into())));
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

/// A text that would write into the clipboard, hide itself, and turn the direction of writing.
const EVIL: &str = "\u{1b}]52;c;aGk=\u{7}Be \u{1b}[8mdone\u{9b} \u{202e}now";

#[test]
fn nothing_that_others_wrote_steers_the_terminal() {
    let world = World::with_agent(&format!("printf '%s\\n' '{EVIL}'\nexit 1"));
    world.data(&["issue", "new", EVIL, "--label", "ready-for-dev", "--body", EVIL]);
    world.data(&["issue", "new", EVIL]);
    // As on a terminal, where nothing is taken out on the way.
    let shown = |args: &[&str]| {
        let mut command = world.command(args);
        let output = command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1").output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for (command, wanted) in [
        (["plan"].as_slice(), "Be done now"),
        (&["run", "--verbose", "--issue", "web#1"], "web.1.exec.1 | Be done now"),
        (&["run", "--issue", "web#1", "--until-idle"], "exec by script: Be done now"),
        (&["status"], "Be done now"),
        (&["why", "web#1"], "web#1 Be done now"),
        (&["logs", "web.1.exec.1"], "Be done now\n"),
        (&["worklog"], "web.1.exec.1"),
        (&["issue", "list"], "Be done now"),
        (&["issue", "show", "web#1"], "\n\nBe done now\n"),
        (&["why", EVIL], "error: "),
    ] {
        let shown = shown(command);
        assert!(shown.contains(wanted), "{command:?}: {shown:?}");
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{command:?}: {shown:?}");
    }
    assert_eq!(world.json(&["issue", "show", "web#1"])["title"], EVIL, "programs get what is there");

    let made = world.path("issues/web").read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let file = made.into_iter().find(|path| path.file_name().is_some_and(|name| name.starts_with("1-"))).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("state = \"open\"", "state = \"closed\"")).unwrap();
    let told = shown(&["run", "--issue", "web#1"]);
    assert!(told.contains("was closed: Be done now\n"), "{told:?}");
}

#[test]
fn a_log_that_is_followed_is_no_json() {
    let world = World::with_agent(GOOD_AGENT);
    let both = world.dayfly(&["logs", "web#1", "--json", "--follow"]);
    assert_eq!((both.code, both.out.as_str()), (Some(2), ""));
    assert!(both.err.starts_with("error: `--json` and `--follow` cannot be used together"), "{both:?}");
}
