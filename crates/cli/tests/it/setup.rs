//! From nothing to a set-up that works: `init`, `config`, `doctor`.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

#[test]
fn without_a_configuration_the_program_says_where_to_begin() {
    let world = World::new();
    let plan = world.dayfly(&["plan"]);
    assert_snapshot!(plan.err, @"
    error: there is no dayfly.toml in [root] or above
    hint: `dayfly init PATH...` writes one, `dayfly demo` shows how it works, `--config FILE` names one
    ");
    for command in [["plan"].as_slice(), &["run"], &["status"], &["why", "web#1"], &["config", "check"]] {
        let ran = world.dayfly(command);
        assert_eq!((ran.code, ran.out.as_str(), &ran.err), (Some(2), "", &plan.err), "{command:?}");
    }
}

#[test]
fn a_broken_configuration_shows_all_its_problems_at_once() {
    let world = World::new();
    world.write(
        "dayfly.toml",
        "version = 1\nconcurency = 3\n\n[agents.script]\nkind = \"robot\"\nargv = [\"./agent.sh\"]\n\n\
         [limits]\nwall = \"soon\"\n\n[stages.exec]\ngates = [\"clean-tree\", \"tidy\"]\n\n[projects.web]\npath = \"web\"\n",
    );
    let ran = world.dayfly(&["config", "check"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert_snapshot!(ran.err, @r#"
    error: unknown key `concurency` in the file
     --> [root]/dayfly.toml:2:1
      |
    2 | concurency = 3
      | ^^^^^^^^^^
      |
      = help: did you mean `concurrency`?

    error: unknown variant `robot`, expected one of `command`, `claude`, `codex`, `opencode`, `gemini`, `copilot`
     --> [root]/dayfly.toml:5:8
      |
    5 | kind = "robot"
      |        ^^^^^^^
      |
      = help: see `dayfly config show --defaults` for the form of [agents.script]

    error: `soon` is not a duration above zero
     --> [root]/dayfly.toml:9:8
      |
    9 | wall = "soon"
      |        ^^^^^^
      |
      = help: write it as "90s", "45m", "6h" or "1h 30m"

    error: unknown gate `tidy`; there are clean-tree, new-commits, untouched, protected-paths, diff-size, commands, verdict, label:NAME, custom:NAME
      --> [root]/dayfly.toml:12:9
       |
    12 | gates = ["clean-tree", "tidy"]
       |         ^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: see `dayfly config show --defaults` for the form of [stages.exec]

    error: [root]/dayfly.toml has 4 problems
    "#);
    let plan = world.dayfly(&["plan"]);
    assert_eq!((plan.code, &plan.err), (Some(2), &ran.err), "every command shows the same");
    let json = world.dayfly(&["config", "check", "--json"]);
    assert_eq!((json.code, json.err), (Some(2), ran.err), "people are told the same");
    assert_snapshot!(json.out.split_once("    },").unwrap().0, @r#"
    {
      "file": "[root]/dayfly.toml",
      "problems": [
        {
          "help": "did you mean `concurrency`?",
          "line": 2,
          "message": "unknown key `concurency` in the file"
    "#);
    assert_eq!(json.out.matches("\"help\": ").count(), 4);
}

#[test]
fn a_good_configuration_is_checked_and_shown_with_where_it_comes_from() {
    let world = World::with_agent(GOOD_AGENT);
    assert_snapshot!(world.data(&["config", "check"]), @"[root]/dayfly.toml is good: 1 project, 1 agent, at most 15 stage executions for an issue");
    let shown = world.data(&["config", "show"]);
    let some = ["pipeline", "limits.grace", "limits.wall", "projects.web.path"];
    let lines = shown.lines().filter(|line| some.iter().any(|key| line.starts_with(&format!("{key} "))));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r#"
    limits.grace = "1s"  # [root]/dayfly.toml:14
    limits.wall = "45m"  # built-in
    pipeline = ["triage", "exec", "merge"]  # [root]/dayfly.toml:2
    projects.web.path = "web"  # [root]/dayfly.toml:17
    "#);
    assert!(world.data(&["config", "show", "--defaults"]).contains("silence-report = \"5m\""));
}

#[test]
fn a_configuration_is_found_in_a_folder_above_or_where_it_is_named() {
    let world = World::with_agent(GOOD_AGENT);
    let good = world.data(&["config", "check"]);
    let above = world.command(&["config", "check"]).current_dir(world.path("web")).output().unwrap();
    assert!(above.status.success(), "{above:?}");
    let named = world.command(&["config", "check", "--config", "../dayfly.toml"]);
    let named = { named }.current_dir(world.path("web")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&named.stdout).matches("is good").count(), 1, "{named:?}");
    let variable = world.command(&["config", "check"]).env("DAYFLY_CONFIG", "nowhere.toml").output().unwrap();
    assert_eq!(variable.status.code(), Some(3), "{variable:?}");
    assert_eq!(world.data(&["config", "check"]), good);
}

#[test]
fn a_configuration_that_is_no_text_is_refused_with_the_line() {
    let world = World::new();
    std::fs::write(world.path("dayfly.toml"), b"version = 1\n# caf\xe9\n").unwrap();
    let ran = world.dayfly(&["plan"]);
    assert_eq!(ran.code, Some(2));
    assert_snapshot!(ran.err, @"
    error: [root]/dayfly.toml is not UTF-8 text: line 2 cannot be read
    hint: write that line anew, or save the file as UTF-8
    ");
}

/// A repository with code and one with text.
fn two_repositories() -> World {
    let world = World::new();
    world.repository("web", "main", &[("Cargo.toml", "[package]\n"), ("src/lib.rs", "")]);
    world.repository("book", "trunk", &[("README.md", "# book\n"), ("first.md", "# first\n")]);
    world
}

#[test]
fn init_writes_a_file_that_reads_back_and_overwrites_none() {
    let world = two_repositories();
    assert_snapshot!(world.data(&["init", "web", "book"]), @r#"
    wrote [root]/dayfly.toml with web, book

    No agent CLI is on PATH: write ./agent.sh, or name another program in [agents.script].
    Next:
      dayfly doctor
      dayfly issue new --project web "What is to be done"
      dayfly plan
      dayfly run --until-idle
    "#);
    let written = world.read("dayfly.toml");
    assert_snapshot!(written, @r#"
    # What dayfly looks after. `dayfly config show --defaults` lists every key with its default;
    # `dayfly config check` says what is wrong, `dayfly doctor` what is missing.
    version = 1

    # Where work is written down: a folder per project, a Markdown file per issue.
    issues-dir = "issues"
    # The most jobs at once on this host.
    concurrency = 3

    # Any program can be an agent: it gets the prompt on standard input and starts in a working copy of
    # its own, where it commits. docs/guide.md tells the rest.
    [agents.script]
    kind = "command"
    argv = ["./agent.sh"]

    [projects.web]
    path = "web"
    kind = "code"
    base = "main"
    # "direct": dayfly puts a finished change on the base branch. "pull-request": it leaves a branch to you.
    landing = "direct"
    # Agents are told what matters most: focus = "..."
    # The repository is your own: agents read its instructions and skills, and may obey its settings and hooks.
    trusted = true
    # What must pass before a change counts is named on the base branch, in web/.dayfly/gates.toml:
    #   [[command]]
    #   name = "tests"
    #   run = ["cargo", "test"]

    [projects.book]
    path = "book"
    kind = "docs"
    base = "trunk"
    # "direct": dayfly puts a finished change on the base branch. "pull-request": it leaves a branch to you.
    landing = "direct"
    # Agents are told what matters most: focus = "..."
    # The repository is your own: agents read its instructions and skills, and may obey its settings and hooks.
    trusted = true
    # What must pass before a change counts is named on the base branch, in book/.dayfly/gates.toml:
    #   [[command]]
    #   name = "tests"
    #   run = ["./test.sh"]
    "#);
    assert_snapshot!(world.data(&["config", "check"]), @"[root]/dayfly.toml is good: 2 projects, 1 agent, at most 45 stage executions for an issue");

    let again = world.dayfly(&["init", "web"]);
    assert_eq!(again.code, Some(2));
    assert_snapshot!(again.err, @"
    error: [root]/dayfly.toml is there already
    hint: `--force` overwrites it
    ");
    assert_eq!(world.read("dayfly.toml"), written, "nothing is overwritten");
    world.data(&["init", "web", "--force"]);
    assert!(!world.read("dayfly.toml").contains("[projects.book]"));
}

#[test]
fn init_inside_a_repository_keeps_the_state_outside_of_it() {
    let world = two_repositories();
    let init = |folder: &str, args: &[&str]| {
        let init = world.command(&[["init"].as_slice(), args].concat()).current_dir(world.path(folder)).output();
        assert!(init.as_ref().unwrap().status.success(), "{init:?}");
        let written = world.read(&format!("{folder}/dayfly.toml"));
        written.lines().find(|line| line.starts_with("state-dir")).map(str::to_owned)
    };
    assert_eq!(init("web", &[]).unwrap(), "state-dir = \"../.dayfly-web\"");
    assert_eq!(init("web/src", &[".."]).unwrap(), "state-dir = \"../../.dayfly-web\"");
    assert_eq!(init("web", &["../book", "--force"]), None, "it lies in no repository that it names");
    assert_eq!(init(".", &["web", "book"]), None);

    let config = "web/src/dayfly.toml";
    let doctor = || world.dayfly(&["doctor", "--config", config]).out;
    assert!(!doctor().contains("lies inside"), "{}", doctor());
    world.write(config, &world.read(config).replace("../../.dayfly-web", "state"));
    let noted = doctor();
    let from = noted.find("note  state").unwrap();
    assert_snapshot!(noted[from..].lines().take(2).collect::<Vec<_>>().join("\n"), @"
    note  state: [root]/web/src/state lies inside the repository of web
          what helps: while nothing runs, move it out of [root]/web, to a place such as [root]/.dayfly-web, and set `state-dir` to that
    ");
}

#[test]
fn doctor_says_for_which_project_a_filter_does_not_run_in_working_copies() {
    let world = World::with_agent(GOOD_AGENT);
    let noted = || world.data(&["doctor"]).contains("filters: src/.gitattributes on main names one; none runs");
    assert!(!noted());
    world.write("web/src/.gitattributes", "*.png filter=lfs -text\n");
    world.git("web", &["add", "--all"]);
    world.git("web", &["commit", "--quiet", "--message", "pictures"]);
    assert!(noted(), "{}", world.data(&["doctor"]));
}

#[test]
fn doctor_writes_nothing_and_leaves_the_lock_to_runs() {
    let world = World::with_agent(GOOD_AGENT);
    world.data(&["doctor"]);
    assert!(!world.path(".dayfly").exists());
    world.data(&["run"]);
    std::fs::set_permissions(world.path(".dayfly/lock"), std::fs::Permissions::from_mode(0o444)).unwrap();
    let held = std::fs::File::open(world.path(".dayfly/lock")).unwrap();
    held.lock().unwrap();
    let doctor = world.data(&["doctor"]);
    assert!(doctor.contains("good  ledger: "), "no process of that number runs: {doctor}");
}

#[test]
fn init_refuses_what_is_no_repository_with_a_commit() {
    let world = World::new();
    world.write("plain/README.md", "");
    let plain = world.dayfly(&["init", "plain"]);
    assert_eq!(plain.code, Some(2), "{plain:?}");
    assert!(plain.err.contains("hint: `git init` makes it one"), "{plain:?}");
    world.git("plain", &["init", "--quiet"]);
    let empty = world.dayfly(&["init", "plain"]);
    assert_eq!(empty.code, Some(2), "{empty:?}");
    assert!(empty.err.contains("has no commit"), "{empty:?}");
    assert!(!world.path("dayfly.toml").exists());
}

/// What `doctor` says, without the machine's own git and sandboxes, which are not ours to know.
fn of_the_set_up(said: &str) -> String {
    let mut machine = false;
    let ours = said.lines().filter(|line| {
        machine = ["git: ", "sandbox: "].iter().any(|what| line.get(6..).is_some_and(|text| text.starts_with(what)))
            || machine && line.starts_with("      what helps");
        !machine
    });
    ours.map(|line| format!("{line}\n")).collect()
}

#[test]
fn doctor_shows_each_rung_of_the_ladder_with_what_helps_where_it_is_not_there() {
    let checks = World::with_agent(GOOD_AGENT).json(&["doctor"]);
    for what in ["sandbox: landlock", "sandbox: bubblewrap", "sandbox: control groups"] {
        let check = checks.as_array().unwrap().iter().find(|check| check["what"] == what);
        let check = check.unwrap_or_else(|| panic!("{what} is missing: {checks}"));
        assert!(check["state"] == "good" || check["remedy"].is_string(), "{check}");
    }
}

#[test]
fn doctor_finds_nothing_to_mend_in_a_good_set_up() {
    let world = World::with_agent(GOOD_AGENT);
    let good = world.data(&["doctor"]);
    assert_snapshot!(of_the_set_up(&good), @"
    good  configuration: [root]/dayfly.toml
    good  agent script (command): [root]/./agent.sh
    good  project web: [root]/web, main at [commit]
    good  project web: gates: tests (.dayfly/gates.toml on main)
    good  project web: tracker: 0 issues, 0 milestones in [root]/issues/web
    good  ledger: [root]/.dayfly/ledger.sqlite (made by the first run)
    All that jobs need is there.
    ");
}

#[test]
fn doctor_names_what_is_missing_with_the_remedy() {
    let world = two_repositories();
    world.data(&["init", "web", "book"]);
    let config = world.read("dayfly.toml");
    world.write("dayfly.toml", &config.replace("base = \"trunk\"", "base = \"main\""));
    let bad = world.dayfly(&["doctor"]);
    assert_eq!((bad.code, bad.err.as_str()), (Some(3), ""));
    assert_snapshot!(of_the_set_up(&bad.out), @"
    good  configuration: [root]/dayfly.toml
    BAD   agent script (command): `[root]/./agent.sh` is not there, or cannot be executed
          what helps: install it, mend PATH or `argv`, or `chmod +x` it
    BAD   project book: [root]/book has no branch `main`
          what helps: set `base` of the project to a branch that is there
    good  project book: tracker: 0 issues, 0 milestones in [root]/issues/book
    good  project web: [root]/web, main at [commit]
    note  project web: gates: .dayfly/gates.toml on main names none: no command judges changes
          what helps: name the test command there and commit it
    good  project web: tracker: 0 issues, 0 milestones in [root]/issues/web
    good  ledger: [root]/.dayfly/ledger.sqlite (made by the first run)
    2 things to mend before jobs can run.
    ");
    world.write("dayfly.toml", "version = 2\n");
    let broken = world.dayfly(&["doctor"]);
    assert_eq!(broken.code, Some(2));
    assert!(broken.out.contains("BAD   configuration"), "{broken:?}");
}
