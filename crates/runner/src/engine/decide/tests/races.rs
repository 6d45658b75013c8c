//! What happens at the same time, in the order that does harm.

use dayfly_core::{
    Batch, CapacityKey, End, Epoch, EventKind, JobSpec, LimitWhy, Limited, Next, Outcome, Receipt, StageName, Strength,
    VendorName,
};

use super::*;

/// Carries out the appends as the store would; gives what was recorded, or the refusal.
fn record(model: &mut Model, commands: Vec<Command>) -> Result<Vec<EventKind>, String> {
    let mut kinds = Vec::new();
    for command in commands {
        let Command::Append(events, conditions) = command else { continue };
        kinds.extend(events.iter().map(Event::kind));
        let batch = Batch { epoch: Epoch(1), at: now(), events, conditions };
        for record in batch.records(model.state.head, &model.state.hash.clone()) {
            model.state.apply(&record).map_err(|err| err.to_string())?;
        }
    }
    Ok(kinds)
}

fn job() -> JobSpec {
    let second = serde_json::json!({ "secs": 1, "nanos": 0 });
    let job = serde_json::json!({
        "kind": "stage", "issue": "web#1", "title": "One", "stage": "exec", "run": "agent", "prompt": "p",
        "access": "write", "answer": "none", "effects": [], "children": 1, "admission": [], "gates": [],
        "protected": [], "diff_lines": 1, "wall": second, "silence_report": second, "silence": second,
        "grace": second, "gate_timeout": second
    });
    serde_json::from_value(job).unwrap()
}

fn ready(model: &mut Model) -> Ready {
    let commands = turn(model, now());
    let freeze = commands.into_iter().find_map(|c| if let Command::Freeze(ready) = c { Some(ready) } else { None });
    freeze.unwrap()
}

fn frozen(model: &mut Model, ready: Ready) -> Result<Vec<EventKind>, String> {
    let issue = view().issues.remove(0);
    let commands = take(model, Input::Frozen(ready, Ok(Box::new(Frozen { job: job(), issue }))), now());
    record(model, commands)
}

fn ends(model: &mut Model, next: Next, effects: Vec<EffectEntry>) {
    let id = model.working.first().cloned().unwrap();
    let outcome =
        Outcome { end: End::Succeeded, proposal: None, commit: None, answer: None, receipt: Receipt::default() };
    let ended = Ended { outcome, next, effects };
    let commands = take(model, Input::Ended(id, Box::new(ended)), now());
    record(model, commands).unwrap();
}

fn close() -> EffectEntry {
    let issue = IssueId::new("1").unwrap();
    EffectEntry {
        id: EffectId("web.1.exec.1/0".into()),
        issue: IssueRef::new(web(), issue.clone()),
        effect: Effect::Tracker { project: web(), write: TrackerWrite::State { issue, state: TrackerState::Closed } },
    }
}

/// A view read before our own write, and taken after it, once showed a finished issue as open: it was done again.
#[test]
fn no_write_is_begun_while_the_view_it_would_make_old_is_being_read() {
    let mut model = model();
    let ready = ready(&mut model);
    frozen(&mut model, ready).unwrap();
    model.stale.insert(web());
    assert_eq!(words(&turn(&mut model, now())), ["sync web"]);
    ends(&mut model, Next::Finish, vec![close()]);
    assert_eq!(words(&turn(&mut model, now())), [""; 0], "the reading first");
    take(&mut model, Input::Synced(web(), view()), now());
    assert_eq!(words(&turn(&mut model, now())), ["apply web.1.exec.1/0"]);
    let done = Tried::Done { adopted: false, created: None, landed: None };
    let commands = take(&mut model, Input::Applied(close(), done, Heard::Serves), now());
    record(&mut model, commands).unwrap();
    let commands = turn(&mut model, now());
    assert_eq!(record(&mut model, commands).unwrap(), [], "nothing is taken for a person's doing");
}

