//! Several who want one session, and those who come after one that died.

use super::*;

const LONG: &str = "! echo at work; await go";

#[tokio::test]
async fn a_second_engine_finds_the_session_busy() {
    let world = World::new();
    let (one, other) = (world.runner(), world.runner());
    let mut first = world.attempt(1, LONG);
    let running = first.start(&one).await;
    let err = other.start(&world.attempt(2, "x").attempt).await.unwrap_err();
    let why = std::error::Error::source(&err).map(ToString::to_string).unwrap_or_default();
    assert_eq!(why, "the session is busy with attempt notes.1.exec.1");
    assert!(err.is_transient(), "it is tried again");
    fs::write(world.root.join("notes/go"), "").unwrap();
    assert_eq!(first.ends(running).await.end, End::Succeeded);
    assert_eq!(world.attempt(3, "x").end(&other).await, End::Succeeded);
}

#[tokio::test]
async fn an_attempt_is_taken_up_by_the_next_engine() {
    let world = World::new();
    let mut first = world.attempt(1, LONG);
    let runner = world.runner();
    let running = first.start(&runner).await;
    first.says("at work").await;
    // As after the death of an engine: nobody says good-bye.
    drop(runner);
    drop(running);
    assert_eq!(world.session().status().await.state, SessionState::Left);
    let next = world.runner();
    let mut again = next.reattach(&first.attempt).await.unwrap().expect("it runs");
    assert_eq!(world.session().status().await.state, SessionState::Busy);
    assert!(timeout(Duration::from_millis(300), again.wait()).await.is_err(), "it is still at work");
    fs::write(world.root.join("notes/go"), "").unwrap();
    let outcome = first.ends(again).await;
    assert_eq!(outcome.end, End::Succeeded);
    let mut after = next.reattach(&first.attempt).await.unwrap().expect("its end is known");
    assert_eq!(after.wait().await.unwrap(), outcome);
    assert!(next.reattach(&world.attempt(2, "x").attempt).await.unwrap().is_none(), "another never was");
}

/// What is kept of an attempt for a later engine, changed.
fn change(attempt: &Try, change: impl FnOnce(&mut serde_json::Value)) {
    let path = attempt.attempt.dir.join("session.json");
    let mut kept = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut kept);
    fs::write(path, kept.to_string()).unwrap();
}

#[tokio::test]
async fn a_taken_up_attempt_is_charged_the_time_awake_and_not_what_the_clock_on_the_wall_says() {
    let world = World::new();
    let mut first = world.attempt(1, LONG);
    let runner = world.runner();
    let running = first.start(&runner).await;
    first.says("at work").await;
    drop(runner);
    drop(running);
    // The machine slept for years, or somebody set its clock.
    change(&first, |kept| kept["started"] = "2001-01-01T00:00:00Z".into());
    let next = world.runner();
    let mut again = next.reattach(&first.attempt).await.unwrap().expect("it runs");
    let early = timeout(Duration::from_secs(1), again.wait()).await;
    assert!(early.is_err(), "it was charged for sleep: {early:?}");
    drop(next);
    drop(again);

    // It began with the machine, which was awake all the while.
    let mut awake = 0;
    change(&first, |kept| {
        awake = kept["awake"]["at"]["secs"].as_u64().unwrap();
        kept["awake"]["at"]["secs"] = 0.into();
    });
    let limit = Duration::from_secs(awake);
    first.attempt.job.wall = limit;
    let next = world.runner();
    let again = next.reattach(&first.attempt).await.unwrap().expect("it runs");
    assert_eq!(first.ends(again).await.end, End::TimedOutWall { limit });
}

#[tokio::test]
async fn an_end_that_nobody_saw_is_found_by_the_next_engine() {
    let world = World::new();
    let mut first = world.attempt(1, "! echo at work; await go; touch gone");
    let runner = world.runner();
    let running = first.start(&runner).await;
    first.says("at work").await;
    drop(runner);
    drop(running);
    fs::write(world.root.join("notes/go"), "").unwrap();
    let gone = world.root.join("notes/gone");
    let there = async {
        while !gone.exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, there).await.expect("the agent does not go on by itself");
    let again = world.runner();
    let running = again.reattach(&first.attempt).await.unwrap().expect("it ran");
    assert_eq!(first.ends(running).await.end, End::Succeeded);
}

