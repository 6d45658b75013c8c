//! Agents that say nothing: those that work, those that hang, and those whose machine slept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dayfly_core::{AgentEvent, Attempt, AttemptEvent, End, Runner};
use jiff::SignedDuration;

use crate::engine::{Notice, Progress};
use crate::liveness::{Liveness, Look, Signs, Suspends};
use crate::mock::MockScript;
use crate::subprocess::SubprocessRunner;

use super::Wiring;
use super::naive::runners::{Blames, Watchdog, Watches};
use super::tale::Tale;
use super::yard::{Trouble, Yard, count, finish, hours, minutes};

/// Works for three seconds without a word.
const QUIET: &str = "sleep 3 & while kill -0 $! 2>/dev/null; do :; done\n";

pub(super) async fn serial_killer(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale = Tale::begin(
        "Two agents print nothing: one works for three seconds, one hangs. Silence is reported after one second and \
         stopped after two.",
    );
    let limits = "[limits]\nsilence-report = \"1s\"\nsilence = \"2s\"\ngrace = \"1s\"\n[retry]\ntransient = 1";
    let mut yard = Yard::new(2, &[("busy", "quiet"), ("stuck", "hung")], limits)?;
    let quiet = yard.file("quiet.sh", QUIET)?;
    yard.set("argv = [\"quiet\"]", &format!("argv = [\"/bin/sh\", \"{quiet}\"]"));
    yard.set("argv = [\"hung\"]", "argv = [\"/bin/sh\", \"-c\", \"exec sleep 600\"]");
    yard.issues("busy", [1])?;
    yard.issues("stuck", [1])?;
    let whole: Arc<dyn Runner> = Arc::new(SubprocessRunner::new());
    let runner = match wiring {
        Wiring::Whole => whole,
        Wiring::WithoutDefence => {
            Arc::new(Watchdog { inner: whole, limit: Duration::from_millis(1900), watches: Watches::Output })
        }
    };
    let told: Arc<Mutex<Vec<(String, &'static str)>>> = Arc::default();
    let notes = Arc::clone(&told);
    let progress = Progress::new(move |notice| {
        let (attempt, word) = match notice {
            Notice::Attempt(attempt, AttemptEvent::Silent(_)) => (attempt, "reported"),
            Notice::Attempt(attempt, AttemptEvent::Stopping(_)) => (attempt, "stopped"),
            _ => return,
        };
        notes.lock().unwrap_or_else(PoisonError::into_inner).push((attempt.to_string(), word));
    });
    finish(&yard.engine(runner)?.progress(progress).build(), Duration::ZERO).await?;
    let ends = yard.ends().await?;
    let end_of = |project: &str| {
        let mine = ends.iter().filter(|(attempt, _)| attempt.as_str().starts_with(project));
        mine.map(|(_, end)| end.clone()).next()
    };
    let (busy, stuck) = (end_of("busy"), end_of("stuck"));
    let shown = |end: &Option<End>| end.as_ref().map_or_else(|| "no end".to_owned(), ToString::to_string);
    tale.tell(format!("The one that worked: {}.", shown(&busy)));
    tale.tell(format!("The one that hung: {}.", shown(&stuck)));
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let of_stuck: Vec<&str> = told.iter().filter(|(id, _)| id.starts_with("stuck")).map(|(_, word)| *word).collect();
    tale.must("a quiet agent that works is not stopped", busy == Some(End::Succeeded), shown(&busy));
    tale.must(
        "one that hangs is stopped for silence",
        matches!(stuck, Some(End::TimedOutSilence { .. })),
        shown(&stuck),
    );
    let order = of_stuck.starts_with(&["reported", "stopped"]);
    tale.must("its silence is reported before it is stopped", order, of_stuck.join(", then "));
    Ok(tale)
}

/// Says something every four minutes, for twenty.
fn thinks() -> MockScript {
    let later = (1..5).map(|n| (minutes(4 * n), AttemptEvent::Agent(AgentEvent::Text("…".into()))));
    MockScript { after: minutes(20), later: later.collect(), ..MockScript::succeeds() }
}

pub(super) async fn silence_cascade(wiring: Wiring) -> Result<Tale, Trouble> {
    let agents = ["ada", "bea", "cleo", "dora", "eve", "fay"];
    let mut tale =
        Tale::begin("Six agents with 24 issues think up to four minutes between two words; one hangs for good.");
    let projects = ["p1", "p2", "p3", "p4", "p5", "p6"];
    let pairs: Vec<(&str, &str)> = projects.into_iter().zip(agents).collect();
    let strict = "[limits]\nsilence-report = \"1m\"\nsilence = \"2m\"\n[capacity]\nwait = \"1h\"";
    let yard = Yard::new(6, &pairs, if wiring == Wiring::Whole { "" } else { strict })?;
    for project in projects {
        yard.issues(project, 1..=4)?;
    }
    let script = |attempt: &Attempt, _| match attempt.id.as_str() {
        "p1.1.exec.1" => MockScript::hangs(),
        _ => thinks(),
    };
    let whole: Arc<dyn Runner> = Arc::new(yard.mock(script).with_limits());
    let runner: Arc<dyn Runner> = match wiring {
        Wiring::Whole => whole,
        Wiring::WithoutDefence => {
            let cools = |end| match end {
                End::TimedOutSilence { .. } => End::Quota { resets_at: None },
                end => end,
            };
            Arc::new(Blames { inner: whole, as_what: cools })
        }
    };
    let summary = yard.run(runner, hours(1)).await?;
    let ends = yard.ends().await?;
    let stopped = ends.iter().filter(|(_, end)| !matches!(end, End::Succeeded)).count();
    let cooled = yard.events().await?.into_iter().filter_map(|event| match event {
        dayfly_core::Event::CapacityLimited { limit } => Some(limit.key.to_string()),
        _ => None,
    });
    let cooled: std::collections::BTreeSet<String> = cooled.collect();
    tale.tell(format!("{} ran, and {stopped} of them were stopped.", count(ends.len(), "attempt")));
    tale.tell(format!("{} took no work for a while.", count(cooled.len(), "agent")));
    tale.tell(format!("{} of 24 issues were done by the morning.", summary.done.len()));
    tale.must("only what hangs is stopped", stopped == 1, format!("{stopped} stopped"));
    tale.must("one silence keeps no agent from other work", cooled.is_empty(), format!("{cooled:?} left alone"));
    tale.must("every issue is done in the end", summary.done.len() == 24, format!("{} done", summary.done.len()));
    Ok(tale)
}

/// What a keeper sees of an attempt that is silent for a minute before a machine sleeps for eight hours, by the clock
/// that it measures with.
fn keeper_over_a_sleep(wiring: Wiring) -> (Look, Option<Duration>) {
    let (spoke, awake) = (minutes(9), minutes(10));
    let boot = awake + hours(8);
    let mut suspends = Suspends::default();
    suspends.look(spoke, spoke);
    let mut liveness = Liveness::new(minutes(5), minutes(15));
    liveness.heard(spoke);
    let now = if wiring == Wiring::Whole { awake } else { boot };
    let mut look = Look::Fine;
    while liveness.next() <= now && look != Look::Stop {
        look = liveness.look(now, Signs::default());
    }
    (look, suspends.look(awake, boot))
}

pub(super) async fn laptop_sleep(wiring: Wiring) -> Result<Tale, Trouble> {
    let mut tale =
        Tale::begin("An agent works for 40 minutes, of 45 that it has. After 20 the laptop is closed for eight hours.");
    let yard = Yard::new(1, &[("app", "agent")], "")?;
    yard.issues("app", [1])?;
    let script = |_: &Attempt, _| {
        let words = (1..10).map(|n| (minutes(4 * n), AttemptEvent::Agent(AgentEvent::Text("…".into()))));
        MockScript { after: minutes(40), later: words.collect(), ..MockScript::succeeds() }
    };
    let whole: Arc<dyn Runner> = Arc::new(yard.mock(script).with_limits());
    let runner: Arc<dyn Runner> = match wiring {
        Wiring::Whole => whole,
        Wiring::WithoutDefence => {
            Arc::new(Watchdog { inner: whole, limit: minutes(45), watches: Watches::Wall(Arc::clone(&yard.clock)) })
        }
    };
    let closed = async {
        tokio::time::sleep(minutes(20)).await;
        yard.clock.sleep(SignedDuration::from_hours(8));
        // The laptop stays open from now on.
        std::future::pending::<()>().await;
    };
    let summary = tokio::select! {
        summary = yard.run(runner, Duration::ZERO) => summary?,
        () = closed => return Err(Trouble::Other("nothing was waited for".into())),
    };
    let ends: Vec<String> = yard.ends().await?.iter().map(|(_, end)| end.to_string()).collect();
    let morning = yard.clock.seconds() / 3600;
    tale.tell(format!("After {morning} hours on the wall clock its attempt ended: {}.", ends.join("; ")));
    let (look, noticed) = keeper_over_a_sleep(wiring);
    let slept = noticed.unwrap_or_default().as_secs() / 3600;
    tale.tell(format!("The keeper saw a sleep of {slept} hours, and took its own look at the silence for: {look:?}."));
    tale.must("the time that the machine slept ends no attempt", ends == ["succeeded"], ends.join("; "));
    tale.must("the issue is done", summary.done.len() == 1, format!("{} done", summary.done.len()));
    tale.must("a keeper does not take the sleep for silence", look == Look::Fine, format!("{look:?}"));
    tale.must("a keeper notices the sleep", noticed == Some(hours(8)), format!("{noticed:?}"));
    Ok(tale)
}