/// An issue closed at that moment once ended the engine, and every attempt with it.
#[test]
fn an_issue_that_is_closed_while_its_job_is_frozen_is_not_started() {
    let mut model = model();
    let first = ready(&mut model);
    frozen(&mut model, first).unwrap();
    ends(&mut model, Next::Go { stage: StageName::new("exec").unwrap(), feedback: None, not_before: None }, vec![]);
    let again = ready(&mut model);
    model.stale.insert(web());
    turn(&mut model, now());
    let mut closed = view();
    closed.issues[0].state = TrackerState::Closed;
    take(&mut model, Input::Synced(web(), closed), now());
    let commands = turn(&mut model, now());
    assert_eq!(record(&mut model, commands).unwrap(), [EventKind::Closed]);
    assert_eq!(frozen(&mut model, again).unwrap(), []);
}

#[test]
fn a_machine_that_slept_past_what_was_waited_for_finds_an_engine_that_ends() {
    let mut model = model();
    model.until = Until::Idle { patience: Duration::from_secs(600) };
    model.views.insert(web(), ProjectView::default());
    model.state.outbox = vec![PendingEffect { entry: close(), delayed: None, since: None, aside: false }];
    turn(&mut model, now());
    take(
        &mut model,
        Input::Applied(close(), Tried::Delayed { reason: "in the way".into(), until: None }, Heard::Nothing),
        now(),
    );
    model.state.outbox[0].delayed = Some(("in the way".into(), later(300)));
    for step in 0..9 {
        let at = if step < 3 { later(1) } else { later(3600 + step) };
        let commands = words(&turn(&mut model, at));
        if commands == ["Finish"] {
            return;
        }
        if commands == ["sync web"] {
            take(&mut model, Input::Synced(web(), ProjectView::default()), at);
        } else if model.wake.is_some_and(|wake| wake <= at) || step == 3 {
            take(&mut model, Input::Woke, at);
        }
    }
    panic!("it does not end");
}

#[test]
fn a_tracker_that_does_not_answer_is_asked_again_as_long_as_there_is_patience() {
    let mut model = model();
    model.until = Until::Idle { patience: Duration::from_secs(300) };
    let fault = || ProjectView { fault: Some("no answer".into()), passing: true, ..ProjectView::default() };
    model.stale.insert(web());
    turn(&mut model, now());
    take(&mut model, Input::Synced(web(), fault()), now());
    let wait = words(&turn(&mut model, now()));
    assert!(wait[0].starts_with("Report(Waiting("), "{wait:?}");
    assert_eq!(model.wake, Some(later(60)), "well within the patience of the program");
    take(&mut model, Input::Woke, later(60));
    assert_eq!(words(&turn(&mut model, later(60))), ["sync web"]);
    take(&mut model, Input::Synced(web(), view()), later(60));
    assert_eq!(words(&turn(&mut model, later(60))), ["freeze web#1"]);
}

/// While one attempt ran for an hour, nothing that was due by its time was looked at.
#[test]
fn what_is_due_by_its_time_is_looked_at_while_other_things_run() {
    let mut model = model();
    let ready = ready(&mut model);
    frozen(&mut model, ready).unwrap();
    let mut delayed = close();
    delayed.issue = IssueRef::new(web(), IssueId::new("2").unwrap());
    model.state.outbox = vec![PendingEffect {
        entry: delayed,
        delayed: Some(("in the way".into(), later(60))),
        since: None,
        aside: false,
    }];
    assert_eq!(words(&turn(&mut model, now())), [""; 0]);
    assert_eq!(model.wake, Some(later(60)));
    take(&mut model, Input::Woke, later(60));
    assert_eq!(words(&turn(&mut model, later(60))), ["apply web.1.exec.1/0"]);
    assert_eq!(model.wake, None, "nothing else is waited for, and nothing spins");
}

/// A sibling that was about to start met the very limit that had just been recorded.
#[test]
fn a_job_that_was_being_frozen_when_its_agent_met_a_limit_is_not_started() {
    let mut model = model();
    let ready = ready(&mut model);
    let limit = Limited {
        key: CapacityKey { vendor: VendorName::new("script").unwrap(), account: None, model: None },
        why: LimitWhy::Quota,
        window: None,
        until: Some(later(600)),
        strength: Strength::Stated,
        said: "full".into(),
        attempt: None,
    };
    record(&mut model, vec![Command::Append(vec![Event::CapacityLimited { limit }], vec![])]).unwrap();
    assert_eq!(frozen(&mut model, ready).unwrap(), []);
    assert_eq!(words(&turn(&mut model, now())), ["Finish"], "it waits, and a run without patience ends");
}
