use crate::{Config, Digest, EffectId, End, Epoch, Filter, JobSpec, Receipt, Seq, SourceText, StageName, State, Token};

use super::*;

const CONFIG: &str = r#"
version = 1
[agents.a]
kind = "command"
argv = ["a"]
[projects.web]
path = "web"
"#;

fn issue(n: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).unwrap()
}

fn at(hour: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour)
}

fn attempt(n: u32) -> AttemptId {
    AttemptId::new(&issue(n), &StageName::new("exec").unwrap(), 1)
}

fn started(n: u32) -> Event {
    let job = serde_json::json!({
        "kind": "stage", "issue": issue(n), "title": "x", "milestone": null, "stage": "exec", "run": "agent",
        "agent": "a", "model": null, "prompt": "", "access": "write", "answer": "none", "effects": [], "children": 8,
        "base": null, "start": null, "admission": [], "gates": [], "protected": [], "diff_lines": 1,
        "wall": { "secs": 1, "nanos": 0 }, "silence_report": { "secs": 1, "nanos": 0 },
        "silence": { "secs": 1, "nanos": 0 }, "grace": { "secs": 1, "nanos": 0 },
        "gate_timeout": { "secs": 1, "nanos": 0 },
    });
    let job: JobSpec = serde_json::from_value(job).unwrap();
    Event::AttemptStarted {
        attempt: attempt(n),
        job: Box::new(job),
        substitution: None,
        tracker: crate::TrackerKind::default(),
    }
}

fn ended(n: u32, next: Next) -> Event {
    let usage = Usage { input_tokens: u64::MAX, output_tokens: 1, ..Usage::default() };
    let receipt = Receipt { usage, took: Duration::MAX, ..Receipt::default() };
    let outcome = Box::new(Outcome { end: End::Succeeded, proposal: None, commit: None, answer: None, receipt });
    Event::AttemptEnded { attempt: attempt(n), token: Token::default(), outcome, next, effects: vec![] }
}

fn log(events: &[(i64, Event)], day: i8) -> WorkLog {
    let source = SourceText::new("dayfly.toml", CONFIG);
    let portfolio = Config::read(&source, &mut |_| Err("no files".into())).unwrap().portfolio;
    let mut records: Vec<Record> = Vec::new();
    for (hour, event) in events {
        let after = Seq(records.len() as u64);
        records.push(Record::next(after, &Digest::zero(), Epoch(1), at(*hour), event));
    }
    let (state, views, filter) = (State::default(), BTreeMap::new(), Filter::default());
    let input = PlanInput {
        portfolio: &portfolio,
        state: &state,
        views: &views,
        now: at(72),
        zone: &jiff::tz::TimeZone::UTC,
        filter: &filter,
    };
    let query = WorkLogQuery { day: jiff::civil::date(2026, 1, day), zone: TimeZone::UTC, project: None };
    work_log(&query, &input, &Plan::default(), &records).unwrap()
}

fn listed(done: &[DoneLine]) -> Vec<String> {
    done.iter().map(|d| format!("{} {}", d.issue, d.commit.as_deref().unwrap_or("-"))).collect()
}

#[test]
fn whatever_ends_an_issue_is_listed_once_with_the_commit_that_is_known() {
    let hand = Next::Hand { branch: "dayfly/web-1".into(), commit: Commit("c".repeat(40)), pull: None };
    let landed = Event::EffectDone {
        effect: EffectId("x".into()),
        issue: issue(2),
        adopted: false,
        created: None,
        landed: Some(Commit("d".repeat(40))),
    };
    let events = [
        (1, started(1)),
        (2, ended(1, hand)),
        (25, started(2)),
        (25, landed),
        (26, started(3)),
        (26, ended(3, Next::Finish)),
        (27, Event::ChildrenClosed { issue: issue(4), effects: vec![] }),
        (28, Event::Merged { issue: issue(1), effects: vec![], commit: None }),
        (29, Event::Merged { issue: issue(5), effects: vec![], commit: None }),
    ];
    let log = |day| log(&events, day);
    assert_eq!(listed(&log(1).landed), [""; 0], "it waits on its branch");
    assert_eq!(listed(&log(2).landed), ["web#2 dddddddddddd", "web#1 cccccccccccc"], "handed the day before");
    assert_eq!(listed(&log(2).finished), ["web#3 -", "web#4 -", "web#5 -"]);
}

#[test]
fn sums_over_the_largest_number_stay_there() {
    let events = [(1, started(1)), (1, ended(1, Next::Finish)), (2, started(2)), (2, ended(2, Next::Finish))];
    let log = log(&events, 1);
    assert_eq!((log.usage.tokens(), log.agent_time), (u64::MAX, Duration::MAX));
}
