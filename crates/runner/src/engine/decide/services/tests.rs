use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{
    Batch, Commit, Config, EffectId, Epoch, Filter, IssueId, IssueRef, Order, OrderId, PendingEffect, SourceText,
    State, Target, TrackerWrite,
};
use jiff::SignedDuration;

use super::super::super::model::{Input, Tried, Until};
use super::super::{take, turn};
use super::*;

const CONFIG: &str = r#"
version = 1
pipeline = ["exec", "merge"]
[agents.script]
kind = "command"
argv = ["agent"]
[github]
api = "https://forge.example"
[projects.app]
path = "app"
github = "me/app"
[projects.lib]
path = "lib"
github = "me/lib"
[projects.web]
path = "web"
"#;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn name(text: &str) -> ProjectName {
    ProjectName::new(text).unwrap()
}

fn model() -> Model {
    let config = Config::read(&SourceText::new("dayfly.toml", CONFIG), &mut |_| Err("no files".into())).unwrap();
    let until = Until::Idle { patience: Duration::from_secs(3600) };
    let mut model = Model::new(Arc::new(config.portfolio), State::default(), Filter::default(), until);
    model.stale.clear();
    model.read_at = ["app", "lib", "web"].map(|project| (name(project), now())).into();
    model.views = ["app", "lib", "web"].map(|project| (name(project), ProjectView::default())).into();
    model
}

/// A comment on an issue of a project.
fn comment(project: &str, issue: u32) -> EffectEntry {
    let id = IssueId::new(issue.to_string()).unwrap();
    let write = TrackerWrite::Comment { issue: id.clone(), body: "b".into() };
    let effect = Effect::Tracker { project: name(project), write };
    EffectEntry { id: EffectId(format!("{project}.{issue}/0")), issue: IssueRef::new(name(project), id), effect }
}

fn landing(project: &str, issue: u32) -> EffectEntry {
    let at = |digit: &str| Commit(digit.repeat(40));
    let effect = Effect::Land { project: name(project), branch: "main".into(), from: at("1"), to: at("2") };
    EffectEntry { effect, ..comment(project, issue) }
}

fn queue(model: &mut Model, entries: impl IntoIterator<Item = EffectEntry>) {
    let pending = entries.into_iter().map(|entry| PendingEffect { entry, delayed: None, aside: false });
    model.state.outbox.extend(pending);
}

fn begun(commands: &[Command]) -> Vec<String> {
    let begun = commands.iter().filter_map(|command| match command {
        Command::Apply(entry) => Some(entry.id.0.clone()),
        Command::Sync(project) => Some(format!("sync {project}")),
        _ => None,
    });
    begun.collect()
}

/// Folds what the commands append, as the loop does.
fn record(model: &mut Model, commands: &[Command], at: Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    for command in commands {
        let Command::Append(events, _) = command else { continue };
        let batch = Batch { epoch: Epoch(1), at, events: events.clone(), conditions: Vec::new() };
        for record in batch.records(model.state.head, &model.state.hash.clone()) {
            model.state.apply(&record).unwrap();
        }
        told.extend(events.iter().filter_map(|event| match event {
            Event::ServiceDown { service, until, .. } => Some(format!("{service} until {until}")),
            Event::ServiceBack { service } => Some(format!("{service} is back")),
            _ => None,
        }));
    }
    told
}

fn fails(model: &mut Model, entry: &EffectEntry, at: Timestamp) -> Vec<String> {
    let tried = Tried::Delayed { reason: "no route".into(), until: None };
    let input = Input::Applied(entry.clone(), tried, Heard::Fails("no route".into()));
    let commands = take(model, input, at);
    record(model, &commands, at)
}

fn serves(model: &mut Model, entry: &EffectEntry, at: Timestamp) -> Vec<String> {
    let tried = Tried::Done { adopted: false, created: None, landed: None };
    let commands = take(model, Input::Applied(entry.clone(), tried, Heard::Serves), at);
    record(model, &commands, at)
}

#[test]
fn calls_that_hang_at_one_service_keep_no_other_waiting() {
    let mut model = model();
    queue(&mut model, (1..=20).map(|issue| comment("app", issue)));
    assert_eq!(begun(&turn(&mut model, now())).len(), 8, "the slots of the host");
    queue(&mut model, [comment("lib", 1), landing("web", 1), comment("web", 2)]);
    assert_eq!(begun(&turn(&mut model, later(1))), ["web.1/0", "web.2/0"]);
}

#[test]
fn a_landing_in_the_checkout_does_not_wait_for_a_tracker_that_hangs() {
    let mut model = model();
    model.syncing.insert(name("web"));
    queue(&mut model, [landing("web", 1), comment("web", 2)]);
    assert_eq!(begun(&turn(&mut model, now())), ["web.1/0"], "the comment waits until the reading is over");
}

#[test]
fn the_effects_of_an_issue_keep_their_order_though_they_go_to_different_services() {
    let mut model = model();
    let after = EffectEntry { id: EffectId("web.1/1".into()), ..comment("web", 1) };
    queue(&mut model, [landing("web", 1), after]);
    assert_eq!(begun(&turn(&mut model, now())), ["web.1/0"]);
    assert!(begun(&turn(&mut model, now())).is_empty());
}

