//! What people order while an engine runs, and between two of them.

use dayfly_core::{Ask, Order, Quit, Request, Target};

use dayfly_testkit::store::{FaultyStore, StoreFault};

use super::outbox::Crashing;
use super::*;
use crate::{OrderFolder, new_order_id};

fn orders(world: &World) -> OrderFolder {
    let state = world.repo.root.join("state");
    fs::create_dir_all(&state).unwrap();
    OrderFolder::of(&state)
}

fn order() -> Order {
    Order { id: new_order_id(), by: "ann".into(), reason: "a reason".into(), at: now() }
}

fn pause(what: Target) -> Request {
    Request::new(order(), Ask::Pause { what: vec![what] })
}

/// An agent that never ends by itself.
fn endless(_: &Attempt) -> MockScript {
    MockScript { after: Duration::MAX, ..MockScript::succeeds() }
}

/// Runs an engine to which something happens when its first attempt has been started.
async fn run_with(
    world: &World,
    script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static,
    happens: impl Fn(&OrderFolder) + Send + Sync + 'static,
) -> Result<Summary, EngineError> {
    let first = std::sync::Once::new();
    run_while(world, script, move |_, orders| first.call_once(|| happens(orders))).await
}

/// Runs an engine to which something happens when an attempt has been started.
async fn run_while(
    world: &World,
    script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static,
    happens: impl Fn(&Attempt, &OrderFolder) + Send + Sync + 'static,
) -> Result<Summary, EngineError> {
    let orders = orders(world);
    let rings = orders.clone();
    let script = move |attempt: &Attempt| {
        happens(attempt, &rings);
        rings.ring();
        script(attempt)
    };
    let engine = world.builder(world.mock(script)).orders(orders).build();
    finish(&engine, idle(0)).await
}

/// Commits a file of its own and says that all went well.
fn works_apart(attempt: &Attempt) -> MockScript {
    commits(attempt, &[(attempt.job.issue.issue.as_str(), "")])
}

/// Runs an engine that finds the orders as it is.
async fn run(world: &World) -> Result<Summary, EngineError> {
    let engine = world.builder(world.mock(works_apart)).orders(orders(world)).build();
    finish(&engine, idle(0)).await
}

