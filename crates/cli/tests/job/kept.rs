//! The executor with keepers.

use std::fs;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Access, Agent as _, AgentConfig, AgentKind, AgentName, AnswerRule, Attempt, AttemptEvent, AttemptId, End,
    EventSink, IssueId, IssueRef, JobSpec, Network, Outcome, OutputLimits, ProcessIdentity, ProjectName, Runner as _,
    Running, Sandbox, SandboxSpec, StageName, StageRun, Stop,
};
use dayfly_runner::{CommandAgent, Keeper, SubprocessRunner, identity, is_alive};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::mpsc;

use crate::rungs::is_there;

fn runner() -> SubprocessRunner {
    SubprocessRunner::kept(Keeper::new(env!("CARGO_BIN_EXE_dayfly-job")))
}

fn job() -> JobSpec {
    let json = serde_json::json!({
        "kind": "stage", "issue": IssueRef::new(ProjectName::new("web").unwrap(), IssueId::new("7").unwrap()),
        "title": "a title", "stage": StageName::new("exec").unwrap(), "run": StageRun::Agent, "prompt": "do it\n",
        "access": Access::Write, "answer": AnswerRule::None, "effects": [], "children": 0, "admission": [], "gates": [],
        "protected": [], "diff_lines": 0, "wall": Duration::from_secs(60), "silence_report": Duration::from_secs(60),
        "silence": Duration::from_secs(60), "grace": Duration::from_secs(10), "gate_timeout": Duration::from_secs(60),
    });
    serde_json::from_value(json).unwrap()
}

/// One attempt at a script, in a folder of its own.
struct Probe {
    attempt: Attempt,
    events: Arc<Mutex<Vec<AttemptEvent>>>,
    lines: mpsc::UnboundedReceiver<String>,
    _folder: tempfile::TempDir,
}

impl Probe {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        fs::create_dir(root.join("work")).unwrap();
        let config = AgentConfig::new(AgentKind::Command, ["/bin/sh", "-c", script].map(str::to_owned).to_vec());
        let agent = CommandAgent::new(AgentName::new("script").unwrap(), config);
        let job = job();
        let (told, lines) = mpsc::unbounded_channel();
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&events);
        let attempt = Attempt {
            id: AttemptId::new(&job.issue, &job.stage, 1),
            command: agent.command(&job).unwrap(),
            job,
            cwd: root.join("work"),
            reads: Vec::new(),
            bridge: None,
            dir: root.join("attempt"),
            agent: Arc::new(agent),
            output: OutputLimits { log_bytes: 100_000, line_bytes: 4096 },
            tag: root.file_name().unwrap().to_owned(),
            events: EventSink::new(move |event| {
                if let AttemptEvent::Line { text, .. } = &event {
                    let _ = told.send(text.clone());
                }
                kept.lock().unwrap().push(event);
            }),
        };
        Self { attempt, events, lines, _folder: folder }
    }

    async fn start(&self) -> Box<dyn Running> {
        runner().start(&self.attempt).await.unwrap()
    }

    /// What the next printed line says, which is the number of a process.
    async fn printed_process(&mut self) -> ProcessIdentity {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.recv()).await.unwrap().unwrap();
        identity(line.trim().parse().unwrap()).unwrap()
    }

    /// The keeper, as its file names it.
    fn keeper(&self) -> ProcessIdentity {
        let text = fs::read(self.file("keeper.json")).unwrap();
        let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
        serde_json::from_value(file["keeper"].clone()).unwrap()
    }

    fn file(&self, name: &str) -> Utf8PathBuf {
        self.attempt.dir.join(name)
    }
}

fn signal(process: &ProcessIdentity, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(process.pid).unwrap()), signal).unwrap();
}

async fn ended(running: &mut dyn Running) -> Outcome {
    tokio::time::timeout(Duration::from_secs(30), running.wait()).await.expect("it ends").unwrap()
}