#[test]
fn a_service_that_fails_three_times_in_a_row_is_left_alone_longer_and_longer_until_it_serves() {
    let mut model = model();
    let entries: Vec<EffectEntry> = (1..=12).map(|issue| comment("app", issue)).collect();
    queue(&mut model, entries.clone());
    turn(&mut model, now());
    assert!(fails(&mut model, &entries[0], now()).is_empty());
    assert!(serves(&mut model, &entries[1], now()).is_empty(), "that begins the row anew");
    assert!(fails(&mut model, &entries[2], now()).is_empty());
    assert!(fails(&mut model, &entries[3], now()).is_empty());
    assert_eq!(fails(&mut model, &entries[4], now()), ["forge.example until 2026-01-01T00:01:00Z"]);
    assert!(fails(&mut model, &entries[5], later(5)).is_empty(), "it was begun before, and says nothing new");
    assert!(begun(&turn(&mut model, later(59))).is_empty(), "it is left alone");
    // What was begun before ends meanwhile.
    for entry in &entries[6..8] {
        fails(&mut model, entry, later(59));
    }
    assert_eq!(model.next_effect(later(59)), Some(later(60)));
    let trial = begun(&turn(&mut model, later(60)));
    assert_eq!(trial.len(), 1, "one is let through: {trial:?}");
    let entry = entries.iter().find(|entry| entry.id.0 == trial[0]).unwrap();
    assert_eq!(fails(&mut model, entry, later(61)), ["forge.example until 2026-01-01T00:03:01Z"]);
    let trial = begun(&turn(&mut model, later(181)));
    let entry = entries.iter().find(|entry| entry.id.0 == trial[0]).unwrap();
    assert_eq!(serves(&mut model, entry, later(182)), ["forge.example is back"]);
    assert!(begun(&turn(&mut model, later(182))).len() > 4, "all go on");
}

/// A repository that is broken on a host where others are fine must not keep those waiting for ever.
#[test]
fn after_an_outage_each_project_tries_for_itself() {
    let mut model = model();
    queue(&mut model, [comment("app", 1), comment("app", 2), comment("app", 3), comment("lib", 1)]);
    for entry in [comment("app", 1), comment("app", 2), comment("app", 3)] {
        fails(&mut model, &entry, now());
    }
    let writes =
        |commands: &[Command]| begun(commands).into_iter().filter(|what| !what.starts_with("sync")).collect::<Vec<_>>();
    assert_eq!(writes(&turn(&mut model, later(1))), [""; 0]);
    model.syncing.clear();
    assert_eq!(writes(&turn(&mut model, later(60))), ["app.1/0", "lib.1/0"]);
}

#[test]
fn a_host_that_is_left_alone_is_not_read_either_and_its_projects_say_why_they_wait() {
    let mut model = model();
    queue(&mut model, [comment("app", 1), comment("app", 2), comment("app", 3)]);
    for entry in [comment("app", 1), comment("app", 2), comment("app", 3)] {
        fails(&mut model, &entry, now());
    }
    model.stale = ["app", "lib", "web"].map(name).into();
    assert_eq!(begun(&turn(&mut model, later(1))), ["sync web"]);
    let fault = model.views[&name("lib")].fault.clone().unwrap();
    assert_eq!(fault, "forge.example is left alone for a while, because it does not serve: no route");
    assert_eq!(model.next_reading(), Some(later(61)), "not before it is tried again");
    take(&mut model, Input::Synced(name("web"), ProjectView::default()), later(2));
    model.stale = ["app", "lib"].map(name).into();
    model.state.outbox.clear();
    model.applying.clear();
    let mut reading = begun(&turn(&mut model, later(61)));
    assert_eq!(reading, ["sync app", "sync lib"], "within the slots of the host");
    let told = take(&mut model, Input::Synced(name("lib"), ProjectView::default()), later(62));
    reading = record(&mut model, &told, later(62));
    assert_eq!(reading, ["forge.example is back"]);
}

#[test]
fn views_that_cannot_be_read_count_as_failures_of_their_service_and_faults_that_are_told_do_not() {
    let mut model = model();
    let fault = |passing| ProjectView { fault: Some("no".into()), passing, ..ProjectView::default() };
    let mut told = BTreeMap::new();
    for passing in [false, true] {
        for _ in 0..4 {
            let commands = take(&mut model, Input::Synced(name("web"), fault(passing)), now());
            told.entry(passing).or_insert_with(Vec::new).extend(record(&mut model, &commands, now()));
        }
    }
    assert_eq!(told[&false], [""; 0]);
    assert_eq!(told[&true], ["the tracker of project `web` until 2026-01-01T00:01:00Z"]);
}

/// An engine once read all trackers again and again without a pause.
#[test]
fn what_is_held_and_past_its_time_wakes_nobody_and_hides_nothing_else() {
    let mut model = model();
    queue(&mut model, [landing("web", 1), comment("app", 2)]);
    model.state.outbox[0].delayed = Some(("in the way".into(), later(60)));
    model.state.outbox[1].delayed = Some(("no route".into(), later(120)));
    turn(&mut model, now());
    assert_eq!(model.wake, Some(later(60)));
    let order = Order { id: OrderId::new("p1").unwrap(), by: "ann".into(), reason: "why".into(), at: now() };
    let pause = vec![Command::Append(vec![Event::Paused { order, what: vec![Target::Project(name("web"))] }], vec![])];
    record(&mut model, &pause, now());
    for seconds in [1, 60, 119] {
        assert!(begun(&turn(&mut model, later(seconds))).is_empty());
        assert_eq!(model.wake, Some(later(120)), "after {seconds} s");
    }
    assert_eq!(begun(&turn(&mut model, later(120))), ["app.2/0"]);
}

#[test]
fn a_time_that_is_past_is_looked_at_after_a_pause() {
    let mut model = model();
    model.views.insert(name("web"), ProjectView { fault: Some("no".into()), passing: true, ..ProjectView::default() });
    turn(&mut model, later(300));
    assert_eq!(model.wake, Some(later(301)), "the machine slept while nothing ran");
    model.working.insert(dayfly_core::AttemptId::from_text("app.1.exec.1"));
    turn(&mut model, later(400));
    assert_eq!(model.wake, Some(later(401)), "and while something runs");
}
