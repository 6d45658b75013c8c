//! An executor that runs nothing: each attempt goes as a script says.

mod book;
mod life;
mod rules;
mod script;

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use dayfly_core::{
    Attempt, AttemptEvent, Capabilities, Containment, EventSink, Outcome, Runner, RunnerError, Running, Sandbox, Stop,
};
use tokio::time::{Instant, sleep_until};

pub use book::MockCall;
use book::{Book, Slot};
use life::Life;
pub use rules::MockRulesError;
pub use script::{MockRefusal, MockScript, WhenDropped};

/// Says how an attempt goes, if it knows.
type Script = dyn Fn(&Attempt) -> Option<MockScript> + Send + Sync;

/// Runs nothing: each attempt goes as a function or a text of rules says. For tests and rehearsals.
///
/// Time is tokio's, so a test can let it pass at once. What is due is told when somebody waits for the attempt.
///
/// It is stricter than an executor of processes. What an engine must not do, such as to start an attempt twice, two at
/// one issue, or one without a prompt, is kept as a [violation](MockRunner::violations); a test asks for them, or lets
/// the executor [check itself](MockRunner::checked_at_drop). Clones share everything.
///
/// # Rules
///
/// A text of rules is TOML. The first rule that fits an attempt says how it goes; an attempt without one is refused.
///
/// ```
/// # use dayfly_runner::MockRunner;
/// let runner = MockRunner::from_toml(
///     r#"
///     version = 1
///     limits = true                # the wall-clock and silence limits of jobs are enforced
///     reattach = true              # attempts can be taken up again
///
///     [[rule]]                     # which attempts: each of these may be left out
///     project = "web"
///     issue = 7
///     stage = "exec"
///     attempt = 1
///     after = "10m"                # how they go
///     lines = ["building", "testing"]
///     end = "task-failed"
///     reason = "two tests fail"
///
///     [[rule]]
///     stage = "exec"
///     events = [
///         { at = "10s", say = "I look at the tests." },
///         { at = "30s", tool = "Bash", detail = "cargo test" },
///         { at = "40s", line = "error: no space left", stream = "stderr" },
///         { at = "50s", waiting = "the provider is overloaded" },
///     ]
///     after = "20m"
///     files = { "src/new.rs" = "// new\n" }
///     usage = { input_tokens = 12000, output_tokens = 800, cost_usd = 0.11 }
///     model = "model-1"
///
///     [[rule]]
///     stage = "review"
///     proposal = { verdict = "pass", summary = "It does what the issue asks." }
///
///     [[rule]]
///     stage = "prep"
///     hangs = true                 # until it is stopped
///     stubborn = true              # and then until the grace period is over
///     flood = 100000               # lines
///
///     [[rule]]
///     stage = "triage"
///     start_error = "no space left on device"
///     transient = true
///
///     [[rule]]
///     stage = "merge"
///     hangs = true
///     when_dropped = "found"       # it goes on without its engine; or "lost", or "killed"
///     "#,
/// )?;
/// # assert!(runner.violations().is_empty());
/// # Ok::<(), dayfly_runner::MockRulesError>(())
/// ```
///
/// An `end` is a word of [`End`](dayfly_core::End): `gate-failed` takes `gate` and `reason`, `needs-human` takes
/// `question`, `quota` takes `resets_at`, `permission-denied` takes `tools`, `timed-out-wall` and `timed-out-silence` take
/// the job's own limit, and all that give a reason take `reason`. A `proposal` that is a string is written as it is.
#[derive(Clone)]
pub struct MockRunner {
    script: Arc<Script>,
    limits: bool,
    reattach: bool,
    book: Arc<Book>,
}

impl MockRunner {
    /// An executor whose attempts go as `script` says. It is asked once for each attempt, at its start.
    pub fn new(script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static) -> Self {
        Self::of(Arc::new(move |attempt: &Attempt| Some(script(attempt))))
    }

    /// An executor whose attempts go as a text of rules says.
    ///
    /// # Errors
    /// The first problem of the text, with its line and what helps.
    pub fn from_toml(text: &str) -> Result<Self, MockRulesError> {
        let rules = rules::read(text)?;
        let (limits, reattach) = (rules.limits, rules.reattach);
        Ok(Self { limits, reattach, ..Self::of(Arc::new(move |attempt: &Attempt| rules.script(attempt))) })
    }