async fn gone(process: &ProcessIdentity) {
    let buried = async {
        while is_alive(process) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), buried).await.unwrap_or_else(|_| panic!("{process:?} lives"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let report = dayfly_testkit::conformance::runner(async || runner()).await;
    assert_eq!(report.skipped, [], "{report}");
}

/// Without any sandbox too; and a port that somebody has is no fault of the attempt's.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_with_a_bridge_reaches_its_socket() {
    let mut busy = Some(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let port = busy.as_ref().unwrap().local_addr().unwrap().port();
    for taken in [true, false] {
        let mut probe = Probe::new(&format!("exec bash -c 'cat </dev/tcp/127.0.0.1/{port}'"));
        let folder = probe.attempt.cwd.with_file_name("proxy");
        fs::create_dir(&folder).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(folder.join("s")).unwrap();
        probe.attempt.bridge = Some((port, folder.join("s")));
        let mut running = probe.start().await;
        if taken {
            let outcome = ended(&mut *running).await;
            assert!(matches!(&outcome.end, End::Environment { reason } if reason.contains("port")), "{outcome:?}");
            busy = None;
            continue;
        }
        let vendor = std::thread::spawn(move || socket.accept().unwrap().0.write_all(b"from the socket\n").unwrap());
        let line = tokio::time::timeout(Duration::from_secs(20), probe.lines.recv()).await.unwrap();
        assert_eq!(line.unwrap().trim(), "from the socket");
        let outcome = ended(&mut *running).await;
        assert_eq!((outcome.receipt.killed, outcome.receipt.exit_code), (0, Some(0)), "{outcome:?}");
        vendor.join().unwrap();
    }
    assert!(busy.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_is_killed_is_noticed_and_what_it_kept_is_ended() {
    let mut probe = Probe::new("echo $$; setsid sleep 600 & echo $!; wait");
    let mut running = probe.start().await;
    let (agent, left) = (probe.printed_process().await, probe.printed_process().await);
    signal(&probe.keeper(), Signal::SIGKILL);
    let outcome = ended(&mut *running).await;
    assert!(matches!(&outcome.end, End::Host { reason } if reason.contains("keeper")), "{outcome:?}");
    gone(&agent).await;
    gone(&left).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_unobserved_is_found_with_its_end_and_all_that_it_printed() {
    let mut probe = Probe::new("echo $$; read go <\"$0\"; echo late; echo wrong >&2; exit 7");
    let fifo = probe.attempt.cwd.join("fifo");
    nix::unistd::mkfifo(fifo.as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    probe.attempt.command.args.push(fifo.to_string());
    let running = probe.start().await;
    let agent = probe.printed_process().await;
    // As if the engine were killed: nothing more is said to the keeper, and its words go nowhere.
    std::mem::forget(running);
    fs::write(&fifo, "go\n").unwrap();
    gone(&agent).await;
    gone(&probe.keeper()).await;
    probe.events.lock().unwrap().clear();
    let mut found = runner().reattach(&probe.attempt).await.unwrap().expect("its result is there");
    let outcome = ended(&mut *found).await;
    assert_eq!(outcome.end, End::TaskFailed { reason: "exit code 7".into() });
    assert_eq!(
        (outcome.receipt.exit_code, outcome.receipt.output_bytes),
        (Some(7), fs::read(probe.file("output.log")).unwrap().len() as u64 + 6)
    );
    assert!(outcome.receipt.tail.ends_with("late\nwrong"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_taken_up_can_be_stopped() {
    for how in [Stop::Polite, Stop::Kill] {
        let mut probe = Probe::new("trap 'echo bye; exit 3' TERM; echo $$; while :; do sleep 0.05; done");
        std::mem::forget(probe.start().await);
        let agent = probe.printed_process().await;
        let mut found = runner().reattach(&probe.attempt).await.unwrap().expect("it runs");
        found.stop(how).await.unwrap();
        let outcome = ended(&mut *found).await;
        assert_eq!(outcome.end, End::Cancelled);
        assert_eq!(outcome.receipt.exit_code, (how == Stop::Polite).then_some(3));
        gone(&agent).await;
    }
}

/// A keeper that was just told to keep a probe's command, by nobody.
fn keeper_of(probe: &Probe) -> std::process::Child {
    let script = format!("echo ran > ran; sleep 600 # {}", probe.attempt.cwd);
    let spec = serde_json::json!({
        "version": 1, "program": "/bin/sh", "args": ["-c", script], "cwd": probe.attempt.cwd,
        "dir": probe.attempt.dir, "stdin": null, "wall": {"secs": 60, "nanos": 0},
        "silence_report": {"secs": 60, "nanos": 0}, "silence": {"secs": 60, "nanos": 0},
        "grace": {"secs": 1, "nanos": 0}, "log_bytes": 1000, "redact": [], "after_crash": "adopt", "cgroup": null,
        "wrappers": 0,
    });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dayfly-job"));
    let piped = std::process::Stdio::piped;
    let mut keeper = command.arg("keep").stdin(piped()).stdout(piped()).spawn().unwrap();
    std::io::Write::write_all(keeper.stdin.as_mut().unwrap(), format!("{spec}\n").as_bytes()).unwrap();
    keeper
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_attempt_left_behind_is_counted() {
    let probe = Probe::new("setsid sleep 600 >/dev/null 2>&1 & env -i setsid sleep 600 >/dev/null 2>&1 &");
    let mut running = probe.start().await;
    let outcome = ended(&mut *running).await;
    assert_eq!((outcome.end, outcome.receipt.killed, outcome.receipt.leaky), (End::Succeeded, 2, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_cannot_say_whom_it_keeps_keeps_nobody() {
    let probe = Probe::new("echo ran > ran; sleep 600");
    fs::create_dir(&probe.attempt.dir).unwrap();
    std::os::unix::fs::symlink("/dev/full", probe.file("keeper.json")).unwrap();
    let mut keeper = keeper_of(&probe);
    let output = {
        std::io::Write::flush(keeper.stdin.as_mut().unwrap()).unwrap();
        keeper.wait_with_output().unwrap()
    };
    assert!(!output.status.success(), "{output:?}");
    let stat = |pid: &str| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let left = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|pid| stat(pid).contains(probe.attempt.cwd.as_str())).collect();
    assert_eq!(left, [""; 0], "the command goes on without a keeper");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_comes_late_starts_nothing() {
    let probe = Probe::new("echo ran > ran");
    fs::create_dir(&probe.attempt.dir).unwrap();
    // An engine looks for an attempt whose keeper has not got so far as to take the lock.
    assert!(runner().reattach(&probe.attempt).await.unwrap().is_none());
    let keeper = keeper_of(&probe);
    let output = keeper.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("given up before it began"), "{output:?}");
    assert!(!probe.attempt.cwd.join("ran").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_reach_neither_the_log_nor_whoever_watches() {
    let mut probe = Probe::new("echo key $API_KEY; printf $API_KEY | base64");
    let env = &mut probe.attempt.command.env;
    env.insert("API_KEY".into(), "correct-horse-battery".into());
    let mut running = probe.start().await;
    let outcome = ended(&mut *running).await;
    assert!(outcome.receipt.tail.starts_with("key *********************\n****"), "{outcome:?}");
    let log = fs::read_to_string(probe.file("output.log")).unwrap();
    assert!(!log.contains("horse") && !log.contains("Y29ycmVj") && log.len() == 26 + 29, "{log}");
    let told = format!("{:?}", probe.events.lock().unwrap());
    assert!(!told.contains("horse"), "{told}");
}

/// What a sandboxed attempt printed, and how it ended.
async fn in_sandbox(least: Sandbox, network: Network, script: &str) -> Outcome {
    let mut probe = Probe::new(script);
    probe.attempt.job.sandbox = SandboxSpec { least, network, ..SandboxSpec::default() };
    let mut running = probe.start().await;
    ended(&mut *running).await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_bubblewrap_there_is_nothing_but_what_the_attempt_was_given() {
    if !is_there(Sandbox::Bubblewrap) {
        return;
    }
    let script = "ls ..; ls /proc | grep -c '^[0-9]'; ls /sys/class/net 2>/dev/null; cat /proc/net/dev | wc -l; \
                  echo ok > made; echo '{}' > \"$DAYFLY_PROPOSAL\"; echo x > ../attempt/status.json; cat; exit 4";
    let outcome = in_sandbox(Sandbox::Bubblewrap, Network::None, script).await;
    assert_eq!((outcome.receipt.exit_code, outcome.receipt.sandbox), (Some(4), Sandbox::Bubblewrap), "{outcome:?}");
    let lines: Vec<&str> = outcome.receipt.tail.lines().collect();
    assert_eq!(lines[..2], ["attempt", "work"], "{outcome:?}");
    assert!(lines[2].parse::<u32>().unwrap() <= 6, "only its own processes: {outcome:?}");
    assert!(lines.contains(&"3"), "only the loopback device: {outcome:?}");
    assert_eq!(lines.last(), Some(&"do it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_landlock_what_was_not_given_cannot_be_read_or_written() {
    if !is_there(Sandbox::Landlock) {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "canary").unwrap();
    let script = format!("cat {0}; echo x > {0}; echo made > made && cat made; exit 0", secret.display());
    let outcome = in_sandbox(Sandbox::Landlock, Network::None, &script).await;
    assert_eq!((outcome.end.clone(), outcome.receipt.sandbox), (End::Succeeded, Sandbox::Landlock), "{outcome:?}");
    assert!(outcome.receipt.tail.starts_with("made\n") && !outcome.receipt.tail.contains("canary"), "{outcome:?}");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "canary");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandboxed_attempt_is_stopped_politely_and_ends_with_its_keeper() {
    if !is_there(Sandbox::Bubblewrap) {
        return;
    }
    let mut probe =
        Probe::new("trap 'echo bye; exit 3' TERM; setsid sleep 600 & echo ready; while :; do sleep 0.05; done");
    probe.attempt.job.sandbox = SandboxSpec { least: Sandbox::Bubblewrap, ..SandboxSpec::default() };
    let mut running = probe.start().await;
    probe.lines.recv().await.unwrap();
    running.stop(Stop::Polite).await.unwrap();
    let outcome = ended(&mut *running).await;
    assert_eq!((outcome.end, outcome.receipt.exit_code), (End::Cancelled, Some(3)));
    assert_eq!(outcome.receipt.tail, "ready\nbye");

    let mut running = probe.start().await;
    probe.lines.recv().await.unwrap();
    let leader = probe.events.lock().unwrap().iter().rev().find_map(|event| match event {
        AttemptEvent::Spawned(leader) => Some(leader.clone()),
        _ => None,
    });
    signal(&probe.keeper(), Signal::SIGKILL);
    let outcome = ended(&mut *running).await;
    assert!(matches!(outcome.end, End::Host { .. }), "{outcome:?}");
    assert!(!outcome.receipt.leaky, "{outcome:?}");
    gone(&leader.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_cannot_be_put_up_starts_nothing_and_says_why() {
    if !is_there(Sandbox::Bubblewrap) {
        return;
    }
    let mut probe = Probe::new("echo ran > ran");
    probe.attempt.job.sandbox = SandboxSpec { least: Sandbox::Bubblewrap, ..SandboxSpec::default() };
    probe.attempt.reads.push("/no/such/folder".into());
    let err = runner().start(&probe.attempt).await.unwrap_err();
    assert!(std::error::Error::source(&err).unwrap().to_string().contains("/no/such/folder"), "{err:?}");
    let here = SubprocessRunner::new().start(&probe.attempt).await.unwrap_err();
    assert!(here.to_string().contains("need a keeper"), "{here}");
    assert!(!probe.attempt.cwd.join("ran").exists());
}
