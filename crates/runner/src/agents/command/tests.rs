use super::*;

fn ending(lines: &[&str], code: i32) -> Ending {
    let mut reader = Box::<CommandReader>::default();
    for line in lines {
        reader.line(line.as_bytes());
    }
    reader.finish(ExitFacts { code: Some(code), signal: None, signalled_by_us: false })
}

#[test]
fn the_exit_code_is_the_claim_without_records() {
    assert_eq!(ending(&["succeeded", "error: quota"], 0).end, End::Succeeded);
    assert_eq!(ending(&[], 3).end, End::TaskFailed { reason: "exit code 3".into() });
}

#[test]
fn the_last_end_record_decides_but_cannot_outvote_the_exit_code() {
    let failed = r#"{"dayfly":1,"end":"failed","reason":"tests"}"#;
    let good = r#"{"dayfly":1,"end":"succeeded"}"#;
    assert_eq!(ending(&[good, failed], 0).end, End::TaskFailed { reason: "tests".into() });
    assert_eq!(ending(&[failed, good], 0).end, End::Succeeded);
    assert_eq!(ending(&[good], 1).end, End::TaskFailed { reason: "exit code 1".into() });
    let quota = r#"{"dayfly":1,"end":"quota","resets_at":"2026-01-01T05:00:00Z"}"#;
    let at = "2026-01-01T05:00:00Z".parse().unwrap();
    assert_eq!(ending(&[quota], 1).end, End::Quota { resets_at: Some(at) });
    assert!(matches!(ending(&[r#"{"dayfly":1,"end":"maybe"}"#], 0).end, End::Unknown { .. }));
}

#[test]
fn usage_is_the_last_total() {
    let ending = ending(
        &[
            r#"{"dayfly":1,"usage":{"input_tokens":1,"output_tokens":1}}"#,
            r#"{"dayfly":1,"usage":{"input_tokens":12,"output_tokens":8,"cost_usd":0.5,"model":"small"}}"#,
            r#"{"dayfly":1,"usage":"much"}"#,
            "{\"dayfly\":1,\"usa",
        ],
        0,
    );
    assert_eq!(ending.usage, Usage { input_tokens: 12, output_tokens: 8, cost_usd: Some(0.5), ..Usage::default() });
    assert_eq!(ending.model.as_deref(), Some("small"));
}

#[test]
fn a_signal_of_ours_is_a_cancellation_and_another_is_the_hosts() {
    let finish = |ours| {
        Box::<CommandReader>::default().finish(ExitFacts { code: None, signal: Some(9), signalled_by_us: ours }).end
    };
    assert_eq!(finish(true), End::Cancelled);
    assert!(matches!(finish(false), End::Host { .. }));
}

#[test]
fn all_that_a_vendors_program_tells_a_program_of_ones_own_can_tell() {
    let mut reader = Box::<CommandReader>::default();
    let mut told = Vec::new();
    for line in [
        r#"{"dayfly":1,"opening":{"model":"small","skills":["close"],"billing":"subscription"}}"#,
        r#"{"dayfly":1,"tool":{"name":"shell","detail":"cargo test"},"file":"src/lib.rs"}"#,
        r#"{"dayfly":1,"limit":{"scope":"model","window":"day","used":0.8,"resets":"3pm"}}"#,
        r#"{"dayfly":1,"retry":{"attempt":2,"delay_s":1.5,"reason":"busy"}}"#,
        r#"{"dayfly":1,"question":"Which?"}"#,
        r#"{"dayfly":1,"usage":{"input_tokens":9,"cached_tokens":4,"model":"large"}}"#,
        r#"{"dayfly":1,"answer":{"version":1}}"#,
        r#"{"dayfly":1,"answer":"no table"}"#,
        r#"{"dayfly":1,"end":"quota","scope":"model","resets":"90s","reason":"all used"}"#,
    ] {
        told.extend(reader.line(line.as_bytes()));
    }
    let words: Vec<String> = told.iter().map(|event| format!("{event:?}").chars().take(9).collect()).collect();
    let kinds =
        ["Started(O", "Tool { na", "FileChang", "RateLimit", "Retry { a", "Question(", "Started(O", "Usage(Usa"];
    assert_eq!(words, kinds);
    let ending = reader.finish(ExitFacts { code: Some(1), signal: None, signalled_by_us: false });
    assert_eq!((ending.end, ending.answer.as_deref()), (End::Quota { resets_at: None }, Some(r#"{"version":1}"#)));
    assert_eq!((ending.usage.cached_tokens, ending.model.as_deref()), (4, Some("large")));
    let opening = ending.opening.unwrap();
    assert_eq!((opening.skills, opening.model.as_deref()), (Some(vec!["close".into()]), Some("large")));
    let limits: Vec<_> = ending.limits.iter().map(|limit| (limit.scope, limit.refused, limit.resets.clone())).collect();
    let after = ResetTime::After(Duration::from_secs(90));
    assert_eq!(
        limits,
        [(LimitScope::Model, false, Some(ResetTime::Text("3pm".into()))), (LimitScope::Model, true, Some(after)),]
    );
}
