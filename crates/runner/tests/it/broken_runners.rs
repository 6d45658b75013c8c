//! Executors around `SubprocessRunner` that break one sentence each: the conformance suite must name it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dayfly_core::{
    Attempt, AttemptEvent, Capabilities, Containment, EventSink, Outcome, Runner, RunnerError, Running, Stop,
};
use dayfly_runner::SubprocessRunner;
use dayfly_testkit::conformance;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    LeaksTheEnvironment,
    StartsElsewhere,
    LosesThePrompt,
    TellsBeforeItFails,
    NeverSaysWhichProcess,
    KeepsALongLog,
    CutsNoLine,
    LosesWhatIsWaitedFor,
    HidesTheExitCode,
    KillsAtOnce,
    AsksBeforeItKills,
    StartsWhatItLooksFor,
    LeavesADroppedStart,
    LeavesADroppedAttempt,
    PromisesATree,
    HasNoWallLimit,
    TellsNoSilence,
}

/// With the words of the sentence that it breaks.
const FAULTS: [(Fault, &str); 17] = [
    (Fault::LeaksTheEnvironment, "Of the engine's environment"),
    (Fault::StartsElsewhere, "The process starts in the attempt's `cwd`."),
    (Fault::LosesThePrompt, "Its standard input ends"),
    (Fault::TellsBeforeItFails, "`start` returns when the attempt runs"),
    (Fault::NeverSaysWhichProcess, "The first event"),
    (Fault::KeepsALongLog, "Memory use does not grow"),
    (Fault::CutsNoLine, "Memory use does not grow"),
    (Fault::LosesWhatIsWaitedFor, "`wait` may be dropped"),
    (Fault::HidesTheExitCode, "the process's own exit code"),
    (Fault::KillsAtOnce, "A polite stop lets the process end by itself"),
    (Fault::AsksBeforeItKills, "The kill does not wait"),
    (Fault::StartsWhatItLooksFor, "`reattach` gives `None`"),
    (Fault::LeavesADroppedStart, "Dropping the future of `start`"),
    (Fault::LeavesADroppedAttempt, "Dropping a running attempt kills it"),
    (Fault::PromisesATree, "no process of it is left"),
    (Fault::HasNoWallLimit, "its wall-clock limit has passed"),
    (Fault::TellsNoSilence, "first told to be silent"),
];

/// What should have been dropped; it is when the test ends.
type Kept = Arc<Mutex<Vec<Box<dyn Running>>>>;

#[derive(Debug, Clone)]
struct Faulty {
    fault: Fault,
    inner: SubprocessRunner,
    kept: Kept,
}

#[derive(Debug)]
struct FaultyRunning {
    fault: Fault,
    inner: Option<Box<dyn Running>>,
    kept: Kept,
    waits: u32,
}

impl Faulty {
    fn attempt(&self, attempt: &Attempt) -> Attempt {
        let mut attempt = attempt.clone();
        match self.fault {
            Fault::LeaksTheEnvironment => {
                attempt.command.pass_env = std::env::vars().map(|(name, _)| name).collect();
            }
            Fault::StartsElsewhere if attempt.cwd.is_dir() => {
                attempt.cwd = attempt.cwd.parent().expect("it is in a folder").to_owned();
            }
            Fault::LosesThePrompt => attempt.job.prompt.clear(),
            Fault::KeepsALongLog => attempt.output.log_bytes *= 100,
            Fault::CutsNoLine => attempt.output.line_bytes *= 100,
            Fault::HasNoWallLimit => attempt.job.wall = Duration::from_secs(3600),
            Fault::NeverSaysWhichProcess => {
                attempt.events = without(&attempt.events, |event| matches!(event, AttemptEvent::Spawned(_)));
            }
            Fault::TellsNoSilence => {
                attempt.events = without(&attempt.events, |event| matches!(event, AttemptEvent::Silent(_)));
            }
            _ => {}
        }
        attempt
    }

    /// Waits with what runs at a place where nobody ends it.
    async fn put_aside(&self, running: Box<dyn Running>) -> Box<dyn Running> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept().push(running);
        // More than once, as how often the start itself waits is a matter of luck.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        let running = kept().pop();
        running.expect("it was put there")
    }
}

fn without(events: &EventSink, dropped: fn(&AttemptEvent) -> bool) -> EventSink {
    let events = events.clone();
    EventSink::new(move |event| {
        if !dropped(&event) {
            events.send(event);
        }
    })
}

#[async_trait]
impl Runner for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn capabilities(&self) -> Capabilities {
        let can = self.inner.capabilities();
        if self.fault == Fault::PromisesATree { Capabilities { containment: Containment::Tree, ..can } } else { can }
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        if self.fault == Fault::TellsBeforeItFails {
            attempt.events.send(AttemptEvent::Silent(Duration::ZERO));
        }
        let inner = self.inner.start(&self.attempt(attempt)).await?;
        let inner = if self.fault == Fault::LeavesADroppedStart { self.put_aside(inner).await } else { inner };
        Ok(Box::new(FaultyRunning { fault: self.fault, inner: Some(inner), kept: Arc::clone(&self.kept), waits: 0 }))
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        if self.fault == Fault::StartsWhatItLooksFor {
            self.inner.start(attempt).await?.wait().await?;
        }
        self.inner.reattach(attempt).await
    }
}

impl FaultyRunning {
    fn inner(&mut self) -> &mut dyn Running {
        &mut **self.inner.as_mut().expect("it is there until it is dropped")
    }
}

#[async_trait]
impl Running for FaultyRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        self.waits += 1;
        let again = self.waits > 1;
        let mut outcome = self.inner().wait().await?;
        match self.fault {
            Fault::LosesWhatIsWaitedFor if again => outcome.end = dayfly_core::End::Lost,
            Fault::HidesTheExitCode => outcome.receipt.exit_code = None,
            _ => {}
        }
        Ok(outcome)
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        let how = match self.fault {
            Fault::KillsAtOnce => Stop::Kill,
            Fault::AsksBeforeItKills => Stop::Polite,
            _ => how,
        };
        self.inner().stop(how).await
    }
}

impl Drop for FaultyRunning {
    fn drop(&mut self) {
        if self.fault == Fault::LeavesADroppedAttempt
            && let Some(inner) = self.inner.take()
        {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(inner);
        }
    }
}

/// What the suite says of an executor with that fault.
fn judged(fault: Fault) -> Result<conformance::Report, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let faulty = Faulty { fault, inner: SubprocessRunner::new(), kept: Kept::default() };
    let suite = conformance::runner_within(Duration::from_secs(5), async || faulty.clone());
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite)))
        .map_err(|panic| *panic.downcast::<String>().expect("the suite panics with a text"))
}

#[test]
fn each_fault_is_named() {
    std::thread::scope(|scope| {
        let judged = FAULTS.map(|(fault, sentence)| (fault, sentence, scope.spawn(move || judged(fault))));
        for (fault, sentence, judged) in judged {
            let said = judged.join().unwrap().map_or_else(|said| said, |report| format!("nothing: {report}"));
            assert!(said.contains(sentence), "{fault:?}: {said}");
        }
    });
}
