//! An executor that runs nothing: each attempt goes as a script says.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8Path;
use dayfly_core::{
    Attempt, AttemptEvent, Capabilities, Containment, End, Outcome, Receipt, Runner, RunnerError, Running, Sandbox, Stop, Usage,
};
use tokio::time::{Instant, sleep_until};

type Script = dyn Fn(&Attempt) -> MockScript + Send + Sync;

/// Runs nothing: each attempt goes as a function of it says. For tests and rehearsals.
///
/// Time is tokio's, so a test can let it pass at once. Limits are not enforced: say the end you want.
#[derive(Clone)]
pub struct MockRunner {
    script: Arc<Script>,
}

/// How one attempt goes.
#[derive(Debug, Clone, PartialEq)]
pub struct MockScript {
    /// How long it takes.
    pub after: Duration,
    /// What it tells when it starts.
    pub events: Vec<AttemptEvent>,
    /// How it ends, unless it is stopped before.
    pub end: End,
    /// What it used.
    pub usage: Usage,
    /// What is in its proposal file at the end.
    pub proposal_json: Option<String>,
    /// Files it writes, as paths from the folder it starts in and what is in them.
    pub files: Vec<(String, String)>,
}

impl MockScript {
    /// An attempt that ends at once, and leaves nothing behind.
    pub fn ends(end: End) -> Self {
        Self {
            after: Duration::ZERO,
            events: Vec::new(),
            end,
            usage: Usage::default(),
            proposal_json: None,
            files: Vec::new(),
        }
    }

    /// An attempt that succeeds at once, and leaves nothing behind.
    pub fn succeeds() -> Self {
        Self::ends(End::Succeeded)
    }
}

impl MockRunner {
    /// An executor whose attempts go as `script` says. It is asked once for each attempt, at its start.
    pub fn new(script: impl Fn(&Attempt) -> MockScript + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script) }
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
        Capabilities { exit_status: false, reattach: false, containment: Containment::None, limits: false, sandbox: Sandbox::None }
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        let script = (self.script)(attempt);
        for event in &script.events {
            attempt.events.send(event.clone());
        }
        let started = Instant::now();
        // A time that no clock can hold is one that never comes.
        let ends_at = started.checked_add(script.after);
        Ok(Box::new(MockRunning { attempt: attempt.clone(), script, started, ends_at, outcome: None }))
    }

    async fn reattach(&self, _attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct MockRunning {
    attempt: Attempt,
    script: MockScript,
    started: Instant,
    ends_at: Option<Instant>,
    outcome: Option<Outcome>,
}

#[async_trait]
impl Running for MockRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        if let Some(outcome) = &self.outcome {
            return Ok(outcome.clone());
        }
        match self.ends_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
        self.leave_files()?;
        Ok(self.end(self.script.end.clone()))
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        let over = self.ends_at.is_some_and(|at| at <= Instant::now());
        if self.outcome.is_none() && !over {
            self.attempt.events.send(AttemptEvent::Stopping(how));
            self.end(End::Cancelled);
        }
        Ok(())
    }
}

impl MockRunning {
    fn end(&mut self, end: End) -> Outcome {
        let receipt = Receipt { took: self.started.elapsed(), usage: self.script.usage, ..Receipt::default() };
        self.outcome.insert(Outcome { end, proposal: None, commit: None, receipt }).clone()
    }

    fn leave_files(&self) -> Result<(), RunnerError> {
        let proposal = self.script.proposal_json.iter().map(|text| (self.attempt.dir.join("proposal.json"), text));
        let files = self.script.files.iter().map(|(path, text)| (self.attempt.cwd.join(path), text));
        proposal.chain(files).try_for_each(|(path, text)| write(&path, text))
    }
}

fn write(path: &Utf8Path, text: &str) -> Result<(), RunnerError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|source| RunnerError::Files { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
