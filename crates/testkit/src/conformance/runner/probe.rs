//! An attempt to try an executor with.

use std::collections::BTreeMap;
use std::fs;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use camino::Utf8Path;
use dayfly_core::{
    Access, Agent, AgentError, AgentEvent, AnswerRule, Attempt, AttemptEvent, AttemptId, CommandLine, End, Ending,
    EventReader, EventSink, ExitFacts, IssueId, IssueRef, JobSpec, OutputLimits, ProjectName, PromptVia, Runner,
    Running, StageName, StageRun, Trust,
};
use tempfile::TempDir;

use super::Case;

/// The number of the next probe's issue.
static COUNT: AtomicU64 = AtomicU64::new(1);

/// The prompt of every probe.
pub(super) const PROMPT: &str = "first line\nlast line without an end";

/// An attempt in a folder of its own, with what was told about it.
pub(super) struct Probe {
    pub(super) attempt: Attempt,
    pub(super) heard: Heard,
    folder: TempDir,
}

/// Whether a script has left its mark.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Present,
    Absent,
}

/// What an executor told about an attempt.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<HeardInner>>);

#[derive(Debug, Default)]
struct HeardInner {
    events: Vec<AttemptEvent>,
    /// The lines that reached the agent's reader.
    lines: Vec<Vec<u8>>,
    waiting: Option<Waker>,
}

impl Probe {
    /// How long the longest script takes that ends by itself.
    pub(super) const LASTS: Duration = Duration::from_secs(5);

    /// An attempt at a stage, which for processes is a script of `/bin/sh`. Each is at an issue of its own.
    pub(super) fn new(stage: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder can be made");
        let root = Utf8Path::from_path(folder.path()).expect("the path of the scratch folder is UTF-8");
        let cwd = root.join("work");
        fs::create_dir(&cwd).expect("a folder can be made in the scratch folder");
        let job = job(stage);
        let heard = Heard::default();
        let agent = Arc::new(ProbeAgent { script: script.to_owned(), heard: heard.clone() });
        let events = heard.clone();
        let attempt = Attempt {
            id: AttemptId::new(&job.issue, &job.stage, 1),
            command: agent.line(),
            job,
            cwd,
            reads: Vec::new(),
            bridge: None,
            dir: root.join("attempt"),
            agent,
            output: OutputLimits { log_bytes: 10_000, line_bytes: 1_000 },
            tag: root.file_name().unwrap_or("probe").to_owned(),
            events: EventSink::new(move |event| events.add(event)),
        };
        Self { attempt, heard, folder }
    }

    /// Another attempt, at a script that works on the files of this one.
    pub(super) fn watcher(&self, script: &str) -> Self {
        let mut other = Self::new("quick", script);
        other.attempt.cwd = self.attempt.cwd.clone();
        other
    }

    /// Finds the running or ended attempt.
    pub(super) async fn taken_up(&self, case: &Case<'_>, runner: &dyn Runner) -> Box<dyn Running> {
        match case.soon("`reattach` does not return", runner.reattach(&self.attempt)).await {
            Ok(Some(running)) => running,
            Ok(None) => case.broken("it is not found"),
            Err(error) => case.broken(format_args!("`reattach`: {error}")),
        }
    }

    /// Whether the script has written the file `mark`.
    pub(super) fn mark(&self) -> Mark {
        if self.folder.path().join("work/mark").exists() { Mark::Present } else { Mark::Absent }
    }

    /// Waits for the first line of output, and fails if the attempt ends before it.
    pub(super) async fn first_line(&self, case: &Case<'_>, running: &mut dyn Running) {
        let mut end = running.wait();
        let heard = poll_fn(|context| {
            let mut heard = self.heard.lock();
            if heard.events.iter().any(|event| matches!(event, AttemptEvent::Line { .. })) {
                return Poll::Ready(());
            }
            heard.waiting = Some(context.waker().clone());
            drop(heard);
            match end.as_mut().poll(context) {
                Poll::Ready(ended) => case.broken(format_args!("it ended before it printed a line: {ended:?}")),
                Poll::Pending => Poll::Pending,
            }
        });
        case.soon("no line is told of what it prints", heard).await;
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, HeardInner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, event: AttemptEvent) {
        let waiting = {
            let mut heard = self.lock();
            heard.events.push(event);
            heard.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    pub(super) fn events(&self) -> Vec<AttemptEvent> {
        self.lock().events.clone()
    }

    /// The lines that reached the agent's reader.
    pub(super) fn lines(&self) -> Vec<Vec<u8>> {
        self.lock().lines.clone()
    }
}

/// Runs a script; exit code 0 is success.
#[derive(Debug)]
struct ProbeAgent {
    script: String,
    heard: Heard,
}

impl ProbeAgent {
    fn line(&self) -> CommandLine {
        CommandLine {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), self.script.clone()],
            prompt: PromptVia::Stdin,
            env: BTreeMap::new(),
            pass_env: Vec::new(),
            redact: Vec::new(),
            ..CommandLine::default()
        }
    }
}

impl Agent for ProbeAgent {
    fn name(&self) -> &str {
        "probe"
    }

    fn command(&self, _job: &JobSpec) -> Result<CommandLine, AgentError> {
        Ok(self.line())
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::new(ProbeReader(self.heard.clone()))
    }
}

#[derive(Debug)]
struct ProbeReader(Heard);

impl EventReader for ProbeReader {
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        self.0.lock().lines.push(line.to_vec());
        Vec::new()
    }

    fn finish(self: Box<Self>, exit: ExitFacts) -> Ending {
        let end = match exit {
            ExitFacts { signalled_by_us: true, .. } => End::Cancelled,
            ExitFacts { code: Some(0), .. } => End::Succeeded,
            other => End::TaskFailed { reason: format!("{other:?}") },
        };
        Ending::new(end)
    }
}

fn job(stage: &str) -> JobSpec {
    let far = Duration::from_secs(120);
    JobSpec {
        kind: "stage".into(),
        issue: IssueRef::new(
            ProjectName::new("probe").expect("the name is fine"),
            IssueId::new(COUNT.fetch_add(1, Ordering::Relaxed).to_string()).expect("the id is fine"),
        ),
        trust: Trust::Writer,
        title: "a probe".into(),
        milestone: None,
        stage: StageName::new(stage).expect("the name is fine"),
        run: StageRun::Agent,
        agent: None,
        model: None,
        prompt: PROMPT.into(),
        access: Access::Write,
        vendor: None,
        account: None,
        profile: Default::default(),
        answer_by: Default::default(),
        skills: Vec::new(),
        spend: Default::default(),
        answer: AnswerRule::None,
        effects: Vec::new(),
        children: 0,
        caps: dayfly_core::ProposalCaps::default(),
        base: None,
        start: None,
        admission: Vec::new(),
        gates: Vec::new(),
        protected: Vec::new(),
        diff_lines: 0,
        wall: far,
        silence_report: far,
        silence: far,
        grace: Duration::from_millis(200),
        gate_timeout: far,
        sandbox: dayfly_core::SandboxSpec::default(),
    }
}
