//! What is known of an issue is not lost, and not held against it, by what comes between.

use super::*;
use crate::{Ask, EffectEntry, EffectId, Feedback, GateFailure, IssueId, NewIssue, Order, OrderId, Request, Target};

/// Ends the attempt `number` of issue 1 after it was started.
fn attempt(state: &mut State, number: u32, (end, commit): (End, Option<&str>), next: Next, writes: Vec<TrackerWrite>) {
    append(state, vec![started(1, number)], vec![]).unwrap();
    let Event::AttemptEnded { attempt, token, mut outcome, next, .. } = ended(1, number, state.head.0, end, next)
    else {
        panic!("it has not ended");
    };
    outcome.commit = commit.map(|of| Commit(of.repeat(40)));
    let keyed = |(at, write): (usize, TrackerWrite)| EffectEntry {
        id: EffectId(format!("{attempt}/{at}")),
        issue: issue(1),
        effect: Effect::Tracker { project: issue(1).project, write },
    };
    let effects = writes.into_iter().enumerate().map(keyed).collect();
    append(state, vec![Event::AttemptEnded { attempt, token, outcome, next, effects }], vec![]).unwrap();
}

fn known(state: &State) -> &IssueState {
    &state.issues[&issue(1)]
}

fn order(id: &str) -> Order {
    Order { id: OrderId::new(id).unwrap(), by: "ann".into(), reason: "so".into(), at: Timestamp::UNIX_EPOCH }
}

fn relabel() -> TrackerWrite {
    TrackerWrite::Labels { issue: issue(1).issue, add: vec!["human-needed".into()], remove: vec![] }
}

fn block() -> Next {
    Next::Block { reason: "no".into(), remedy: "look".into() }
}

#[test]
fn work_that_no_gate_has_refused_and_that_has_not_gone_on_has_nothing_to_be_added() {
    let ask = || Next::Ask { question: "right?".into() };
    let failed = || End::TaskFailed { reason: "no".into() };
    let wrong = || End::GateFailed(GateFailure { gate: "g".into(), reason: "r".into(), tail: String::new() });
    let held = || End::Host { reason: "a storm".into() };
    for (end, next, unjudged) in [
        (held(), again(), true),
        (End::Succeeded, ask(), true),
        (End::Succeeded, block(), true),
        (End::Succeeded, again(), false),
        (wrong(), again(), false),
    ] {
        let mut state = State::default();
        attempt(&mut state, 1, (end.clone(), Some("c")), next, vec![]);
        assert_eq!(known(&state).unjudged, unjudged, "{end}");
    }
    let mut state = State::default();
    attempt(&mut state, 1, (held(), Some("c")), again(), vec![]);
    for (number, end) in (2..).zip([End::Lost, End::Cancelled, End::Quota { resets_at: None }, failed(), held()]) {
        attempt(&mut state, number, (end.clone(), None), again(), vec![]);
        assert!(known(&state).unjudged, "{end}");
    }
    attempt(&mut state, 7, (wrong(), None), again(), vec![]);
    assert!(!known(&state).unjudged);
}

#[test]
fn who_goes_on_after_a_person_has_looked_is_told_what_was_wrong_last() {
    let mut state = State::default();
    let told = |reason: &str| Feedback { gate: "g".into(), reason: reason.into(), tail: String::new(), before: None };
    let go = Next::Go { stage: StageName::new("exec").unwrap(), feedback: Some(told("first")), not_before: None };
    attempt(&mut state, 1, (End::TaskFailed { reason: "first".into() }, None), go, vec![]);
    attempt(&mut state, 2, (End::TaskFailed { reason: "last".into() }, None), block(), vec![]);
    append(&mut state, vec![Event::Unblocked { issue: issue(1), effects: vec![] }], vec![]).unwrap();
    assert!(known(&state).feedback.as_ref().unwrap().reason.ends_with("last"), "{:?}", known(&state).feedback);
}

/// That a label is not there is no sign of a person's where the tracker refused to put it on.
#[test]
fn an_issue_whose_label_is_refused_stays_where_it_stands_until_a_person_orders_it_to_go_on() {
    let refused = |state: &mut State, number: u32| {
        let effect = EffectId(format!("web.1.exec.{number}/0"));
        let event =
            Event::EffectRefused { effect, issue: issue(1), reason: "no".into(), again: false, effects: vec![] };
        append(state, vec![event], vec![]).unwrap();
    };
    let mut state = State::default();
    attempt(&mut state, 1, (End::Lost, None), again(), vec![relabel(), relabel()]);
    refused(&mut state, 1);
    assert_eq!((known(&state).phase.word(), state.outbox.len()), ("queued", 1), "the next write is made");

    let mut state = State::default();
    attempt(&mut state, 1, (End::Lost, None), block(), vec![relabel()]);
    refused(&mut state, 1);
    assert!(known(&state).unlabelled && known(&state).phase.word() == "blocked");
    let resume = Request::new(order("go-on"), Ask::Resume { what: vec![Target::Issue(issue(1))] });
    let event = resume.event(&state).expect("it is something to do");
    append(&mut state, vec![event], vec![]).unwrap();
    assert!(!known(&state).unlabelled && known(&state).phase.word() == "queued");
    let again = Request::new(order("once-more"), Ask::Resume { what: vec![Target::Issue(issue(1))] });
    assert_eq!(again.event(&state), None);
}

#[test]
fn what_was_found_by_the_way_is_no_part_of_a_split() {
    let mut state = State::default();
    let new = |parent: Option<IssueId>| TrackerWrite::Create(NewIssue { parent, ..NewIssue::default() });
    attempt(&mut state, 1, (End::Succeeded, None), Next::Split, vec![new(None), new(Some(issue(1).issue))]);
    for (at, made) in [(0, 7), (1, 8)] {
        let effect = EffectId(format!("web.1.exec.1/{at}"));
        let created = Some(issue(made).issue);
        let event = Event::EffectDone { effect, issue: issue(1), adopted: false, created, landed: None };
        append(&mut state, vec![event], vec![]).unwrap();
    }
    assert_eq!(known(&state).phase, Phase::Split { children: vec![issue(8).issue] });
}

#[test]
fn what_is_paused_after_it_was_cancelled_is_still_to_end() {
    let mut state = State::default();
    append(&mut state, vec![started(1, 1)], vec![]).unwrap();
    let cancel = Event::Cancelled { order: order("c"), issue: issue(1), attempt: None };
    let pause = Event::Paused { order: order("p"), what: vec![Target::Issue(issue(1))] };
    append(&mut state, vec![cancel, pause], vec![]).unwrap();
    assert!(state.control.holds(&issue(1)).unwrap().cancelled);
}

/// How an attempt in doubt ended is not known: it counts towards no bound.
#[test]
fn attempts_of_which_a_ledger_that_was_put_back_knows_nothing_are_charged_to_nobody() {
    let mut state = State::default();
    attempt(&mut state, 1, (End::TaskFailed { reason: "no".into() }, None), again(), vec![]);
    let doubt = |n: u32, number: u32| AttemptId::new(&issue(n), &StageName::new("exec").unwrap(), number);
    let put_back = Event::Restored { replaced: None, in_doubt: vec![doubt(1, 15), doubt(2, 20)], effects: vec![] };
    append(&mut state, vec![put_back, started(2, 21)], vec![]).unwrap();
    let counted = |n: u32| state.issues[&issue(n)].attempts - state.issues[&issue(n)].uncounted;
    assert_eq!((state.issues[&issue(1)].attempts, counted(1), counted(2)), (15, 1, 1));
}
