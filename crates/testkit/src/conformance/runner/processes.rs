//! What an executor keeps to that runs processes: how they start, what they are given and what they print.

use std::fs;

use dayfly_core::{AttemptEvent, Capabilities, End, PromptVia};

use super::super::both;
use super::probe::{PROMPT, Probe};
use super::{Case, Suite, contract};

pub(super) const SENTENCES: &[&str] = &[
    contract::STARTS,
    contract::SPAWNED_FIRST,
    contract::CWD,
    contract::STDIN_ENDS,
    contract::STDIN_UNREAD,
    contract::ENVIRONMENT,
    contract::BOUNDED,
    contract::RAW_BYTES,
    contract::SIDE_BY_SIDE,
];

/// More than a pipe holds, and more than one argument may.
const LONG_PROMPT: usize = 300_000;

pub(super) async fn check(suite: &mut Suite<'_>, can: Capabilities) {
    suite.check(contract::STARTS, what_cannot_run_is_an_error).await;
    suite.check(contract::SPAWNED_FIRST, a_running_attempt_is_identified).await;
    suite.check(contract::CWD, it_starts_in_its_folder).await;
    suite.check(contract::STDIN_ENDS, standard_input_is_the_prompt_and_ends).await;
    suite.check(contract::STDIN_ENDS, a_long_prompt_arrives_whole).await;
    suite.check(contract::STDIN_ENDS, standard_input_is_empty).await;
    suite.check(contract::STDIN_UNREAD, a_prompt_may_be_left_unread).await;
    if Canary::find().is_some() {
        suite.check(contract::ENVIRONMENT, the_environment_is_not_passed_on).await;
    } else {
        suite.report.skip(&[contract::ENVIRONMENT], "it was not run by cargo, whose variables the suite looks for");
    }
    suite.check(contract::BOUNDED, a_flood_is_bounded).await;
    suite.check(contract::BOUNDED, a_flood_of_lines_is_counted).await;
    suite.check(contract::RAW_BYTES, bytes_that_are_no_text_reach_the_reader).await;
    suite.check(contract::SIDE_BY_SIDE, two_attempts_go_their_own_ways).await;
    suite.check(contract::WAIT, what_was_printed_meanwhile_is_not_lost).await;
    if can.exit_status {
        suite.check(contract::EXIT_STATUS, the_exit_code_is_the_process_own).await;
        suite.check(contract::EXIT_STATUS, the_signal_is_the_process_own).await;
    } else {
        suite.report.skip(&[contract::EXIT_STATUS], "it reports no exit status");
    }
}

async fn what_cannot_run_is_an_error(case: &Case<'_>) {
    let mut probe = Probe::new("quick", "exit 0");
    let runner = case.runner().await;
    let program = std::mem::replace(&mut probe.attempt.command.program, "/no/such/program".into());
    let refused = case.soon("`start` does not return", runner.start(&probe.attempt)).await.is_err();
    case.holds(refused, "a program that is not there is started");
    probe.attempt.command.program = program;
    let cwd = std::mem::replace(&mut probe.attempt.cwd, "/no/such/folder".into());
    let refused = case.soon("`start` does not return", runner.start(&probe.attempt)).await.is_err();
    case.holds(refused, "a process is started in a folder that is not there");
    case.same(probe.heard.events(), Vec::new(), "these events were told");
    probe.attempt.cwd = cwd;
    let end = case.end(&mut *case.start(&*runner, &probe).await).await.end;
    case.same(end, End::Succeeded, "started again it ends with");
}

async fn a_running_attempt_is_identified(case: &Case<'_>) {
    let probe = Probe::new("quick", "echo ready; exit 0");
    case.run(&probe).await;
    let events = probe.heard.events();
    let first = matches!(events.first(), Some(AttemptEvent::Spawned(process)) if process.pid > 1);
    case.holds(first, format_args!("{events:?}"));
}

