//! Real servers of tmux, each of a test's own, and an agent that is a script of `/bin/sh`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Agent as _, AgentConfig, AgentKind, AgentName, AttemptEvent, AttemptId, End, EventSink, IssueId, IssueRef, JobSpec,
    OutputLimits, ProjectName, SessionConfig, StageName,
};
use dayfly_testkit::conformance;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::CommandAgent;
use crate::process::is_alive;
use crate::subprocess::test_job;

mod ends;
mod prompts;
mod secrets;
mod takeover;

/// More than anything here takes, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session of a test's own. Its server is ended with it.
struct World {
    root: Utf8PathBuf,
    config: SessionConfig,
    state: Utf8PathBuf,
    _dir: tempfile::TempDir,
}

/// An attempt with what was told of it.
struct Try {
    attempt: Attempt,
    lines: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
        fs::create_dir(root.join("notes")).unwrap();
        let agent = root.join("agent.sh");
        fs::write(&agent, include_str!("tests/agent.sh")).unwrap();
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
        let config = SessionConfig {
            interrupt: vec!["C-c".into()],
            ready: Some("talk to me>".into()),
            settle: Duration::from_millis(200),
            ..SessionConfig::new(vec!["/bin/sh".into(), agent.into()])
        };
        Self { state: root.join("state"), root, config, _dir: dir }
    }

    fn session(&self) -> Session {
        let project = ProjectName::new("notes").unwrap();
        Session::new(&self.state, &project, &self.root.join("notes"), self.config.clone())
    }

    fn runner(&self) -> TmuxRunner {
        TmuxRunner::new(self.session())
    }

    /// An attempt with that prompt; its lines that begin with `! ` are commands to the agent.
    fn attempt(&self, number: u32, prompt: &str) -> Try {
        let project = ProjectName::new("notes").unwrap();
        let job = JobSpec {
            issue: IssueRef::new(project, IssueId::new("1").unwrap()),
            stage: StageName::new("exec").unwrap(),
            prompt: prompt.into(),
            trust: Trust::Writer,
            grace: Duration::from_millis(500),
            wall: Duration::from_secs(300),
            silence_report: Duration::from_secs(300),
            silence: Duration::from_secs(300),
            ..test_job()
        };
        let config = AgentConfig {
            env: std::collections::BTreeMap::new(),
            ..AgentConfig::new(AgentKind::Command, vec!["not-used".into()])
        };
        let agent = CommandAgent::new(AgentName::new("session.notes").unwrap(), config);
        let (tell, lines) = mpsc::unbounded_channel();
        let attempt = Attempt {
            id: AttemptId::new(&job.issue, &job.stage, number),
            command: agent.command(&job).unwrap(),
            job,
            cwd: self.root.join("notes"),
            reads: Vec::new(),
            bridge: None,
            dir: self.root.join(format!("attempts/{number}")),
            agent: Arc::new(agent),
            output: OutputLimits { log_bytes: 1_000_000, line_bytes: 4096 },
            tag: "tag".into(),
            events: EventSink::new(move |event| {
                let text = match event {
                    AttemptEvent::Line { text, .. } => text,
                    other => format!("{other:?}"),
                };
                let _ = tell.send(text);
            }),
        };
        Try { attempt, lines, seen: Vec::new() }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|err| panic!("{path}: {err}"))
    }

    /// Calls tmux as a person might.
    fn tmux(&self, args: &[&str]) -> String {
        let socket = self.session().place.socket;
        let output = Command::new("tmux").args(["-S", socket.as_str()]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn pane(&self) -> String {
        self.tmux(&["display-message", "-p", "-t", "=notes:", "#{@dayfly_pane}"])
    }

    /// Sends a signal to the server.
    fn signal(&self, signal: Signal) {
        let server = self.session().noted().unwrap();
        assert!(is_alive(&server), "{server:?}");
        kill(Pid::from_raw(i32::try_from(server.pid).unwrap()), signal).unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let session = self.session();
        let Some(server) = session.noted().filter(is_alive) else { return };
        let pid = Pid::from_raw(i32::try_from(server.pid).unwrap());
        let _ = kill(pid, Signal::SIGCONT);
        let socket = session.place.socket;
        let ended = Command::new("tmux").args(["-S", socket.as_str(), "kill-server"]).output();
        if !ended.is_ok_and(|output| output.status.success()) {
            let _ = kill(pid, Signal::SIGKILL);
        }
        // Where it lies outside the folder of the test, nobody else removes it.
        let _ = fs::remove_file(socket);
    }
}

impl Try {
    async fn start(&self, runner: &TmuxRunner) -> Box<dyn Running> {
        let started = timeout(PATIENCE, runner.start(&self.attempt)).await.expect("the start does not end");
        started.unwrap_or_else(|err| panic!("{err}: {:?}", std::error::Error::source(&err)))
    }

    /// Waits for a line that is just this.
    async fn says(&mut self, wanted: &str) {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.recv().await {
                self.seen.push(line.clone());
                if line == wanted {
                    return;
                }
            }
        });
        assert!(found.await.is_ok(), "no line {wanted:?}; seen: {:#?}", self.seen);
    }

    async fn ends(&mut self, mut running: Box<dyn Running>) -> Outcome {
        match timeout(PATIENCE, running.wait()).await {
            Ok(outcome) => outcome.unwrap(),
            Err(_) => {
                while let Ok(line) = self.lines.try_recv() {
                    self.seen.push(line);
                }
                panic!("no end; seen: {:#?}", self.seen);
            }
        }
    }

    /// Carries the attempt from its start to its end.
    async fn end(&mut self, runner: &TmuxRunner) -> End {
        let running = self.start(runner).await;
        self.ends(running).await.end
    }
}

