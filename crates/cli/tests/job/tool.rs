//! The tool by itself, as a line of a script or a crontab runs it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The program with almost nothing in its environment, as cron has it.
fn job() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dayfly-job"));
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// What a run printed, its exit code, and its receipt.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    fn receipt(&self) -> Value {
        let line = self.err.lines().last().unwrap_or_else(|| panic!("{self:?}"));
        serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

fn run(args: &[&str]) -> Ran {
    Ran::of(&job().args(args).output().unwrap())
}

fn is_there(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[test]
fn what_the_command_prints_is_passed_on_and_the_receipt_is_the_last_word() {
    let ran = run(&["--", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "out\n"), "{ran:?}");
    let receipt = ran.receipt();
    assert!(ran.err.starts_with("err\n"), "{ran:?}");
    assert_eq!(
        (&receipt["version"], &receipt["end"], &receipt["exit_code"]),
        (&1.into(), &"succeeded".into(), &0.into())
    );
    assert_eq!((&receipt["stdout_bytes"], &receipt["stderr_bytes"]), (&4.into(), &4.into()));
    assert_eq!(receipt.get("logs"), None, "nobody asked for the logs of a success");
    assert_eq!((receipt["killed"].as_u64(), receipt["leaky"].as_bool()), (Some(0), Some(false)));
}

/// The bridge beside a program ends with it, by the kernel, and so hardly before the keeper looks.
#[test]
fn a_bridge_is_nothing_that_the_command_left_behind() {
    let own = env!("CARGO_BIN_EXE_dayfly-job");
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("sock").display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bridge = format!("{port}={socket}");
    let launch = [own, "launch", "--bridge", &bridge, "--bridge-by", own, "--bridge-by", "launch", "--"];
    let left = ["sh", "-c", "cat </dev/zero >/dev/null &"];
    for (command, killed) in [(&["true"][..], 0), (&left[..], 1)] {
        let receipt = run(&[&["--"], &launch[..], command].concat()).receipt();
        assert_eq!((&receipt["end"], receipt["killed"].as_u64()), (&"succeeded".into(), Some(killed)), "{receipt}");
    }
}

#[test]
fn the_input_is_passed_on_or_comes_from_a_file() {
    let mut child = job().args(["--", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a prompt").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"a prompt");

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("prompt.txt");
    fs::write(&file, "x".repeat(300_000)).unwrap();
    let ran = run(&["--input", file.to_str().unwrap(), "--", "wc", "-c"]);
    assert_eq!(ran.out.trim(), "300000", "{ran:?}");
    assert_eq!(run(&["--input", file.to_str().unwrap(), "--", "true"]).code, Some(0), "nobody has to read it");
}

#[test]
fn a_gate_that_does_not_pass_fails_the_run_and_later_ones_are_not_run() {
    let ran =
        run(&["--gate", "test 1 = 1", "--gate", "sh -c 'echo no; exit 4'", "--gate", "true", "--", "echo", "done"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let receipt = ran.receipt();
    assert_eq!(ran.out, "done\n", "what a gate says is no output of the command: {ran:?}");
    assert!(ran.err.starts_with("no\n"), "{ran:?}");
    assert_eq!(
        (&receipt["end"], &receipt["reason"]),
        (&"gate-failed".into(), &"`sh -c echo no; exit 4` did not succeed".into())
    );
    let codes: Vec<_> = receipt["gates"].as_array().unwrap().iter().map(|gate| gate["exit_code"].as_i64()).collect();
    assert_eq!(codes, [Some(0), Some(4)]);
    let log = format!("{}/output.log", receipt["gates"][1]["logs"].as_str().unwrap());
    assert_eq!(fs::read_to_string(log).unwrap(), "no\n", "what failed is kept");
    fs::remove_dir_all(receipt["logs"].as_str().unwrap()).unwrap();
    assert_eq!(
        run(&["--gate", "false", "--", "false"]).receipt()["gates"],
        Value::Array(vec![]),
        "a failure is not judged"
    );
}

#[test]
fn a_limit_ends_the_whole_tree() {
    let script = "setsid sh -c 'echo $$; exec sleep 600' & (trap '' TERM; echo $$; sleep 600) & wait";
    let ran = run(&["--timeout", "500ms", "--grace", "100ms", "--", "sh", "-c", script]);
    let receipt = ran.receipt();
    assert_eq!((ran.code, &receipt["end"]), (Some(1), &"timed-out-wall".into()), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 2, "{ran:?}");
    assert!(ran.out.lines().all(|pid| !is_there(pid)), "{ran:?}");
    assert_eq!(receipt["left"].as_u64(), Some(0));
    let ran = run(&["--silence", "200ms", "--", "sleep", "600"]);
    assert_eq!(ran.receipt()["end"], "timed-out-silence", "{ran:?}");
}

#[test]
fn what_is_left_behind_is_ended_though_the_command_succeeded() {
    let script = "env -i setsid sleep 600 & echo $!; (setsid sleep 600 >/dev/null 2>&1 & echo $!)";
    let begun = Instant::now();
    let ran = run(&["--", "sh", "-c", script]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 2), "{ran:?}");
    assert!(ran.out.lines().all(|pid| !is_there(pid)), "{ran:?}");
    let receipt = ran.receipt();
    assert_eq!(
        (receipt["killed"].as_u64(), receipt["leaky"].as_bool()),
        (Some(2), Some(true)),
        "one held the output open"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// A running job, and the first line of its command.
fn started(args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let mut child = job().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    (child, lines, first)
}

#[test]
fn an_interrupt_lets_the_command_end_by_itself_and_says_so() {
    let script = "trap 'echo bye; exit 9' TERM; echo $$; while :; do sleep 0.05; done";
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (mut child, mut lines, first) = started(&["--", "sh", "-c", script]);
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        lines.read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), out.as_str()), (Some(130), "bye\n"), "{err}");
        assert!(err.contains("\"end\":\"interrupted\"") && err.contains("\"exit_code\":9"), "{err}");
        assert!(!is_there(&first));
    }
}

#[test]
fn a_reader_that_goes_away_does_not_hold_the_command_up() {
    let (mut child, lines, _) = started(&["--json", "--", "sh", "-c", "yes | head -c 1000000; exit 5"]);
    drop(lines);
    assert!(child.wait().unwrap().code().is_some());
    let (mut child, lines, first) = started(&["--", "sh", "-c", "echo $$; yes | head -c 1000000; exit 5"]);
    drop(lines);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(err.contains("\"exit_code\":5"), "{err}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(!is_there(&first));
}

#[test]
fn with_json_the_receipt_is_all_that_is_printed_and_the_logs_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("night/1");
    let logs = logs.to_str().unwrap();
    let args = ["--json", "--dir", logs, "--log-bytes", "1000", "--", "sh", "-c", "yes | head -c 5000000; printf end"];
    let ran = run(&args);
    let receipt: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!((&receipt["stdout_bytes"], &receipt["cut_bytes"]), (&5_000_003.into(), &4_999_003.into()));
    assert_eq!(
        serde_json::from_str::<Value>(&fs::read_to_string(format!("{logs}/receipt.json")).unwrap()).unwrap(),
        receipt
    );
    let log = fs::read_to_string(format!("{logs}/output.log")).unwrap();
    assert!(log.ends_with("y\nend") && log.contains("\n[cut 4999003 bytes]\n"), "{log}");
    let again = run(&args);
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.err.contains("holds receipt.json of another run"), "{again:?}");
}

#[test]
fn secrets_are_masked_wherever_the_output_goes() {
    let secret = "correct-horse-battery";
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let script = "echo token $MY_TOKEN; printf $PLAIN; printf $MY_TOKEN | base64; echo $OTHER >&2";
    let output = job()
        .args(["--dir", logs.to_str().unwrap(), "--redact", "PLAIN", "--", "sh", "-c", script])
        .envs([("MY_TOKEN", secret), ("PLAIN", "battery-staple-horse"), ("OTHER", "not a secret at all")])
        .output()
        .unwrap();
    let ran = Ran::of(&output);
    assert!(ran.out.starts_with("token *********************\n********************"), "{ran:?}");
    assert!(ran.err.starts_with("not a secret at all\n"), "{ran:?}");
    assert_eq!(fs::read_to_string(logs.join("output.log")).unwrap(), ran.out);
    assert!(!ran.out.contains("Y29ycmVjdC"), "{ran:?}");
}

#[test]
fn a_program_that_is_not_there_is_told_with_the_path_that_was_searched() {
    let ran = run(&["--", "no-such-agent"]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(
        ran.err,
        "error: `no-such-agent` is not on PATH (/usr/bin:/bin); name it by its path, or set PATH in the line that runs this\n"
    );
    let ran = run(&["--gate", "no-such-gate", "--", "sh", "-c", "echo ran"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "nothing is run that could not be judged");
    let ran = run(&["--gate", "sh -c 'oops", "--", "true"]);
    assert!(ran.code == Some(2) && ran.err.contains("is a quote missing?"), "{ran:?}");
    assert_eq!(run(&["--timeout", "soon", "--", "true"]).code, Some(2));
    assert_eq!(run(&[]).code, Some(2));
}

#[test]
fn a_slow_reader_gets_everything_and_cannot_hold_an_interrupt_up() {
    let mut child =
        job().args(["--", "seq", "1", "40000"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    // More than two pipes hold, and nobody reads before it has long ended.
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let reading = std::thread::spawn(move || {
        std::thread::park_timeout(Duration::from_millis(700));
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    assert_eq!(reading.join().unwrap().lines().count(), 40000);
    let mut receipt = String::new();
    err.read_line(&mut receipt).unwrap();
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(
        (&receipt["end"], &receipt["unpassed_bytes"], &receipt["leaky"]),
        (&"succeeded".into(), &0.into(), &false.into())
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let mut child = job().args(["--dir", "/dev/null/no", "--", "true"]).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));

    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let script = "echo $$; seq 1 40000; touch \"$0\"";
    let done = dir.path().join("done");
    let args = ["--dir", logs.to_str().unwrap(), "--", "sh", "-c", script, done.to_str().unwrap()];
    let mut child = job().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _unread = child.stdout.take().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while fs::metadata(logs.join("output.log")).map_or(0, |log| log.len()) <= 65_536 {
        // More than a pipe holds.
        assert!(Instant::now() < end, "it does not print");
        std::thread::yield_now();
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let mut receipt = String::new();
    child.stderr.take().unwrap().read_to_string(&mut receipt).unwrap();
    assert!(child.wait().unwrap().code().is_some());
    let receipt: Value = serde_json::from_str(receipt.lines().last().unwrap()).unwrap();
    assert!(receipt["unpassed_bytes"].as_u64().unwrap() > 0, "{receipt}");
}

#[test]
fn a_command_ends_with_a_tool_that_is_killed() {
    let (mut child, _lines, first) = started(&["--", "sh", "-c", "echo $$; exec sleep 600"]);
    assert!(is_there(&first));
    child.kill().unwrap();
    child.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while is_there(&first) {
        assert!(Instant::now() < end, "it goes on without anybody");
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_executed_after_all_is_in_the_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    fs::write(&gate, "no program").unwrap();
    fs::set_permissions(&gate, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ran = run(&["--gate", gate.to_str().unwrap(), "--", "echo", "done"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "done\n"), "{ran:?}");
    let receipt = ran.receipt();
    assert_eq!(receipt["end"], "gate-failed", "{receipt}");
    assert!(receipt["gates"][0]["exit_code"].as_i64() > Some(100), "{receipt}");
    fs::remove_dir_all(receipt["logs"].as_str().unwrap()).unwrap();
}
