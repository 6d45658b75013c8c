use dayfly_core::{Config, SourceText};

use super::super::Finding;
use super::*;

const FILES: [&str; 9] = [
    ".claude/commands/git/push.md",
    ".claude/rules/a.md",
    ".claude/rules/b.md",
    ".claude/settings.json",
    ".claude/skills/close/SKILL.md",
    ".claude/skills/review/SKILL.md",
    "CLAUDE.md",
    "api/CLAUDE.md",
    "src/main.rs",
];

/// What doctor says of the context of the project `web`, on which `agent` works.
fn told(agent: &str, more: &str, files: &[&str]) -> Vec<String> {
    let trusted = if more.contains("trusted") { "" } else { "trusted = true\n" };
    let text = format!(
        "version = 1\npipeline = [\"triage\"]\n[agents.ai]\nkind = \"{agent}\"\n[projects.web]\npath = \"web\"\n{trusted}{more}\n"
    );
    let text = if agent == "command" { text.replace("\"command\"", "\"command\"\nargv = [\"x\"]") } else { text };
    let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("none".into()));
    let portfolio = config.unwrap_or_else(|err| panic!("{err}")).portfolio;
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    let project = portfolio.projects.values().next().unwrap();
    let line = |check: Check| {
        let remedy = check.remedy.map(|remedy| format!(" [{remedy}]")).unwrap_or_default();
        let state = match check.state {
            Finding::Good => "good",
            Finding::Note => "note",
            Finding::Bad => "bad",
        };
        format!("{state} {}: {}{remedy}", check.what, check.found)
    };
    judge(&portfolio, project, &files).into_iter().map(line).collect()
}

#[test]
fn what_is_read_is_told_in_a_line() {
    assert_eq!(
        told("claude", "", &FILES),
        [
            "good project web: context for ai (trusted): 2 files in .claude/rules, CLAUDE.md, api/CLAUDE.md, skills close, \
          review, command git:push, settings .claude/settings.json"
        ]
    );
    assert_eq!(told("claude", "", &["src/main.rs"]), ["good project web: context for ai (trusted): nothing"]);
    let far: Vec<String> = (0..3).map(|n| format!("{n}/CLAUDE.md")).collect();
    let far: Vec<&str> = far.iter().map(String::as_str).collect();
    assert_eq!(told("claude", "", &far), ["good project web: context for ai (trusted): CLAUDE.md in 3 folders"]);
    assert_eq!(told("command", "", &FILES), [""; 0], "nobody knows what it reads");
}

#[test]
fn a_file_that_another_stands_in_for_is_not_read() {
    let both = told("claude", "", &["AGENTS.md", "CLAUDE.md"]);
    assert_eq!(both, ["good project web: context for ai (trusted): CLAUDE.md"]);
    let one = told("claude", "", &["AGENTS.md"]);
    assert_eq!(one, ["good project web: context for ai (trusted): AGENTS.md"]);
}

#[test]
fn instructions_for_other_agents_alone_are_noted_with_what_helps() {
    let noted = told("claude", "", &["GEMINI.md", "README.md"]);
    assert_eq!(noted.len(), 1);
    assert!(noted[0].starts_with("note ") && noted[0].contains("nothing; it does not read GEMINI.md"), "{noted:?}");
    assert!(noted[0].ends_with("[commit a link: `ln -s GEMINI.md CLAUDE.md`]"), "{noted:?}");
}

#[test]
fn what_an_untrusted_project_hides_is_noted() {
    let skills = "trusted = false\n[stages.triage]\nskills = [\"close\"]";
    assert_eq!(
        told("claude", skills, &FILES),
        [
            "note project web: context for ai (untrusted): nothing; hidden from it: 2 files in .claude/rules, CLAUDE.md, \
             api/CLAUDE.md, skills close, review, command git:push, settings .claude/settings.json [set `trusted = \
             true` in [projects.web] if all who can change the repository may run programs as you]",
            "bad project web: skills of stage triage for ai: not found: close (profile untrusted) [set `trusted = \
             true` in [projects.web], or take `skills` out]",
        ]
    );
    let nothing_hidden = told("claude", "trusted = false", &["src/main.rs"]);
    assert_eq!(nothing_hidden, ["good project web: context for ai (untrusted): nothing"]);
}

#[test]
fn skills_that_a_stage_relies_on_must_be_there_and_told() {
    let stage = "[stages.triage]\nskills = [\"close\", \"land\", \"plugin:land\"]\n";
    let bad = told("claude", stage, &FILES);
    assert_eq!(
        bad[1..],
        ["bad project web: skills of stage triage for ai: not found: land (profile trusted) [commit \
          `.claude/skills/land/SKILL.md` on main, or mend `skills`]"]
    );
    let good = told("claude", "[stages.triage]\nskills = [\"close\", \"git:push\"]\n", &FILES);
    assert_eq!(good[1..], ["good project web: skills of stage triage for ai: close, git:push"]);
    let link = told("claude", stage, &[".claude/skills", "CLAUDE.md"]);
    assert!(link[1].starts_with("note ") && link[1].contains(".claude/skills is a link"), "{link:?}");
    let silent = told("codex", stage, &FILES);
    assert!(silent[1].starts_with("bad ") && silent[1].contains("does not tell which skills it found"), "{silent:?}");
    let own = told("command", stage, &FILES);
    assert!(own[0].starts_with("note ") && own[0].contains("only ai itself can tell"), "{own:?}");
}
