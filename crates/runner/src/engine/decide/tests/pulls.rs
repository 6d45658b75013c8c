//! Pull requests that are waited for, while other things run and while nothing does.

use super::*;

/// Two projects; an issue of `web` has a pull request whose checks run.
fn model() -> Model {
    let text = format!("{CONFIG}github = \"ann/web\"\n[projects.docs]\npath = \"docs\"\n[github]\npoll = \"30s\"\n");
    let config = Config::read(&SourceText::new("dayfly.toml", text), &mut |_| Err("no files".into()));
    let until = Until::Idle { patience: Duration::from_secs(3600) };
    let mut model = Model::new(Arc::new(config.unwrap().portfolio), State::default(), Filter::default(), until);
    let known = serde_json::json!({
        "title": "", "milestone": null, "stage": "merge",
        "phase": { "handed": { "branch": "dayfly/web-1", "commit": "a" } },
        "attempts": 1, "visit_attempts": 0, "rounds": {}, "transient_row": 0, "idle_row": 0, "tokens": 0,
        "agent_time": Duration::ZERO, "feedback": null, "notes": {}, "tip": null, "landed": null,
        "pull": {
            "number": 5, "url": "u", "head": "a", "standing": "it waits for its checks", "moving": true,
            "step": "opened", "tries": 0, "since": now(),
        },
    });
    let issue = IssueRef::new(web(), IssueId::new("1").unwrap());
    model.state.issues.insert(issue, serde_json::from_value(known).unwrap());
    assert_eq!(words(&turn(&mut model, now())), ["sync docs", "sync web"]);
    for (project, view) in [(web(), view()), (docs(), ProjectView::default())] {
        take(&mut model, Input::Synced(project, view), now());
    }
    model
}

fn docs() -> ProjectName {
    ProjectName::new("docs").unwrap()
}

/// What is read when the engine wakes.
fn woken(model: &mut Model) -> Vec<String> {
    let at = model.wake.expect("a time to look again");
    take(model, Input::Woke, at);
    words(&turn(model, at))
}

#[test]
fn a_merge_waits_for_no_slot() {
    let mut model = model();
    Arc::get_mut(&mut model.portfolio).unwrap().concurrency = 0;
    model.working.insert(AttemptId::from_text("docs.1.exec.1"));
    for second in [0, 7, 20] {
        assert_eq!(words(&turn(&mut model, later(second))), [""; 0]);
        assert_eq!(model.wake, Some(later(30)), "the look is not put off by what happens meanwhile");
    }
    assert_eq!(woken(&mut model), ["sync web"]);
}

/// Each look at the pull requests of a project costs calls of an hourly budget.
#[test]
fn while_checks_run_other_projects_are_read_now_and_then() {
    let mut model = model();
    let turned = turn(&mut model, now());
    assert!(matches!(&turned[..], [Command::Report(Report::Waiting(_))]), "{turned:?}");
    assert_eq!(woken(&mut model), ["sync web"]);
    take(&mut model, Input::Synced(web(), view()), later(30));
    assert_eq!(words(&turn(&mut model, later(299))), [""; 0]);
    assert_eq!(woken(&mut model), ["sync docs", "sync web"]);
}
