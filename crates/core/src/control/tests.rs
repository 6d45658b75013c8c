use super::*;
use crate::{Batch, Commit, Effect, EffectEntry, EffectId, PendingEffect, PullWrite, Record, TrackerWrite};

fn order(id: &str) -> Order {
    let at = Timestamp::UNIX_EPOCH;
    Order { id: OrderId::new(id).unwrap(), by: "ann".into(), reason: format!("because of {id}"), at }
}

fn issue(text: &str) -> IssueRef {
    IssueRef::try_from(text.to_owned()).unwrap()
}

fn project(name: &str) -> Target {
    Target::Project(ProjectName::new(name).unwrap())
}

fn append(state: &mut State, event: Event) -> Vec<Record> {
    let batch = Batch { epoch: state.epoch, at: Timestamp::UNIX_EPOCH, events: vec![event], conditions: vec![] };
    batch.prepare(state.epoch, state).unwrap()
}

/// Takes a request in as an engine or a command does; tells whether anything was recorded.
fn take(state: &mut State, id: &str, ask: Ask) -> bool {
    match Request::new(order(id), ask).event(state) {
        Some(event) => !append(state, event).is_empty(),
        None => false,
    }
}

#[test]
fn a_halt_is_in_force_until_it_is_lifted_and_each_order_counts_once() {
    let mut state = State::default();
    assert!(!take(&mut state, "l0", Ask::Lift), "there is nothing to lift");
    assert!(take(&mut state, "h1", Ask::Halt));
    assert_eq!(state.control.halt, Some(order("h1")));
    assert!(take(&mut state, "l1", Ask::Lift));
    assert_eq!(state.control.halt, None);
    assert!(!take(&mut state, "h1", Ask::Halt), "a request that was left lying comes too late");
    assert!(!take(&mut state, "l1", Ask::Lift));
    assert_eq!(state.control.halt, None);
}

#[test]
fn what_is_paused_goes_on_when_that_very_thing_is_resumed() {
    let mut state = State::default();
    let (web, one) = (project("web"), Target::Issue(issue("web#1")));
    assert!(take(&mut state, "p1", Ask::Pause { what: vec![web.clone(), one.clone()] }));
    assert!(take(&mut state, "p2", Ask::Pause { what: vec![Target::Everything] }));
    assert_eq!(state.control.holds(&issue("web#1")).unwrap().what, one, "its own pause is named first");
    assert_eq!(state.control.holds(&issue("api#1")).unwrap().what, Target::Everything);
    assert!(take(&mut state, "r1", Ask::Resume { what: vec![Target::Everything] }));
    assert!(state.control.holds(&issue("api#1")).is_none());
    assert_eq!(state.control.holds(&issue("web#2")).unwrap().what, web);
    assert!(take(&mut state, "p3", Ask::Pause { what: vec![web.clone()] }));
    assert_eq!(state.control.paused.len(), 2, "paused again it is paused once");
    assert_eq!(state.control.holds(&issue("web#2")).unwrap().order, order("p3"), "the last word stands");
    assert!(take(&mut state, "r2", Ask::Resume { what: vec![web] }));
    assert!(!take(&mut state, "r3", Ask::Resume { what: vec![Target::Everything] }), "nothing of it is paused");
    assert_eq!(state.control.paused.len(), 1);
}

#[test]
fn to_cancel_an_attempt_that_does_not_run_is_no_order() {
    let mut state = State::default();
    let ask = |attempt: Option<&str>| Ask::Cancel { issue: issue("web#1"), attempt: attempt.map(AttemptId::from_text) };
    assert!(!take(&mut state, "c1", ask(Some("web.1.exec.1"))));
    assert!(take(&mut state, "c2", ask(None)));
    let pause = state.control.holds(&issue("web#1")).unwrap();
    assert!(pause.cancelled);
    assert_eq!(pause.remedy(), "`dayfly resume web#1`");
}

#[test]
fn only_so_many_orders_are_remembered() {
    let mut state = State::default();
    for n in 0..REMEMBERED + 3 {
        take(&mut state, &format!("p{n}"), Ask::Pause { what: vec![Target::Everything] });
    }
    assert_eq!((state.control.paused.len(), state.control.taken.len()), (1, REMEMBERED));
    assert!(state.control.has_taken(&OrderId::new("p514").unwrap()));
}

