//! What an executor keeps to that runs processes.

use std::time::Duration;

use dayfly_core::{AttemptEvent, Capabilities, End, PromptVia, Runner};

use super::super::start_and_drop;
use super::ended;
use super::probe::{Mark, PROMPT, Probe};

/// Adds a byte to the file `beat` again and again, for as long as its process lives.
const HEARTBEAT: &str = "echo ready; while :; do printf x >> beat; sleep 0.05; done";

/// Ends well as soon as `beat` no longer grows, and badly if it always does.
const NO_HEARTBEAT: &str = r#"
size() { wc -c < beat 2>/dev/null || echo 0; }
for round in 1 2 3 4 5 6; do
    before=$(size); sleep 0.7; after=$(size)
    [ "$before" = "$after" ] && exit 0
done
exit 1
"#;

pub(super) async fn check<R: Runner>(make: &impl AsyncFn() -> R, can: Capabilities, skipped: &mut Vec<String>) {
    what_cannot_run_is_an_error(&make().await).await;
    a_running_attempt_is_identified(&make().await).await;
    standard_input_is_the_prompt_and_ends(&make().await).await;
    standard_input_is_empty(&make().await).await;
    what_is_kept_of_the_output_is_bounded(&make().await).await;
    if can.exit_status {
        the_exit_code_is_the_process_own(&make().await).await;
    }
    if can.limits {
        the_wall_limit_holds(&make().await).await;
        silence_is_reported_before_it_is_stopped(&make().await).await;
    }
    a_dropped_start_leaves_nothing(&make().await).await;
    a_dropped_attempt_is_killed(&make().await).await;
    if cfg!(target_os = "linux") {
        nothing_is_left_after_the_end(&make().await).await;
    } else {
        skipped.push("background processes: they are searched for only on Linux".to_owned());
    }
}

async fn what_cannot_run_is_an_error(runner: &impl Runner) {
    let mut probe = Probe::new("quick", "exit 0");
    probe.attempt.command.program = "/no/such/program".into();
    let started = runner.start(&probe.attempt).await;
    assert!(started.is_err(), "`start` returns an error when nothing runs");
}

async fn a_running_attempt_is_identified(runner: &impl Runner) {
    let probe = Probe::new("quick", "echo ready; exit 0");
    ended(&mut *probe.start(runner).await).await;
    let first = probe.heard.events().into_iter().next();
    let told = matches!(first, Some(AttemptEvent::Spawned(process)) if process.pid > 1);
    assert!(told, "the first event says which process runs");
}

async fn standard_input_is_the_prompt_and_ends(runner: &impl Runner) {
    let probe = Probe::new("quick", "cat; echo; echo end");
    let outcome = ended(&mut *probe.start(runner).await).await;
    assert_eq!(outcome.end, End::Succeeded, "the child's standard input ends");
    let mut expected: Vec<Vec<u8>> = PROMPT.lines().map(|line| line.as_bytes().to_vec()).collect();
    expected.push(b"end".to_vec());
    assert_eq!(probe.heard.lines(), expected, "the child's standard input is the prompt");
}

async fn standard_input_is_empty(runner: &impl Runner) {
    let mut probe =
        Probe::new("quick", "[ -z \"$(cat)\" ] && [ \"$0\" = \"$(printf 'first line\\nlast line without an end')\" ]");
    probe.attempt.command.prompt = PromptVia::LastArgument;
    let outcome = ended(&mut *probe.start(runner).await).await;
    assert_eq!(outcome.end, End::Succeeded, "where the prompt is the last argument, standard input is empty");
}

async fn what_is_kept_of_the_output_is_bounded(runner: &impl Runner) {
    let probe = Probe::new("quick", "head -c 3000000 /dev/zero; echo; printf 'a\\377b\\n'");
    let outcome = ended(&mut *probe.start(runner).await).await;
    assert_eq!(outcome.end, End::Succeeded, "a flood of output ends nothing");
    assert_eq!(outcome.receipt.output_bytes, 3_000_005, "output is counted, kept or not");
    let most = probe.attempt.output.line_bytes;
    let lines = probe.heard.lines();
    assert!(lines.iter().all(|line| line.len() <= most), "a line over the limit is cut for the agent's reader");
    assert_eq!(lines.last().map(Vec::as_slice), Some(&b"a\xffb"[..]), "the line after one that was cut is whole");
    let log = probe.attempt.dir.join("output.log").metadata().map(|m| m.len()).unwrap_or_default();
    assert!(log <= probe.attempt.output.log_bytes + 100, "the log is cut at its limit: {log} bytes");
    assert!(outcome.receipt.tail.len() < 1_000_000, "the tail is bounded");
}

async fn the_exit_code_is_the_process_own(runner: &impl Runner) {
    let probe = Probe::new("quick", "exit 7");
    let outcome = ended(&mut *probe.start(runner).await).await;
    assert_eq!(outcome.receipt.exit_code, Some(7), "the process's own exit code is reported");
}

async fn the_wall_limit_holds(runner: &impl Runner) {
    let mut probe = Probe::new("forever", "while :; do echo x; sleep 0.05; done");
    probe.attempt.job.wall = Duration::from_millis(300);
    let outcome = ended(&mut *probe.start(runner).await).await;
    assert_eq!(outcome.end, End::TimedOutWall { limit: probe.attempt.job.wall }, "the wall-clock limit is enforced");
}

async fn silence_is_reported_before_it_is_stopped(runner: &impl Runner) {
    let mut probe = Probe::new("forever", "exec sleep 600");
    probe.attempt.job.silence_report = Duration::from_millis(200);
    probe.attempt.job.silence = Duration::from_millis(500);
    let outcome = ended(&mut *probe.start(runner).await).await;
    let limit = probe.attempt.job.silence;
    assert_eq!(outcome.end, End::TimedOutSilence { limit }, "the silence limit is enforced");
    let reported = probe.heard.events().iter().any(|event| matches!(event, AttemptEvent::Silent(_)));
    assert!(reported, "silence is reported before it is stopped");
}

async fn a_dropped_start_leaves_nothing(runner: &impl Runner) {
    let probe = Probe::new("forever", HEARTBEAT);
    start_and_drop(runner.start(&probe.attempt)).await;
    assert!(heartless(runner, &probe).await, "dropping the future of `start` leaves no process behind");
}

async fn a_dropped_attempt_is_killed(runner: &impl Runner) {
    let probe = Probe::new("forever", HEARTBEAT);
    let mut running = probe.start(runner).await;
    probe.first_line(&mut *running).await;
    drop(running);
    assert!(heartless(runner, &probe).await, "dropping a running attempt kills it");
}

async fn nothing_is_left_after_the_end(runner: &impl Runner) {
    let script = format!(
        "setsid /bin/sh -c '{HEARTBEAT}' >/dev/null 2>&1 & until [ -s beat ]; do sleep 0.02; done; echo x > mark"
    );
    let probe = Probe::new("quick", &script);
    ended(&mut *probe.start(runner).await).await;
    assert_eq!(probe.mark(), Mark::Present, "the script has run to its end");
    assert!(heartless(runner, &probe).await, "no process of an attempt is left when it has ended");
}

/// Whether the processes of `probe` have stopped writing, as another attempt sees it.
async fn heartless(runner: &impl Runner, probe: &Probe) -> bool {
    let watcher = probe.watcher(NO_HEARTBEAT);
    ended(&mut *watcher.start(runner).await).await.end == End::Succeeded
}
