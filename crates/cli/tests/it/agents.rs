//! What an operator sees of agents: `doctor`, `agent list`, `agent show`, and catalogs checked with the configuration.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

/// A program that says that version and otherwise prints what a capture holds, and notes down how it was called.
fn program(world: &World, path: &str, version: &str) {
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../runner/tests/data/claude/text-streamjson.stdout");
    let (signs, work) = (world.path("signs"), GOOD_AGENT.replace("echo \"at work on $DAYFLY_ISSUE\"\n", ""));
    world.write(
        path,
        &format!(
            "#!/bin/sh\nset -eu\nif [ \"${{1-}}\" = --version ]; then echo '{version}'; exit; fi\ncat >/dev/null\n\
             for arg; do printf '%s\\0' \"$arg\"; done >{signs}/args\nenv -0 | cut -z -d= -f1 >{signs}/names\n\
             {work}cat {capture}\n"
        ),
    );
    fs::set_permissions(world.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Claude Code and Codex, of which nothing is real.
fn world() -> World {
    let world = World::with_agent(GOOD_AGENT);
    fs::create_dir(world.path("signs")).unwrap();
    program(&world, "bin/claude", "2.1.329 (Claude Code)");
    // A wrapper, and the program that it only starts.
    program(&world, "tools/codex/bin/codex.js", "the wrapper was asked");
    program(&world, "tools/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex", "codex-cli 0.1.0");
    world.write(
        "dayfly.toml",
        "version = 1\npipeline = [\"exec\", \"merge\"]\n\n\
         [agents.claude]\nkind = \"claude\"\nargv = [\"./bin/claude\"]\nmodel = \"opus\"\naccounts = [\"work\", \"paid\"]\n\
         env = { DEPLOY_TOKEN = \"tok-0123456789abcdef\" }\n\n\
         [agents.codex]\nkind = \"codex\"\nargv = [\"./tools/codex/bin/codex.js\"]\npass-env = [\"OPENAI_API_KEY\"]\n\n\
         [accounts.work]\nvendor = \"claude\"\nstate-dir = \"~/.claude-work\"\nbilling = \"subscription\"\n\n\
         [accounts.paid]\nvendor = \"claude\"\nproxy-key = \"THE_KEY\"\n\n\
         [stages.exec]\nagents = [\"claude\", \"codex\"]\nfallback = \"chain\"\n\n\
         [retry]\nbase = \"1ms\"\nmax = \"1ms\"\n\n[capacity]\nwait = \"1ms\"\n\n[projects.web]\npath = \"web\"\ntrusted = true\n",
    );
    world
}

/// Adds files to the repository `web`.
fn commit(world: &World, files: &[&str]) {
    for file in files {
        world.write(&format!("web/{file}"), "text\n");
    }
    world.git("web", &["add", "--all"]);
    world.git("web", &["commit", "--quiet", "--message", "more"]);
}

/// What doctor says of agents, accounts, who pays, and what agents find.
fn of_agents(said: &str) -> String {
    let mut ours = false;
    let lines = said.lines().filter(|line| {
        let what = line.get(6..).unwrap_or_default();
        let here = ["agent ", "account "].iter().any(|start| what.starts_with(start))
            || [": context for", ": skills of", ": billing of"].iter().any(|part| what.contains(part));
        ours = here || ours && line.starts_with("      what helps");
        ours
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn doctor_tells_of_programs_versions_accounts_and_of_what_agents_find() {
    let world = world();
    commit(&world, &["CLAUDE.md", ".claude/rules/a.md", ".claude/rules/b.md", ".claude/skills/close/SKILL.md"]);
    let said = world.dayfly(&["doctor"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_snapshot!(of_agents(&said.out), @"
    good  agent claude (claude): [root]/./bin/claude, 2.1.329 (Claude Code), which passed the contract
    note  agent codex (codex): [root]/tools/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex in place of its wrapper [root]/./tools/codex/bin/codex.js, codex-cli 0.1.0, which has not passed the contract
          what helps: it may work, and what it prints is parked if it is not understood; tested is 0.169.0: install that one to be sure
    BAD   account paid (claude): THE_KEY is not set; billed by the token
          what helps: set THE_KEY where dayfly runs, for cron too
    BAD   account work (claude): ~/.claude-work is not there; a subscription
          what helps: make the folder and log the vendor's program in there, or mend `state-dir`
    note  agent codex: billing: OPENAI_API_KEY is passed on, and not set
          what helps: set it where dayfly runs, for cron too
    good  project web: context for claude (trusted): 2 files in .claude/rules, CLAUDE.md, skill close
    good  project web: context for codex (trusted): CLAUDE.md
    ");

    fs::create_dir(world.path("home/.claude-work")).unwrap();
    program(&world, "bin/claude", "9.9.9 (Claude Code)");
    let config = world.read("dayfly.toml").replace("trusted = true\n", "");
    world.write("dayfly.toml", &config.replace("chain\"\n", "strict\"\nskills = [\"close\"]\n"));
    commit(&world, &[".env"]);
    world.write("web/.env", "ANTHROPIC_API_KEY=sk-never-shown\n");
    commit(&world, &[]);
    let said = world.dayfly(&["doctor"]);
    assert!(!said.out.contains("sk-never-shown"), "{said:?}");
    assert_snapshot!(of_agents(&said.out), @r#"
    note  agent claude (claude): [root]/./bin/claude, 9.9.9 (Claude Code), which has not passed the contract
          what helps: it may work, and what it prints is parked if it is not understood; tested is 2.1.329: install that one to be sure
    note  agent codex (codex): [root]/tools/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex in place of its wrapper [root]/./tools/codex/bin/codex.js, codex-cli 0.1.0, which has not passed the contract
          what helps: it may work, and what it prints is parked if it is not understood; tested is 0.169.0: install that one to be sure
    BAD   account paid (claude): THE_KEY is not set; billed by the token
          what helps: set THE_KEY where dayfly runs, for cron too
    good  account work (claude): logins in ~/.claude-work; a subscription
    note  agent codex: billing: OPENAI_API_KEY is passed on, and not set
          what helps: set it where dayfly runs, for cron too
    note  project web: context for claude (untrusted): nothing; hidden from it: 2 files in .claude/rules, CLAUDE.md, skill close
          what helps: set `trusted = true` in [projects.web] if all who can change the repository may run programs as you
    BAD   project web: skills of stage exec for claude: not found: close (profile untrusted)
          what helps: set `trusted = true` in [projects.web], or take `skills` out
    BAD   project web: billing of claude (account work): its account is a subscription, and ANTHROPIC_API_KEY, which .env of the repository sets, would bill it by the token
          what helps: take it out of that file, or set `env = { ANTHROPIC_API_KEY = "" }`, which hides it, or set `billing = "api-key"`
    "#);
}

#[test]
fn doctor_tells_programs_the_same() {
    let world = world();
    commit(&world, &["AGENTS.md", "docs/CLAUDE.md"]);
    let output = world.command(&["doctor", "--json"]).output().unwrap();
    let checks: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = checks.as_array().unwrap().iter().find_map(|check| check.get("context"));
    let found = found.unwrap_or_else(|| panic!("no check has a context: {checks}"));
    assert_eq!((&found["agent"], &found["profile"]), (&"claude".into(), &"trusted".into()));
    assert_eq!(found["trusted"]["instructions"], serde_json::json!(["docs/CLAUDE.md", "AGENTS.md"]));
    assert_eq!(found["untrusted"]["instructions"], serde_json::json!([]));
}

#[test]
fn the_agents_are_listed_with_their_accounts_and_where_they_work() {
    let world = world();
    assert_snapshot!(world.data(&["agent", "list"]), @"
    AGENT   KIND    VENDOR  MODEL  ACCOUNTS    WORKS AT
    claude  claude  claude  opus   work, paid  web: exec
    codex   codex   codex   -      -           web: exec (choice 2)
    ");
    let listed = world.json(&["agent", "list"]);
    assert_eq!(
        listed[1]["used"][0],
        serde_json::json!({
            "project": "web", "stage": "exec", "model": null, "choice": 2, "idle": false
        })
    );
    let unknown = world.dayfly(&["agent", "show", "gemini"]);
    assert_eq!(unknown.code, Some(2));
    assert_snapshot!(unknown.err, @"
    error: there is no agent `gemini`
    hint: there are claude, codex
    ");
    let idle = world.dayfly(&["agent", "show", "claude", "--stage", "review"]);
    assert_eq!(idle.code, Some(2));
    assert_snapshot!(idle.err, @"
    error: agent `claude` does not work at a stage `review`
    hint: it works at exec of web
    ");
}

#[test]
fn what_is_shown_of_a_start_is_what_an_attempt_is_started_with() {
    let world = world();
    fs::create_dir(world.path("home/.claude-work")).unwrap();
    world.data(&["issue", "new", "First", "--label", "ready-for-dev"]);
    let ran = world.dayfly(&["run", "--issue", "1"]);
    assert!(world.path("signs/args").exists(), "the agent was not started: {ran:?}");
    let noted = |file: &str| -> Vec<String> {
        world.read(&format!("signs/{file}")).split_terminator('\0').map(str::to_owned).collect()
    };

    let shown = world.json(&["agent", "show", "claude", "--stage", "exec"]);
    let start = &shown["starts"][0];
    assert_eq!(start["uses"][0], serde_json::json!({ "project": "web", "stage": "exec", "trust": "writer" }));
    assert_eq!((&start["profile"], &start["sandbox"]), (&"trusted".into(), &"none".into()));
    let args: Vec<&str> = start["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let started = noted("args");
    assert_eq!(args.len(), started.len(), "{args:?} {started:?}");
    for (shown, was) in args.iter().zip(&started) {
        let fits = shown.split_once("@DAYFLY_").map(|(before, _)| was.starts_with(before));
        assert!(fits.unwrap_or(*shown == was), "{shown} was {was}");
    }
    let names = |key: &str| -> Vec<String> {
        match &start[key] {
            serde_json::Value::Array(list) => list.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
            table => table.as_object().unwrap().keys().cloned().collect(),
        }
    };
    let mut told: BTreeSet<String> = ["sets", "passes", "has"].into_iter().flat_map(names).collect();
    // The shell of the program has these of its own.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"].map(str::to_owned);
    told.extend(own.iter().cloned());
    let was: BTreeSet<String> = noted("names").into_iter().chain(own).collect();
    assert_eq!(told, was);

    let log = ".dayfly/attempts/web.1.exec.1/output.log";
    let understood = world.json(&["agent", "classify", "claude", log, "--exit", "0"]);
    assert_eq!((&understood["end"], &understood["records"]), (&"succeeded".into(), &3.into()), "{understood}");
}

#[test]
fn a_start_is_shown_without_secrets() {
    let world = world();
    let secret = "tok-0123456789abcdef";
    let config = world.read("dayfly.toml");
    world.write("dayfly.toml", &config.replace("[\"./bin/claude\"]", &format!("[\"./bin/claude\", \"--x={secret}\"]")));
    let text = world.data(&["agent", "show", "claude", "--project", "web"]);
    let json = world.json(&["agent", "show", "claude"]).to_string();
    for shown in [&text, &json] {
        assert!(!shown.contains(secret) && shown.contains("DEPLOY_TOKEN") && shown.contains("--x=*"), "{shown}");
    }
    assert!(text.contains("DEPLOY_TOKEN=***"), "{text}");
    let codex = world.data(&["agent", "show", "codex"]);
    assert!(codex.contains("codex.js, which only starts the program:"), "{codex}");
    assert!(codex.contains("passes   OPENAI_API_KEY (not set)"), "{codex}");
    let paid = config.replace("accounts = [\"work\", \"paid\"]", "accounts = [\"paid\"]");
    world.write("dayfly.toml", &paid);
    let paid = world.data(&["agent", "show", "claude"]);
    assert!(
        paid.contains("held by a proxy of its own") && paid.contains("ANTHROPIC_BASE_URL=http://127.0.0.1:0"),
        "{paid}"
    );
    assert!(!paid.contains("THE_KEY") && !paid.contains("the-token-of"), "{paid}");
}

#[test]
fn a_catalog_is_checked_with_the_configuration() {
    let world = world();
    let config = world.read("dayfly.toml");
    world.write("dayfly.toml", &config.replace("model = \"opus\"\n", "catalog = \"claude.toml\"\n"));
    let refused = |text: &str| {
        world.write("claude.toml", text);
        let ran = world.dayfly(&["plan"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        ran.err
    };
    assert_snapshot!(refused("version = 1\n\n[[end]]\nname = \"odd\"\nwhen = { x = 1 }\nends = \"quota\"\n"), @r#"
    error: unknown field `ends`, expected one of `name`, `when`, `end`, `reason`, `say`, `scope`, `window`, `resets`, `resets-say`
     --> [root]/claude.toml:6:1
      |
    6 | ends = "quota"
      | ^^^^
      |
      = help: docs/agents.md has the form of a catalog

    error: [root]/claude.toml has 1 problem
    "#);
    assert_snapshot!(refused("version = 2\n"), @"
    error: the catalog says `version = 2`, and this program reads 1
     --> [root]/claude.toml:1:11
      |
    1 | version = 2
      |           ^
      |
      = help: begin the file with `version = 1`

    error: [root]/claude.toml has 1 problem
    ");
    assert_snapshot!(refused("version = 1\n[[event]]\nname = \"mine\"\ntells = \"text\"\n"), @r#"
    error: the catalog's entry `event.mine` has no `when`
     --> [root]/claude.toml:3:8
      |
    3 | name = "mine"
      |        ^^^^^^
      |
      = help: say which records it is about

    error: [root]/claude.toml has 1 problem
    "#);
    assert_snapshot!(refused("version =\n"), @"
    error: string values must be quoted, expected literal string
     --> [root]/claude.toml:1:1
      |
    1 | version =
      | ^^^^^^^^^
      |
      = help: docs/agents.md has the form of a catalog

    error: [root]/claude.toml has 1 problem
    ");
    world.write("claude.toml", "version = 1\ntested = [\"9.9.9\"]\n");
    world.data(&["config", "check"]);
    let doctor = world.dayfly(&["doctor"]).out;
    assert!(doctor.contains("tested is 9.9.9: install that one"), "{doctor}");

    world.write(
        "dayfly.toml",
        &config
            .replace("model = \"opus\"\n", "catalog = \"claude.toml\"\n")
            .replace("kind = \"claude\"", "kind = \"command\""),
    );
    let command = world.dayfly(&["plan"]);
    assert!(command.err.contains("no catalog"), "{command:?}");
}
