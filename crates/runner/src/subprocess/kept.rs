//! Attempts that a keeper holds: started with one, followed, and taken up again.

use std::fs::File;
use std::io::{self, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Attempt, AttemptEvent, AttemptId, End, ExitFacts, Outcome, ProcessIdentity, RunnerError, Running, Sandbox,
    SandboxSpec, Stop, Stream,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::keeper::{
    Identity, KEEPER_VERSION, KILL, KeptEnd, STATUS_FILE, STOP, Spec, Status, Told, lock, read_json, refuse_newer,
};
use crate::log::{LogPart, LogReader, STDERR_LOG, STDOUT_LOG, join};
use crate::process;

use super::contain::{Walled, Walls, never_begun, wall};
use super::output::Output;
use super::prepare::{self, Files, absolute, at};
use super::unheard::unheard;
use super::{Keeper, Leave, Seen, ended};

/// How much of a log is read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Room for what a keeper tells: few and short lines.
const LINE_BYTES: usize = 512;
/// How often an attempt is looked at whose keeper cannot tell: it was started by an engine that has died.
const LOOK: Duration = Duration::from_millis(200);

/// An attempt with a keeper.
#[derive(Debug)]
pub(super) struct KeptRunning {
    outcome: watch::Receiver<Option<Outcome>>,
    ear: Ear,
    leave: Leave,
    /// The following task; it ends with this value.
    task: JoinSet<()>,
}

/// How the keeper is spoken to.
#[derive(Debug)]
pub(super) enum Ear {
    /// By its standard input.
    Pipe(File),
    /// By signals to the keeper of this folder, where that pipe went with another engine.
    Folder(Utf8PathBuf),
    /// It is no longer there.
    Gone,
}

impl Ear {
    /// An error means that it has ended, or is about to.
    pub(super) fn say(&self, how: Stop) {
        match self {
            Ear::Pipe(pipe) => {
                let word = if how == Stop::Kill { KILL } else { STOP };
                let _ = (&*pipe).write_all(word);
            }
            Ear::Folder(dir) => {
                // Read now: it may not have been written yet when the attempt was found.
                let keeper = Identity::of(dir).map(|identity| identity.keeper);
                if let Some(keeper) = keeper.filter(process::is_alive) {
                    let signal = if how == Stop::Kill { Signal::SIGUSR1 } else { Signal::SIGTERM };
                    let _ = i32::try_from(keeper.pid).map(|pid| kill(Pid::from_raw(pid), signal));
                }
            }
            Ear::Gone => {}
        }
    }
}

/// Starts an attempt with a keeper.
pub(super) async fn start(
    keeper: &Keeper,
    walls: &Arc<Walls>,
    attempt: &Attempt,
    files: Files,
) -> Result<Box<dyn Running>, RunnerError> {
    let line = prepare::line(attempt, &files.dir);
    let program = keeper.program.display().to_string();
    let cannot = |source| RunnerError::Spawn { program: program.clone(), source };
    let mut command = Command::new(&keeper.program);
    command.args(&keeper.args).env_clear().envs(&line.env).current_dir(&files.dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let walled = walled(keeper, walls, attempt, &files, &line).await?;
    let spec = spec(keeper, attempt, &files, &walled).map_err(cannot)?;
    let mut child = command.spawn().map_err(cannot)?;
    let missing = || cannot(io::Error::other("it has no standard input and output"));
    let (mut stdin, stdout) = child.stdin.take().zip(child.stdout.take()).ok_or_else(missing)?;
    // A keeper that loses this pipe before it was told anything starts nothing.
    if let Err(source) = stdin.write_all(&spec).await {
        return Err(cannot(unheard(&mut child, Some(source)).await));
    }
    let ear = Ear::Pipe(File::from(stdin.into_owned_fd().map_err(cannot)?));
    let (told, outcome) = watch::channel(None);
    let mut running = KeptRunning { outcome, ear, leave: keeper.leave.clone(), task: JoinSet::new() };
    // From here on dropping this future drops `running`, which ends the attempt.
    let mut lines = BufReader::with_capacity(LINE_BYTES, stdout).lines();
    let leader = match lines.next_line().await.map_err(cannot)?.as_deref().map(serde_json::from_str) {
        Some(Ok(Told::Spawned(leader))) => leader,
        Some(Ok(Told::Failed { reason, errno })) => {
            let source = errno.map_or_else(|| io::Error::other(reason), io::Error::from_raw_os_error);
            return Err(RunnerError::Spawn { program: attempt.command.program.clone(), source });
        }
        _ => return Err(cannot(unheard(&mut child, None).await)),
    };
    attempt.events.send(AttemptEvent::Spawned(leader.clone()));
    let follow = Follow::new(walls, attempt, files.dir, Some(leader));
    running.task.spawn(async move {
        let outcome = follow.while_told(child, lines).await;
        told.send_replace(Some(outcome));
    });
    Ok(Box::new(running))
}

/// The command line within its sandbox. What is asked of the system for it may take a moment.
async fn walled(
    keeper: &Keeper,
    walls: &Arc<Walls>,
    attempt: &Attempt,
    files: &Files,
    line: &prepare::Line,
) -> Result<Walled, RunnerError> {
    let program = line.program.to_str().map(str::to_owned).ok_or_else(|| RunnerError::Other {
        what: format!("the path {} is not UTF-8", line.program.display()),
        source: None,
    })?;
    let argv = std::iter::once(program).chain(line.args.iter().cloned()).collect();
    if attempt.job.sandbox.is_default() && attempt.bridge.is_none() {
        return wall(walls, keeper, attempt, &files.dir, argv);
    }
    let (walls, keeper, attempt, dir) = (Arc::clone(walls), keeper.clone(), attempt.clone(), files.dir.clone());
    let walled = tokio::task::spawn_blocking(move || wall(&walls, &keeper, &attempt, &dir, argv)).await;
    walled.map_err(|err| RunnerError::Other { what: "the sandbox was not made".into(), source: Some(err.into()) })?
}

fn spec(keeper: &Keeper, attempt: &Attempt, files: &Files, walled: &Walled) -> io::Result<Vec<u8>> {
    let (program, args) = walled.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let job = &attempt.job;
    let spec = Spec {
        version: KEEPER_VERSION,
        program: program.into(),
        args: args.to_vec(),
        cwd: absolute(&attempt.cwd)?,
        dir: files.dir.clone(),
        stdin: files.stdin.clone(),
        wall: job.wall,
        silence_report: job.silence_report,
        silence: job.silence,
        grace: job.grace,
        log_bytes: attempt.output.log_bytes,
        redact: attempt.command.redact.clone(),
        after_crash: keeper.after_crash,
        cgroup: walled.cgroup.as_ref().map(|group| group.path().to_owned()),
        halt: keeper.halt.clone(),
        wrappers: walled.wrappers,
    };
    let mut text = serde_json::to_vec(&spec)?;
    text.push(b'\n');
    Ok(text)
}

/// Finds an attempt that a keeper of an earlier engine holds, or held to its end.
pub(super) async fn reattach(
    keeper: &Keeper,
    walls: &Arc<Walls>,
    attempt: &Attempt,
) -> Result<Option<Box<dyn Running>>, RunnerError> {
    let dir = absolute(&attempt.dir).map_err(at(&attempt.dir))?;
    // Without its folder an attempt was not begun. With it, its keeper may be about to begin.
    if !dir.try_exists().map_err(at(&dir))? {
        return Ok(None);
    }
    refuse_newer(&dir).map_err(|what| RunnerError::Other { what, source: None })?;
    // Whoever has the lock now decides: a keeper that comes late finds the status, and starts nothing.
    let held = lock(&dir).map_err(at(&dir))?;
    let status: Option<Status> = read_json(&dir.join(STATUS_FILE)).map_err(at(&dir))?;
    if held.is_some() && status.as_ref().is_none_or(|status| status.end == KeptEnd::Void) {
        Status::of(KeptEnd::Void).write(&dir).map_err(at(&dir))?;
        end_group(walls, attempt, &dir);
        return Ok(None);
    }
    let ear = if held.is_none() { Ear::Folder(dir.clone()) } else { Ear::Gone };
    drop(held);
    let child = Identity::of(&dir).and_then(|identity| identity.child);
    if let Some(child) = &child {
        attempt.events.send(AttemptEvent::Spawned(child.clone()));
    }
    let (told, outcome) = watch::channel(None);
    let mut running = KeptRunning { outcome, ear, leave: keeper.leave.clone(), task: JoinSet::new() };
    let follow = Follow::new(walls, attempt, dir, child);
    running.task.spawn(async move {
        let outcome = follow.untold().await;
        told.send_replace(Some(outcome));
    });
    Ok(Some(Box::new(running)))
}

/// Follows what an attempt prints, by its logs.
struct Follow {
    walls: Arc<Walls>,
    attempt: Known,
    dir: Utf8PathBuf,
    leader: Option<ProcessIdentity>,
    output: Output,
    stdout: LogReader,
    stderr: LogReader,
}

impl Follow {
    fn new(walls: &Arc<Walls>, attempt: &Attempt, dir: Utf8PathBuf, leader: Option<ProcessIdentity>) -> Self {
        Self {
            output: Output::new(attempt.output, attempt.agent.reader(), attempt.events.clone()),
            stdout: LogReader::new(dir.join(STDOUT_LOG)),
            stderr: LogReader::new(dir.join(STDERR_LOG)),
            walls: Arc::clone(walls),
            attempt: Known::of(attempt),
            dir,
            leader,
        }
    }

    /// Follows a keeper that tells what happens.
    async fn while_told(mut self, mut keeper: Child, mut lines: Lines<BufReader<ChildStdout>>) -> Outcome {
        while let Ok(Some(line)) = lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(Told::Silent(lasted)) => self.output.send(AttemptEvent::Silent(lasted)),
                Ok(Told::Stopping(how)) => self.output.send(AttemptEvent::Stopping(how)),
                Ok(Told::Suspended(_) | Told::Spawned(_) | Told::Failed { .. }) => {}
                // An empty line: there is something to read.
                Err(_) => self.read().await,
            }
        }
        // Its end closed the pipe; now it is only to be buried.
        let _ = keeper.wait().await;
        self.finish().await
    }

    /// Follows a keeper that cannot tell.
    async fn untold(mut self) -> Outcome {
        self.read().await;
        self.output.send(AttemptEvent::CaughtUp);
        loop {
            self.read().await;
            match lock(&self.dir) {
                Ok(None) => tokio::time::sleep(LOOK).await,
                Ok(Some(_)) | Err(_) => return self.finish().await,
            }
        }
    }

    /// Reads what is new. It was written just now, so that no disk is waited for.
    async fn read(&mut self) {
        let mut buffer = vec![0; CHUNK_BYTES];
        for stream in [Stream::Stdout, Stream::Stderr] {
            loop {
                let log = if stream == Stream::Stdout { &mut self.stdout } else { &mut self.stderr };
                match log.read(&mut buffer) {
                    Ok(LogPart::Bytes(read)) => self.output.take(stream, &buffer[..read]),
                    Ok(LogPart::Cut(bytes)) => self.output.cut(stream, bytes),
                    // What cannot be read is no reason to end an attempt; its log is there for people.
                    Ok(LogPart::End) | Err(_) => break,
                }
                tokio::task::yield_now().await;
            }
        }
    }

    async fn finish(mut self) -> Outcome {
        self.read().await;
        let status: Option<Status> = read_json(&self.dir.join(STATUS_FILE)).unwrap_or_default();
        // Two engines may have followed it; one of them puts its logs together.
        if let Ok(Some(_lock)) = lock(&self.dir) {
            for log in [STDOUT_LOG, STDERR_LOG] {
                // After an error the end stays where it went round, and `logs` reads it there.
                let _ = join(&self.dir.join(log), 0);
            }
        }
        let Some(status) = status else {
            return self.abandoned().await;
        };
        let end = match status.end {
            KeptEnd::Exited => None,
            KeptEnd::Wall => Some(End::TimedOutWall { limit: self.attempt.wall }),
            KeptEnd::Silence => Some(End::TimedOutSilence { limit: self.attempt.silence }),
            KeptEnd::Stopped => Some(End::Cancelled),
            KeptEnd::Orphaned | KeptEnd::Void => Some(End::Lost),
            KeptEnd::NotStarted { reason } => Some(End::Environment { reason }),
        };
        let seen = Seen {
            took: Duration::from_millis(status.took_ms),
            output_bytes: status.stdout_bytes + status.stderr_bytes,
            leaky: status.leaky,
            facts: ExitFacts {
                code: status.exit_code,
                signal: status.signal,
                signalled_by_us: matches!(
                    end,
                    Some(End::TimedOutWall { .. } | End::TimedOutSilence { .. } | End::Cancelled)
                ),
            },
        };
        let (ours, killed) = (end.is_some(), status.killed);
        let mut outcome = ended(self.output, end, seen);
        let (spec, receipt) = (&self.attempt.sandbox, &mut outcome.receipt);
        receipt.sandbox = spec.least;
        // Where we ended it, all that was killed was its own.
        receipt.killed = if ours { 0 } else { killed };
        let walled = spec.least > Sandbox::None || self.attempt.bridged;
        if !ours
            && walled
            && let Some(reason) = never_begun(spec, &self.dir, receipt)
        {
            outcome.end = End::Environment { reason };
        }
        outcome
    }

    /// The keeper was killed: what it kept is ended as far as it can be found.
    async fn abandoned(self) -> Outcome {
        let (walls, attempt, leader, dir) = (self.walls, self.attempt, self.leader, self.dir);
        let swept = tokio::task::spawn_blocking(move || {
            // What a namespace or a control group held is gone with it; otherwise some may have cleared their mark.
            let gone = walls.end_group(Identity::of(&dir).and_then(|identity| identity.cgroup).as_deref());
            let swept = process::end_attempt(&attempt.tag, &attempt.id, leader.as_ref());
            swept && (gone || attempt.sandbox.least == Sandbox::Bubblewrap)
        });
        let swept = swept.await;
        let end = End::Host { reason: "its keeper was ended by something else".into() };
        ended(self.output, Some(end), Seen { leaky: !swept.unwrap_or(false), ..Seen::default() })
    }
}

