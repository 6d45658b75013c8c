mod people;
mod pulls;
mod races;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{
    Author, Config, EffectId, Filter, Issue, IssueId, PendingEffect, ProjectName, ProjectView, SourceText, State,
    TrackerWrite, Trust,
};

use jiff::SignedDuration;

use super::*;

const CONFIG: &str = r#"
version = 1
pipeline = ["exec", "merge"]
[agents.script]
kind = "command"
argv = ["agent"]
[projects.web]
path = "web"
"#;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn web() -> ProjectName {
    ProjectName::new("web").unwrap()
}

fn view() -> ProjectView {
    let issue = Issue {
        id: IssueId::new("1").unwrap(),
        title: "One".into(),
        body: String::new(),
        labels: vec![],
        milestone: None,
        state: TrackerState::Open,
        author: Author::person("ann", Trust::Writer),
        parent: None,
        comments: vec![],
        facts: dayfly_core::IssueFacts::default(),
    };
    ProjectView { issues: vec![issue], ..ProjectView::default() }
}

/// A model that has read its tracker at [`now`].
fn model() -> Model {
    let config = Config::read(&SourceText::new("dayfly.toml", CONFIG), &mut |_| Err("no files".into())).unwrap();
    let until = Until::Idle { patience: Duration::ZERO };
    let mut model = Model::new(Arc::new(config.portfolio), State::default(), Filter::default(), until);
    assert_eq!(words(&turn(&mut model, now())), ["sync web"]);
    assert!(take(&mut model, Input::Synced(web(), view()), now()).is_empty());
    model
}

fn words(commands: &[Command]) -> Vec<String> {
    let word = |command: &Command| match command {
        Command::Sync(project) => format!("sync {project}"),
        Command::Freeze(ready) => format!("freeze {}", ready.issue),
        Command::Apply(entry) => format!("apply {}", entry.id.0),
        Command::Append(events, _) => format!("append {}", events.len()),
        other => format!("{other:?}"),
    };
    commands.iter().map(word).collect()
}

#[test]
fn a_job_starts_from_a_view_just_read() {
    assert_eq!(words(&turn(&mut model(), later(10))), ["freeze web#1"]);
}

/// A person may have closed the issue in the hours that another job took.
#[test]
fn a_view_that_has_aged_is_read_anew_before_a_job_starts() {
    let mut model = model();
    assert_eq!(words(&turn(&mut model, later(11))), ["sync web"]);
    assert_eq!(words(&turn(&mut model, later(12))), [""; 0], "it is being read");
    take(&mut model, Input::Synced(web(), view()), later(13));
    assert_eq!(words(&turn(&mut model, later(13))), ["freeze web#1"]);
}

#[test]
fn a_clock_that_was_set_back_makes_a_view_old_and_is_no_reason_to_read_for_ever() {
    let mut model = model();
    assert_eq!(words(&turn(&mut model, later(-3600))), ["sync web"]);
    take(&mut model, Input::Synced(web(), view()), later(-3600));
    assert_eq!(words(&turn(&mut model, later(-3600))), ["freeze web#1"]);
}

#[test]
fn a_write_done_is_shown_at_once_and_one_that_failed_leads_to_reading() {
    let entry = || EffectEntry {
        id: EffectId("web.1.exec.1/0".into()),
        issue: IssueRef::new(web(), IssueId::new("1").unwrap()),
        effect: Effect::Tracker {
            project: web(),
            write: TrackerWrite::State { issue: IssueId::new("1").unwrap(), state: TrackerState::Closed },
        },
    };
    let mut model = model();
    take(
        &mut model,
        Input::Applied(entry(), Tried::Done { adopted: false, created: None, landed: None }, Heard::Serves),
        now(),
    );
    assert_eq!(model.views[&web()].issues[0].state, TrackerState::Closed);
    assert!(model.stale.is_empty());
    let refused = Tried::Refused { reason: "no".into(), again: false };
    take(&mut model, Input::Applied(entry(), refused, Heard::Serves), now());
    assert_eq!(model.stale, BTreeSet::from([web()]));
}