fn halted(result: Result<Summary, EngineError>) -> Order {
    match result {
        Err(EngineError::Halted(order)) => order,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_halt_ends_what_runs_is_in_force_for_every_engine_and_charges_nobody() {
    let world = World::new(&["exec", "merge"]);
    world.issue(2, &[]);
    let summary = run_with(&world, endless, |orders| drop(orders.stop(order()).unwrap())).await.unwrap();
    assert!(summary.stopped && summary.halted.is_some());
    assert_eq!((world.attempts().len(), world.words().await), (1, vec!["cancelled"]));
    assert_eq!(world.known(1).await.visit_attempts, 0);
    for _ in 0..2 {
        let order = halted(run(&world).await);
        assert_eq!(Some(&order), world.state().await.control.halt.as_ref());
    }
    // Whoever removes the file by hand has not lifted it.
    orders(&world).lift().unwrap();
    halted(run(&world).await);
    assert_eq!(world.attempts().len(), 1, "nothing was started");

    orders(&world).put(&Request::new(order(), Ask::Lift)).unwrap();
    run(&world).await.unwrap();
    assert_eq!((world.phase(1).await, world.phase(2).await), ("done", "done"));
}

/// The file is there before the ledger knows of it, and whoever wrote it was killed.
#[tokio::test]
async fn the_file_alone_stops_an_engine_and_the_engine_writes_the_row() {
    let world = World::new(&["exec", "merge"]);
    let order = orders(&world).stop(order()).unwrap();
    assert_eq!(halted(run(&world).await), order);
    assert_eq!(world.events().await, [Event::Halted { order }]);
    assert!(world.attempts().is_empty());
}

#[tokio::test]
async fn what_does_not_end_well_while_everything_is_stopped_is_excused() {
    let world = World::new(&["exec", "merge"]);
    // The file is there, and its engine has not looked yet: as if its processes had been killed behind its back.
    let stopping = orders(&world);
    let script = move |_: &Attempt| {
        stopping.stop(order()).unwrap();
        failed("killed")
    };
    let engine = world.builder(world.mock(script)).orders(orders(&world)).build();
    let summary = finish(&engine, idle(0)).await.unwrap();
    assert!(summary.halted.is_some(), "{summary:?}");
    assert_eq!((world.words().await, world.known(1).await.visit_attempts), (vec!["cancelled"], 0));
}

/// The check is made again right before the write, and not only when it is decided on.
#[tokio::test]
async fn nothing_is_written_once_the_file_is_there() {
    let world = World::new(&["exec", "merge"]);
    let orders = orders(&world);
    let stopping = orders.clone();
    let progress = Progress::new(move |notice| {
        if let Notice::Event(_, Event::AttemptEnded { attempt, .. }) = notice
            && attempt.as_str().contains("merge")
        {
            stopping.stop(order()).unwrap();
        }
    });
    let base = world.repo.at("main");
    let engine = world.builder(world.mock(works_apart)).orders(orders.clone()).progress(progress).build();
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!((world.repo.at("main"), world.phase(1).await), (base, "landing"));
    assert!(!world.state().await.outbox.is_empty());

    orders.put(&Request::new(order(), Ask::Lift)).unwrap();
    run(&world).await.unwrap();
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn a_cancelled_issue_is_left_alone_and_the_others_go_on() {
    let mut world = World::with(&["exec", "merge"], "concurrency = 2");
    world.config.push_str("concurrency = 2\n");
    world.issue(2, &[]);
    let script =
        |attempt: &Attempt| if attempt.job.issue == issue(1) { endless(attempt) } else { works_apart(attempt) };
    // Either of the two may be started first.
    let cancel = |attempt: &Attempt, orders: &OrderFolder| {
        if attempt.job.issue == issue(1) {
            let ask = Ask::Cancel { issue: issue(1), attempt: None };
            orders.put(&Request::new(order(), ask)).unwrap();
        }
    };
    let summary = run_while(&world, script, cancel).await.unwrap();
    assert!(!summary.stopped);
    assert_eq!((world.phase(1).await, world.phase(2).await), ("queued", "done"));
    assert!(world.ends().await.contains(&End::Cancelled));
    assert!(world.state().await.control.holds(&issue(1)).unwrap().cancelled);
    run(&world).await.unwrap();
    assert_eq!(world.phase(1).await, "queued", "the next engine leaves it alone too");

    let what = vec![Target::Issue(issue(1))];
    orders(&world).put(&Request::new(order(), Ask::Resume { what })).unwrap();
    run(&world).await.unwrap();
    assert_eq!(world.phase(1).await, "done");
}

#[tokio::test]
async fn a_pause_lets_what_runs_end_and_begins_nothing_new() {
    let world = World::new(&["exec", "merge"]);
    world.issue(2, &[]);
    let asks = |orders: &OrderFolder| orders.put(&pause(Target::Project(web()))).unwrap();
    run_with(&world, works_apart, asks).await.unwrap();
    assert_eq!((world.attempts().len(), world.words().await), (1, vec!["succeeded"]));
    assert_eq!((world.phase(1).await, orders(&world).waiting().len()), ("queued", 0));
    let what = vec![Target::Project(web())];
    orders(&world).put(&Request::new(order(), Ask::Resume { what })).unwrap();
    run(&world).await.unwrap();
    assert_eq!((world.phase(1).await, world.phase(2).await), ("done", "done"));
}

#[tokio::test]
async fn a_drained_engine_lets_what_runs_end_and_writes_what_follows() {
    let world = World::new(&["exec", "merge"]);
    world.issue(2, &[]);
    let engine = crate::identity(std::process::id()).unwrap();
    let drain = move |orders: &OrderFolder| {
        let ask = Ask::End { engine: engine.clone(), how: Quit::Drain };
        orders.put(&Request::new(order(), ask)).unwrap();
    };
    let summary = run_with(&world, works_apart, drain).await.unwrap();
    assert!(summary.drained && !summary.stopped);
    assert_eq!((world.attempts().len(), world.words().await), (1, vec!["succeeded"]));
    assert!(world.state().await.outbox.is_empty());
}

#[tokio::test]
async fn an_order_to_end_is_for_one_engine_alone() {
    let world = World::new(&["exec", "merge"]);
    let engine = dayfly_core::ProcessIdentity { pid: 1, start_ticks: 1, boot_id: "another".into() };
    orders(&world).put(&Request::new(order(), Ask::End { engine, how: Quit::Kill })).unwrap();
    let summary = run(&world).await.unwrap();
    assert_eq!((summary.stopped, world.phase(1).await), (false, "done"));
    assert!(orders(&world).waiting().is_empty(), "it is cleared away");
}

/// Killed at each append: an order is in the ledger once, whatever happens to its file.
#[tokio::test]
async fn an_order_counts_once_though_engines_die() {
    for survives in [false, true] {
        let world = World::new(&["exec", "merge"]);
        orders(&world).put(&pause(Target::Everything)).unwrap();
        let dies = move |event: &Event| matches!(event, Event::Paused { .. });
        let request = orders(&world).waiting().remove(0);
        if survives {
            run(&world).await.unwrap();
            // The row is there, and the file is as if its removal had been lost.
            orders(&world).put(&request).unwrap();
        } else {
            let engine = world
                .builder(world.mock(works_apart))
                .store(Crashing::new(&world, dies))
                .orders(orders(&world))
                .build();
            finish(&engine, idle(0)).await.unwrap_err();
            assert_eq!(orders(&world).waiting().len(), 1, "what the ledger does not hold waits on");
        }
        run(&world).await.unwrap();
        let rows = world.events().await.into_iter().filter(|event| matches!(event, Event::Paused { .. })).count();
        assert_eq!((rows, orders(&world).waiting().len(), world.attempts().len()), (1, 0, 0));
    }
}

#[tokio::test]
async fn an_engine_whose_store_does_not_serve_ends_when_it_is_told_to() {
    for how in [Quit::Polite, Quit::Kill] {
        let world = World::new(&["exec", "merge"]);
        let store = FaultyStore::new(Arc::clone(&world.store) as Arc<dyn Store>);
        let faults = store.clone();
        let runner = world.mock(move |_| {
            faults.begin(StoreFault::Unavailable);
            MockScript { after: Duration::from_millis(1), ..MockScript::succeeds() }
        });
        let (orders, own) = (orders(&world), crate::identity(std::process::id()).unwrap());
        let asks = orders.clone();
        let progress = Progress::new(move |notice| {
            if matches!(notice, Notice::Unavailable(_)) {
                asks.put(&Request::new(order(), Ask::End { engine: own.clone(), how })).unwrap();
                asks.ring();
            }
        });
        let engine = world.builder(runner).store(Arc::new(store)).progress(progress).orders(orders.clone()).build();
        let err = finish(&engine, idle(0)).await.unwrap_err();
        assert_eq!(
            (err.to_string().as_str(), orders.waiting().len()),
            ("the disk is full; free some space", 0),
            "{how:?}"
        );
    }
}
