//! Real processes of `/bin/sh`, with small limits. They wait for what the child does, never for a time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{
    Access, Agent, AgentConfig, AgentKind, AgentName, AnswerRule, AttemptId, CommandLine, End, EventSink, IssueId,
    IssueRef, JobSpec, OutputLimits, ProjectName, PromptVia, SandboxSpec, StageName, StageRun, Trust,
};
use tokio::sync::mpsc;

use super::*;
use crate::CommandAgent;

pub(crate) fn test_job() -> JobSpec {
    JobSpec {
        kind: "stage".into(),
        issue: IssueRef::new(ProjectName::new("web").unwrap(), IssueId::new("7").unwrap()),
        trust: Trust::Writer,
        title: "a title".into(),
        milestone: None,
        stage: StageName::new("exec").unwrap(),
        run: StageRun::Agent,
        agent: None,
        model: None,
        prompt: "do it\n".into(),
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
        wall: Duration::from_secs(60),
        silence_report: Duration::from_secs(60),
        silence: Duration::from_secs(60),
        grace: Duration::from_secs(10),
        gate_timeout: Duration::from_secs(60),
        sandbox: SandboxSpec::default(),
    }
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
        let job = test_job();
        let events = Arc::new(Mutex::new(Vec::new()));
        let (told, lines) = mpsc::unbounded_channel();
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
        SubprocessRunner::new().start(&self.attempt).await.unwrap()
    }

    async fn end(&self) -> Outcome {
        self.start().await.wait().await.unwrap()
    }

    /// The identity of the process whose number the child prints in its next line.
    async fn printed_process(&mut self) -> ProcessIdentity {
        let line = self.lines.recv().await.unwrap();
        process::identity(line.trim().parse().unwrap()).unwrap()
    }

    fn events(&self) -> Vec<AttemptEvent> {
        self.events.lock().unwrap().clone()
    }

    fn file(&self, name: &str) -> Utf8PathBuf {
        self.attempt.dir.join(name)
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.file("output.log")).unwrap()
    }
}

/// Waits for the end of a killed process: the kernel takes a moment to bury it.
async fn gone(process: &ProcessIdentity) {
    let buried = async {
        while process::is_alive(process) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), buried).await.unwrap_or_else(|_| panic!("{process:?} lives"));
}

async fn gone_number(pid: &str) {
    if let Some(process) = process::identity(pid.parse().unwrap()) {
        gone(&process).await;
    }
}

