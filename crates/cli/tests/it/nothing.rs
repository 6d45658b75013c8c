//! Reports over nothing, and a run that finds nothing prepared.

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

#[test]
fn short_row_every_report_is_made_over_nothing_at_all() {
    let world = World::new();
    world.write("dayfly.toml", "version = 1\n[agents.script]\nkind = \"command\"\nargv = [\"./agent.sh\"]\n");
    let without_projects = world.dayfly(&["status"]);
    assert!(matches!(without_projects.code, Some(0 | 2)), "{without_projects:?}");
    let world = World::with_agent(GOOD_AGENT);
    let reports: [&[&str]; 11] = [
        &["plan"],
        &["status"],
        &["worklog"],
        &["worklog", "--day", "2001-01-01"],
        &["capacity"],
        &["usage"],
        &["usage", "--by", "stage", "--by", "account", "--by", "billing"],
        &["report"],
        &["report", "--since", "2001-01-01"],
        &["issue", "list"],
        &["session", "list"],
    ];
    for report in reports {
        world.data(report);
        world.json(report);
    }
    for (asked, hint) in [(["why", "web#1"], "no issue"), (["logs", "web#1"], "")] {
        let ran = world.dayfly(&asked);
        assert!(matches!(ran.code, Some(1 | 2)) && ran.err.contains(hint), "{asked:?}: {ran:?}");
    }
}

#[test]
fn empty_backlog_a_run_and_the_status_say_what_waits_and_what_would_prepare_it() {
    let world = World::with_agent(GOOD_AGENT);
    let nothing = world.data(&["run", "--quiet"]);
    assert_snapshot!(nothing, @"
    There was nothing to do. `dayfly plan` shows why.
    Nothing is prepared: no issue is open.
    ");
    for title in ["First", "Second", "Third"] {
        world.data(&["issue", "new", title, "--label", "blocked", "--quiet"]);
    }
    let ran = world.data(&["run", "--quiet"]);
    assert_snapshot!(ran, @"
    There was nothing to do. `dayfly plan` shows why.
    Nothing is prepared: 3 issues wait for a label to be taken away (`dayfly issue retry ISSUE`).
    ");
    assert_eq!(world.json(&["run", "--quiet"])["unprepared"]["issues"], 3);
    let status = world.data(&["status"]);
    assert!(status.contains("Nothing is prepared: 3 issues wait"), "{status}");
}
