//! The work itself, from the plan to the landed commit, and what is told of it afterwards.

use insta::assert_snapshot;

use crate::world::{GOOD_AGENT, World};

#[test]
fn an_issue_goes_from_the_plan_to_a_landed_commit() {
    let world = World::with_agent(GOOD_AGENT);
    assert_snapshot!(world.data(&["plan"]), @"There is no open issue. `dayfly issue new TITLE` writes one.");
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_snapshot!(world.data(&["plan"]), @"
    Would start now:
      web#1  exec  script  labelled  Be done
    ");
    assert!(!world.path(".dayfly/ledger.sqlite").exists(), "a plan writes nothing");

    let first = world.dayfly(&["run"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_snapshot!(first.out, @"attempts: 1 succeeded");
    assert_snapshot!(first.err, @"
    web#1  exec by script: Be done
    web.1.exec.1  succeeded in [took]; goes to merge
    ");
    assert_snapshot!(world.data(&["plan"]), @"
    Would start now:
      web#1  merge  in progress  Be done
    ");
    let second = world.dayfly(&["run"]);
    assert_snapshot!(second.out, @"
    attempts: 1 succeeded
    done: web#1
    ");
    assert_snapshot!(second.err, @"
    web#1  merge by the engine: Be done
    web.1.merge.2  succeeded in [took]; lands on main
    web#1  landed as [commit]
    ");

    assert_eq!(world.subjects("web", "main"), ["Do issue 1", "the beginning"]);
    assert_eq!(world.read("web/done.txt"), "done\n", "the checkout moves along");
    assert_snapshot!(world.data(&["why", "1"]), @"
    web#1 Be done
      done, stage merge: it is done: landed as [commit]

    Attempts:
      web.1.exec.1   [time]  [took]  script  succeeded
      web.1.merge.2  [time]  [took]          succeeded

    `dayfly logs ATTEMPT` shows what one printed.
    ");
    assert_snapshot!(world.data(&["status"]), @"1 issue done.");
    // How many events that are is the ledger's own business.
    let worklog = world.data(&["worklog"]);
    assert_snapshot!(worklog.split_once("- ledger").unwrap().0, @"
    # Work log, [day]

    ## Landed

    - web#1 Be done ([commit])

    ## Figures

    - attempts: 2 succeeded
    - agent time: [took]
    - tokens: 0
    ");
    assert_snapshot!(world.data(&["logs", "web.1.exec.1"]), @"at work on 1");
    assert_snapshot!(world.dayfly(&["logs", "web.1.merge.2"]).err, @"web.1.merge.2 ran no agent: succeeded");
    let unknown = world.dayfly(&["logs", "web.1.exec.9"]);
    assert_eq!(unknown.code, Some(2));
    assert_snapshot!(unknown.err, @"
    error: there is no attempt `web.1.exec.9`
    hint: the last ones are web.1.merge.2, web.1.exec.1
    ");
}

#[test]
fn a_change_that_fails_a_gate_comes_back_and_is_mended() {
    let world = World::with_agent(
        "
if printf '%s' \"$prompt\" | grep -q 'done.txt is wrong'; then text=done; else text=almost; fi
echo $text >done.txt; git add --all; git commit --quiet --message \"Be $text\"
",
    );
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_eq!(ran.code, Some(0), "what was mended is no trouble");
    assert_snapshot!(ran.out, @"
    attempts: 1 gate-failed, 2 succeeded
    done: web#1
    ");
    assert_eq!(world.subjects("web", "main"), ["Be done", "Be almost", "the beginning"]);
    assert_snapshot!(world.data(&["why", "web#1"]), @"
    web#1 Be done
      done, stage merge: it is done: landed as [commit]

    Attempts:
      web.1.exec.1   [time]  [took]  script  gate-failed: commands: `sh test.sh` ended with exit code 1
      web.1.exec.2   [time]  [took]  script  succeeded
      web.1.merge.3  [time]  [took]          succeeded

    `dayfly logs ATTEMPT` shows what one printed.
    ");
}

#[test]
fn an_agent_that_does_nothing_is_found_out_and_a_person_is_asked() {
    let world = World::with_agent("echo 'all done!'\n");
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    let ran = world.dayfly(&["run", "--until-idle", "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert_snapshot!(ran.out, @"
    attempts: 2 no-op
    needs you: web#1   (`dayfly status` says what helps)
    ");
    assert_snapshot!(world.data(&["status"]), @"
    Needs you
      web#1  Be done
          a person must act: The agent says that stage `exec` is done, and changed nothing, twice in a row.
          what helps: look at the attempt's log, make the issue clearer, then `dayfly issue retry web#1`

    1 card is open: `dayfly inbox`.

    Nothing is prepared: 1 issue waits for a person.
    0 issues done.
    ");
    assert_snapshot!(world.data(&["why", "web#1"]), @"
    web#1 Be done
      blocked, stage exec: a person must act: The agent says that stage `exec` is done, and changed nothing, twice in a row.
      what helps: look at the attempt's log, make the issue clearer, then `dayfly issue retry web#1`

    The work came back from `exec`: no-op: there is no new commit and no changed file
      | all done!

    Attempts:
      web.1.exec.1  [time]  [took]  script  no-op: there is no new commit and no changed file
      web.1.exec.2  [time]  [took]  script  no-op: there is no new commit and no changed file

    `dayfly logs ATTEMPT` shows what one printed.
    ");
    assert_eq!(world.subjects("web", "main"), ["the beginning"]);
}

#[test]
fn nothing_to_do_is_said_and_told_by_the_exit_code_if_asked() {
    let world = World::with_agent(GOOD_AGENT);
    assert_snapshot!(world.data(&["run"]), @"
    There was nothing to do. `dayfly plan` shows why.
    Nothing is prepared: no issue is open.
    ");
    assert_eq!(world.dayfly(&["run", "--fail-if-idle"]).code, Some(4));
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    assert_eq!(world.dayfly(&["run", "--fail-if-idle"]).code, Some(0));
    let other = world.dayfly(&["run", "--until-idle", "--fail-if-idle"]);
    assert_eq!(other.code, Some(0), "{other:?}");
    assert_eq!(world.dayfly(&["run", "--until-idle", "--fail-if-idle"]).code, Some(4));
}

#[test]
fn patience_may_be_none_and_is_a_time() {
    let world = World::with_agent(GOOD_AGENT);
    assert_eq!(world.dayfly(&["run", "--until-idle", "--patience", "0s"]).code, Some(0));
    for wrong in ["0", "-5m", "soon", "721h"] {
        let ran = world.dayfly(&["run", "--until-idle", &format!("--patience={wrong}")]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        let said = format!(
            "error: invalid value '{wrong}' for '--patience <TIME>': write it as \"0s\", \"90s\", \"5m\" or \"1h 30m\", at most \"720h\"\n"
        );
        assert!(ran.err.starts_with(&said), "{ran:?}");
    }
}

#[test]
fn a_run_is_narrowed_to_one_issue() {
    let world = World::with_agent(GOOD_AGENT);
    for title in ["One", "Two"] {
        world.data(&["issue", "new", title, "--label", "ready-for-dev"]);
    }
    let ran = world.dayfly(&["run", "--until-idle", "--issue", "web#2"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(world.subjects("web", "main"), ["Do issue 2", "the beginning"]);
}

#[test]
fn a_checkout_in_the_way_ends_the_run_and_the_next_one_lands_once_it_is_clear() {
    let world = World::with_agent("echo more >>README.md; git commit --quiet --all --message \"Say more\"");
    world.data(&["issue", "new", "Say more", "--label", "ready-for-dev"]);
    world.write("web/README.md", "# mine, not committed\n");
    let ran = world.dayfly(&["run", "--until-idle", "--patience", "1ms"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_snapshot!(ran.out, @"
    attempts: 2 succeeded
    put off: web#1: the checkout [root]/web is in the way: Your local changes to the following files would be overwritten by merge: README.md Please commit your changes or stash them before you merge.
    ");
    let status = world.data(&["status"]);
    assert!(status.contains("what helps: commit or stash what is in the way"), "{status}");
    assert_eq!(world.read("web/README.md"), "# mine, not committed\n");
    world.git("web", &["checkout", "--quiet", "README.md"]);
    assert_snapshot!(world.dayfly(&["run"]).out, @"
    attempts: none
    done: web#1
    ");
    assert_eq!(world.subjects("web", "main"), ["Say more", "the beginning"]);
}

#[test]
fn what_a_gate_printed_is_shown_with_the_attempt() {
    let world = World::with_agent("echo wrong >done.txt; git add --all; git commit --quiet --message \"Be wrong\"");
    world.data(&["issue", "new", "Be done", "--label", "ready-for-dev"]);
    world.dayfly(&["run"]);
    let logs = world.dayfly(&["logs", "web#1"]);
    assert_eq!(logs.out, "-- the command `tests` on the change:\ndone.txt is wrong\n");
    assert_eq!(logs.err, "");
    let logs = world.json(&["logs", "web.1.exec.1"]);
    assert_eq!(logs["gates"][0]["log"], "done.txt is wrong\n");
}
