//! The keeper's one loop.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dayfly_core::{AfterCrash, Stop};
use nix::poll::{PollFd, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::liveness::{Liveness, Look, Suspends};
use crate::log::{Log, STDERR_LOG, STDOUT_LOG};
use crate::redact::{KeptStream, secrets_of};
use crate::sandbox::Cgroup;

use super::clock::Clock;
use super::pump::{CHUNK_BYTES, Pump};
use super::signals::Signals;
use super::source::{Source, code, millis, signal};
use super::spec::{KeptEnd, Spec, Status, Told};
use super::start::{Control, Passing, Word};
use super::tree::{self, Swept};

/// How long the pipes may stay open after the child has ended.
const DRAIN: Duration = Duration::from_millis(100);
/// How long the kernel may take to bury what it killed.
const BURIED: Duration = Duration::from_secs(2);
/// The least time between two words of new output.
const NEWS: Duration = Duration::from_millis(50);

/// How far the stop has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Terminating { kill_at: Duration },
    Killing,
}

struct Keeper<'a> {
    spec: &'a Spec,
    clock: Clock,
    control: &'a mut Control,
    signals: Signals,
    child: Pid,
    exit: Option<WaitStatus>,
    ended_at: Duration,
    stdout: Pump,
    stderr: Pump,
    buffer: Vec<u8>,
    liveness: Liveness,
    suspends: Suspends,
    phase: Phase,
    why: Option<KeptEnd>,
    /// A stop was asked for after the end.
    hurried: bool,
    /// Output that nobody was told of, and when they were told last.
    news: bool,
    told_at: Duration,
    swept: Swept,
}

/// Runs a command to its end, in conversation with an engine if there is one.
/// The control stays the caller's, and with it the lock: what is over is over only when its status is written.
pub(super) fn keep_with(spec: &Spec, passing: Passing, control: &mut Control) -> io::Result<Status> {
    let clock = Clock::start();
    let signals = Signals::listen()?;
    tree::become_reaper();
    let mut child = match spawn(spec, passing) {
        Ok(child) => child,
        Err(err) => {
            let reason = format!("{}: {err}", spec.program);
            control.tell(&Told::Failed { reason: reason.clone(), errno: err.raw_os_error() });
            return Ok(Status::of(KeptEnd::NotStarted { reason }));
        }
    };
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let identity = crate::process::identity(child.id());
    if let Err(err) = control.spawned(identity, spec.cgroup.as_deref()) {
        // Nobody would know of it.
        tree::sweep(|_| {});
        return Err(err);
    }
    let (out, err) = match passing {
        Passing::Through => (copy_of(io::stdout()), copy_of(io::stderr())),
        Passing::Aside => (copy_of(io::stderr()), copy_of(io::stderr())),
        Passing::Engine | Passing::Nothing => (None, None),
    };
    let (stdout, stderr) = (child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from));
    // The child has this process's own environment.
    let secrets = secrets_of(std::env::vars_os(), &spec.redact);
    let kept = |name| KeptStream::new(&secrets, Log::new(spec.dir.join(name), spec.log_bytes));
    let keeper = Keeper {
        stdout: Pump::new(stdout, kept(STDOUT_LOG), out),
        stderr: Pump::new(stderr, kept(STDERR_LOG), err),
        liveness: Liveness::new(spec.silence_report, spec.silence),
        suspends: Suspends::default(),
        spec,
        clock,
        control,
        signals,
        child: pid,
        exit: None,
        ended_at: Duration::ZERO,
        buffer: Vec::new(),
        phase: Phase::Running,
        why: None,
        hurried: false,
        news: false,
        told_at: Duration::ZERO,
        swept: Swept::default(),
    };
    Ok(keeper.run(passing))
}

fn copy_of(stream: impl AsFd) -> Option<File> {
    stream.as_fd().try_clone_to_owned().ok().map(File::from)
}

fn spawn(spec: &Spec, passing: Passing) -> io::Result<Child> {
    let stdin = match (&spec.stdin, passing) {
        (Some(path), _) => File::open(path)?.into(),
        // A terminal would be left open, and asked by whatever wants an answer.
        (None, Passing::Through) if !io::IsTerminal::is_terminal(&io::stdin()) => Stdio::inherit(),
        (None, _) => Stdio::null(),
    };
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).current_dir(&spec.cwd).process_group(0);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

