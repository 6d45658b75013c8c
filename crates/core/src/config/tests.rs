mod forge;
mod proposals;
mod session;

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::{
    Author, Config, Feedback, Issue, IssueId, ProjectName, PromptContext, Sandbox, SourceText, StageName, StageRun,
    TrackerState, Trust,
};

fn read(text: &str) -> Result<Config, String> {
    let mut files = |path: &Utf8Path| Err(format!("no {path}"));
    Config::read(&SourceText::new("dayfly.toml", text), &mut files).map_err(|e| e.to_string())
}

const GOOD: &str = r#"
version = 1
[agents.script]
kind = "command"
argv = ["sh", "agent.sh"]
[projects.web]
path = "../web"
"#;

#[test]
fn what_is_left_out_is_filled_in() {
    let config = read(GOOD).unwrap();
    let project = &config.portfolio.projects[&ProjectName::new("web").unwrap()];
    let stages: Vec<&str> = project.pipeline.stages.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(stages, ["triage", "prep", "exec", "review", "merge"]);
    assert_eq!(project.limits.wall.as_secs(), 45 * 60);
    assert_eq!(project.pipeline.worst_case().total, 45);
    assert_eq!(project.path, "../web");
    let exec = project.pipeline.stage(&StageName::new("exec").unwrap()).unwrap();
    assert_eq!(exec.agents[0].agent.as_str(), "script");
}

