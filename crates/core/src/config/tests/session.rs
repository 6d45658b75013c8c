//! Projects that keep a session.

use crate::ProjectName;

use super::read;

const SESSION: &str = r#"
version = 1
[agents.script]
kind = "command"
argv = ["sh", "agent.sh"]
[projects.web]
path = "../web"
[projects.notes]
path = "../notes"
runner = "tmux"
[projects.notes.session]
command = ["bin/talk", "--long"]
"#;

#[test]
fn a_project_with_a_session_has_it_as_its_agent() {
    let config = read(SESSION).unwrap();
    let portfolio = &config.portfolio;
    let notes = &portfolio.projects[&ProjectName::new("notes").unwrap()];
    let session = notes.runner.session().unwrap();
    assert_eq!(session.command, ["bin/talk", "--long"]);
    assert_eq!((session.submit.as_slice(), session.settle.as_secs()), (["Enter".to_owned()].as_slice(), 1));
    let agents = |project: &str| -> Vec<String> {
        let stages = &portfolio.projects[&ProjectName::new(project).unwrap()].pipeline.stages;
        stages.iter().flat_map(|s| &s.agents).map(ToString::to_string).collect()
    };
    assert_eq!(agents("notes"), ["session.notes"; 4], "the stage that lands has none");
    assert_eq!(agents("web"), ["script"; 4]);
    let names: Vec<&str> = portfolio.agents.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["script", "session.notes"]);
}

#[test]
fn what_cannot_be_a_session_is_refused_with_its_place() {
    let text = format!(
        "{}\nsubmit = [\"Entr\"]\nready = \" \"\nsettle = \"2m\"\ncolour = 1\n\
         [projects.a]\npath = \"a\"\nrunner = \"tmux\"\n\
         [projects.b]\npath = \"b\"\n[projects.b.session]\ncommand = [\"b\"]\n\
         [projects.c]\npath = \"c\"\nrunner = \"tmux\"\nconcurrency = 2\nagents = [\"script\"]\n\
         [projects.c.session]\ncommand = []\ninterrupt = [\"C-c\", \"x\"]\n",
        SESSION.trim_end()
    );
    insta::assert_snapshot!(read(&text).unwrap_err(), @r#"
    dayfly.toml:13: these are not keys
        submit = ["Entr"]
        help: write keys by tmux's names, such as ["Enter"], ["Escape"], ["C-c"] or ["M-Enter"]
    dayfly.toml:14: `ready` is empty
        ready = " "
        help: write a text that the program shows, or take it out
    dayfly.toml:15: `2m` is too long
        settle = "2m"
        help: write at most "60s"
    dayfly.toml:16: unknown key `colour` in [projects.notes.session]
        colour = 1
        help: [projects.notes.session] may hold command, submit, interrupt, ready, settle, prompt, done, pass-env, env, redact
    dayfly.toml:19: project `a` runs in tmux and has no session
        runner = "tmux"
        help: add a section [projects.a.session] with `command = ["claude"]`
    dayfly.toml:22: project `b` has a session and does not use it
        [projects.b.session]
        help: add `runner = "tmux"` to the project, or take the section out
    dayfly.toml:27: a session does one thing at a time, and `c` wants 2
        concurrency = 2
        help: take `concurrency` out, or set it to 1
    dayfly.toml:28: the session is the agent of `c`
        agents = ["script"]
        help: take `agents` out, or `runner = "tmux"`
    dayfly.toml:30: the session of `c` names no program
        command = []
        help: add `command = ["claude"]`
    dayfly.toml:31: these are not keys
        interrupt = ["C-c", "x"]
        help: write keys by tmux's names, such as ["Enter"], ["Escape"], ["C-c"] or ["M-Enter"]
    "#);
}
