use super::*;
use crate::{
    AttemptId, Commit, Config, Digest, EffectId, End, Epoch, Filter, Issue, JobSpec, Next, Outcome, ProjectView, Seq,
    SourceText, StageName, State, Token, TrackerKind, TrackerState, Usage, plan,
};

const CONFIG: &str = r#"
version = 1
[budget]
month-usd = 100
[agents.a]
kind = "command"
argv = ["a"]
[projects.docs]
path = "docs"
[projects.web]
path = "web"
"#;

fn issue(n: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{n}")).unwrap()
}

fn at(hour: i64) -> Timestamp {
    "2026-01-05T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(hour)
}

fn done(n: u32, hour: i64, usd: f64) -> [(i64, Event); 3] {
    let stage = StageName::new("exec").unwrap();
    let attempt = AttemptId::new(&issue(n), &stage, 1);
    let secs = |secs: u64| serde_json::json!({ "secs": secs, "nanos": 0 });
    let job: JobSpec = serde_json::from_value(serde_json::json!({
        "kind": "stage", "issue": issue(n), "title": format!("Issue {n}"), "milestone": null, "stage": "exec",
        "run": "agent", "agent": "a", "model": null, "prompt": "", "access": "write", "answer": "none",
        "effects": [], "children": 8, "base": null, "start": null, "admission": [], "gates": [], "protected": [],
        "diff_lines": 1, "wall": secs(1), "silence_report": secs(1), "silence": secs(1), "grace": secs(1),
        "gate_timeout": secs(1),
    }))
    .unwrap();
    let usage = Usage { input_tokens: 1000, cost_usd: Some(usd), ..Usage::default() };
    let receipt = Receipt { usage, took: std::time::Duration::from_secs(600), ..Receipt::default() };
    let outcome = Outcome { end: End::Succeeded, proposal: None, commit: None, answer: None, receipt };
    let started = Event::AttemptStarted {
        attempt: attempt.clone(),
        job: Box::new(job),
        substitution: None,
        tracker: TrackerKind::default(),
    };
    let token = Token::default();
    let next = Next::Go { stage, feedback: None, not_before: None };
    let ended = Event::AttemptEnded { attempt, token, outcome: Box::new(outcome), next, effects: vec![] };
    let commit = Some(Commit("d".repeat(40)));
    let effect = EffectId(format!("e{n}"));
    let landed = Event::EffectDone { effect, issue: issue(n), adopted: false, created: None, landed: commit };
    [(hour, started), (hour, ended), (hour, landed)]
}

fn brief_of(events: &[(i64, Event)], views: &BTreeMap<ProjectName, ProjectView>, zone: &str) -> Brief {
    let source = SourceText::new("dayfly.toml", CONFIG);
    let portfolio = Config::read(&source, &mut |_| Err("no files".into())).unwrap().portfolio;
    let mut records: Vec<Record> = Vec::new();
    for (hour, event) in events {
        let after = Seq(10 + records.len() as u64);
        records.push(Record::next(after, &Digest::zero(), Epoch(1), at(*hour), event));
    }
    let (state, filter, zone) = (State::default(), Filter::default(), TimeZone::get(zone).unwrap());
    let input = PlanInput { portfolio: &portfolio, state: &state, views, now: at(168), zone: &zone, filter: &filter };
    let query = BriefQuery { since: at(144), pace_from: at(0), zone: zone.clone(), project: None };
    brief(&query, &input, &plan(&input), &records).unwrap()
}

fn view(ids: &[&str]) -> ProjectView {
    let open = |id: &&str| Issue {
        id: crate::IssueId::new(*id).unwrap(),
        title: format!("Issue {id}"),
        body: String::new(),
        labels: Vec::new(),
        milestone: None,
        state: TrackerState::Open,
        author: crate::Author::person("ada".to_owned(), crate::Trust::Writer),
        parent: None,
        comments: Vec::new(),
        facts: crate::IssueFacts::default(),
    };
    ProjectView { issues: ids.iter().map(open).collect(), ..ProjectView::default() }
}

fn name(text: &str) -> ProjectName {
    ProjectName::new(text).unwrap()
}

#[test]
fn a_morning_after_a_night_of_work() {
    let events: Vec<_> = [done(1, 10, 9.0), done(2, 100, 9.0), done(3, 145, 0.25), done(4, 150, 0.5)].concat();
    let mut views = BTreeMap::from([(name("web"), view(&["7", "8"])), (name("docs"), ProjectView::default())]);
    views.get_mut(&name("docs")).unwrap().fault = Some("issues/docs cannot be read".into());
    let brief = brief_of(&events, &views, "America/New_York");
    let web = &brief.projects[1];
    assert_eq!(web.landed.len(), 2, "what was done before is only in the pace");
    assert_eq!(web.runway, Some(Runway { prepared: 2, finished: 4, over_days: 7.0, days: Some(3.5) }));
    insta::assert_snapshot!(brief.to_markdown(), @"
    # Briefing, Sun 2026-01-11 19:00

    Since Sat 2026-01-10 19:00.

    Nothing needs you.

    ## In the way

    - docs could not be read, so this may be old: issues/docs cannot be read

    ## What happened

    - docs: nothing
    - web: 2 done; attempts: 2 succeeded; $0.75, 2000 tokens, 20 min 0 s of agents
      - web#3 (dddddddddddd)
      - web#4 (dddddddddddd)

    ## Drift

    - never looked at: docs, web. `dayfly drift` begins.

    ## Runway

    - docs: not known
    - web: 2 issues are prepared, about 4 days of work (4 finished in 7 days)

    ## Money

    - used: $0.75, 2000 tokens, 20 min 0 s of agents
    - all projects, this day: $0.00 of $100.00, 0 of 500000000 tokens; begins anew Mon 2026-01-12 00:00
    - all projects, this month: $0.00 of $100.00; begins anew Sun 2026-02-01 00:00

    Ledger: 0:0000000000000000000000000000000000000000000000000000000000000000
    ");
}

#[test]
fn a_young_ledger_has_no_idle_days_in_its_pace() {
    assert_eq!(Runway::new(6, 3, 1.0).to_string(), "6 issues are prepared, about 2 days of work (3 finished in 1 day)");
}

#[test]
fn of_an_empty_portfolio_it_says_that_there_was_nothing() {
    let brief = brief_of(&[], &BTreeMap::new(), "UTC");
    assert!(brief.person.is_empty() && brief.projects.iter().all(|project| project.runway.is_none()));
    let text = brief.to_markdown();
    assert!(text.contains("Nothing needs you.") && text.contains("- web: nothing\n"), "{text}");
}
