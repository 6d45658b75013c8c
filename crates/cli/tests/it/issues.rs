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
          what helps: dayfly issue answer web#1 TEXT

    0 issues are done.
    ");

    let answered = world.dayfly(&["issue", "answer", "web#1", "Esperanto, please."]);
    assert_eq!((answered.code, answered.out.as_str()), (Some(0), ""));
    assert_snapshot!(answered.err, @"web#1: answered as you; the next `dayfly run` goes on with it");
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