/// What of an attempt its end needs. There may be hundreds.
struct Known {
    id: AttemptId,
    tag: String,
    sandbox: SandboxSpec,
    bridged: bool,
    wall: Duration,
    silence: Duration,
}

impl Known {
    fn of(attempt: &Attempt) -> Self {
        let job = &attempt.job;
        Self {
            id: attempt.id.clone(),
            tag: attempt.tag.clone(),
            sandbox: job.sandbox.clone(),
            bridged: attempt.bridge.is_some(),
            wall: job.wall,
            silence: job.silence,
        }
    }
}

#[async_trait]
impl Running for KeptRunning {
    async fn wait(&mut self) -> Result<Outcome, RunnerError> {
        super::wait(&mut self.outcome).await
    }

    async fn stop(&mut self, how: Stop) -> Result<(), RunnerError> {
        if self.outcome.borrow().is_none() {
            self.ear.say(how);
        }
        Ok(())
    }
}

impl Drop for KeptRunning {
    fn drop(&mut self) {
        // A keeper that is left finds its pipe closed, as when an engine is killed, and does what its policy says.
        if self.outcome.borrow().is_none() && !self.leave.is_set() {
            self.ear.say(Stop::Kill);
        }
        self.task.abort_all();
    }
}

/// Ends and removes the control group that an attempt was to be in.
fn end_group(walls: &Walls, attempt: &Attempt, dir: &Utf8Path) {
    let known = Identity::of(dir).and_then(|identity| identity.cgroup);
    let group = known.or_else(|| walls.group(&attempt.tag, &attempt.id, &attempt.job.sandbox));
    walls.end_group(group.as_deref());
}
