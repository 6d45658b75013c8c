//! A month of made-up work, of which the sample in the documents is made.

use super::*;

/// A number that is the same each time for the same seed, below `most`.
fn dice(seed: u64, most: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 29)) % most
}

fn money(tokens: u64, model: &'static str) -> Try {
    let cost = (model != "local-8b").then(|| tokens as f64 * if model == "large-2" { 6e-6 } else { 1e-6 });
    let usage = Usage { input_tokens: tokens, output_tokens: tokens / 20, cost_usd: cost, ..Usage::default() };
    let billing = if model == "large-2" { Billing::Subscription } else { Billing::ApiKey };
    let agent = if model == "local-8b" { "b" } else { "a" };
    let substitution = (agent == "b").then_some("a has used up its quota");
    Try { agent: Some(agent), model: Some(model), usage, billing, substitution, ..Try::default() }
}

/// One issue on its way, with as much trouble as its number brings.
fn issue(tale: &mut Tale, name: &str, n: u64) {
    const TITLES: [&str; 5] =
        ["An empty file is an error", "Say which line", "Faster start", "Explain the flags", "Dates in the footer"];
    let title = TITLES[(n % 5) as usize];
    let luck = dice(n, 10);
    let model = if dice(n + 900, 7) == 0 { "local-8b" } else { "large-2" };
    let pass = || vec![gate("new-commits", Verdict::Pass), gate("commands", Verdict::Pass)];
    let fail = || {
        let verdict = Verdict::Fail { reason: "tests failed".into(), tail: String::new() };
        vec![gate("new-commits", Verdict::Pass), gate("commands", verdict)]
    };
    let exec = |minutes| Try { title, minutes, ..money(40_000 + dice(n + 7, 90_000), model) };
    tale.attempt(name, "prep", Try { title, minutes: 3, ..money(9_000, "small-1") }, (End::Succeeded, go("exec")));
    if luck == 1 {
        let question = "Which of the two?".to_owned();
        let asked = (End::NeedsHuman { question: question.clone() }, Next::Ask { question });
        tale.wait(1).attempt(name, "exec", exec(6), asked).wait(60 * (2 + dice(n, 9)));
        let issue = IssueRef::try_from(name.to_owned()).unwrap();
        tale.tell(&Event::Answered { issue, by: "ann".into(), effects: vec![] });
    }
    if luck == 7 {
        tale.limited(LimitWhy::Quota, 100 + dice(n, 80));
    }
    if luck < 3 {
        tale.wait(1).attempt(name, "exec", Try { gates: fail(), ..exec(18) }, back("exec"));
    }
    tale.wait(2).attempt(name, "exec", Try { gates: pass(), ..exec(12 + dice(n, 25)) }, (End::Succeeded, go("review")));
    if luck > 7 {
        let verdict = Verdict::Fail { reason: "no test".into(), tail: String::new() };
        let gates = vec![gate("verdict", verdict)];
        tale.attempt(
            name,
            "review",
            Try { title, gates, minutes: 4, ..money(20_000, "small-1") },
            back_by("verdict", "exec"),
        );
        tale.wait(3).attempt(name, "exec", Try { gates: pass(), ..exec(9) }, (End::Succeeded, go("review")));
    }
    let review = Try { title, gates: vec![gate("verdict", Verdict::Pass)], minutes: 4, ..money(18_000, "small-1") };
    // A page is done once it was read: it lands nowhere.
    let last = name.starts_with("docs");
    let next = if last { Next::Finish } else { go("merge") };
    tale.attempt(name, "review", review, (End::Succeeded, next)).wait(dice(n, 4));
    if last {
        return;
    }
    if luck == 4 {
        let stuck = Next::Block { reason: "Stage `merge` failed 3 times.".into(), remedy: "look".into() };
        let failed = End::TaskFailed { reason: "conflict".into() };
        tale.attempt(name, "merge", Try { agent: None, title, ..Try::default() }, (failed, stuck));
        return;
    }
    let merge = Try { agent: None, title, minutes: 1, gates: pass(), ..Try::default() };
    tale.attempt(name, "merge", merge, (End::Succeeded, land())).landed(name);
}

/// The report of that month.
pub(super) fn month() -> Flow {
    let mut tale = Tale::new("2026-02-02T20:00:00Z");
    let mut n = 0;
    for day in 0..26_u64 {
        let evening =
            "2026-02-02T20:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(day as i64 * 24);
        tale.now = tale.now.max(evening);
        if day % 7 > 4 {
            continue;
        }
        tale.tell(&Event::EngineStarted { version: "0.1.0".into() });
        for _ in 0..=dice(day, 3) {
            n += 1;
            let project = if n % 3 == 0 { "docs" } else { "web" };
            issue(&mut tale, &format!("{project}#{n}"), n);
        }
        tale.wait(5).tell(&Event::EngineStopped);
    }
    tale.now = "2026-02-28T12:00:00Z".parse().unwrap();
    tale.report(("2026-02-01", "2026-02-28"), "Europe/Berlin")
}

#[test]
fn the_sample_in_the_documents_is_what_is_made() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/samples/report.html");
    let page = month().to_html();
    assert!(page.len() < 60_000, "{} bytes", page.len());
    if std::env::var_os("DAYFLY_SAMPLES").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/samples")).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == page,
        "docs/samples/report.html is not up to date; `DAYFLY_SAMPLES=1 cargo test -p dayfly-core sample` makes it"
    );
}
