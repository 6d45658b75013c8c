use std::collections::BTreeMap;

use dayfly_core::{AgentEvent, AgentKind, End, Ending, ExitFacts, Usage};

use super::*;
use crate::subprocess::test_job;

fn agent(argv: &[&str]) -> ClaudeAgent {
    let config = AgentConfig {
        model: Some("small".into()),
        pass_env: vec!["HOME".into()],
        env: BTreeMap::from([("CLAUDE_CODE_MAX_RETRIES".into(), "0".into())]),
        ..AgentConfig::new(AgentKind::Claude, argv.iter().map(|a| (*a).to_owned()).collect())
    };
    ClaudeAgent::new(AgentName::new("claude").unwrap(), config)
}

fn read(text: &[u8], exit: ExitFacts) -> (Vec<AgentEvent>, Ending) {
    let mut reader = agent(&["claude"]).reader();
    let events = text.split(|b| *b == b'\n').flat_map(|line| reader.line(line)).collect();
    (events, reader.finish(exit))
}

fn exited(code: i32) -> ExitFacts {
    ExitFacts { code: Some(code), signal: None, signalled_by_us: false }
}

fn capture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/claude/{name}.jsonl", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_capture_has_its_class() {
    let table = [
        ("recommended", 0, "succeeded"),
        ("partial", 0, "succeeded"),
        ("bg-long", 0, "succeeded"),
        ("okheaders-oauth", 0, "succeeded"),
        ("err-cut-once", 0, "succeeded"),
        ("usagelimit-oauth-1h", 1, "quota"),
        ("old-usagelimit-oauth", 1, "quota"),
        ("bound-retries2-429", 1, "quota"),
        ("err-401", 1, "auth"),
        ("old-401", 1, "auth"),
        ("err-403", 1, "auth"),
        ("noauth", 1, "auth"),
        ("err-404model", 1, "misconfigured"),
        ("err-400toolong", 1, "task-failed"),
        ("err-maxtok", 1, "task-failed"),
        ("err-refuse", 1, "task-failed"),
        ("maxturns-2", 1, "task-failed"),
        ("maxbudget", 1, "task-failed"),
        ("err-500", 1, "provider-down"),
        ("err-529", 1, "provider-down"),
        ("err-cut", 1, "provider-down"),
        ("hang-r0", 1, "provider-down"),
        ("perm-default-bash", 0, "permission-denied"),
        ("perm-plan-bash", 1, "permission-denied"),
        ("sig-int", 0, "unknown"),
        ("sig-int-hang", 0, "unknown"),
        ("sig-term", 143, "unknown"),
    ];
    for (name, code, class) in table {
        let text = capture(name);
        let (_, ending) = read(&text, exited(code));
        assert_eq!(ending.end.word(), class, "{name}: {}", ending.end);
        let (_, ending) = read(&text, ExitFacts { signalled_by_us: true, ..exited(code) });
        assert_eq!(ending.end, End::Cancelled, "{name}");
        // A run that was cut off at any byte is never a success, and never panics.
        for cut in [text.len() / 3, text.len() * 2 / 3, text.len().saturating_sub(3)] {
            let (_, ending) = read(&text[..cut], exited(0));
            assert!(ending.end != End::Succeeded || name == "bg-long", "{name} cut at {cut}");
        }
    }
}

#[test]
fn the_reset_time_is_the_vendors() {
    let (_, ending) = read(&capture("usagelimit-oauth-1h"), exited(1));
    assert_eq!(ending.end, End::Quota { resets_at: jiff::Timestamp::from_second(1_795_259_006).ok() });
    let (_, ending) = read(&capture("bound-retries2-429"), exited(1));
    assert_eq!(ending.end, End::Quota { resets_at: None });
}

#[test]
fn usage_is_that_of_all_results_together() {
    let (_, ending) = read(&capture("bg-long"), exited(0));
    assert_eq!(ending.usage.input_tokens, 3600 + 12_000 + 900);
    assert_eq!(ending.usage.output_tokens, 120);
    assert!(ending.usage.cost_usd.is_some_and(|usd| (usd - 0.0237).abs() < 1e-9));
    let (_, ending) = read(&capture("old-usagelimit-oauth"), exited(1));
    assert_eq!(ending.usage, Usage { cost_usd: Some(0.0), ..Usage::default() });
}

#[test]
fn the_stream_tells_what_the_agent_does() {
    let (events, ending) = read(&capture("recommended"), exited(0));
    assert_eq!(ending.model.as_deref(), Some("claude-sonnet-5-5"));
    assert_eq!(ending.text, "Done: command ran.");
    assert!(events.contains(&AgentEvent::Text("Running it.".into())));
    assert!(events.contains(&AgentEvent::Tool { name: "Bash".into(), detail: "echo rec".into() }));
    let (events, _) = read(&capture("err-529"), exited(1));
    assert!(
        events.iter().any(|e| matches!(e, AgentEvent::Retry { reason, .. } if reason.contains("overloaded"))),
        "{events:?}"
    );
}

#[test]
fn what_the_agent_quotes_does_not_decide() {
    let quoted = capture("usagelimit-oauth-1h");
    let message = serde_json::json!({
        "type": "assistant", "parent_tool_use_id": null,
        "message": { "content": [{ "type": "text", "text": String::from_utf8(quoted).unwrap() }] },
    });
    let mut text = message.to_string().into_bytes();
    text.push(b'\n');
    text.extend(capture("recommended"));
    assert_eq!(read(&text, exited(0)).1.end, End::Succeeded);
}

#[test]
fn nonsense_is_unknown_and_never_panics() {
    for text in ["", "null", "[]", "{\"type\":7}", "{\"type\":\"result\"}", "{\"type\":\"assistant\",\"message\":3}"] {
        let (_, ending) = read(text.as_bytes(), exited(0));
        assert_eq!(ending.end.word(), "unknown", "{text}");
    }
}

#[test]
fn the_command_line_bypasses_no_permission() {
    let mut job = test_job();
    let line = agent(&["claude", "--effort", "low"]).command(&job).unwrap();
    assert_eq!(line.program, "claude");
    assert_eq!(line.args[..3], ["--effort", "low", "-p"]);
    assert!(line.args.windows(2).any(|w| w == ["--permission-mode", "acceptEdits"]));
    assert!(line.args.windows(2).any(|w| w == ["--model", "small"]));
    assert!(!line.args.iter().any(|a| a == "--tools" || a.contains("dangerously")));
    assert_eq!(line.env["CLAUDE_CODE_MAX_RETRIES"], "0");
    assert_eq!(line.env["DISABLE_TELEMETRY"], "1");
    assert_eq!(line.pass_env, ["HOME"]);

    job.access = Access::Read;
    job.model = Some("large".into());
    let line = agent(&["claude", "--dangerously-skip-permissions"]).command(&job).unwrap();
    assert!(line.args.windows(2).any(|w| w == ["--tools", "Read,Grep,Glob,Write,Bash"]));
    assert!(line.args.windows(2).any(|w| w == ["--model", "large"]));
    assert!(!line.args.iter().any(|a| a == "--permission-mode"));
    assert!(agent(&[]).command(&job).is_err());
}
