//! The operator asks for the end.

use dayfly_core::AttemptEvent;

use super::*;
use crate::SubprocessRunner;

/// An agent that never ends by itself.
fn endless(_: &Attempt) -> MockScript {
    MockScript { after: Duration::MAX, ..MockScript::succeeds() }
}

/// Interrupts when something has been told, once for each answer that is given.
fn interrupter(when: impl Fn(&Notice<'_>) -> Option<Stop> + Send + Sync + 'static) -> (Progress, mpsc::Receiver<Stop>) {
    let (asks, asked) = mpsc::channel(8);
    let progress = Progress::new(move |notice| {
        if let Some(stop) = when(&notice) {
            asks.try_send(stop).unwrap();
        }
    });
    (progress, asked)
}

fn has_started(notice: &Notice<'_>) -> bool {
    matches!(notice, Notice::Event(_, Event::AttemptStarted { .. }))
}

#[tokio::test]
async fn the_first_interrupt_stops_what_runs_starts_nothing_and_charges_nobody() {
    let world = World::new(&["exec", "merge"]);
    world.issue(2, &[]);
    let (progress, mut asked) = interrupter(|notice| has_started(notice).then_some(Stop::Polite));
    let engine = world.builder(world.mock(endless)).progress(progress).build();
    let summary = finish_with(&engine, idle(0), &mut asked).await.unwrap();
    assert!(summary.stopped);
    assert_eq!((world.attempts(), world.words().await), (vec!["web.1.exec.1".to_owned()], vec!["cancelled"]));
    let known = world.known(1).await;
    assert_eq!((known.visit_attempts, known.phase), (0, Phase::Queued { not_before: None }));
    world.run(works_apart).await;
    assert_eq!((world.phase(1).await, world.phase(2).await), ("done", "done"), "the next run goes on");
}

fn works_apart(attempt: &Attempt) -> MockScript {
    commits(attempt, &[(attempt.job.issue.issue.as_str(), "")])
}

#[tokio::test]
async fn what_is_written_outside_is_finished_before_the_end() {
    let world = World::new(&["exec", "merge"]);
    let (progress, mut asked) = interrupter(|notice| match notice {
        Notice::Event(_, Event::AttemptEnded { attempt, .. }) if attempt.as_str().contains("merge") => {
            Some(Stop::Polite)
        }
        _ => None,
    });
    let engine = world.builder(world.mock(works)).progress(progress).build();
    finish_with(&engine, idle(0), &mut asked).await.unwrap();
    assert!(world.state().await.outbox.is_empty());
    assert_eq!(world.shown(1).await.state, TrackerState::Closed);
}

#[tokio::test]
async fn an_interrupt_before_anything_runs_starts_nothing() {
    let world = World::new(&["exec", "merge"]);
    let (asks, mut asked) = mpsc::channel(1);
    asks.try_send(Stop::Polite).unwrap();
    let engine = world.builder(world.mock(works)).build();
    let summary = finish_with(&engine, idle(0), &mut asked).await.unwrap();
    assert!(summary.stopped && world.attempts().is_empty());
}

#[tokio::test]
async fn the_second_interrupt_kills_what_does_not_stop() {
    let mut world = World::with(&["exec", "merge"], "[limits]\ngrace = \"1h\"");
    let stubborn = r#"["sh", "-c", "trap '' TERM; echo up; while :; do sleep 600; done"]"#;
    world.config = world.config.replace(r#"["script"]"#, stubborn);
    let (progress, mut asked) = interrupter(|notice| match notice {
        Notice::Attempt(_, AttemptEvent::Line { text, .. }) if text == "up" => Some(Stop::Polite),
        Notice::Stopping(Stop::Polite) => Some(Stop::Kill),
        _ => None,
    });
    let engine = world.builder(Arc::new(SubprocessRunner::new())).progress(progress).build();
    finish_with(&engine, idle(0), &mut asked).await.unwrap();
    assert_eq!(world.words().await, ["cancelled"]);
    let Some(Event::AttemptEnded { outcome, .. }) =
        world.events().await.into_iter().find(|e| e.kind() == dayfly_core::EventKind::AttemptEnded)
    else {
        panic!()
    };
    assert_eq!(outcome.receipt.signal, Some(9));
}

#[tokio::test]
async fn an_engine_that_nobody_can_interrupt_comes_to_its_end() {
    let world = World::new(&["exec", "merge"]);
    let (asks, mut asked) = mpsc::channel(1);
    drop(asks);
    let engine = world.builder(world.mock(works)).build();
    let summary = finish_with(&engine, idle(0), &mut asked).await.unwrap();
    assert_eq!((summary.done, summary.stopped), (vec![issue(1)], false));
}

/// A gate's command may take as long as `gate-timeout`; the operator will not wait for it.
#[tokio::test]
async fn an_interrupt_ends_the_commands_of_a_gate_and_the_next_run_does_the_work_again() {
    let world = World::new(&["exec", "merge"]);
    let sign = world.repo.root.join("sign");
    let slow = format!(
        "[[command]]\nname = \"t\"\nrun = [\"sh\", \"-c\", \"[ -e {sign} ] || {{ touch {sign}; sleep 600; }}\"]\n"
    );
    world.repo.commit(&[(".dayfly/gates.toml", &slow)]);
    let (asks, mut asked) = mpsc::channel(8);
    let engine = world.builder(world.mock(works)).build();
    let stop = async {
        while !sign.exists() {
            tokio::task::yield_now().await;
        }
        asks.try_send(Stop::Polite).unwrap();
    };
    let (end, ()) = tokio::join!(finish_with(&engine, idle(0), &mut asked), stop);
    end.unwrap();
    assert_eq!((world.words().await, world.phase(1).await), (vec!["cancelled"], "queued"));
    world.run(works).await;
    assert_eq!(world.words().await, ["cancelled", "succeeded", "succeeded"]);
}

#[tokio::test]
async fn interrupts_are_no_failures_of_the_host() {
    let world = World::new(&["exec", "merge"]);
    for _ in 0..2 {
        let (progress, mut asked) = interrupter(|notice| {
            matches!(notice, Notice::Event(_, Event::AttemptStarted { .. })).then_some(Stop::Polite)
        });
        let engine = world.builder(world.mock(endless)).progress(progress).build();
        finish_with(&engine, idle(0), &mut asked).await.unwrap();
    }
    world.run(|_| MockScript::ends(End::TimedOutWall { limit: Duration::from_secs(1) })).await;
    assert_eq!(world.words().await, ["cancelled", "cancelled", "timed-out-wall"]);
    assert_eq!(world.phase(1).await, "queued");
    assert_eq!(world.known(1).await.uncounted, 2);
}