/// Once an engine whose landing was put off could neither end by itself nor be ended.
#[test]
fn writes_that_are_put_off_keep_neither_an_idle_engine_nor_a_stopped_one() {
    for stopped in [false, true] {
        let mut model = model();
        let effect = |n: u32| PendingEffect {
            aside: false,
            entry: EffectEntry {
                id: EffectId(format!("web.1.merge.1/{n}")),
                issue: IssueRef::new(web(), IssueId::new("1").unwrap()),
                effect: Effect::Tracker {
                    project: web(),
                    write: TrackerWrite::Comment { issue: IssueId::new("1").unwrap(), body: "landed".into() },
                },
            },
            delayed: (n == 0).then(|| ("the checkout is in the way".into(), later(300))),
            since: None,
        };
        model.state.outbox = vec![effect(0), effect(1)];
        model.views.insert(web(), ProjectView::default());
        model.stale.insert(web());
        if stopped {
            assert_eq!(words(&take(&mut model, Input::Stop(Stop::Polite), now())), ["StopAll(Polite)"]);
        }
        for _ in 0..3 {
            if words(&turn(&mut model, now())) == ["Finish"] {
                break;
            }
            take(&mut model, Input::Synced(web(), ProjectView::default()), now());
        }
        assert_eq!(words(&turn(&mut model, now())), ["Finish"], "stopped: {stopped}");
    }
}

#[test]
fn the_first_stop_waits_for_writes_under_way_and_the_second_does_not() {
    let mut model = model();
    model.applying.insert(EffectId("web.1.exec.1/0".into()));
    take(&mut model, Input::Stop(Stop::Polite), now());
    assert_eq!(words(&turn(&mut model, now())), [""; 0]);
    take(&mut model, Input::Stop(Stop::Kill), now());
    assert_eq!(words(&turn(&mut model, now())), ["Finish"]);
}

/// It was once made due by taking the delay out of the state, which then was not what the ledger folds to.
#[test]
fn what_an_earlier_engine_put_off_is_tried_anew_beside_the_state() {
    let mut model = model();
    model.views.insert(web(), ProjectView::default());
    let entry = EffectEntry {
        id: EffectId("web.1.merge.1/0".into()),
        issue: IssueRef::new(web(), IssueId::new("1").unwrap()),
        effect: Effect::Land {
            project: web(),
            branch: "main".into(),
            from: dayfly_core::Commit("a".into()),
            to: dayfly_core::Commit("b".into()),
        },
    };
    let delayed = Some(("the checkout is in the way".into(), later(300)));
    model.state.outbox = vec![PendingEffect { entry: entry.clone(), delayed, since: None, aside: false }];
    assert_eq!(model.next_effect(now()), Some(later(300)));
    model.anew.insert(entry.id.clone());
    let before = model.state.clone();
    assert_eq!(
        (model.next_effect(now()), words(&turn(&mut model, now()))),
        (None, vec!["apply web.1.merge.1/0".to_owned()])
    );
    assert_eq!(model.state, before);
    let refused = Tried::Delayed { reason: "it still is".into(), until: Some(later(300)) };
    take(&mut model, Input::Applied(entry, refused, Heard::Nothing), now());
    assert_eq!(
        (model.next_effect(now()), model.due_effects(now()).len()),
        (Some(later(300)), 0),
        "once, and then it waits"
    );
}

/// With a wait shorter than a look takes, the same write was once tried for ever.
#[test]
fn a_write_that_is_put_off_again_and_again_is_not_waited_for_longer_than_the_patience() {
    let mut model = model();
    model.views.insert(web(), ProjectView::default());
    let entry = EffectEntry {
        id: EffectId("web.1.merge.1/0".into()),
        issue: IssueRef::new(web(), IssueId::new("1").unwrap()),
        effect: Effect::Tracker {
            project: web(),
            write: TrackerWrite::Comment { issue: IssueId::new("1").unwrap(), body: "landed".into() },
        },
    };
    model.state.outbox = vec![PendingEffect { entry: entry.clone(), delayed: None, since: None, aside: false }];
    assert_eq!(words(&turn(&mut model, now())), ["apply web.1.merge.1/0"]);
    take(&mut model, Input::Applied(entry, Tried::Delayed { reason: "no".into(), until: None }, Heard::Nothing), now());
    // It is due again at once, as the fold would have it.
    for second in 1..9 {
        let next = words(&turn(&mut model, later(second)));
        match next.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["sync web"] => {
                assert!(take(&mut model, Input::Synced(web(), ProjectView::default()), later(second)).is_empty())
            }
            ["Finish"] => return,
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not end");
}

#[test]
fn an_engine_whose_slots_are_taken_by_nothing_that_runs_ends() {
    let mut model = model();
    Arc::get_mut(&mut model.portfolio).unwrap().concurrency = 0;
    for _ in 0..3 {
        if words(&turn(&mut model, now())) == ["sync web"] {
            take(&mut model, Input::Synced(web(), view()), now());
        }
    }
    assert_eq!(words(&turn(&mut model, now())), ["Finish"]);
}