fn host(end: &End) -> &str {
    match end {
        End::Host { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executor_keeps_the_contract() {
    let world = World::new();
    let report = conformance::runner(async || world.runner()).await;
    assert_eq!(report.reasons(), ["it runs no processes, or cannot hold them"], "{report}");
}

#[tokio::test]
async fn a_session_outlives_its_attempts_and_is_ended_by_name() {
    let world = World::new();
    let runner = world.runner();
    let session = world.session();
    assert_eq!(session.status().await.state, SessionState::Absent);
    assert!(!session.end().await.unwrap(), "there was none");
    let mut first = world.attempt(1, "! echo at work; await go");
    let running = first.start(&runner).await;
    first.says("at work").await;
    let status = session.status().await;
    assert_eq!((status.state, status.attempt), (SessionState::Busy, Some(first.attempt.id.clone())));
    fs::write(world.root.join("notes/go"), "").unwrap();
    assert_eq!(first.ends(running).await.end, End::Succeeded);
    let pid = session.status().await.pid;
    assert_eq!(world.attempt(2, "again").end(&runner).await, End::Succeeded);
    let status = session.status().await;
    assert_eq!((status.state, status.pid, status.people), (SessionState::Idle, pid, 0), "it is the same program");
    let program = crate::identity(pid.unwrap()).unwrap();
    let server = session.noted().unwrap();
    assert!(session.end().await.unwrap());
    assert!(!is_alive(&program) && !is_alive(&server));
    assert_eq!(session.status().await.state, SessionState::Absent);
}

#[tokio::test]
async fn without_a_tmux_that_will_do_nothing_is_started_and_it_is_said_what_helps() {
    let world = World::new();
    let attempt = world.attempt(1, "x").attempt;
    let missing = world.runner().tmux("/no/such/tmux");
    let why = missing.can_start(&attempt.command).unwrap_err();
    assert!(why.contains("/no/such/tmux"), "{why}");
    let old = world.root.join("old-tmux");
    fs::write(&old, "#!/bin/sh\necho tmux 2.9a\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let old = world.runner().tmux(old);
    let why = old.can_start(&attempt.command).unwrap_err();
    assert_eq!(why, "tmux 2.9a is too old; install tmux 3.2 or newer");
    let err = old.start(&attempt).await.unwrap_err();
    assert!(err.to_string().contains("too old") && !err.is_transient(), "{err}");
    assert!(world.runner().can_start(&attempt.command).is_ok());
    let mut world = world;
    world.config.command = vec!["no-such-agent".into()];
    let why = world.runner().can_start(&attempt.command).unwrap_err();
    assert!(why.contains("`no-such-agent`"), "{why}");
}

#[tokio::test]
async fn a_tmux_that_is_slow_to_tell_its_version_holds_up_nobody_else() {
    let world = World::new();
    let (slow, go) = (world.root.join("slow-tmux"), world.root.join("go"));
    fs::write(&slow, format!("#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.02; done\necho tmux 3.4\n")).unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    let session = Session { program: Some(slow.into()), ..world.session() };
    // There is one thread here: were it blocked, nobody would make the file for which this tmux waits.
    let (found, ()) = tokio::join!(session.tmux(), async { fs::write(&go, "").unwrap() });
    assert!(found.is_ok(), "{:?}", found.err());
}

#[tokio::test]
async fn text_of_strangers_and_jobs_that_ask_for_walls_are_refused() {
    let world = World::new();
    let mut attempt = world.attempt(1, "x").attempt;
    attempt.job.trust = Trust::Stranger;
    let err = world.runner().start(&attempt).await.unwrap_err();
    assert!(err.to_string().contains("without write permission"), "{err}");
    attempt.job.trust = Trust::Writer;
    attempt.job.sandbox.processes = Some(100);
    let err = world.runner().start(&attempt).await.unwrap_err();
    assert!(err.to_string().contains("which a session does not have"), "{err}");
    assert!(!world.state.exists(), "nothing was started");
}
