use super::*;
use crate::subprocess::test_job;

fn scripted() -> MockRunner {
    MockRunner::new(|attempt| {
        let forever = attempt.job.stage.as_str() == "forever";
        MockScript { after: if forever { Duration::MAX } else { Duration::from_secs(60) }, ..MockScript::succeeds() }
    })
}

#[tokio::test(start_paused = true)]
async fn it_conforms() {
    let report = dayfly_testkit::conformance::runner(async || scripted()).await;
    assert!(report.reasons().contains(&"it runs no processes, or cannot hold them"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn the_script_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let runner = MockRunner::new(|_| MockScript {
        after: Duration::from_secs(3600),
        usage: Usage { input_tokens: 5, ..Usage::default() },
        proposal_json: Some("{\"version\":1}".into()),
        files: vec![("src/new.txt".into(), "text".into())],
        ..MockScript::ends(End::TaskFailed { reason: "so it is written".into() })
    });
    let job = test_job();
    let agent = crate::agent_for(
        &dayfly_core::AgentName::new("a").unwrap(),
        &dayfly_core::AgentConfig {
            kind: dayfly_core::AgentKind::Command,
            argv: vec!["true".into()],
            model: None,
            pass_env: Vec::new(),
            redact: Vec::new(),
            env: Default::default(),
            concurrency: None,
        },
    );
    let attempt = Attempt {
        id: dayfly_core::AttemptId::new(&job.issue, &job.stage, 1),
        command: agent.command(&job).unwrap(),
        job,
        cwd: root.join("work"),
        reads: Vec::new(),
        dir: root.join("attempt"),
        agent,
        output: dayfly_core::OutputLimits { log_bytes: 1, line_bytes: 1 },
        tag: "t".into(),
        events: dayfly_core::EventSink::none(),
    };
    let outcome = runner.start(&attempt).await.unwrap().wait().await.unwrap();
    assert_eq!(outcome.end, End::TaskFailed { reason: "so it is written".into() });
    assert_eq!(outcome.receipt.took, Duration::from_secs(3600));
    assert_eq!(outcome.receipt.usage.input_tokens, 5);
    assert_eq!(fs::read_to_string(root.join("attempt/out/proposal.json")).unwrap(), "{\"version\":1}");
    assert_eq!(fs::read_to_string(root.join("work/src/new.txt")).unwrap(), "text");
}