impl Keeper<'_> {
    fn run(mut self, passing: Passing) -> Status {
        while self.exit.is_none() {
            let deadline = self.deadline();
            self.wait(deadline);
            self.due();
        }
        self.stdout.read_on();
        self.stderr.read_on();
        self.drain();
        let leaky = self.stdout.is_open() || self.stderr.is_open();
        self.sweep();
        self.drain();
        self.stdout.end();
        self.stderr.end();
        self.pass_the_rest();
        let ((stdout, not_out), (stderr, not_err)) = (self.stdout.finish(), self.stderr.finish());
        let status = Status {
            exit_code: code(self.exit),
            signal: signal(self.exit),
            took_ms: millis(self.ended_at),
            suspended_ms: millis(self.suspends.total()),
            stdout_bytes: stdout.total(),
            stderr_bytes: stderr.total(),
            cut_bytes: stdout.cut() + stderr.cut(),
            unpassed_bytes: not_out + not_err,
            leaky: leaky || self.swept.left > 0,
            killed: self.swept.killed,
            left: self.swept.left,
            ..Status::of(self.why.unwrap_or(KeptEnd::Exited))
        };
        // An engine reads the ends where they lie. Nobody reads them here.
        if passing != Passing::Engine {
            stdout.finish();
            stderr.finish();
        }
        status
    }

    /// Waits for the first of all that can happen, at most until `deadline`, and takes it.
    fn wait(&mut self, deadline: Duration) {
        let left = deadline.saturating_sub(self.clock.awake());
        // Rounded up, or the last fraction of a millisecond would be spent in asking.
        let timeout = PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
        let mut from: Vec<Source> = Vec::with_capacity(6);
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(6);
        for source in Source::ALL {
            if let Some(fd) = self.fd(source) {
                from.push(source);
                fds.push(PollFd::new(fd, source.wanted()));
            }
        }
        if poll(&mut fds, timeout).is_err() {
            return;
        }
        let ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        let ready: Vec<Source> = from.into_iter().zip(&fds).filter(|(_, fd)| ready(fd)).map(|(s, _)| s).collect();
        drop(fds);
        for source in ready {
            self.take(source);
        }
    }

    fn fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        match source {
            Source::Signals => Some(self.signals.fd()),
            Source::Control => self.control.fd(),
            Source::Stdout => self.stdout.source(),
            Source::Stderr => self.stderr.source(),
            Source::PassStdout => self.stdout.sink(),
            Source::PassStderr => self.stderr.sink(),
        }
    }

    fn take(&mut self, source: Source) {
        match source {
            Source::Signals => {
                if let Some(how) = self.signals.take(self.phase != Phase::Running) {
                    self.stop(KeptEnd::Stopped, how);
                }
                self.reap();
            }
            Source::Control => match self.control.read() {
                Some(Word::Stop(how)) => self.stop(KeptEnd::Stopped, how),
                Some(Word::Gone) if self.spec.after_crash == AfterCrash::End => {
                    self.stop(KeptEnd::Orphaned, Stop::Kill);
                }
                Some(Word::Gone) | None => {}
            },
            Source::Stdout | Source::Stderr => self.hear(source),
            Source::PassStdout => self.stdout.pass(),
            Source::PassStderr => self.stderr.pass(),
        }
    }

    fn hear(&mut self, source: Source) {
        if self.buffer.is_empty() {
            // Not before there is something to read: most of its pages are never touched.
            self.buffer = vec![0; CHUNK_BYTES];
        }
        let pump = if source == Source::Stdout { &mut self.stdout } else { &mut self.stderr };
        if pump.read(&mut self.buffer) > 0 {
            self.liveness.heard(self.clock.awake());
            self.news = true;
        }
    }

    /// Takes the ends of the child and of what was left to this process.
    fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                return;
            }
            self.reaped(status);
        }
    }

    fn reaped(&mut self, status: WaitStatus) {
        if status.pid() == Some(self.child) && matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..)) {
            self.exit = Some(status);
            self.ended_at = self.clock.awake();
        }
    }

    fn deadline(&self) -> Duration {
        let due = match self.phase {
            Phase::Running => self.liveness.next().min(self.spec.wall),
            Phase::Terminating { kill_at } => kill_at,
            Phase::Killing => self.clock.awake(),
        };
        if self.news { due.min(self.told_at + NEWS) } else { due }
    }

    /// Does what is due now.
    fn due(&mut self) {
        let now = self.clock.awake();
        if let Some(suspended) = self.suspends.look(now, self.clock.boot()) {
            self.control.tell(&Told::Suspended(suspended));
            self.liveness.heard(now);
        }
        if self.news && now >= self.told_at + NEWS {
            self.tell_news(now);
        }
        match self.phase {
            _ if self.exit.is_some() => {}
            Phase::Running if now >= self.spec.wall => self.stop(KeptEnd::Wall, Stop::Polite),
            Phase::Running if now >= self.liveness.next() => match self.liveness.look(now, tree::signs()) {
                Look::Fine => {}
                Look::Report(lasted) => self.control.tell(&Told::Silent(lasted)),
                Look::Stop => self.stop(KeptEnd::Silence, Stop::Polite),
            },
            Phase::Running => {}
            Phase::Terminating { kill_at } if now >= kill_at => self.kill(),
            Phase::Terminating { .. } => {}
            Phase::Killing => self.sweep(),
        }
    }

    fn tell_news(&mut self, now: Duration) {
        self.stdout.pause();
        self.stderr.pause();
        self.control.tell_news();
        (self.news, self.told_at) = (false, now);
    }

    fn stop(&mut self, why: KeptEnd, how: Stop) {
        if self.exit.is_some() {
            // It has ended by itself; only what is still to be done is cut short.
            self.hurried = true;
            return;
        }
        self.why.get_or_insert(why);
        match (how, self.phase) {
            (Stop::Kill, Phase::Running | Phase::Terminating { .. }) => self.kill(),
            (Stop::Polite, Phase::Running) => {
                self.control.tell(&Told::Stopping(Stop::Polite));
                tree::signal(self.child, self.spec.wrappers, Signal::SIGTERM);
                // A process that was paused could not act on the signal.
                tree::signal(self.child, self.spec.wrappers, Signal::SIGCONT);
                self.phase = Phase::Terminating { kill_at: self.clock.awake() + self.spec.grace };
            }
            (Stop::Polite, Phase::Terminating { .. }) | (_, Phase::Killing) => {}
        }
    }

    fn kill(&mut self) {
        self.control.tell(&Told::Stopping(Stop::Kill));
        self.phase = Phase::Killing;
    }

    /// Kills whatever is left.
    fn sweep(&mut self) {
        let mut statuses = Vec::new();
        let group = self.spec.cgroup.as_deref().map(Cgroup::at);
        if let Some(group) = &group {
            // What the kernel cannot kill at once is killed one by one.
            let _ = group.kill();
        }
        let swept = tree::sweep(|status| statuses.push(status));
        if let Some(group) = group {
            // One that is not empty is left for whoever looks into what would not end.
            let _ = group.wait_empty(BURIED).and_then(|_| group.remove());
        }
        for status in statuses {
            self.reaped(status);
        }
        self.swept = Swept { killed: self.swept.killed + swept.killed, left: swept.left };
        if self.exit.is_none() {
            // It would not end even so; there is nothing left to wait for.
            self.exit = Some(WaitStatus::StillAlive);
            self.ended_at = self.clock.awake();
        }
    }

    /// Reads what is left in the pipes, for as long as a process may hold them open.
    fn drain(&mut self) {
        let end = self.clock.awake() + DRAIN;
        while (self.stdout.is_open() || self.stderr.is_open()) && self.clock.awake() < end {
            self.wait(end);
        }
    }

    /// Passes on what was read, to whoever is slow, until they have it all, are gone, or the time is up.
    fn pass_the_rest(&mut self) {
        let end = match self.why {
            None => self.spec.wall.max(self.ended_at + self.spec.grace),
            // Who had it ended does not wait for a reader either.
            Some(_) => self.clock.awake() + DRAIN,
        };
        while (self.stdout.sink().is_some() || self.stderr.sink().is_some())
            && !self.hurried
            && self.clock.awake() < end
        {
            self.wait(end);
        }
    }
}
