//! Capacity and budgets, as an operator meets them.

use std::fs;

use crate::world::{GOOD_AGENT, World};

/// An agent that is refused as long as the file `closed` is there, which may hold an end with a time.
const LIMITED: &str = r#"if [ -e "$SIGNS/closed" ]; then
  reset=$(date -u -d "@$(($(date +%s) + 7200))" +%Y-%m-%dT%H:%M:%SZ)
  echo "{\"dayfly\":1,\"end\":\"quota\",\"resets_at\":\"$reset\"}"
  exit 1
fi
"#;

/// What it says of its tokens and money.
const USES: &str = r#"echo '{"dayfly":1,"usage":{"input_tokens":900,"output_tokens":100,"cost_usd":0.25,"model":"small"}}'
"#;

fn world(agent: &str) -> World {
    let world = World::with_agent(&format!("{agent}echo \"$DAYFLY_ISSUE\" >\"$DAYFLY_ISSUE.txt\"\n{GOOD_AGENT}"));
    fs::create_dir(world.path("signs")).unwrap();
    for title in ["First", "Second"] {
        world.data(&["issue", "new", title, "--label", "ready-for-dev"]);
    }
    world
}

#[test]
fn quota_cascade_one_issue_meets_the_limit_and_all_wait_until_it_is_over_or_a_person_says_so() {
    let world = world(LIMITED);
    world.write("signs/closed", "");
    let config = world.read("dayfly.toml");
    world.write("dayfly.toml", &format!("{config}\n[capacity]\nwait = \"1ms\"\n"));
    let ran = world.dayfly(&["run", "--until-idle", "--patience", "1ms"]);
    assert!(ran.err.contains("web.1.exec.1  quota: comes back at [time]"), "{ran:?}");
    assert!(ran.err.contains("script  takes no work until [time]"), "{ran:?}");
    assert!(!ran.err.contains("web#2"), "the second issue is not started: {ran:?}");

    let shown = world.data(&["capacity"]);
    assert!(shown.starts_with("script  quota used up until ") && shown.contains("since [time]: quota"), "{shown}");
    let data = world.json(&["capacity"]);
    assert_eq!(
        (&data["lines"][0]["standing"], &data["lines"][0]["limit"]["strength"]),
        (&"closed".into(), &"stated".into())
    );
    for issue in ["1", "2"] {
        let why = world.data(&["why", issue]);
        assert!(why.contains("the capacity of script is used up"), "{why}");
    }

    fs::remove_file(world.path("signs/closed")).unwrap();
    assert!(world.dayfly(&["run"]).out.starts_with("There was nothing to do."), "the stated time is believed");
    let unknown = world.dayfly(&["capacity", "open", "claude"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(world.data(&["capacity", "open", "script"]).starts_with("script takes work again, as you say."));
    let nothing = world.dayfly(&["capacity", "open", "script"]);
    assert_eq!((nothing.code, nothing.err.as_str()), (Some(0), "nothing is known that keeps work away from script\n"));
    assert_eq!(world.json(&["capacity", "open", "script"]), serde_json::json!([]));
    let typo = world.dayfly(&["capacity", "open", "script/wrk"]);
    assert!(typo.code == Some(2) && typo.err.contains("there is no account `wrk` at script"), "{typo:?}");
    let ran = world.dayfly(&["run", "--until-idle", "--patience", "1s"]);
    assert!(ran.out.contains("done: web#1, web#2"), "{ran:?}");
    assert_eq!(world.subjects("web", "main").len(), 3);
}

#[test]
fn usage_is_told_by_what_is_asked_for_and_a_budget_holds_until_it_is_raised() {
    let world = world(USES);
    let config = world.read("dayfly.toml");
    let budget =
        |tokens: u32| world.write("dayfly.toml", &format!("{config}\n[projects.web.budget]\nday-tokens = {tokens}\n"));
    budget(1000);
    let ran = world.dayfly(&["run", "--until-idle", "--patience", "1ms"]);
    assert!(ran.out.contains("done: web#1\n"), "a landing costs nothing, and goes on: {ran:?}");
    assert!(!ran.err.contains("web#2"), "{ran:?}");
    let why = world.data(&["why", "2"]);
    assert!(why.contains("the budget is used up: 1000 of 1000 tokens for project web this day"), "{why}");

    budget(5000);
    world.dayfly(&["run", "--until-idle", "--patience", "1ms"]);
    let used = world.json(&["usage", "--by", "stage", "--by", "model"]);
    assert_eq!(used["rows"].as_array().map(Vec::len), Some(1), "{used}");
    assert_eq!(used["rows"][0]["keys"], serde_json::json!(["exec", "small"]));
    assert_eq!((&used["total"]["input_tokens"], &used["total"]["usd_micros"]), (&1800.into(), &500_000.into()));
    let shown = world.data(&["usage", "--by", "project", "--days", "2"]);
    assert!(
        shown.contains("web      2") && shown.contains("1800  0       200      $0.50  -     ████████████"),
        "{shown}"
    );
    assert!(shown.contains("web           this day    2000 of 5000 tokens"), "{shown}");
    let refused = world.dayfly(&["usage", "--by", "mood"]);
    assert!(refused.code == Some(2) && refused.err.contains("there are day, project, stage"), "{refused:?}");
}

#[test]
fn an_attempt_that_uses_more_than_it_may_is_stopped() {
    let world = world(&format!("{USES}sleep 60\n"));
    let config = world.read("dayfly.toml").replace("[limits]\n", "[limits]\nattempt-tokens = 500\n");
    world.write("dayfly.toml", &config);
    let ran = world.dayfly(&["run", "--issue", "1"]);
    assert!(ran.err.contains("task-failed: it used 1000 tokens, and 500 are left to it"), "{ran:?}");
}