#[tokio::test]
async fn an_attempt_that_nobody_follows_is_interrupted_by_the_next() {
    let world = World::new();
    let mut first = world.attempt(1, "! echo at work; await never");
    let runner = world.runner();
    let running = first.start(&runner).await;
    first.says("at work").await;
    drop(runner);
    drop(running);
    assert_eq!(world.attempt(2, "x").end(&world.runner()).await, End::Succeeded);
    assert!(world.runner().reattach(&first.attempt).await.unwrap().is_none(), "the session is another's");
}

#[tokio::test]
async fn a_program_that_the_interruption_ended_is_started_again() {
    let world = World::new();
    let mut first = world.attempt(1, "! trap - INT; echo at work; await never");
    let runner = world.runner();
    let running = first.start(&runner).await;
    first.says("at work").await;
    let pid = world.session().status().await.pid;
    drop(runner);
    drop(running);
    assert_eq!(world.attempt(2, "x").end(&world.runner()).await, End::Succeeded);
    assert_ne!(world.session().status().await.pid, pid);
}

#[tokio::test]
async fn an_attempt_that_is_dropped_is_interrupted_and_the_session_is_free() {
    let world = World::new();
    let runner = world.runner();
    let mut first = world.attempt(1, "! echo at work; await never");
    let running = first.start(&runner).await;
    first.says("at work").await;
    drop(running);
    first.says("Stopping(Kill)").await;
    let free = async {
        while world.session().status().await.attempt.is_some() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, free).await.expect("the session stays claimed");
    assert_eq!(world.attempt(2, "x").end(&runner).await, End::Succeeded);
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_the_session_free() {
    let world = World::new();
    let runner = world.runner();
    assert_eq!(world.attempt(1, "x").end(&runner).await, End::Succeeded);
    let second = world.attempt(2, "! await never");
    let claimed = async {
        while world.session().status().await.attempt.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        started = runner.start(&second.attempt) => panic!("it was to be given up before: {started:?}"),
        () = claimed => {}
    }
    assert_eq!(world.attempt(3, "y").end(&runner).await, End::Succeeded);
    assert_eq!(world.read("notes/prompt-seen.txt"), "y\n");
}

#[tokio::test]
async fn a_server_that_lost_its_socket_is_found_again() {
    let world = World::new();
    let runner = world.runner();
    assert_eq!(world.attempt(1, "x").end(&runner).await, End::Succeeded);
    let pid = world.session().status().await.pid;
    fs::remove_file(&world.session().place.socket).unwrap();
    assert_eq!(world.attempt(2, "y").end(&runner).await, End::Succeeded);
    assert_eq!(world.session().status().await.pid, pid, "it is no second one");
}

#[tokio::test]
async fn an_attempt_that_nobody_follows_any_more_is_interrupted_and_its_session_takes_the_next() {
    let world = World::new();
    let none = world.session().interrupt(Duration::ZERO).await.unwrap();
    assert_eq!(none, None, "there is no session yet");
    let mut first = world.attempt(1, LONG);
    let runner = world.runner();
    let running = first.start(&runner).await;
    first.says("at work").await;
    drop(runner);
    drop(running);
    let interrupted = world.session().interrupt(Duration::from_secs(10)).await.unwrap();
    assert_eq!(interrupted, Some(first.attempt.id.clone()));
    assert_eq!(world.session().status().await.state, SessionState::Idle);
    let again = world.session().interrupt(Duration::ZERO).await.unwrap();
    assert_eq!(again, None, "what was interrupted is not interrupted twice");
    assert_eq!(world.attempt(2, "x").end(&world.runner()).await, End::Succeeded);
}
