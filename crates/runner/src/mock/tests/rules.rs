//! Scripts written as rules in TOML.

use super::*;

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
    let allowed = dayfly_core::Allowed {
        effects: &["comment".to_owned()],
        children: 0,
        caps: &dayfly_core::ProposalCaps::default(),
    };
    let proposal = dayfly_core::Proposal::read(&proposal, &allowed).unwrap();
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
