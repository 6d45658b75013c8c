//! Issues: written, listed, shown, asked about and answered.

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

#[test]
fn an_issue_is_written_listed_and_shown() {
    let world = World::with_agent(GOOD_AGENT);
    assert_snapshot!(world.data(&["issue", "list"]), @"There is no open issue. `dayfly issue new TITLE` writes one.");
    let new = ["issue", "new", "Greet by name", "--body", "Without a name as now.", "--label", "ready-for-dev"];
    assert_snapshot!(world.data(&new), @"web#1  [root]/issues/web/1-greet-by-name.md");
    world.data(&["issue", "new", "Make it faster"]);
    assert_snapshot!(world.data(&["issue", "list"]), @"
    web#1  open  Greet by name   ready-for-dev
    web#2  open  Make it faster
    ");
    assert_snapshot!(world.data(&["issue", "show", "1"]), @"
    web#1 Greet by name
    open, ready-for-dev
    [root]/issues/web/1-greet-by-name.md

    Without a name as now.
    ");
    assert_eq!(world.data(&["issue", "show", "1"]), world.data(&["issue", "show", "web#1"]));
    assert_snapshot!(world.read("issues/web/1-greet-by-name.md"), @r#"
    +++
    id = 1
    title = "Greet by name"
    labels = ["ready-for-dev"]
    state = "open"
    author = "you"
    +++

    Without a name as now.
    "#);
}

#[test]
fn a_name_that_means_nothing_is_refused_with_a_hint() {
    let world = World::with_agent(GOOD_AGENT);
    for command in [
        ["issue", "show", "web#7"].as_slice(),
        &["issue", "show", "7"],
        &["issue", "answer", "web#7", "yes"],
        &["why", "web#7"],
        &["run", "--issue", "web#7"],
        &["plan", "--issue", "7"],
        &["plan", "--project", "wob"],
        &["issue", "new", "--project", "wob", "title"],
        &["issue", "new", "two\nlines"],
        &["logs", "web.7.exec.1"],
        &["run", "--patience", "5m"],
        &["rum"],
    ] {
        let ran = world.dayfly(command);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{command:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{command:?}: {ran:?}");
    }
    assert!(!world.path("issues/web/7.md").exists());
}

#[test]
fn a_question_waits_for_its_answer_and_the_work_goes_on_with_it() {
    let world = World::with_agent(
        r#"
case "$DAYFLY_STAGE" in
triage)
    if printf '%s' "$prompt" | grep -q Esperanto; then
        echo '{"version": 1, "summary": "It is Esperanto."}' >"$DAYFLY_PROPOSAL"
    else
        echo '{"version": 1, "summary": "Unclear.", "effects": [{"ask": {"question": "Which language?"}}]}' >"$DAYFLY_PROPOSAL"
    fi ;;
exec) echo done >done.txt; git add --all; git commit --quiet --message 'Set the language' ;;
esac
"#,
    );
    world.data(&["issue", "new", "Set the language"]);
    let asked = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert_snapshot!(asked.out, @"
    attempts: 1 succeeded
    needs you: web#1   (`dayfly status` says what helps)
    ");
    assert_snapshot!(world.data(&["status"]), @"
    Needs you
      web#1  Set the language  it waits for an answer to: Which language?
          what helps: `dayfly issue answer web#1 TEXT`

    1 card is open: `dayfly inbox`.

    Nothing is prepared: 1 issue waits for an answer (`dayfly issue answer ISSUE TEXT`).
    0 issues done.
    ");

    assert_eq!(world.dayfly(&["issue", "answer", "web#1", " "]).code, Some(2), "an empty answer is none");
    let answered = world.data(&["issue", "answer", "web#1", "Esperanto, please."]);
    assert_snapshot!(answered, @"web#1: answered as you; the next `dayfly run` goes on with it");
    assert_snapshot!(world.dayfly(&["run", "--until-idle"]).out, @"
    attempts: 3 succeeded
    done: web#1
    ");
    assert_eq!(world.subjects("web", "main"), ["Set the language", "the beginning"]);
    assert_snapshot!(world.data(&["issue", "show", "web#1"]), @"
    web#1 Set the language
    closed
    [root]/issues/web/1-set-the-language.md

    -- dayfly, [time]
    Which language?

    -- you, [time]
    Esperanto, please.

    -- dayfly, [time]
    Landed as [commit].
    ");
    assert_snapshot!(world.data(&["issue", "list", "--all"]), @"web#1  closed  Set the language");
}

#[test]
fn what_asked_nothing_takes_no_answer_and_what_is_held_by_nothing_no_retry() {
    let world = World::with_agent("exit 0");
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    let early = world.dayfly(&["issue", "retry", "web#1"]);
    assert_eq!(early.code, Some(2));
    assert_snapshot!(early.err, @"
    error: web#1 carries no label that holds it: it would be started now: stage exec with agent script
    hint: `dayfly why web#1` says where it stands
    ");
    assert_eq!(world.dayfly(&["run", "--until-idle"]).code, Some(1));
    let answered = world.dayfly(&["issue", "answer", "web#1", "Why?"]);
    assert_eq!(answered.code, Some(2));
    assert_snapshot!(answered.err, @"
    error: web#1 has asked nothing: a person must act: The agent says that stage `exec` is done, and changed nothing, twice in a row.
    hint: look at the attempt's log, make the issue clearer, then `dayfly issue retry web#1`
    ");
    assert!(!world.read("issues/web/1-be-done.md").contains("Why?"));
}

#[test]
fn what_a_person_mended_goes_on_with_retry() {
    let world = World::with_agent("exit 0");
    for title in ["One", "Two"] {
        world.data(&["issue", "new", title, "--label", "ready-for-dev"]);
    }
    assert_eq!(world.dayfly(&["run", "--until-idle"]).code, Some(1));
    world.agent("touch $DAYFLY_ISSUE; git add --all; git commit --quiet --message \"Do $DAYFLY_ISSUE\"");
    assert_snapshot!(world.dayfly(&["run"]).out, @"
    There was nothing to do. `dayfly plan` shows why.
    Nothing is prepared: 2 issues wait for a person.
    ");
    assert_snapshot!(world.data(&["issue", "retry", "web#1", "2"]), @"web#1, web#2: the next `dayfly run` goes on");
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_snapshot!(ran.out.lines().last().unwrap(), @"done: web#1, web#2");
}

#[test]
fn one_file_that_cannot_be_read_hides_no_other_project_and_is_no_quiet_success() {
    let world = World::with_agent(GOOD_AGENT);
    world.repository("book", "main", &[("README.md", "# book\n")]);
    world.write("dayfly.toml", &(world.read("dayfly.toml") + "\n[projects.book]\npath = \"book\"\n"));
    world.data(&["issue", "new", "--project", "book", "Be written", "--label", "ready-for-dev"]);
    world.write("issues/web/1.md", "+++\ntitle = \"x\"\nstate = \"opne\"\n+++\n");
    let listed = world.dayfly(&["issue", "list"]);
    assert_eq!(listed.code, Some(3));
    assert_snapshot!(listed.out, @"book#1  open  Be written  ready-for-dev");
    assert!(listed.err.contains("web/1.md:3"), "{listed:?}");
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("done: book#1") && ran.out.contains("nothing done for project web: "), "{ran:?}");
    let status = world.data(&["status"]);
    assert!(status.starts_with("Needs you\n  web\n"), "{status}");
}

#[test]
fn an_agent_that_is_not_there_is_told_once_and_holds_all_it_would_do() {
    let world = World::with_agent(GOOD_AGENT);
    for title in ["One", "Two"] {
        world.data(&["issue", "new", title, "--label", "ready-for-dev"]);
    }
    std::fs::rename(world.path("agent.sh"), world.path("agent.off")).unwrap();
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(ran.code, Some(1));
    assert_snapshot!(ran.out, @"
    attempts: none
    not started: web#1, web#2: agent script: [root]/./agent.sh is not there, or cannot be executed; install it, or `chmod +x` it
    ");
    std::fs::rename(world.path("agent.off"), world.path("agent.sh")).unwrap();
    assert_eq!(world.dayfly(&["run"]).code, Some(0), "nothing had to be undone");
}
