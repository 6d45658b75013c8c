//! A store that does not serve: for a while, for good, or without an answer.

use dayfly_testkit::store::{FaultyStore, StoreFault};

use super::*;

/// A store of the world's that fails as it is told to.
fn faulty(world: &World) -> FaultyStore {
    FaultyStore::new(Arc::clone(&world.store) as Arc<dyn Store>)
}

/// What an engine told of its store, as it happened.
fn told() -> (Progress, mpsc::UnboundedReceiver<String>) {
    let (tell, told) = mpsc::unbounded_channel();
    let progress = Progress::new(move |notice| {
        let word = match notice {
            Notice::Unavailable(err) => err.to_string(),
            Notice::Available => "available".to_owned(),
            _ => return,
        };
        let _ = tell.send(word);
    });
    (progress, told)
}

/// An executor whose attempts begin a fault.
fn full_while_it_works(world: &World, store: &FaultyStore, fault: StoreFault) -> Arc<dyn Runner> {
    let (store, first) = (store.clone(), std::sync::atomic::AtomicBool::new(true));
    world.mock(move |attempt| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            store.begin(fault);
        }
        works(attempt)
    })
}

async fn next(told: &mut mpsc::UnboundedReceiver<String>) -> String {
    let said = tokio::time::timeout(Duration::from_secs(15), told.recv()).await;
    said.expect("the engine tells nothing").expect("the engine has ended")
}

#[tokio::test]
async fn what_ends_while_the_disk_is_full_is_recorded_once_there_is_room_and_is_told_once() {
    let world = World::new(&["exec", "merge"]);
    let store = faulty(&world);
    let (progress, mut told) = told();
    let runner = full_while_it_works(&world, &store, StoreFault::Unavailable);
    let engine = world.builder(runner).store(Arc::new(store.clone())).progress(progress).build();
    let options = idle(0);
    let run = finish(&engine, options);
    let helps = async {
        assert_eq!(next(&mut told).await, "the disk is full; free some space");
        let (refused, recorded) = (store.refusals(), world.events().await.len());
        while store.refusals() < refused + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!((world.attempts().len(), world.events().await.len()), (1, recorded), "nothing new is begun");
        assert!(world.comments(1).await.is_empty() && told.try_recv().is_err(), "nothing is sent, and it is told once");
        store.end();
        let back = tokio::time::Instant::now();
        assert_eq!(next(&mut told).await, "available");
        assert!(back.elapsed() <= Duration::from_secs(5), "{:?}", back.elapsed());
    };
    let (summary, ()) = tokio::join!(run, helps);
    assert_eq!((summary.unwrap().done.len(), world.words().await), (1, vec!["succeeded", "succeeded"]));
    assert_eq!((world.attempts().len(), world.phase(1).await), (1, "done"), "the agent was not run again");
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_or_that_arrives_twice_happens_once() {
    for fault in [StoreFault::AnswerLost, StoreFault::Doubled] {
        let world = World::new(&["exec", "merge"]);
        let store = faulty(&world);
        store.begin(fault);
        let engine = world.builder(world.mock(works)).store(Arc::new(store)).build();
        finish(&engine, idle(0)).await.unwrap();
        assert_eq!((world.words().await, world.phase(1).await), (vec!["succeeded", "succeeded"], "done"), "{fault:?}");
        assert_eq!((world.attempts().len(), world.comments(1).await.len()), (1, 1), "{fault:?}");
        let done = |event: &Event| matches!(event, Event::EffectDone { landed: Some(_), .. });
        assert_eq!(world.events().await.iter().filter(|event| done(event)).count(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn the_operator_ends_an_engine_whose_store_does_not_serve_and_the_next_one_goes_on() {
    let world = World::new(&["exec", "merge"]);
    let store = faulty(&world);
    let (asks, mut asked) = mpsc::channel(2);
    let progress = Progress::new(move |notice| {
        if matches!(notice, Notice::Unavailable(_)) {
            asks.try_send(Stop::Polite).unwrap();
        }
    });
    let runner = full_while_it_works(&world, &store, StoreFault::Unavailable);
    let engine = world.builder(runner).store(Arc::new(store.clone())).progress(progress).build();
    let err = finish_with(&engine, idle(0), &mut asked).await.unwrap_err();
    assert_eq!(err.to_string(), "the disk is full; free some space");
    assert_eq!(world.state().await.live.len(), 1, "what ended is settled by the next engine");
    drop(engine);
    world.run(works).await;
    assert_eq!((world.words().await, world.phase(1).await), (vec!["lost", "succeeded", "succeeded"], "done"));
    assert_eq!(world.known(1).await.visit_attempts, 0, "and charged to nobody");
}

#[tokio::test]
async fn a_store_that_is_broken_ends_the_run_at_once() {
    let world = World::new(&["exec", "merge"]);
    let store = faulty(&world);
    let runner = full_while_it_works(&world, &store, StoreFault::Broken);
    let engine = world.builder(runner).store(Arc::new(store)).build();
    let err = finish(&engine, idle(0)).await.unwrap_err();
    assert_eq!(err.to_string(), "the ledger is damaged");
}

#[tokio::test]
async fn the_ballast_is_given_up_for_how_things_end_and_nothing_is_begun_before_it_is_back() {
    let world = World::new(&["exec", "merge"]);
    let state = world.repo.root.join("state");
    fs::create_dir_all(&state).unwrap();
    let store = faulty(&world);
    // One refusal, as of a disk that has no room left but the ballast's.
    let (faults, first) = (store.clone(), std::sync::atomic::AtomicBool::new(true));
    let ballast = state.join("ballast");
    let there = ballast.clone();
    let runner = world.mock(move |attempt| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            assert_eq!(there.metadata().unwrap().len(), 1 << 20);
            faults.fail_append(faults.appends() + 1, StoreFault::Unavailable);
        }
        works(attempt)
    });
    let (progress, mut told) = told();
    let engine = world.builder(runner).store(Arc::new(store)).progress(progress).build();
    finish(&engine, idle(0)).await.unwrap();
    assert_eq!(next(&mut told).await, "the disk is full; free some space");
    assert_eq!(next(&mut told).await, "available");
    assert!(ballast.exists() && world.phase(1).await == "done");
}

#[tokio::test]
async fn a_clock_that_jumps_between_two_steps_loses_nothing_and_does_nothing_twice() {
    let hours = jiff::SignedDuration::from_hours;
    let to = |at: &str| at.parse::<Timestamp>().unwrap().duration_since(now());
    for jump in [hours(1), hours(-1), hours(24), hours(-24), to("1970-01-01T00:00:00Z"), to("2038-01-19T03:14:08Z")] {
        let world = World::new(&["exec", "merge"]);
        world.run_once(works).await;
        world.fixed.advance(jump);
        let summary = world.run(works).await;
        assert_eq!((summary.done.len(), world.attempts().len(), world.phase(1).await), (1, 1, "done"), "{jump:?}");
        assert_eq!((world.comments(1).await.len(), world.state().await.outbox.len()), (1, 0), "{jump:?}");
    }
}
