//! What people paused, cancelled or stopped waits, and says so.

use super::*;
use crate::{Order, OrderId, Target, why};

fn order() -> Order {
    Order { id: OrderId::new("o1").unwrap(), by: "ann".into(), reason: "release day\nno joke".into(), at: now() }
}

fn pause(world: &mut World, what: Target, cancelled: bool) {
    world.state.control.paused.push(Pause { what, order: order(), cancelled });
}

fn project(name: &str) -> Target {
    Target::Project(issue_ref(&format!("{name}#1")).project)
}

/// Why a whole project waits, and what helps.
fn whole(world: &World) -> Vec<(String, String, Option<String>)> {
    let plan = world.plan();
    let whole = plan.waiting.into_iter().filter(|w| w.issue.is_none());
    whole.map(|w| (w.project.to_string(), w.why.to_string(), w.remedy)).collect()
}

#[test]
fn a_halt_keeps_all_waiting_whatever_else_does() {
    let mut world = World::new();
    world.issue("web#1");
    assert!(!world.ready().is_empty());
    world.state.control.halt = Some(order());
    pause(&mut world, Target::Everything, false);
    assert!(world.ready().is_empty());
    let lift = Some("`dayfly resume --all --reason TEXT`".to_owned());
    for (_, why, remedy) in whole(&world) {
        assert_eq!((why.as_str(), remedy), ("ann stopped everything: release day", lift.clone()));
    }
    assert!(!whole(&world).is_empty());
}

#[test]
fn a_paused_project_waits_and_the_others_go_on() {
    let mut world = World::new();
    world.issue("web#1");
    world.issue("api#1");
    pause(&mut world, project("web"), false);
    assert_eq!(world.ready(), ["api#1 triage"]);
    let why = "ann paused web: release day".to_owned();
    assert_eq!(whole(&world), [("web".into(), why, Some("`dayfly resume web`".to_owned()))]);
    assert!(world.input().findings().is_empty());
}

#[test]
fn a_paused_issue_waits_and_one_that_runs_is_said_to_run() {
    let mut world = World::new();
    world.issue("web#1");
    world.known("web#2", "exec", queued());
    world.running("web#3", Some("fast"));
    for (id, cancelled) in [("web#1", false), ("web#2", true), ("web#3", false)] {
        pause(&mut world, Target::Issue(issue_ref(id)), cancelled);
    }
    let text = |world: &World, id: &str| world.wait(id).0.to_string();
    assert_eq!(text(&world, "web#1"), "ann paused web#1: release day");
    assert_eq!(text(&world, "web#2"), "ann cancelled web#2: release day");
    assert_eq!(text(&world, "web#3"), "attempt web.3.exec.1 runs");
    assert!(world.ready().is_empty());
}

#[test]
fn why_names_what_keeps_the_whole_project_waiting() {
    let mut world = World::new();
    world.issue("web#1");
    world.known("web#2", "merge", Phase::Done);
    world.issue("web#2").state = TrackerState::Closed;
    pause(&mut world, project("web"), false);
    let verdict = |id: &str| {
        let report = why(&world.input(), &world.plan(), &[], &issue_ref(id)).unwrap().unwrap();
        (report.verdict, report.remedy)
    };
    let paused = ("ann paused web: release day".to_owned(), Some("`dayfly resume web`".to_owned()));
    assert_eq!(verdict("web#1"), paused);
    assert_eq!(verdict("web#2").0, "it is done");
}