async fn it_starts_in_its_folder(case: &Case<'_>) {
    let probe = Probe::new("quick", "[ -f here ]");
    fs::write(probe.attempt.cwd.join("here"), "").expect("a file can be written in the scratch folder");
    case.same(case.run(&probe).await.end, End::Succeeded, "looking for a file that is in it ends with");
}

async fn standard_input_is_the_prompt_and_ends(case: &Case<'_>) {
    let probe = Probe::new("quick", "cat; echo; echo end");
    case.same(case.run(&probe).await.end, End::Succeeded, "`cat` ends with");
    let mut wanted: Vec<Vec<u8>> = PROMPT.lines().map(|line| line.as_bytes().to_vec()).collect();
    wanted.push(b"end".to_vec());
    case.same(probe.heard.lines(), wanted, "it reads");
}

async fn a_long_prompt_arrives_whole(case: &Case<'_>) {
    let mut probe = Probe::new("quick", &format!("[ $(wc -c) -eq {LONG_PROMPT} ]"));
    probe.attempt.job.prompt = "x".repeat(LONG_PROMPT);
    case.same(case.run(&probe).await.end, End::Succeeded, "counting a long prompt ends with");
}

async fn standard_input_is_empty(case: &Case<'_>) {
    let script = "[ -z \"$(cat)\" ] && [ \"$0\" = \"$(printf 'first line\\nlast line without an end')\" ]";
    let mut probe = Probe::new("quick", script);
    probe.attempt.command.prompt = PromptVia::LastArgument;
    case.same(case.run(&probe).await.end, End::Succeeded, "where the prompt is the last argument, looking ends with");
}

async fn a_prompt_may_be_left_unread(case: &Case<'_>) {
    let mut probe = Probe::new("quick", "echo done; exit 0");
    probe.attempt.job.prompt = "x".repeat(LONG_PROMPT);
    case.same(case.run(&probe).await.end, End::Succeeded, "the end is");
    case.same(probe.heard.lines(), vec![b"done".to_vec()], "it prints");
}

/// Variables that cargo sets for tests, which no executor has a reason to pass on.
struct Canary {
    passed: String,
    kept: Vec<String>,
}

impl Canary {
    fn find() -> Option<Self> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("CARGO_")).collect();
        names.sort();
        let passed = names.pop()?;
        (!names.is_empty()).then_some(Self { passed, kept: names })
    }
}

async fn the_environment_is_not_passed_on(case: &Case<'_>) {
    let Some(canary) = Canary::find() else { return };
    let mut probe = Probe::new("quick", "env");
    probe.attempt.command.pass_env.push(canary.passed.clone());
    probe.attempt.command.env.insert("DAYFLY_PROBE_MINE".into(), "mine".into());
    case.same(case.run(&probe).await.end, End::Succeeded, "`env` ends with");
    let lines = probe.heard.lines();
    let lines: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    case.holds(lines.iter().any(|line| line == "DAYFLY_PROBE_MINE=mine"), "what `env` sets is not there");
    case.holds(names.contains(&canary.passed.as_str()), format_args!("{} was not passed on", canary.passed));
    let leaked: Vec<&&str> = names.iter().filter(|name| canary.kept.iter().any(|kept| kept == *name)).collect();
    case.holds(leaked.is_empty(), format_args!("{leaked:?} were passed on, and nobody asked for them"));
}