    fn of(script: Arc<Script>) -> Self {
        Self { script, limits: false, reattach: false, book: Arc::default() }
    }

    /// The same, and the wall-clock and silence limits of jobs are enforced.
    #[must_use]
    pub fn with_limits(self) -> Self {
        Self { limits: true, ..self }
    }

    /// The same, and attempts can be taken up again.
    #[must_use]
    pub fn with_reattach(self) -> Self {
        Self { reattach: true, ..self }
    }

    /// The same, and it panics with its violations, if there are any, when its last clone and attempt are dropped.
    #[must_use]
    pub fn checked_at_drop(self) -> Self {
        self.book.check_at_drop();
        self
    }

    /// What was done that an engine must not do, in words.
    pub fn violations(&self) -> Vec<String> {
        self.book.violations()
    }

    /// What was asked of it and what came of it, in order.
    pub fn calls(&self) -> Vec<MockCall> {
        self.book.calls()
    }

    /// The attempts that were started, in order. Their events go nowhere.
    pub fn started(&self) -> Vec<Attempt> {
        self.book.started()
    }
}

impl fmt::Debug for MockRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MockRunner")
    }
}

#[async_trait]
impl Runner for MockRunner {
    fn name(&self) -> &str {
        "mock"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            exit_status: false,
            reattach: self.reattach,
            containment: Containment::None,
            limits: self.limits,
            sandbox: Sandbox::None,
        }
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        self.book.judge(attempt);
        let refuse = |kind, why: String| {
            self.book.call(MockCall::Refused(attempt.id.clone()));
            let program = attempt.command.program.clone();
            Err(RunnerError::Spawn { program, source: io::Error::new(kind, why) })
        };
        if !attempt.cwd.is_dir() {
            return refuse(io::ErrorKind::NotADirectory, format!("{} is not a folder", attempt.cwd));
        }
        let Some(script) = (self.script)(attempt) else {
            let why = format!("no rule fits {}; add a [[rule]] for it", attempt.id);
            self.book.violation(why.clone());
            return refuse(io::ErrorKind::NotFound, why);
        };
        if let Some(MockRefusal { why, transient }) = script.refusal {
            let kind = if transient { io::ErrorKind::StorageFull } else { io::ErrorKind::NotFound };
            return refuse(kind, why);
        }
        let slot = Arc::new(Slot::new(Life::new(attempt.clone(), script, self.limits, Instant::now())));
        self.book.enter(attempt, &slot);
        // What it tells at once is told before this returns.
        let _ = slot.look();
        Ok(self.running(slot))
    }

    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        let slot = self.book.find(&attempt.id).filter(|_| self.reattach);
        self.book.call(MockCall::Reattached { attempt: attempt.id.clone(), found: slot.is_some() });
        Ok(slot.map(|slot| {
            slot.life().tell(attempt.events.clone());
            attempt.events.send(AttemptEvent::CaughtUp);
            self.running(slot)
        }))
    }
}

impl MockRunner {
    fn running(&self, slot: Arc<Slot>) -> Box<dyn Running> {
        Box::new(MockRunning { slot, book: Arc::clone(&self.book) })
    }
}

#[derive(Debug)]
struct MockRunning {
    slot: Arc<Slot>,
    book: Arc<Book>,
}

#[async_trait]
impl Running for MockRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        loop {
            let changed = self.slot.changed();
            let next = match self.slot.look() {
                Ok(outcome) => {
                    self.book.ended(self.slot.id(), &outcome.end);
                    return Ok(outcome);
                }
                Err(next) => next,
            };
            tokio::select! {
                () = changed => {}
                () = at(next) => {}
            }
        }
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        self.book.call(MockCall::Stop { attempt: self.slot.id(), how });
        self.slot.stop(how);
        Ok(())
    }
}

impl Drop for MockRunning {
    fn drop(&mut self) {
        if self.slot.look().is_ok() {
            return;
        }
        self.book.call(MockCall::Dropped(self.slot.id()));
        let becomes = self.slot.life().when_dropped();
        match becomes {
            WhenDropped::Killed => self.slot.stop(Stop::Kill),
            WhenDropped::Found => self.slot.life().tell(EventSink::none()),
            WhenDropped::Lost => {
                self.slot.stop(Stop::Kill);
                self.book.forget(&self.slot.id());
            }
        }
    }
}

/// Waits until then; a time that no clock can hold never comes.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
