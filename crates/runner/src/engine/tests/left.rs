//! An engine that starts while its store does not serve, or that cannot read for a moment, with what another one left.

use dayfly_testkit::store::{FaultyStore, StoreFault};
use futures_util::future::join_all;

use super::outbox::Crashing;
use super::*;

fn faulty(world: &World) -> FaultyStore {
    FaultyStore::new(Arc::clone(&world.store) as Arc<dyn Store>)
}

/// Leaves an attempt whose end was not written.
async fn lose_one(world: &World) {
    let is_end = |event: &Event| matches!(event, Event::AttemptEnded { outcome, .. } if outcome.end != End::Lost);
    let engine = world.builder(world.mock(works)).store(Crashing::new(world, is_end)).build();
    finish(&engine, idle(0)).await.unwrap_err();
}

/// Runs an engine over a store, and gives how often it told that this does not serve.
async fn runs(world: &World, store: FaultyStore) -> usize {
    let (tell, mut told) = mpsc::unbounded_channel();
    let progress = Progress::new(move |notice| {
        if matches!(notice, Notice::Unavailable(_)) {
            tell.send(()).unwrap();
        }
    });
    let engine = world.builder(world.mock(works)).store(Arc::new(store)).progress(progress).build();
    finish(&engine, idle(0)).await.unwrap();
    drop(engine);
    std::iter::from_fn(|| told.try_recv().ok()).count()
}

#[tokio::test]
async fn an_engine_that_starts_while_its_store_does_not_serve_waits_for_it_and_tells_it_once() {
    let world = World::new(&["exec", "merge"]);
    lose_one(&world).await;
    let store = faulty(&world);
    store.begin(StoreFault::Unavailable);
    let mended = async {
        let mut seen = 0;
        while seen < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            seen = store.refusals();
        }
        assert_eq!(world.attempts().len(), 1, "nothing is begun meanwhile");
        store.end();
    };
    let (told, ()) = tokio::join!(runs(&world, store.clone()), mended);
    assert_eq!((told, world.phase(1).await), (1, "done"));
    assert_eq!(world.words().await, ["lost", "succeeded", "succeeded"]);
}

#[tokio::test]
async fn the_operator_ends_an_engine_that_waits_for_its_store_at_its_start() {
    let world = World::new(&["exec", "merge"]);
    let store = faulty(&world);
    store.begin(StoreFault::Unavailable);
    let (asks, mut asked) = mpsc::channel(1);
    let progress = Progress::new(move |notice| {
        if matches!(notice, Notice::Unavailable(_)) {
            asks.try_send(Stop::Polite).unwrap();
        }
    });
    let engine = world.builder(world.mock(works)).store(Arc::new(store)).progress(progress).build();
    let err = finish_with(&engine, idle(0), &mut asked).await.unwrap_err();
    assert_eq!(err.to_string(), "the disk is full; free some space");
}

/// What is recorded at a start: that it began, and what became of what was left. Neither is lost, and neither twice.
#[tokio::test]
async fn an_append_of_recovery_that_fails_or_whose_answer_is_lost_happens_once() {
    let all = [1, 2].into_iter().flat_map(|nth| [StoreFault::Unavailable, StoreFault::AnswerLost].map(|f| (nth, f)));
    join_all(all.map(async |(nth, fault)| {
        let world = World::new(&["exec", "merge"]);
        lose_one(&world).await;
        let store = faulty(&world);
        store.fail_append(nth, fault);
        assert_eq!(runs(&world, store).await, 1, "append {nth}, {fault:?}");
        let words = world.words().await;
        assert_eq!(words, ["lost", "succeeded", "succeeded"], "append {nth}, {fault:?}");
        let count = |is: fn(&Event) -> bool, events: &[Event]| events.iter().filter(|event| is(event)).count();
        let events = world.events().await;
        assert_eq!(count(|e| matches!(e, Event::EngineStarted { .. }), &events), 2, "append {nth}, {fault:?}");
        assert_eq!(count(|e| matches!(e, Event::Recovered { .. }), &events), 1, "append {nth}, {fault:?}");
    }))
    .await;
}

/// An issue that was set aside, and is opened again: the engine asks the store for it.
async fn opened_again() -> World {
    let world = World::new(&["exec", "merge"]);
    world.run(works).await;
    world.edit(1, "\"closed\"", "\"open\"");
    world
}

#[tokio::test]
async fn no_question_to_the_store_that_fails_once_ends_a_run() {
    let world = opened_again().await;
    let store = faulty(&world);
    runs(&world, store.clone()).await;
    let questions = store.questions();
    assert!(questions >= 4, "it is taken over, loaded, asked for an issue, and read at the end: {questions}");
    join_all((1..=questions).map(async |nth| {
        let world = opened_again().await;
        let store = faulty(&world);
        store.fail_question(nth);
        // Whether it is told depends on whether it was asked for anything that cannot wait.
        runs(&world, store).await;
        assert_eq!((world.known(1).await.attempts, world.phase(1).await), (4, "done"), "question {nth}");
    }))
    .await;
}
