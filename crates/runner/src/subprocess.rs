//! The executor that runs an attempt as a process of this machine.

mod contain;
mod kept;
mod output;
mod prepare;
mod supervise;
mod unheard;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use dayfly_core::{
    AfterCrash, Attempt, AttemptEvent, Capabilities, CommandLine, Containment, End, ExitFacts, Outcome,
    ProcessIdentity, Receipt, Runner, RunnerError, Running, Sandbox, Stop,
};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::log::{Log, STDERR_LOG, STDOUT_LOG};
use crate::process::{self, Group};
use crate::redact::{KeptStream, secrets_of};
use contain::Walls;
use prepare::{Files, Line};
use supervise::Supervisor;

pub use crate::keeper::is_kept;

/// Has the keeper of this folder end what it keeps, and itself.
pub(crate) fn end_kept(dir: &camino::Utf8Path) {
    kept::Ear::Folder(dir.to_owned()).say(Stop::Kill);
}
pub(crate) use output::{Output, for_display};
pub(crate) use prepare::{child_environment, files as attempt_files, proposal_path};
pub use prepare::{child_variables, native as native_program, without_secrets};
#[cfg(test)]
pub(crate) use tests::test_job;

/// Runs each attempt as a process of this machine.
///
/// The child gets the variables of a short allow-list, those its agent names, a home and a temporary
/// folder in the attempt's own folder, and the mark by which its processes are found again:
/// `DAYFLY_ATTEMPT` and `DAYFLY_TAG`. It also gets `DAYFLY_PROPOSAL`, the file for its proposal, and
/// `DAYFLY_PROJECT`, `DAYFLY_ISSUE` and `DAYFLY_STAGE`.
///
/// In one of two modes:
///
/// - **Kept** ([`SubprocessRunner::kept`]): each attempt has a [keeper](crate::keeper), a process of its own that holds
///   all that the attempt starts, whatever it does to get away, and outlives the engine.
/// - **In process** ([`SubprocessRunner::new`]): the engine itself is the parent. An attempt is stopped by signals to
///   its process group, and on Linux by a search for processes that left the group and carry the attempt's mark; one
///   that also clears its environment escapes. When the engine is killed, what runs goes on without limits until the
///   next engine ends it, and its result is lost.
///
/// Limits are measured on a clock that stands still while the machine is suspended.
#[derive(Debug, Clone, Default)]
pub struct SubprocessRunner {
    keeper: Option<Keeper>,
    walls: Arc<Walls>,
}

/// The program that keeps an attempt, and what it needs to know of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    program: PathBuf,
    args: Vec<OsString>,
    launch: Vec<OsString>,
    after_crash: AfterCrash,
    state: Option<Utf8PathBuf>,
    halt: Option<Utf8PathBuf>,
    user_home: Option<Utf8PathBuf>,
    leave: Leave,
}

/// Whether attempts that are dropped are left to their keepers, which do then what they do when an engine dies. A copy
/// is the same switch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leave(Arc<AtomicBool>);

