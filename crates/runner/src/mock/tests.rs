mod rules;

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
        let config = dayfly_core::AgentConfig::new(dayfly_core::AgentKind::Command, vec!["true".into()]);
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
                ..CommandLine::default()
            },
            job,
            cwd: self.root.join("tree"),
            reads: Vec::new(),
            bridge: None,
            dir: self.root.join("attempt"),
            agent: crate::agent_for(
                &dayfly_core::AgentName::new("a").unwrap(),
                &config,
                &std::collections::BTreeMap::new(),
            ),
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
