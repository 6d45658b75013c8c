use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{AgentEvent, AttemptEvent, AttemptId, CommandLine, End, PromptVia, StageName, Stream, Usage};
use dayfly_testkit::conformance;

use super::*;
use crate::subprocess::test_job;

/// A folder, and what the attempts in it told.
struct Yard {
    root: Utf8PathBuf,
    events: Arc<Mutex<Vec<AttemptEvent>>>,
    _folder: tempfile::TempDir,
}

impl Yard {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        fs::create_dir(root.join("tree")).unwrap();
        Self { root, events: Arc::default(), _folder: folder }
    }

    /// That attempt at the issue `web#7`.
    fn attempt(&self, number: u32) -> Attempt {
        self.at_stage("exec", number)
    }

    fn at_stage(&self, stage: &str, number: u32) -> Attempt {
        let mut job = test_job();
        job.stage = StageName::new(stage).unwrap();
        let config = dayfly_core::AgentConfig {
            kind: dayfly_core::AgentKind::Command,
            argv: vec!["true".into()],
            model: None,
            pass_env: Vec::new(),
            redact: Vec::new(),
            env: Default::default(),
            concurrency: None,
        };
        let events = Arc::clone(&self.events);
        Attempt {
            id: AttemptId::new(&job.issue, &job.stage, number),
            command: CommandLine {
                program: "true".into(),
                args: Vec::new(),
                prompt: PromptVia::Stdin,
                env: Default::default(),
                pass_env: Vec::new(),
                redact: Vec::new(),
            },
            job,
            cwd: self.root.join("tree"),
            reads: Vec::new(),
            dir: self.root.join("attempt"),
            agent: crate::agent_for(&dayfly_core::AgentName::new("a").unwrap(), &config),
            output: dayfly_core::OutputLimits { log_bytes: 1, line_bytes: 1 },
            tag: "t".into(),
            events: EventSink::new(move |event| events.lock().unwrap().push(event)),
        }
    }

    fn events(&self) -> Vec<AttemptEvent> {
        self.events.lock().unwrap().clone()
    }
}

fn line(text: &str) -> AttemptEvent {
    AttemptEvent::Line { stream: Stream::Stdout, text: text.into() }
}

/// Starts the attempt and waits for its end.
async fn run(runner: &MockRunner, attempt: &Attempt) -> Outcome {
    runner.start(attempt).await.unwrap().wait().await.unwrap()
}

fn rules(text: &str) -> MockRunner {
    MockRunner::from_toml(&format!("version = 1\n{text}")).unwrap()
}