impl Leave {
    pub(crate) fn set(&self, leave: bool) {
        self.0.store(leave, Ordering::SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl PartialEq for Leave {
    fn eq(&self, other: &Self) -> bool {
        self.is_set() == other.is_set()
    }
}

impl Eq for Leave {}

impl Keeper {
    /// The program `dayfly-job`: with the argument `keep` it is a keeper, and with `launch` it calls
    /// [`launch`](crate::launch) with the arguments behind it.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let words = |word: &str| vec![OsString::from(word)];
        Self {
            program: program.into(),
            args: words("keep"),
            launch: words("launch"),
            after_crash: AfterCrash::default(),
            state: None,
            halt: None,
            user_home: None,
            leave: Leave::default(),
        }
    }

    /// Takes the switch that says whether attempts are left running when they are dropped.
    pub(crate) fn leaving(mut self, leave: Leave) -> Self {
        self.leave = leave;
        self
    }

    /// Names the folder of which a sandbox shows nothing but what is the attempt's own: that of the ledger.
    #[must_use]
    pub fn hiding(mut self, state: impl Into<Utf8PathBuf>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Names the file that, as long as it is there, keeps keepers from starting anything.
    #[must_use]
    pub fn halted_by(mut self, file: impl Into<Utf8PathBuf>) -> Self {
        self.halt = Some(file.into());
        self
    }

    /// Names the home folder that `~/` means in the paths of a sandbox.
    #[must_use]
    pub fn user_home(mut self, home: impl Into<Utf8PathBuf>) -> Self {
        self.user_home = Some(home.into());
        self
    }

    fn launcher(&self) -> Result<Vec<String>, RunnerError> {
        let program = std::path::absolute(&self.program).unwrap_or_else(|_| self.program.clone());
        let words = std::iter::once(program.into_os_string()).chain(self.launch.iter().cloned());
        words.map(OsString::into_string).collect::<Result<_, _>>().map_err(|word| RunnerError::Other {
            what: format!("the path of the keeper, {}, is not UTF-8", word.display()),
            source: None,
        })
    }

    /// Says what becomes of attempts whose engine has died; without it they go on and are taken up again.
    #[must_use]
    pub fn after_crash(mut self, policy: AfterCrash) -> Self {
        self.after_crash = policy;
        self
    }
}

impl SubprocessRunner {
    /// The executor that is itself the parent of what it runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// The executor that gives each attempt a keeper.
    pub fn kept(keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), walls: Arc::default() }
    }
}

#[async_trait]
impl Runner for SubprocessRunner {
    fn name(&self) -> &str {
        "subprocess"
    }

    fn capabilities(&self) -> Capabilities {
        let kept = self.keeper.is_some();
        let tree = kept && cfg!(target_os = "linux");
        Capabilities {
            exit_status: true,
            reattach: kept,
            containment: if tree { Containment::Tree } else { Containment::Group },
            limits: true,
            sandbox: if kept { self.walls.ladder().strongest() } else { Sandbox::None },
        }
    }

    fn can_start(&self, command: &CommandLine) -> Result<(), String> {
        prepare::can_start(command)
    }

    async fn start(&self, attempt: &Attempt) -> Result<Box<dyn Running>, RunnerError> {
        if self.keeper.is_none() && !(attempt.job.sandbox.is_default() && attempt.bridge.is_none()) {
            let what = "the job asks for a sandbox, for limits or for a proxy, which need a keeper; see `EngineBuilder::keeper`";
            return Err(RunnerError::Other { what: what.into(), source: None });
        }
        let for_files = attempt.clone();
        let files = tokio::task::spawn_blocking(move || prepare::files(&for_files)).await.map_err(|e| {
            RunnerError::Other { what: "the attempt's folder was not made".into(), source: Some(e.into()) }
        })??;
        match &self.keeper {
            Some(keeper) => kept::start(keeper, &self.walls, attempt, files).await,
            None => start_here(attempt, &files),
        }
    }

