//! Watches one child from its start to the end of the last process it left behind.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use dayfly_core::{AttemptEvent, End, ExitFacts, JobSpec, Outcome, Stop, Stream};
use nix::sys::signal::Signal;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::sync::watch;
// This clock stands still while the machine is suspended, so a suspend is charged to nobody.
use tokio::time::{Instant, sleep_until, timeout};

use super::output::Output;
use super::{Seen, ended};
use crate::liveness::{Liveness, Look};
use crate::process::Group;
use crate::redact::KeptStream;

const CHUNK_BYTES: usize = 16 * 1024;
/// After so long without output it is taken to pause.
const QUIET: Duration = Duration::from_millis(50);
/// How long the pipes may stay open after the child has ended.
const DRAIN: Duration = Duration::from_millis(200);
/// How long a killed child may take to end; one that waits for a dead disk never does.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// Why the child is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Wall,
    Silence,
    Asked,
}

/// How far the stop has got.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    Terminating { kill_at: Instant },
    Killed { give_up_at: Instant },
}

pub(super) struct Supervisor {
    child: Child,
    group: Arc<Group>,
    pipes: Pipes,
    stdout: KeptStream,
    stderr: KeptStream,
    output: Output,
    job: JobSpec,
    stop: watch::Receiver<Option<Stop>>,
    started: Instant,
    liveness: Liveness,
    phase: Phase,
    why: Option<Why>,
    /// When what is held back of the output is shown all the same.
    pause_at: Option<Instant>,
    exit: Option<ExitStatus>,
}

impl Supervisor {
    pub(super) fn new(
        child: Child,
        group: Arc<Group>,
        output: Output,
        kept: [KeptStream; 2],
        job: JobSpec,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let liveness = Liveness::new(job.silence_report, job.silence);
        let mut child = child;
        let [stdout, stderr] = kept;
        Self {
            pipes: Pipes::new(child.stdout.take(), child.stderr.take()),
            child,
            group,
            stdout,
            stderr,
            output,
            job,
            stop,
            started: Instant::now(),
            liveness,
            phase: Phase::Running,
            why: None,
            pause_at: None,
            exit: None,
        }
    }

    pub(super) async fn run(mut self) -> Outcome {
        let mut gave_up = None;
        while self.exit.is_none() && gave_up.is_none() {
            let deadline = self.deadline();
            tokio::select! {
                got = self.pipes.next(), if self.pipes.open() => self.take(got),
                status = self.child.wait() => match status {
                    Ok(status) => self.exit = Some(status),
                    Err(e) => gave_up = Some(format!("the process cannot be waited for: {e}")),
                },
                how = asked(&mut self.stop) => self.stop(Why::Asked, how),
                () = sleep_until(deadline) => gave_up = self.due(),
            }
        }
        self.drain().await;
        let leaky = self.pipes.open();
        let group = Arc::clone(&self.group);
        // The search reads all of /proc.
        let swept = tokio::task::spawn_blocking(move || group.kill_all()).await.unwrap_or(false);
        self.drain().await;
        self.outcome(leaky || !swept, gave_up)
    }

    fn take(&mut self, (stream, bytes): (Stream, usize)) {
        if bytes > 0 {
            self.liveness.heard(self.started.elapsed());
            let chunk = self.pipes.chunk(stream, bytes);
            let kept = if stream == Stream::Stdout { &mut self.stdout } else { &mut self.stderr };
            self.output.take(stream, kept.write(chunk));
            self.pause_at = kept.holds().then(|| Instant::now() + QUIET);
        }
    }

    fn deadline(&self) -> Instant {
        let due = match self.phase {
            Phase::Running => self.started + self.liveness.next().min(self.job.wall),
            Phase::Terminating { kill_at } => kill_at,
            Phase::Killed { give_up_at } => give_up_at,
        };
        self.pause_at.map_or(due, |at| due.min(at))
    }

    /// Shows what was held back for the sake of secrets: the output pauses.
    fn pause(&mut self) {
        self.pause_at = None;
        for (stream, kept) in [(Stream::Stdout, &mut self.stdout), (Stream::Stderr, &mut self.stderr)] {
            self.output.take(stream, kept.pause());
        }
    }