#[test]
fn all_problems_are_shown_at_once_with_line_text_and_remedy() {
    let text = r#"
version = 1
concurency = 3
[limits]
wall = "soon"
[agents.script]
kind = "comand"
[stages.exec]
prompt = "do {{ isue.title }}"
colour = "red"
gates = ["new-commits", "tidy"]
[projects.web]
path = "../web"
agents = ["scripd"]
[projects.docs]
kind = "docs"
"#;
    insta::assert_snapshot!(read(text).unwrap_err(), @r##"
    dayfly.toml:3: unknown key `concurency` in the file
        concurency = 3
        help: did you mean `concurrency`?
    dayfly.toml:5: `soon` is not a duration above zero
        wall = "soon"
        help: write it as "90s", "45m", "6h" or "1h 30m"
    dayfly.toml:7: unknown variant `comand`, expected one of `command`, `claude`, `codex`, `opencode`, `gemini`, `copilot`
        kind = "comand"
        help: see `dayfly config show --defaults` for the form of [agents.script]
    dayfly.toml:9: the prompt of `exec`, line 1 of it: unknown variable `isue`; there are project, issue, stage, answer, notes, feedback, child_limit
        prompt = "do {{ isue.title }}"
        help: mend the template
    dayfly.toml:10: unknown key `colour` in [stages.exec]
        colour = "red"
        help: [stages.exec] may hold run, access, agents, fallback, answer, effects, comments, issues, labels, prompt, prompt-file, skills, admission, gates, on-fail, rounds, attempts, entry-label, label, wall, silence
    dayfly.toml:11: unknown gate `tidy`; there are clean-tree, new-commits, untouched, protected-paths, diff-size, commands, verdict, label:NAME, custom:NAME
        gates = ["new-commits", "tidy"]
        help: see `dayfly config show --defaults` for the form of [stages.exec]
    dayfly.toml:14: there is no agent `scripd`
        agents = ["scripd"]
        help: add a section [agents.scripd]; there are script
    dayfly.toml:15: project `docs` has no path
        [projects.docs]
        help: add `path = "../repository"`
    "##);
}

#[test]
fn several_syntax_errors_are_shown() {
    insta::assert_snapshot!(read("version = \n[projects.web\npath = 'x'\ncolour = 3\n").unwrap_err(), @"
    dayfly.toml:1: string values must be quoted, expected literal string
        version =
        help: this is not valid TOML; mend the line
    dayfly.toml:2: unclosed table, expected `]`
        [projects.web
        help: this is not valid TOML; mend the line
    ");
}

#[test]
fn a_file_that_is_no_configuration_at_all_is_refused_in_few_words() {
    for text in ["+++\n".repeat(250_000), "<!--".repeat(250_000)] {
        let refused = read(&text).unwrap_err();
        assert!(refused.lines().count() <= 400 && refused.len() < 60_000, "{} bytes", refused.len());
        assert!(refused.contains(" more problems from here on\n"), "{refused}");
        assert!(refused.ends_with("help: correct those above first"), "{refused}");
    }
}

#[test]
fn a_pipeline_that_could_run_away_is_refused_with_the_sum() {
    let text = format!("{GOOD}\n[stages.review]\nrounds = 9\n");
    let err = read(&text).unwrap_err();
    assert!(err.contains("could cause 81 stage executions, more than 48"), "{err}");
    assert!(err.contains("review back to exec: 9 × 6 = 54"), "{err}");
    assert!(err.starts_with("dayfly.toml:6:"), "{err}");
}

#[test]
fn a_stage_may_be_added_and_a_prompt_replaced() {
    let text = r#"
loop-backs = 1
pipeline = ["exec", "translate", "merge"]
[agents.a]
kind = "claude"
model = "sonnet"
[agents.b]
kind = "command"
argv = ["b"]
[stages.exec]
agents = ["a", "b"]
fallback = "chain"
prompt = "Do {{ issue.title }}."
[stages.translate]
agents = ["b"]
prompt-file = "prompts/translate.md"
attempts = 1
[projects.web]
path = "/repos/web"
"#;
    let mut files = |path: &Utf8Path| match path.as_str() {
        "conf/prompts/translate.md" => Ok("Translate {{ issue.title }}.".to_owned()),
        other => Err(format!("no {other}")),
    };
    let config = Config::read(&SourceText::new("conf/dayfly.toml", text), &mut files).unwrap();
    let project = config.portfolio.projects.values().next().unwrap();
    assert_eq!(project.path, "/repos/web");
    assert_eq!(config.portfolio.state_dir, "conf/.dayfly");
    assert_eq!(project.pipeline.stages[1].prompt.as_str(), "Translate {{ issue.title }}.");
    assert_eq!(project.pipeline.stages[0].gates.len(), 5);
}

#[test]
fn every_setting_tells_where_it_comes_from() {
    let text = format!("{GOOD}\n[limits]\nwall = \"10m\"\n");
    let config = read(&text).unwrap();
    let of = |key: &str| config.settings.iter().find(|s| s.key == key).map(|s| format!("{} {:?}", s.value, s.origin));
    assert_eq!(of("limits.wall").unwrap(), r#""10m" File { path: "dayfly.toml", line: 10 }"#);
    assert_eq!(of("limits.grace").unwrap(), r#""10s" BuiltIn"#);
}

#[test]
fn an_empty_file_says_how_to_begin() {
    let err = read("").unwrap_err();
    assert!(err.contains("dayfly init"), "{err}");
}

/// A configuration with these lines before its sections.
fn with(lines: &str) -> String {
    format!("{lines}\n{GOOD}")
}

#[test]
fn a_change_that_nothing_would_land_is_refused_where_the_pipeline_is_named() {
    insta::assert_snapshot!(read(&with("pipeline = [\"triage\", \"exec\", \"review\"]")).unwrap_err(), @r#"
    dayfly.toml:1: the change that stage `exec` of `web` makes would be on no branch
        pipeline = ["triage", "exec", "review"]
        help: put `merge` at the end of the pipeline, or set `access = "read"` for stages that change nothing
    "#);
    let own = format!("{GOOD}pipeline = [\"exec\"]\n");
    assert!(read(&own).unwrap_err().starts_with("dayfly.toml:8: the change that stage `exec` of `web`"));
    let built_in = format!("{GOOD}[stages.merge]\nrun = \"agent\"\nprompt = \"Look.\"\n");
    let err = read(&built_in).unwrap_err();
    assert!(err.starts_with("dayfly.toml:6: the change that stage `exec` of `web`"), "{err}");

    read(&format!("{}[stages.review]\non-fail = \"triage\"\n", with("pipeline = [\"triage\", \"review\"]"))).unwrap();
    read(&format!("{}repository = false\n[stages.exec]\ngates = []\n", with("pipeline = [\"exec\"]"))).unwrap();
}

#[test]
fn bounds_that_bound_nothing_are_refused() {
    let text = r#"
loop-backs = 101
[limits]
wall = "745h"
grace = "1000h"
gate-timeout = "721h"
silence = "800h"
[agents.script]
kind = "command"
argv = ["sh"]
concurrency = 0
[labels]
ready-for-dev = "go"
blocked = "Go"
[stages.exec]
attempts = 4294967295
rounds = 1000
[projects.web]
path = "../web"
concurrency = 0
"#;
    let err = read(text).unwrap_err();
    let lines: Vec<&str> = err.lines().filter(|l| l.starts_with("dayfly.toml") && !l.contains("could cause")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    dayfly.toml:2: 101 is too large
    dayfly.toml:4: `745h` is longer than 30 days
    dayfly.toml:5: `1000h` is longer than 30 days
    dayfly.toml:6: `721h` is longer than 30 days
    dayfly.toml:7: `800h` is longer than 30 days
    dayfly.toml:11: 0 is too small
    dayfly.toml:12: the labels `ready-for-dev` and `blocked` are both named `Go`
    dayfly.toml:16: 4294967295 is too large
    dayfly.toml:17: 1000 is too large
    dayfly.toml:20: 0 is too small
    ");
}

#[test]
fn a_projects_sandbox_replaces_the_files_key_by_key() {
    let text =
        format!("{GOOD}[projects.web.sandbox]\ntrusted = \"landlock\"\n[sandbox]\nread = [\"~/.cargo\", \"tools\"]\n");
    let config = read(&text).unwrap();
    let policy = &config.portfolio.projects[&ProjectName::new("web").unwrap()].sandbox;
    assert_eq!((policy.trusted, policy.strangers), (Sandbox::Landlock, Sandbox::Bubblewrap));
    assert_eq!(policy.read, ["~/.cargo", "tools"]);
    assert!(read(GOOD).unwrap().portfolio.projects.values().all(|p| p.sandbox.spec(Trust::Writer).is_default()));
}

#[test]
fn a_sandbox_that_would_not_hold_is_refused_with_its_line() {
    let text = r#"
[agents.script]
kind = "command"
argv = ["sh"]
[projects.web]
path = "../web"
[sandbox]
trusted = "landlock"
network = "none"
read = ["~"]
write = ["/"]
memory-bytes = 1000
processes = 2
strangers = "docker"
"#;
    insta::assert_snapshot!(read(text).unwrap_err(), @r#"
    dayfly.toml:9: `network = "none"` is not held by `trusted = "landlock"`
        network = "none"
        help: set `trusted = "bubblewrap"`, which alone keeps all of the network away
    dayfly.toml:10: `~` is not a path that can be shown
        read = ["~"]
        help: write an absolute path, `~/folder`, or one from this file's folder
    dayfly.toml:11: `/` would show everything
        write = ["/"]
        help: name the folders that the agent needs
    dayfly.toml:12: 1000 bytes are too few for an agent
        memory-bytes = 1000
        help: write at least 67108864
    dayfly.toml:13: 2 processes are too few for an agent
        processes = 2
        help: write at least 8
    dayfly.toml:14: unknown variant `docker`, expected one of `none`, `landlock`, `bubblewrap`
        strangers = "docker"
        help: see `dayfly config show --defaults` for the form of [sandbox]
    "#);
}

fn issue() -> Issue {
    Issue {
        id: IssueId::new("7").unwrap(),
        title: "Title".into(),
        body: String::new(),
        labels: vec![],
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("ann", Trust::Writer),
        parent: None,
        comments: vec![],
        facts: crate::IssueFacts::default(),
    }
}

#[test]
fn every_built_in_prompt_tells_why_the_work_came_back() {
    let config = read(GOOD).unwrap();
    let project = &config.portfolio.projects[&ProjectName::new("web").unwrap()];
    let issue = issue();
    let feedback =
        Feedback { gate: "a gate".into(), reason: "some reason".into(), tail: "last\nlines".into(), before: None };
    let notes = BTreeMap::new();
    let mut context = PromptContext {
        answer: crate::AnswerBy::File,
        project: BTreeMap::from([("name", "web"), ("kind", "code"), ("focus", ""), ("base", "main")]),
        issue: &issue,
        stage: "any",
        notes: &notes,
        feedback: None,
        child_limit: 8,
    };
    for stage in project.pipeline.stages.iter().filter(|s| s.run == StageRun::Agent) {
        context.feedback = None;
        let first = stage.prompt.render(&context).unwrap();
        assert!(!first.contains("came back"), "{first}");
        context.feedback = Some(&feedback);
        let again = stage.prompt.render(&context).unwrap();
        let told =
            "\nThe work came back. `a gate` says: some reason\nIts last lines:\nlast\nlines\nMend what is wrong.\n";
        assert!(again.contains(told), "{}: {again}", stage.name);
    }
}

#[test]
fn a_job_knows_the_least_trust_among_those_who_wrote() {
    let comment = |trust, key: Option<&str>| crate::Comment {
        author: Author::person("bo", trust),
        key: key.map(str::to_owned),
        body: "words".into(),
        ..crate::Comment::default()
    };
    let mut issue = issue();
    assert_eq!(issue.least_trust(), Trust::Writer);
    issue.comments.push(comment(Trust::Stranger, Some("key")));
    assert_eq!(issue.least_trust(), Trust::Writer, "what dayfly itself wrote is nobody's");
    issue.comments.push(comment(Trust::Stranger, None));
    assert_eq!(issue.least_trust(), Trust::Stranger);
}