#[test]
fn the_orders_survive_a_copy_of_the_state() {
    let mut state = State::default();
    take(&mut state, "h1", Ask::Halt);
    take(&mut state, "p1", Ask::Pause { what: vec![project("web"), Target::Issue(issue("web#1"))] });
    let text = serde_json::to_string(&state.control).unwrap();
    assert_eq!(serde_json::from_str::<Control>(&text).unwrap(), state.control);
    assert_eq!(serde_json::from_str::<Control>("{}").unwrap(), Control::default(), "of an older program");
}

#[test]
fn no_change_lands_while_its_issue_is_paused_and_nothing_is_written_while_all_is_stopped() {
    let mut state = State::default();
    let web = ProjectName::new("web").unwrap();
    let (from, to) = (Commit("a".into()), Commit("b".into()));
    let method = crate::MergeMethod::Squash;
    let comment = TrackerWrite::Comment { issue: issue("web#1").issue, body: "x".into() };
    let effects = [
        ("web#1", Effect::Tracker { project: web.clone(), write: comment }),
        ("web#2", Effect::Land { project: web.clone(), branch: "main".into(), from, to: to.clone() }),
        ("web#3", Effect::Pull { project: web, write: PullWrite::Merge { branch: "b".into(), head: to, method } }),
    ];
    for (of, effect) in effects {
        let entry = EffectEntry { id: EffectId(of.into()), issue: issue(of), effect };
        state.outbox.push(PendingEffect { entry, delayed: None, since: None, aside: false });
    }
    let due =
        |state: &State| state.due_effects(Timestamp::UNIX_EPOCH).iter().map(|e| e.id.to_string()).collect::<Vec<_>>();
    assert_eq!(due(&state), ["web#1", "web#2", "web#3"]);
    take(&mut state, "p1", Ask::Pause { what: vec![Target::Issue(issue("web#2"))] });
    assert_eq!(due(&state), ["web#1", "web#3"]);
    take(&mut state, "p2", Ask::Pause { what: vec![project("web")] });
    assert_eq!(due(&state), ["web#1"]);
    take(&mut state, "h1", Ask::Halt);
    assert!(due(&state).is_empty());
}

/// With DAYFLY_SAMPLE=FILE the sample is written there.
#[test]
fn a_ledger_with_orders_loads_for_ever() {
    let mut state = State::default();
    let mut records = append(&mut state, Event::EngineStarted { version: "0.1.0".into() });
    let web = || vec![project("web")];
    for event in [
        Event::Paused { order: order("p1"), what: web() },
        Event::Cancelled { order: order("c1"), issue: issue("web#1"), attempt: None },
        Event::Resumed { order: order("r1"), what: web() },
        Event::Halted { order: order("h1") },
        Event::Lifted { order: order("l1") },
        Event::Halted { order: order("h2") },
    ] {
        records.extend(append(&mut state, event));
    }
    if let Ok(path) = std::env::var("DAYFLY_SAMPLE") {
        let lines: Vec<String> = records.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    let text = include_str!("../../tests/data/ledger-v1-orders.jsonl");
    let records: Vec<Record> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let state = State::fold(&records).unwrap();
    assert_eq!(state.control.halt, Some(order("h2")));
    let paused: Vec<String> = state.control.paused.iter().map(|p| p.what.to_string()).collect();
    assert_eq!(paused, ["web#1"]);
    assert!(state.control.has_taken(&OrderId::new("p1").unwrap()));
}

#[test]
fn a_request_reads_as_it_was_written() {
    let text = r#"{"version":1,"order":{"id":"a1","by":"ann","reason":"r","at":"1970-01-01T00:00:00Z"},
        "ask":{"pause":{"what":["everything",{"project":"web"},{"issue":"web#1"}]}}}"#;
    let request: Request = serde_json::from_str(text).unwrap();
    let what = vec![Target::Everything, project("web"), Target::Issue(issue("web#1"))];
    assert_eq!(request.ask, Ask::Pause { what });
    let again = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&again).unwrap(), request);
}