    /// Does what is due now; tells why if the end can no longer be waited for.
    fn due(&mut self) -> Option<String> {
        if self.pause_at.is_some_and(|at| Instant::now() >= at) {
            self.pause();
            // What else is due now is due still.
            return None;
        }
        let now = self.started.elapsed();
        match self.phase {
            Phase::Running if now >= self.job.wall => self.stop(Why::Wall, Stop::Polite),
            Phase::Running => match self.liveness.look(now, self.group.signs()) {
                Look::Fine => {}
                Look::Report(lasted) => self.output.send(AttemptEvent::Silent(lasted)),
                Look::Stop => self.stop(Why::Silence, Stop::Polite),
            },
            Phase::Terminating { .. } => self.kill(),
            Phase::Killed { .. } => return Some("the process did not end when it was killed".into()),
        }
        None
    }

    fn stop(&mut self, why: Why, how: Stop) {
        self.why.get_or_insert(why);
        match (how, self.phase) {
            (_, Phase::Killed { .. }) | (Stop::Polite, Phase::Terminating { .. }) => {}
            (Stop::Polite, Phase::Running) => {
                self.output.send(AttemptEvent::Stopping(Stop::Polite));
                self.group.signal(Signal::SIGTERM);
                // A process that was paused could not act on the signal.
                self.group.signal(Signal::SIGCONT);
                self.phase = Phase::Terminating { kill_at: Instant::now() + self.job.grace };
            }
            (Stop::Kill, _) => self.kill(),
        }
    }

    fn kill(&mut self) {
        self.output.send(AttemptEvent::Stopping(Stop::Kill));
        self.group.signal(Signal::SIGKILL);
        self.phase = Phase::Killed { give_up_at: Instant::now() + AFTER_KILL };
    }

    /// Reads what is left in the pipes, for as long as a process may hold them open.
    async fn drain(&mut self) {
        let _ = timeout(DRAIN, async {
            while self.pipes.open() {
                let got = self.pipes.next().await;
                self.take(got);
            }
        })
        .await;
    }

    fn outcome(self, leaky: bool, gave_up: Option<String>) -> Outcome {
        let facts = ExitFacts {
            code: self.exit.and_then(|e| e.code()),
            signal: self.exit.and_then(|e| e.signal()),
            signalled_by_us: self.why.is_some(),
        };
        let end = match (self.why, gave_up) {
            (Some(Why::Wall), _) => Some(End::TimedOutWall { limit: self.job.wall }),
            (Some(Why::Silence), _) => Some(End::TimedOutSilence { limit: self.job.silence }),
            (Some(Why::Asked), _) => Some(End::Cancelled),
            (None, Some(reason)) => Some(End::Host { reason }),
            (None, None) => None,
        };
        let mut output = self.output;
        let mut output_bytes = 0;
        for (stream, kept) in [(Stream::Stdout, self.stdout), (Stream::Stderr, self.stderr)] {
            output_bytes += kept.finish(|rest| output.take(stream, rest));
        }
        let seen = Seen { took: self.started.elapsed(), output_bytes, leaky, facts };
        ended(output, end, seen)
    }
}

/// The next request to stop. Without anybody left to ask, it never comes.
async fn asked(stop: &mut watch::Receiver<Option<Stop>>) -> Stop {
    while stop.changed().await.is_ok() {
        if let Some(how) = *stop.borrow_and_update() {
            return how;
        }
    }
    std::future::pending().await
}

/// Both output streams of a child, each with one buffer that never grows.
struct Pipes {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    stdout_chunk: Vec<u8>,
    stderr_chunk: Vec<u8>,
}

impl Pipes {
    fn new(stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> Self {
        let chunk = || Vec::with_capacity(CHUNK_BYTES);
        Self { stdout, stderr, stdout_chunk: chunk(), stderr_chunk: chunk() }
    }

    fn open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// Reads from whichever has something; nothing is lost if it is dropped. No bytes: that one is closed.
    async fn next(&mut self) -> (Stream, usize) {
        tokio::select! {
            n = read(&mut self.stdout, &mut self.stdout_chunk) => (Stream::Stdout, n),
            n = read(&mut self.stderr, &mut self.stderr_chunk) => (Stream::Stderr, n),
        }
    }

    fn chunk(&self, stream: Stream, bytes: usize) -> &[u8] {
        match stream {
            Stream::Stdout => &self.stdout_chunk[..bytes],
            Stream::Stderr => &self.stderr_chunk[..bytes],
        }
    }
}

/// Fills the chunk anew, up to its capacity; a page of it that is not needed is never touched.
async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, chunk: &mut Vec<u8>) -> usize {
    let Some(open) = pipe else { return std::future::pending().await };
    chunk.clear();
    let bytes = open.read_buf(chunk).await.unwrap_or(0);
    if bytes == 0 {
        *pipe = None;
    }
    bytes
}