/// What is wrong with the text.
fn problem(text: &str) -> String {
    MockRunner::from_toml(text).unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn it_conforms() {
    let runner = MockRunner::new(|attempt| match attempt.job.stage.as_str() {
        "forever" => MockScript::hangs(),
        _ => MockScript { after: Duration::from_secs(60), ..MockScript::succeeds() },
    });
    let report = conformance::runner(async || runner.clone()).await;
    let without =
        ["it takes no attempt up again", "it runs no processes, or cannot hold them", "it enforces no limits"];
    assert_eq!(report.reasons(), without, "{report}");
    assert_eq!(runner.violations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn it_conforms_with_all_that_rules_can_claim() {
    let runner = rules(
        r#"
        limits = true
        reattach = true
        [[rule]]
        stage = "quick"
        after = "1s"
        [[rule]]
        stage = "forever"
        hangs = true
        stubborn = true
        "#,
    )
    .checked_at_drop();
    let report = conformance::runner(async || runner.clone()).await;
    assert_eq!(report.reasons(), ["it runs no processes, or cannot hold them"], "{report}");
}

#[tokio::test(start_paused = true)]
async fn the_script_is_followed() {
    let yard = Yard::new();
    let runner = MockRunner::new(|_| MockScript {
        after: Duration::from_secs(3600),
        usage: Usage { input_tokens: 5, ..Usage::default() },
        proposal_json: Some("{\"version\":1}".into()),
        files: vec![("src/new.txt".into(), "text".into())],
        ..MockScript::ends(End::TaskFailed { reason: "so it is written".into() })
    });
    let outcome = run(&runner, &yard.attempt(1)).await;
    assert_eq!(outcome.end, End::TaskFailed { reason: "so it is written".into() });
    assert_eq!(outcome.receipt.took, Duration::from_secs(3600));
    assert_eq!(outcome.receipt.usage.input_tokens, 5);
    assert_eq!(fs::read_to_string(yard.root.join("attempt/out/proposal.json")).unwrap(), "{\"version\":1}");
    assert_eq!(fs::read_to_string(yard.root.join("tree/src/new.txt")).unwrap(), "text");
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_fits_is_followed() {
    let yard = Yard::new();
    let runner = rules(
        r#"
        [[rule]]
        project = "api"
        end = "host"
        [[rule]]
        issue = 7
        attempt = 1
        lines = ["one"]
        events = [
            { at = "2s", tool = "Bash", detail = "ls" },
            { at = "1s", line = "no", stream = "stderr" },
        ]
        after = "3s"
        end = "task-failed"
        reason = "no luck"
        model = "m-1"
        usage = { output_tokens = 3 }
        [[rule]]
        issue = "7"
        files = { "a/b.txt" = "new" }
        proposal = { summary = "done", effects = [{ comment = { body = "hi" } }] }
        "#,
    );
    let first = run(&runner, &yard.attempt(1)).await;
    assert_eq!(first.end, End::TaskFailed { reason: "no luck".into() });
    assert_eq!((first.receipt.took, first.receipt.model), (Duration::from_secs(3), Some("m-1".into())));
    assert_eq!((first.receipt.output_bytes, first.receipt.tail.as_str()), (7, "one\nno"));
    assert_eq!(first.receipt.usage.output_tokens, 3);
    let tool = AgentEvent::Tool { name: "Bash".into(), detail: "ls".into() };
    let no = AttemptEvent::Line { stream: Stream::Stderr, text: "no".into() };
    assert_eq!(yard.events(), [line("one"), no, AttemptEvent::Agent(tool)]);

    assert_eq!(run(&runner, &yard.attempt(2)).await.end, End::Succeeded);
    assert_eq!(fs::read_to_string(yard.root.join("tree/a/b.txt")).unwrap(), "new");
    let proposal = fs::read(yard.root.join("attempt/out/proposal.json")).unwrap();
    let proposal = dayfly_core::Proposal::read(&proposal, &["comment".to_owned()], 0).unwrap();
    assert_eq!((proposal.version, proposal.summary.as_str(), proposal.effects.len()), (1, "done", 1));
    let ids: Vec<String> = runner.started().iter().map(|attempt| attempt.id.to_string()).collect();
    assert_eq!(ids, ["web.7.exec.1", "web.7.exec.2"]);
}

#[tokio::test(start_paused = true)]
async fn every_end_can_be_asked_for_by_its_word() {
    let words = [
        "succeeded",
        "no-op",
        "task-failed",
        "gate-failed",
        "needs-human",
        "quota",
        "provider-down",
        "auth",
        "misconfigured",
        "permission-denied",
        "environment",
        "host",
        "timed-out-wall",
        "timed-out-silence",
        "cancelled",
        "lost",
        "unknown",
    ];
    let yard = Yard::new();
    for (number, word) in (1..).zip(words) {
        let end = run(&rules(&format!("[[rule]]\nend = \"{word}\"")), &yard.attempt(number)).await.end;
        assert_eq!(end.word(), word);
        if let End::TimedOutWall { limit } | End::TimedOutSilence { limit } = end {
            assert_eq!(limit, Duration::from_secs(60), "the job's own");
        }
    }
    let quota = rules("[[rule]]\nend = \"quota\"\nresets_at = \"2030-01-02T03:04:05Z\"");
    let end = run(&quota, &yard.attempt(99)).await.end;
    assert_eq!(end.to_string(), "quota: comes back at 2030-01-02T03:04:05Z");
}

#[test]
fn a_wrong_rule_is_told_with_its_line_and_a_remedy() {
    let v = "version = 1\n";
    for (text, said) in [
        ("version = 2".to_owned(), "line 1: version 2 is not known (write `version = 1`)"),
        (format!("{v}[[rule]]\nhang = true"), "line 3: unknown field `hang`, expected one of `project`, `issue`"),
        (format!("{v}\n[[rule]]\nafter = \"soon\""), "line 4: `soon` is not a duration (write it as \"90s\""),
        (format!("{v}[[rule]]\nend = \"failed\""), "line 3: `failed` is no end (docs/outcomes.md lists"),
        (format!("{v}[[rule]]\nend = \"lost\"\nreason = \"x\""), "line 3: `reason` does not go with the end `lost`"),
        (format!("{v}[[rule]]\nquestion = \"x\""), "line 2: `question` does not go with the end `succeeded`"),
        (format!("{v}[[rule]]\nhangs = true\nafter = \"1s\""), "line 4: what `hangs` has no `after`"),
        (format!("{v}[[rule]]\nhangs = true\nend = \"host\""), "line 2: what `hangs` has no `end` of its own"),
        (format!("{v}[[rule]]\ntransient = true"), "line 2: `transient` says what kind of `start_error` it is"),
        (format!("{v}[[rule]]\nend = \"quota\"\nresets_at = \"noon\""), "line 4: `noon` is not a time (write it as"),
        (format!("{v}[[rule]]\nwhen_dropped = \"kept\""), "line 3: `kept` does not say what becomes of it"),
        (format!("{v}[[rule]]\nevents = [\n{{ at = \"1s\" }}]"), "line 4: an event that is not one thing (give each"),
        (format!("{v}[[rule]]\nevents = [{{ say = \"a\", line = \"b\" }}]"), "line 3: an event that is not one thing"),
        (format!("{v}[[rule]]\nevents = [{{ say = \"a\", detail = \"b\" }}]"), "line 3: `stream` goes with `line`"),
        (format!("{v}[[rule]]\nproposal = {{ verdikt = \"pass\" }}"), "line 3: the proposal is not of the documented"),
        (format!("{v}[[rule]]\nproposal = 7"), "line 3: a proposal is a table or a string (write a table)"),
        (format!("{v}[[rule]\n"), "line 2: "),
    ] {
        let problem = problem(&text);
        assert!(problem.starts_with(said), "{text}\n{problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_a_wrong_proposal_and_a_refusal_go_as_written() {
    let yard = Yard::new();
    let runner = rules(
        r#"
        [[rule]]
        attempt = 1
        flood = 100000
        proposal = "no JSON"
        [[rule]]
        attempt = 2
        start_error = "no space left on device"
        transient = true
        [[rule]]
        start_error = "no such file"
        "#,
    );
    let outcome = run(&runner, &yard.attempt(1)).await;
    assert_eq!(yard.events().len(), 100_000);
    assert_eq!(outcome.receipt.tail.lines().count(), 100);
    assert_eq!(fs::read_to_string(yard.root.join("attempt/out/proposal.json")).unwrap(), "no JSON");
    for (number, transient) in [(2, true), (3, false)] {
        let error = runner.start(&yard.attempt(number)).await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{error}");
    }
    let refused = runner.calls().iter().filter(|call| matches!(call, MockCall::Refused(_))).count();
    assert_eq!((refused, runner.started().len()), (2, 1));
    assert_eq!(runner.violations(), [""; 0], "a refused attempt is nothing an engine did wrong");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stubborn_is_killed_after_the_grace_period() {
    let yard = Yard::new();
    let runner = MockRunner::new(|_| MockScript { stubborn: true, ..MockScript::hangs() });
    let mut running = runner.start(&yard.attempt(1)).await.unwrap();
    running.stop(Stop::Polite).await.unwrap();
    let outcome = running.wait().await.unwrap();
    assert_eq!((outcome.end, outcome.receipt.took), (End::Cancelled, Duration::from_secs(10)));
    assert_eq!(yard.events(), [AttemptEvent::Stopping(Stop::Polite), AttemptEvent::Stopping(Stop::Kill)]);
}

#[tokio::test(start_paused = true)]
async fn silence_begins_anew_with_each_sign_of_life() {
    let yard = Yard::new();
    let later = vec![(Duration::from_secs(50), line("here")), (Duration::from_secs(100), line("still"))];
    let script = MockScript { later, ..MockScript::hangs() };
    let runner = MockRunner::new(move |_| script.clone()).with_limits();
    let mut attempt = yard.attempt(1);
    attempt.job.wall = Duration::from_secs(1000);
    attempt.job.silence_report = Duration::from_secs(40);
    let outcome = run(&runner, &attempt).await;
    assert_eq!(outcome.end, End::TimedOutSilence { limit: Duration::from_secs(60) });
    assert_eq!(outcome.receipt.took, Duration::from_secs(160));
    let silent = AttemptEvent::Silent(Duration::from_secs(40));
    let told = [silent.clone(), line("here"), silent.clone(), line("still"), silent];
    assert_eq!(yard.events()[..5], told);
    assert_eq!(yard.events()[5..], [AttemptEvent::Stopping(Stop::Polite)]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_attempt_is_killed_found_or_lost() {
    let yard = Yard::new();
    let runner = rules(
        r#"
        reattach = true
        [[rule]]
        attempt = 1
        hangs = true
        [[rule]]
        attempt = 2
        after = "1h"
        when_dropped = "found"
        [[rule]]
        attempt = 3
        hangs = true
        when_dropped = "lost"
        "#,
    );
    for (number, found) in [(1, Some(End::Cancelled)), (2, Some(End::Succeeded)), (3, None)] {
        let attempt = yard.attempt(number);
        drop(runner.start(&attempt).await.unwrap());
        let again = runner.reattach(&attempt).await.unwrap();
        let end = match again {
            Some(mut running) => Some(running.wait().await.unwrap().end),
            None => None,
        };
        assert_eq!(end, found, "{number}");
    }
    assert_eq!(runner.violations(), [""; 0]);
    let id = yard.attempt(2).id;
    let calls: Vec<MockCall> = runner.calls().into_iter().skip(4).take(4).collect();
    let told = [
        MockCall::Started(id.clone()),
        MockCall::Dropped(id.clone()),
        MockCall::Reattached { attempt: id.clone(), found: true },
        MockCall::Ended { attempt: id, end: End::Succeeded },
    ];
    assert_eq!(calls, told, "{:?}", runner.calls());
}

#[tokio::test(start_paused = true)]
async fn what_an_engine_must_not_do_is_a_violation() {
    let yard = Yard::new();
    let judged = async |starts: &[Attempt]| {
        let runner = MockRunner::new(|_| MockScript::hangs());
        let mut running = Vec::new();
        for attempt in starts {
            running.push(runner.start(attempt).await.unwrap());
        }
        runner.violations().join("; ")
    };
    let mended = |mend: fn(&mut Attempt)| {
        let mut attempt = yard.attempt(1);
        mend(&mut attempt);
        [attempt]
    };
    assert_eq!(judged(&[yard.attempt(1)]).await, "");
    let twice = judged(&[yard.attempt(1), yard.attempt(1)]).await;
    assert_eq!(twice, "web.7.exec.1 is started twice; each try is an attempt of its own");
    let two = judged(&[yard.attempt(1), yard.at_stage("review", 2)]).await;
    assert_eq!(two, "web.7.review.2 is started while web.7.exec.1 runs at the same issue");
    for (attempt, said) in [
        (mended(|a| a.job.prompt = " \n".into()), "web.7.exec.1 has no prompt"),
        (
            mended(|a| a.id = AttemptId::from_text("web.8.exec.1")),
            "web.8.exec.1 is not the id of an attempt of its job",
        ),
        (mended(|a| a.tag.clear()), "web.7.exec.1 carries no mark"),
        (mended(|a| a.dir = a.cwd.clone()), "web.7.exec.1 would write its records into its working copy"),
        (mended(|a| a.job.wall = Duration::ZERO), "web.7.exec.1 has limits of time that nothing can keep to"),
    ] {
        let violation = judged(&attempt).await;
        assert!(violation.starts_with(said), "{violation}");
    }
    let runner = rules("[[rule]]\nstage = \"merge\"");
    assert!(runner.start(&yard.attempt(1)).await.is_err());
    assert_eq!(runner.violations(), ["no rule fits web.7.exec.1; add a [[rule]] for it"]);
}

#[tokio::test]
#[should_panic(expected = "an engine did what it must not do:\n- web.7.exec.1 is started twice")]
async fn it_checks_itself_at_its_end() {
    let yard = Yard::new();
    let runner = MockRunner::new(|_| MockScript::succeeds()).checked_at_drop();
    run(&runner, &yard.attempt(1)).await;
    run(&runner, &yard.attempt(1)).await;
}

#[test]
fn the_example_of_the_documentation_can_be_read() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/testing.md");
    let text = fs::read_to_string(file).unwrap();
    let examples: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        assert!(MockRunner::from_toml(example).is_ok(), "{}\n{example}", problem(example));
    }
}