    /// A child of an engine that has ended has lost its pipes: without a keeper there is nothing to take up again.
    async fn reattach(&self, attempt: &Attempt) -> Result<Option<Box<dyn Running>>, RunnerError> {
        match &self.keeper {
            Some(keeper) => kept::reattach(keeper, &self.walls, attempt).await,
            None => Ok(None),
        }
    }
}

/// Starts an attempt as a child of this process. Nothing is awaited, so that nothing can be left behind.
fn start_here(attempt: &Attempt, files: &Files) -> Result<Box<dyn Running>, RunnerError> {
    let line = prepare::line(attempt, &files.dir);
    let secrets = secrets_of(line.env.clone(), &attempt.command.redact);
    let child = spawn(attempt, files, line)?;
    let pid = child.id().unwrap_or_default();
    let leader = process::identity(pid).unwrap_or(ProcessIdentity { pid, start_ticks: 0, boot_id: String::new() });
    let group = Arc::new(Group { leader: leader.clone(), tag: attempt.tag.clone(), attempt: attempt.id.clone() });
    attempt.events.send(AttemptEvent::Spawned(leader));

    let (stop, stop_asked) = watch::channel(None);
    let (told, outcome) = watch::channel(None);
    let kept = |name| KeptStream::new(&secrets, Log::new(files.dir.join(name), attempt.output.log_bytes));
    let output = Output::new(attempt.output, attempt.agent.reader(), attempt.events.clone());
    let kept = [kept(STDOUT_LOG), kept(STDERR_LOG)];
    let supervisor = Supervisor::new(child, Arc::clone(&group), output, kept, attempt.job.clone(), stop_asked);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let outcome = supervisor.run().await;
        told.send_replace(Some(outcome));
    });
    Ok(Box::new(SubprocessRunning { outcome, stop, group, task }))
}

fn spawn(attempt: &Attempt, files: &Files, line: Line) -> Result<Child, RunnerError> {
    let stdin = match &files.stdin {
        Some(path) => std::fs::File::open(path).map_err(prepare::at(path))?.into(),
        None => Stdio::null(),
    };
    let mut command = Command::new(line.program);
    command.args(line.args).current_dir(&attempt.cwd).env_clear().envs(line.env);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command.spawn().map_err(|source| RunnerError::Spawn { program: attempt.command.program.clone(), source })
}

#[derive(Debug)]
struct SubprocessRunning {
    outcome: watch::Receiver<Option<Outcome>>,
    stop: watch::Sender<Option<Stop>>,
    group: Arc<Group>,
    /// The supervising task; it ends with this value.
    task: JoinSet<()>,
}

#[async_trait]
impl Running for SubprocessRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        wait(&mut self.outcome).await
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        self.stop.send_if_modified(|asked| {
            let news = *asked != Some(how) && *asked != Some(Stop::Kill);
            if news {
                *asked = Some(how);
            }
            news
        });
        Ok(())
    }
}

impl Drop for SubprocessRunning {
    fn drop(&mut self) {
        self.task.abort_all();
        if self.outcome.borrow().is_none() {
            self.group.kill_all();
        }
    }
}

/// Waits for what the task that follows an attempt tells.
async fn wait(outcome: &mut watch::Receiver<Option<Outcome>>) -> Result<Outcome, RunnerError> {
    let ended = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
    match ended {
        Ok(Some(outcome)) => Ok(outcome),
        Ok(None) => Err(RunnerError::Other { what: "the attempt has no outcome".into(), source: None }),
        Err(e) => {
            Err(RunnerError::Other { what: "the attempt's supervisor ended early".into(), source: Some(e.into()) })
        }
    }
}

/// What was seen of an attempt besides its output.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    took: Duration,
    output_bytes: u64,
    leaky: bool,
    facts: ExitFacts,
}

/// The outcome of an attempt that has ended. Where we ended it that is the `end`; otherwise its agent's adapter says.
fn ended(output: Output, end: Option<End>, seen: Seen) -> Outcome {
    let (ending, tail) = output.finish(seen.facts);
    let receipt = Receipt {
        took: seen.took,
        exit_code: seen.facts.code,
        signal: seen.facts.signal,
        usage: ending.usage,
        model: ending.model,
        billing: ending.opening.as_ref().map(|opening| opening.billing).unwrap_or_default(),
        opening: ending.opening.map(Box::new),
        limits: ending.limits,
        output_bytes: seen.output_bytes,
        leaky: seen.leaky,
        tail,
        ..Receipt::default()
    };
    Outcome { end: end.unwrap_or(ending.end), proposal: None, commit: None, answer: ending.answer, receipt }
}

#[cfg(test)]
mod tests;