#[tokio::test]
async fn the_prompt_is_standard_input_and_it_ends() {
    let mut probe = Probe::new("cat; echo end; exit 3");
    let outcome = probe.end().await;
    assert_eq!(outcome.end, End::TaskFailed { reason: "exit code 3".into() });
    assert_eq!(outcome.receipt.exit_code, Some(3));
    assert_eq!(outcome.receipt.tail, "do it\nend");
    assert_eq!(outcome.receipt.output_bytes, 10);
    assert!(matches!(probe.events()[0], AttemptEvent::Spawned(_)));
    assert_eq!(fs::read_to_string(probe.file("prompt.txt")).unwrap(), "do it\n");

    probe = Probe::new("cat; echo \"$0\"");
    probe.attempt.command.prompt = PromptVia::LastArgument;
    assert_eq!(probe.end().await.receipt.tail, "do it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_without_a_line_end_is_counted_and_not_kept() {
    let probe = Probe::new("head -c 50000000 /dev/zero | tr '\\0' x");
    let outcome = probe.end().await;
    assert_eq!(outcome.end, End::Succeeded);
    assert_eq!(outcome.receipt.output_bytes, 50_000_000);
    let log = probe.log();
    let mark = b"\n[cut 49900000 bytes]\n";
    assert_eq!(log.len(), 100_000 + mark.len());
    assert_eq!(&log[50_000..50_000 + mark.len()], mark, "between the beginning and the end");
    assert!(outcome.receipt.tail.ends_with("[cut 49995904 bytes]"));
    assert!(outcome.receipt.tail.len() < 500);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_in_the_log_and_shown_as_far_as_they_can_be() {
    let probe = Probe::new(r"printf 'a\377\033[1mb\n'; printf 'err\n' >&2");
    let outcome = probe.end().await;
    assert_eq!(outcome.end, End::Succeeded);
    let log = probe.log();
    assert!(log.windows(7).any(|w| w == b"a\xff\x1b[1mb"), "{log:?}");
    let line = AttemptEvent::Line { stream: dayfly_core::Stream::Stdout, text: "a\u{fffd}b".into() };
    assert!(probe.events().contains(&line), "{:?}", probe.events());
}

#[tokio::test]
async fn silence_is_reported_and_then_stopped() {
    let mut probe = Probe::new("echo hello; exec sleep 600");
    probe.attempt.job.silence_report = Duration::from_millis(100);
    probe.attempt.job.silence = Duration::from_millis(300);
    let outcome = probe.end().await;
    assert_eq!(outcome.end, End::TimedOutSilence { limit: Duration::from_millis(300) });
    assert_eq!(outcome.receipt.signal, Some(15));
    let events = probe.events();
    let silent = events.iter().position(|e| matches!(e, AttemptEvent::Silent(_))).unwrap();
    let stopping = events.iter().position(|e| *e == AttemptEvent::Stopping(Stop::Polite)).unwrap();
    assert!(silent < stopping);
    assert_eq!(events.iter().filter(|e| matches!(e, AttemptEvent::Silent(_))).count(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn work_without_output_is_no_silence() {
    let mut probe = Probe::new("while :; do :; done");
    probe.attempt.job.silence_report = Duration::from_millis(200);
    probe.attempt.job.silence = Duration::from_millis(400);
    probe.attempt.job.wall = Duration::from_millis(1500);
    assert_eq!(probe.end().await.end, End::TimedOutWall { limit: Duration::from_millis(1500) });
}

#[tokio::test]
async fn the_wall_limit_stops_a_child_that_keeps_talking() {
    let mut probe = Probe::new("while :; do echo x; sleep 0.02; done");
    probe.attempt.job.wall = Duration::from_millis(300);
    assert_eq!(probe.end().await.end, End::TimedOutWall { limit: Duration::from_millis(300) });
}

#[tokio::test]
async fn a_child_that_ignores_the_polite_signal_is_killed() {
    let mut probe = Probe::new("trap '' TERM; echo $$; while :; do sleep 600; done");
    probe.attempt.job.grace = Duration::from_millis(100);
    let mut running = probe.start().await;
    let child = probe.printed_process().await;
    running.stop(Stop::Polite).await.unwrap();
    let outcome = running.wait().await.unwrap();
    assert_eq!((outcome.end, outcome.receipt.signal), (End::Cancelled, Some(9)));
    gone(&child).await;
}

#[tokio::test]
async fn the_kill_does_not_wait_for_the_grace_period() {
    let mut probe = Probe::new("trap '' TERM; echo $$; while :; do sleep 600; done");
    probe.attempt.job.grace = Duration::from_secs(3600);
    let mut running = probe.start().await;
    probe.printed_process().await;
    running.stop(Stop::Polite).await.unwrap();
    running.stop(Stop::Kill).await.unwrap();
    assert_eq!(running.wait().await.unwrap().end, End::Cancelled);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_left_the_group_is_gone_after_a_normal_end() {
    let mut probe =
        Probe::new("setsid sleep 600 >/dev/null 2>&1 & echo $!; sleep 600 >/dev/null 2>&1 & echo $!; read x");
    probe.attempt.job.prompt = String::new();
    let mut running = probe.start().await;
    let (left, stayed) = (probe.lines.recv().await.unwrap(), probe.lines.recv().await.unwrap());
    let outcome = running.wait().await.unwrap();
    assert!(!outcome.receipt.leaky);
    for pid in [left, stayed] {
        gone_number(&pid).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pipe_that_stays_open_is_reported_and_does_not_delay_the_end() {
    let mut probe = Probe::new("setsid sleep 600 & echo $!");
    let outcome = probe.end().await;
    assert_eq!(outcome.end, End::Succeeded);
    assert!(outcome.receipt.leaky);
    assert!(outcome.receipt.took < Duration::from_secs(30));
    gone_number(&probe.lines.recv().await.unwrap()).await;
}

#[tokio::test]
async fn the_child_gets_the_variables_of_the_list_and_no_other() {
    let mut probe = Probe::new("env");
    // cargo sets this one for the test: nobody allowed it.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    probe.attempt.command.pass_env.push("CARGO_PKG_NAME".into());
    probe.attempt.command.env.insert("MINE".into(), "1".into());
    probe.attempt.command.env.insert("DAYFLY_TAG".into(), "forged".into());
    let tail = probe.end().await.receipt.tail;
    let seen: BTreeMap<&str, &str> = tail.lines().filter_map(|line| line.split_once('=')).collect();
    let known = [
        "PATH",
        "LANG",
        "TERM",
        "TZ",
        "USER",
        "LOGNAME",
        "SHELL",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HOME",
        "TMPDIR",
        "MINE",
        "CARGO_PKG_NAME",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    ];
    for name in seen.keys() {
        let fine = known.contains(name) || ["LC_", "XDG_", "GIT_", "DAYFLY_"].iter().any(|p| name.starts_with(p));
        assert!(fine, "{name} is in the child's environment");
    }
    assert_eq!(seen["HOME"], probe.file("home"));
    assert_eq!(seen["TMPDIR"], probe.file("tmp"));
    assert_eq!(seen["DAYFLY_PROPOSAL"], probe.file("out/proposal.json"));
    assert_eq!(seen["DAYFLY_TAG"], probe.attempt.tag);
    assert_eq!(seen["DAYFLY_ATTEMPT"], "web.7.exec.1");
    assert_eq!((seen["DAYFLY_PROJECT"], seen["DAYFLY_ISSUE"], seen["DAYFLY_STAGE"]), ("web", "7", "exec"));
    assert_eq!((seen["MINE"], seen["CARGO_PKG_NAME"]), ("1", "dayfly-runner"));
    assert_eq!(seen["GIT_AUTHOR_EMAIL"], "dayfly@localhost");
}

#[tokio::test]
async fn the_users_own_home_is_passed_on_if_asked_for() {
    let Some(home) = std::env::var_os("HOME") else { return };
    let mut probe = Probe::new("echo \"$HOME,$XDG_CONFIG_HOME\"");
    probe.attempt.command.pass_env.push("HOME".into());
    assert_eq!(probe.end().await.receipt.tail, format!("{},", home.to_str().unwrap()));
}

#[tokio::test]
async fn dropping_kills() {
    let mut probe = Probe::new("setsid sleep 600 & echo $!; echo $$; exec sleep 600");
    let running = probe.start().await;
    let (left, child) = (probe.printed_process().await, probe.printed_process().await);
    assert!(process::is_alive(&left) && process::is_alive(&child));
    drop(running);
    gone(&child).await;
    if cfg!(target_os = "linux") {
        gone(&left).await;
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_of_the_start() {
    let mut probe = Probe::new("");
    probe.attempt.command = CommandLine { program: "/no/such/program".into(), ..probe.attempt.command.clone() };
    let error = SubprocessRunner::new().start(&probe.attempt).await.unwrap_err();
    assert!(matches!(&error, RunnerError::Spawn { program, .. } if program == "/no/such/program"), "{error}");
    assert!(!error.is_transient());
    probe.attempt.cwd = "/no/such/folder".into();
    let error = SubprocessRunner::new().start(&probe.attempt).await.unwrap_err();
    assert!(matches!(error, RunnerError::Files { .. }), "{error}");
}

#[tokio::test]
async fn the_place_of_the_proposal_is_filled_in() {
    let mut probe = Probe::new("echo \"$1\"");
    probe.attempt.command.args.extend(["sh".into(), format!("at {}", prepare::PROPOSAL_PLACE)]);
    assert_eq!(probe.end().await.receipt.tail, format!("at {}", probe.file("out/proposal.json")));
}

#[tokio::test]
async fn files_are_written_with_the_places_filled_in_and_never_outside_the_attempts_folder() {
    let mut probe = Probe::new("cat \"$HOME/.agent/settings.json\"; echo; echo \"$WHERE\"");
    let command = &mut probe.attempt.command;
    command.files = BTreeMap::from([("home/.agent/settings.json".into(), "{\"at\":\"@DAYFLY_DIR@\"}".into())]);
    command.env = BTreeMap::from([("WHERE".into(), "@DAYFLY_DIR@/out @DAYFLY_SESSION@".into())]);
    let receipt = probe.end().await.receipt;
    let (settings, place) = receipt.tail.split_once('\n').unwrap();
    assert_eq!(settings, format!("{{\"at\":\"{}\"}}", probe.attempt.dir));
    let (out, session) = place.split_once(' ').unwrap();
    assert_eq!(out, probe.attempt.dir.join("out"));
    let parts: Vec<_> = session.split('-').map(str::len).collect();
    assert_eq!((parts, &session[14..15]), (vec![8, 4, 4, 4, 12], "4"), "{session}");

    for name in ["../out.json", "/etc/no", "", ".."] {
        let mut probe = Probe::new("true");
        probe.attempt.command.files = BTreeMap::from([(name.into(), String::new())]);
        let error = SubprocessRunner::new().start(&probe.attempt).await.unwrap_err();
        assert!(matches!(error, RunnerError::Files { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn the_program_itself_is_run_where_a_script_only_starts_it() {
    let mut probe = Probe::new("true");
    let root = probe.attempt.cwd.parent().unwrap().to_owned();
    let place = |name: &str, text: &str| {
        let file = root.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    };
    place("lib/native", "#!/bin/sh\necho the program itself\n");
    let wrapper = place("lib/package/wrapper", "#!/bin/sh\necho a wrapper\n");
    probe.attempt.command.program = root.join("tool").into_string();
    std::os::unix::fs::symlink(&wrapper, root.join("tool")).unwrap();
    probe.attempt.command.native = vec!["../missing".into(), "../native".into()];
    assert_eq!(probe.end().await.receipt.tail, "the program itself");
    probe.attempt.command.native = vec!["../missing".into()];
    assert_eq!(probe.end().await.receipt.tail, "a wrapper");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms() {
    let report = dayfly_testkit::conformance::runner(async || SubprocessRunner::new()).await;
    assert_eq!(report.reasons(), ["it takes no attempt up again"], "{report}");
}
