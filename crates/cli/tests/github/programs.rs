//! The programs, as people and CI jobs use them.

use std::process::{Command, Output};

use dayfly_core::Clock as _;
use dayfly_testkit::github::{BranchRules, CheckState, Person, World};

use crate::yard::{REPO, Yard};

/// A program with nothing of whoever runs the tests, but a token and a home of its own.
fn program(yard: &Yard, name: &str, token: &str) -> Command {
    let path = match name {
        "dayfly" => env!("CARGO_BIN_EXE_dayfly"),
        _ => env!("CARGO_BIN_EXE_dayfly-triage"),
    };
    let mut command = Command::new(path);
    command.current_dir(yard.dir.path()).env_clear().env("HOME", yard.dir.path()).env("TZ", "UTC");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("GITHUB_TOKEN", token);
    command
}

fn run(command: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code().unwrap_or(-1), text)
}

/// The time of the world is that of the machine: the programs know no other.
fn now(world: &World) {
    let behind = jiff::Timestamp::now().duration_since(world.clock().now());
    if let Ok(behind) = std::time::Duration::try_from(behind) {
        world.advance(behind);
    }
}

fn yard() -> (Yard, Person) {
    let yard = Yard::new("");
    let ann = yard.ann.clone();
    (yard, ann)
}

#[test]
fn a_ci_job_keeps_a_repository_in_order() {
    let (yard, ann) = yard();
    let old = ann.open_issue(REPO, "An old question", "Nobody looked.");
    yard.bot.comment(REPO, old, "Thank you for the report.");
    let month = ann.make_milestone(REPO, "March 2026", Some("2026-03-31T12:00:00Z"));
    ann.set_milestone(REPO, old, Some(month));
    now(&yard.world);
    let api = yard.server.url();
    let job = |more: &[&str]| {
        let mut command = program(&yard, "dayfly-triage", yard.bot.token());
        command.args(["--repo", REPO, "--api", &api, "--roll-over", "--time-zone", "UTC"]).args(more);
        command.env("GITHUB_STEP_SUMMARY", yard.path("summary.md"));
        run(&mut command)
    };
    let before = yard.world.snapshot();
    let (code, text) = job(&["--dry-run"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&format!("#{old}  milestone:")) && text.contains("March 2026: 0 closed / 1 open"), "{text}");
    assert_eq!(yard.world.snapshot(), before, "a dry run writes nothing");

    let (code, text) = job(&[]);
    assert_eq!(code, 0, "{text}");
    let shown = yard.repo.issue(old);
    assert!(shown.milestone.as_deref().is_some_and(|title| title != "March 2026"), "{shown:?}");
    let summary = std::fs::read_to_string(yard.path("summary.md")).unwrap();
    assert!(summary.contains("### Triage") && summary.contains("| milestone |"), "{summary}");

    let after = yard.world.snapshot();
    let (code, text) = job(&["--fail-if-idle"]);
    assert_eq!((code, yard.world.snapshot()), (4, after), "a second one finds nothing to do: {text}");
    yard.server.verify();
}

#[test]
fn a_ci_job_without_a_token_or_with_a_wrong_one_says_what_helps() {
    let (yard, _) = yard();
    let api = yard.server.url();
    let with = |token: &str| {
        let mut command = program(&yard, "dayfly-triage", token);
        // No `gh` here, whatever the machine has.
        command.env("PATH", yard.dir.path());
        run(command.args(["--repo", REPO, "--api", &api]))
    };
    let (code, text) = with("");
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("set GITHUB_TOKEN"), "{text}");
    let (code, text) = with("ghp_nobody");
    assert_eq!(code, 3, "{text}");
    assert!(!text.contains("ghp_nobody") && text.contains("the token was refused"), "{text}");
    assert!(!text.contains("in order"), "what was not read is not called in order: {text}");
    let mut command = program(&yard, "dayfly-triage", yard.bot.token());
    let (code, text) = run(command.args(["--repo", "web"]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("owner/name"), "{text}");
}

#[test]
fn people_see_and_answer_issues_on_github_by_the_command_line() {
    let (yard, ann) = yard();
    now(&yard.world);
    let issue = ann.open_issue(REPO, "Paint the door", "It is grey.");
    let dayfly = |args: &[&str], person: &Person| run(program(&yard, "dayfly", person.token()).args(args));
    let (code, text) = dayfly(&["issue", "list"], &yard.bot);
    assert!(code == 0 && text.contains("web#1") && text.contains("Paint the door"), "{text}");
    let (code, text) = dayfly(&["triage", "--dry-run"], &yard.bot);
    assert!(code == 0 && text.contains("in order"), "{text}");
    let (code, text) = dayfly(&["run", "--until-idle", "--patience", "0s"], &yard.bot);
    assert_eq!(code, 0, "{text}");
    assert_eq!(yard.repo.issue(issue).labels, ["needs-clarification"], "{text}");
    let (code, text) = dayfly(&["why", "web#1"], &yard.bot);
    assert!(code == 0 && text.contains("answer"), "{text}");
    let (code, text) = dayfly(&["issue", "answer", "web#1", "the blue one"], &yard.bot);
    assert!(code == 3 && text.contains("a program"), "what a bot writes answers nothing: {code} {text}");
    let (code, text) = dayfly(&["issue", "answer", "web#1", "the blue one"], &ann);
    assert!(code == 0 && text.contains("answered as ann"), "{text}");
    let (code, text) = dayfly(&["run", "--until-idle", "--patience", "0s"], &yard.bot);
    assert_eq!(code, 0, "{text}");
    let pull = yard.repo.pulls().pop().expect("a pull request");
    let (code, text) = dayfly(&["status"], &yard.bot);
    assert!(code == 0 && text.contains(&format!("pull request #{}", pull.number)), "{text}");
    let (code, text) = dayfly(&["doctor"], &yard.bot);
    assert!(text.contains("it writes as dayfly-bot") && text.contains(REPO), "{code} {text}");
    yard.server.verify();
}

#[test]
fn a_merge_by_the_engine_is_the_end_of_its_issue() {
    let yard = Yard::new("merge = \"engine\"");
    yard.repo.protect("main", BranchRules { checks: vec!["test".into()], ..BranchRules::default() });
    now(&yard.world);
    let issue = yard.ann.open_issue(REPO, "Paint the gate", "It needs no question.");
    let run = |patience: &str| {
        let args = ["run", "--until-idle", "--patience", patience];
        run(program(&yard, "dayfly", yard.bot.token()).args(args))
    };
    let (code, text) = run("0s");
    assert_eq!(code, 0, "{text}");
    let pull = yard.repo.pulls().pop().expect("a pull request");
    yard.repo.check(&pull.head_sha, "test", CheckState::Success);
    now(&yard.world);
    let (code, text) = run("10s");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("was merged") && !text.contains("was opened again"), "{text}");
    let shown = yard.repo.issue(issue);
    assert!(!shown.open && shown.labels.is_empty(), "{shown:?}\n{text}");
    assert_eq!(yard.repo.pulls().len(), 1, "nothing is done twice: {text}");
    assert_eq!(yard.repo.take_comment(pull.number).body.lines().last(), Some("This pull request is merged."), "{text}");
    yard.server.verify();
}