async fn a_flood_is_bounded(case: &Case<'_>) {
    let probe = Probe::new("quick", "echo first; head -c 3000000 /dev/zero; echo; printf 'last\\n'");
    let outcome = case.run(&probe).await;
    case.same(outcome.end, End::Succeeded, "after a flood the end is");
    case.same(outcome.receipt.output_bytes, 3_000_012, "the bytes counted are");
    let limits = probe.attempt.output;
    let lines = probe.heard.lines();
    let longest = lines.iter().map(Vec::len).max().unwrap_or_default();
    case.holds(longest <= limits.line_bytes, format_args!("the agent's reader was given a line of {longest} bytes"));
    case.same(lines.last().cloned(), Some(b"last".to_vec()), "the line after one that was cut is");
    let log = fs::read(probe.attempt.dir.join("output.log")).unwrap_or_default();
    // The mark that says how much was cut comes on top.
    let most = usize::try_from(limits.log_bytes).unwrap_or(usize::MAX).saturating_add(100);
    case.holds(log.len() <= most, format_args!("a log of {} bytes, where {} are allowed", log.len(), limits.log_bytes));
    case.holds(log.starts_with(b"first\n"), "the beginning is not in `output.log`");
    case.holds(log.ends_with(b"last\n"), "the end is not in `output.log`");
    case.holds(outcome.receipt.tail.len() < 1_000_000, "the tail in the receipt is without a bound");
}

async fn a_flood_of_lines_is_counted(case: &Case<'_>) {
    let mut probe = Probe::new("quick", "yes 123456789 | head -n 50000; yes 123456789 | head -n 50000 >&2");
    // What the log can hold, the reader is given whole.
    probe.attempt.output.log_bytes = 1_000_000;
    let outcome = case.run(&probe).await;
    case.same(outcome.receipt.output_bytes, 1_000_000, "the bytes of both streams are");
    case.same(probe.heard.lines().len(), 50_000, "the lines given to the agent's reader are");
    case.holds(outcome.receipt.tail.len() < 1_000_000, "the tail in the receipt is without a bound");
}

async fn bytes_that_are_no_text_reach_the_reader(case: &Case<'_>) {
    let probe = Probe::new("quick", "printf 'a\\377\\000b\\n\\300\\200\\n'");
    case.same(case.run(&probe).await.end, End::Succeeded, "the end is");
    case.same(probe.heard.lines(), vec![b"a\xff\0b".to_vec(), b"\xc0\x80".to_vec()], "the reader was given");
}

async fn two_attempts_go_their_own_ways(case: &Case<'_>) {
    let runner = case.runner().await;
    let (one, other) = (Probe::new("quick", "echo one; exit 0"), Probe::new("quick", "echo other; exit 7"));
    let (mut first, mut second) = (case.start(&*runner, &one).await, case.start(&*runner, &other).await);
    let (first, second) = both(case.end(&mut *first), case.end(&mut *second)).await;
    case.same(first.end, End::Succeeded, "the end of the one is");
    case.holds(matches!(second.end, End::TaskFailed { .. }), format_args!("the end of the other is {:?}", second.end));
    case.same(one.heard.lines(), vec![b"one".to_vec()], "the one prints");
    case.same(other.heard.lines(), vec![b"other".to_vec()], "the other prints");
}

async fn what_was_printed_meanwhile_is_not_lost(case: &Case<'_>) {
    let probe = Probe::new("quick", "echo ready; until [ -f go ]; do sleep 0.02; done; echo more; exit 0");
    let runner = case.runner().await;
    let mut running = case.start(&*runner, &probe).await;
    // This waits for the end and gives up on it.
    probe.first_line(case, &mut *running).await;
    fs::write(probe.attempt.cwd.join("go"), "").expect("a file can be written in the scratch folder");
    case.same(case.end(&mut *running).await.end, End::Succeeded, "the end is");
    case.same(probe.heard.lines(), vec![b"ready".to_vec(), b"more".to_vec()], "the lines are");
}

async fn the_exit_code_is_the_process_own(case: &Case<'_>) {
    let receipt = case.run(&Probe::new("quick", "exit 7")).await.receipt;
    case.same((receipt.exit_code, receipt.signal), (Some(7), None), "of `exit 7` the code and the signal are");
}

async fn the_signal_is_the_process_own(case: &Case<'_>) {
    let receipt = case.run(&Probe::new("quick", "kill -KILL $$")).await.receipt;
    case.same((receipt.exit_code, receipt.signal), (None, Some(9)), "of `kill -KILL $$` the code and the signal are");
}
