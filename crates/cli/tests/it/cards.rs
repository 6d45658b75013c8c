//! What needs a person, as cards: shown, and answered with an engine and without.

use insta::assert_snapshot;

use crate::world::World;

/// Asks with two options, until one of them was taken; the work of `web#2` waits for the sign `go`.
const AGENT: &str = r#"
case "$DAYFLY_STAGE" in
triage)
    if printf '%s' "$prompt" | grep -q 'answered: keep'; then
        echo '{"version": 1, "summary": "It stays."}' >"$DAYFLY_PROPOSAL"
    else
        echo '{"version": 1, "summary": "Unclear.", "effects": [{"ask": {"question": "Keep the old form?",
            "options": [{"word": "keep", "follows": "both forms are read"}, {"word": "drop"}],
            "default": "keep"}}]}' >"$DAYFLY_PROPOSAL"
    fi ;;
exec)
    if [ "$DAYFLY_ISSUE" = 2 ]; then
        echo "ready $$"
        while [ ! -e "$SIGNS/go" ]; do sleep 0.05; done
    fi
    touch "done-$DAYFLY_ISSUE"; git add --all; git commit --quiet --message "Do $DAYFLY_ISSUE" ;;
esac
"#;

/// The card of an issue, by its id.
fn card(world: &World, issue: &str) -> String {
    let open = world.json(&["inbox"]);
    let of = open.as_array().unwrap().iter().find(|card| card["issue"] == issue).unwrap();
    of["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_question_is_shown_with_its_options_and_answered_by_one() {
    let world = World::with_agent(AGENT);
    assert_eq!(world.data(&["inbox"]), "Nothing needs you.\n");
    world.data(&["issue", "new", "Mend the form"]);
    world.dayfly(&["run", "--until-idle"]);
    let id = card(&world, "web#1");
    let shown = |text: String| text.replace(&id, "[card]");
    assert_snapshot!(shown(world.data(&["inbox"])), @"
    [card]  web#1  question  since [time]
        Mend the form: Keep the old form?
        dayfly answer web#1 keep | drop | TEXT
    1 card; `dayfly inbox CARD` shows one whole.
    ");
    assert_snapshot!(shown(world.data(&["inbox", &id])), @"
    [card]  question of web#1: Mend the form
    asked [time]

    Keep the old form?

      1  keep (the default)  both forms are read
      2  drop
      or in words of your own

    stage    triage
    so far   1 attempt, 0 tokens, $0.00, [took] of agents
    attempt  web.1.triage.1: succeeded; `dayfly logs web.1.triage.1`

    dayfly answer [card] keep | drop | TEXT
    ");
    assert_snapshot!(world.data(&["status"]), @"
    Needs you
      web#1  Mend the form  it waits for an answer to: Keep the old form?
          what helps: `dayfly issue answer web#1 TEXT`

    1 card is open: `dayfly inbox`.

    Nothing is prepared: 1 issue waits for an answer (`dayfly issue answer ISSUE TEXT`).
    0 issues done.
    ");
    let brief = world.data(&["brief"]);
    assert_eq!(brief.matches("1 card is open: `dayfly inbox`.").count(), 1, "{brief}");

    let wrong = world.dayfly(&["answer", "web#1", "3"]);
    assert_eq!(wrong.code, Some(2));
    assert_snapshot!(shown(wrong.err), @"
    error: `3` is none of the options of [card]
    hint: 1  keep (the default)  both forms are read
    hint: 2  drop
    hint: words of your own are an answer, too
    ");
    assert_eq!(world.dayfly(&["answer", "web#1"]).code, Some(2), "no answer is none");
    assert_eq!(world.dayfly(&["answer", "c-000000", "keep"]).code, Some(2), "there is no such card");
    let answered = world.data(&["answer", &id, "1", "--because", "old files are about"]);
    assert_eq!(answered, "web#1: answered: keep; the next `dayfly run` takes it up\n");
    assert_eq!(world.data(&["inbox"]), "Nothing needs you.\n");
    let late = world.dayfly(&["answer", &id, "drop"]);
    assert_eq!(late.code, Some(2), "{late:?}");
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).out.lines().last(), Some("done: web#1"));
    let said = world.data(&["issue", "show", "web#1"]);
    assert!(said.contains("you answered: keep\n\nBecause: old files are about"), "{said}");
    assert!(world.data(&["audit", "show", "--kind", "answered"]).contains("by you: keep"));
}

#[test]
fn an_engine_that_runs_takes_an_answer_in_and_goes_on_with_it() {
    let world = World::with_agent(AGENT);
    world.data(&["issue", "new", "Mend the form"]);
    world.dayfly(&["run", "--until-idle"]);
    world.data(&["issue", "new", "Take long", "--label", "ready-for-dev"]);
    let mut run = world.start(&["run", "--until-idle", "--verbose"]);
    run.says("web.2.exec.1 | ready ");
    let answered = world.data(&["answer", "web#1", "KEEP"]);
    assert_eq!(answered, "web#1: answered: keep; the engine takes it up\n");
    run.says("web#1  answered by you: keep");
    world.write("signs/go", "");
    let ran = run.ends();
    assert_eq!((ran.code, ran.out.lines().last()), (Some(0), Some("done: web#1, web#2")), "{ran:?}");
}

#[test]
fn what_is_blocked_is_let_go_on_or_left_alone() {
    let world = World::with_agent("exit 0");
    for title in ["One", "Two"] {
        world.data(&["issue", "new", title, "--label", "ready-for-dev"]);
    }
    world.dayfly(&["run", "--until-idle"]);
    let wrong = world.dayfly(&["answer", "web#1", "go on"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("retry") && wrong.err.contains("hand over"), "{wrong:?}");
    assert_eq!(world.dayfly(&["answer", "web#2", "cancel"]).code, Some(2), "why?");
    let retried = world.data(&["answer", "web#1", "retry", "--because", "the agent is mended"]);
    assert_eq!(retried, "web#1: let go on; the next `dayfly run` takes it up\n");
    let over = world.data(&["answer", "web#2", "hand", "over"]);
    assert_eq!(over, "web#2: left alone; `dayfly resume web#2` lets it go on\n");
    assert_eq!(world.data(&["inbox"]), "Nothing needs you.\n");
    let why = world.data(&["why", "web#2"]);
    assert!(why.contains("you paused web#2: the work is taken over"), "{why}");
    world.agent("touch more.txt; git add --all; git commit --quiet --message 'Do it'");
    assert_eq!(world.dayfly(&["run", "--until-idle", "--quiet"]).out.lines().last(), Some("done: web#1"));
    world.data(&["resume", "web#2"]);
    world.data(&["answer", "web#2", "2", "--because", "not worth it"]);
    assert!(world.data(&["why", "web#2"]).contains("you cancelled web#2: not worth it"));
}
