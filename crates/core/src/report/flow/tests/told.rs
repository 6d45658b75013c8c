//! What the figures are.

use insta::assert_snapshot;

use super::*;
use crate::{Order, OrderId, Target};

fn issue(text: &str) -> IssueRef {
    IssueRef::try_from(text.to_owned()).unwrap()
}

#[test]
fn a_day_is_one_of_the_zone_over_midnight_and_when_clocks_change() {
    let mut tale = Tale::new("2026-03-28T22:30:00Z");
    tale.good("web#1", "exec", Next::Finish);
    tale.wait(60).good("web#2", "exec", Next::Finish);
    // The day of 23 hours.
    tale.wait(22 * 60).good("web#3", "exec", Next::Finish);
    tale.wait(60 * 24 * 3);
    let done = |zone| {
        let flow = tale.report(("2026-03-28", "2026-03-30"), zone);
        flow.throughput.days.iter().map(|day| (day.date.day(), day.done)).collect::<Vec<_>>()
    };
    assert_eq!(done("UTC"), [(28, 2), (29, 1), (30, 0)]);
    assert_eq!(done("Europe/Berlin"), [(28, 1), (29, 1), (30, 1)]);
    assert_eq!(done("America/New_York"), [(28, 2), (29, 1), (30, 0)]);
    let window = |from: &str| {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let query = FlowQuery { from: from.parse().unwrap(), until: from.parse().unwrap(), zone, project: None };
        let (from, until) = Window::new(&query, tale.now).span;
        until.duration_since(from).as_hours()
    };
    assert_eq!([window("2026-03-28"), window("2026-03-29"), window("2026-03-30")], [24, 23, 24]);
}

#[test]
fn throughput_and_lead_time_by_project_and_week() {
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    for (n, hours) in [(1, 1), (2, 2), (3, 30)] {
        tale.good(&format!("web#{n}"), "exec", go("merge")).wait(hours * 60);
        tale.good(&format!("web#{n}"), "merge", land()).wait(5).landed(&format!("web#{n}"));
    }
    tale.wait(60 * 24 * 7).good("docs#1", "exec", Next::Finish);
    tale.tell(&Event::ChildrenClosed { issue: issue("docs#9"), effects: vec![] });
    let flow = tale.report(("2026-01-05", "2026-01-31"), "UTC");
    assert_snapshot!(table(&flow, "Projects"), @"
    project | done | landed | a week | median | 85 of 100
    docs | 2 | 0 | 1.6 | 10 min | 10 min
    web | 3 | 3 | 2.3 | 2 h 25 min | 30 h 25 min
    all | 5 | 3 | 3.9 | 1 h 25 min | 30 h 25 min
    ");
    assert_snapshot!(table(&flow, "Done by week, and how long it took"), @"
    week | of it | done | landed | median | 85 of 100
    2026-W02 |  | 3 | 3 | 2 h 25 min | 30 h 25 min
    2026-W03 | 2 days | 2 | 0 | 10 min | 10 min
    ");
    let told = flow.throughput.changes.iter().map(|change| change.issue.to_string()).collect::<Vec<_>>();
    assert_eq!(told, ["web#3", "web#2", "web#1", "docs#1"], "what was split is no change of its own");
    assert_eq!(flow.until.to_string(), "2026-01-13", "days that are yet to come are not idle ones");
    let web = tale.report_of(("2026-01-05", "2026-01-31"), "UTC", Some("web"));
    assert_eq!((web.throughput.all.done, web.throughput.projects.len()), (3, 1));
}

#[test]
fn rework_is_told_by_what_followed_of_attempts() {
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    let failed = || Try {
        gates: vec![gate("commands", Verdict::Fail { reason: "r".into(), tail: String::new() })],
        ..Try::default()
    };
    let passed = || Try { gates: vec![gate("commands", Verdict::Pass)], ..Try::default() };
    tale.attempt("web#1", "exec", failed(), back("exec"));
    tale.attempt("web#1", "exec", passed(), (End::Succeeded, go("review")));
    tale.attempt("web#1", "review", Try::default(), back("exec"));
    tale.attempt("web#1", "exec", passed(), (End::Succeeded, go("review")));
    tale.good("web#1", "review", Next::Finish);
    tale.good("web#2", "exec", Next::Finish);
    let question = "Which?".to_owned();
    tale.attempt(
        "web#3",
        "exec",
        Try::default(),
        (End::NeedsHuman { question: question.clone() }, Next::Ask { question }),
    );
    let stuck = Next::Block { reason: "r".into(), remedy: "m".into() };
    tale.attempt("web#4", "exec", Try::default(), (End::Auth { reason: "r".into() }, stuck));
    tale.tell(&Event::Reopened { issue: issue("web#2"), stage: StageName::new("exec").unwrap(), tracker: None });
    let flow = tale.report(("2026-01-05", "2026-01-05"), "UTC");
    let rework = &flow.rework;
    assert_eq!((rework.accepted, rework.rounds, rework.straight, rework.reopened), (2, 1, 1, 1));
    assert_eq!((rework.attempts, rework.nowhere, rework.nowhere_time), (8, 2, Duration::from_secs(1200)));
    assert_snapshot!(table(&flow, "What followed attempts"), @"
    stage | attempts | went on | asked | sent back | again | stuck | led nowhere
    exec | 6 | 3 | 1 | 0 | 1 | 1 | 33%
    review | 2 | 1 | 0 | 1 | 0 | 0 | 0%
    ");
    assert_snapshot!(table(&flow, "How attempts ended"), @"
    stage | ends
    exec | 3 succeeded, 1 auth, 1 gate-failed, 1 needs-human
    review | 1 gate-failed, 1 succeeded
    ");
    assert_snapshot!(table(&flow, "Gates that failed"), @"
    gate | checked | failed | share
    commands | 4 | 2 | 50%
    ");
}

#[test]
fn what_is_waited_for_where_an_issue_stands_says_it() {
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    let question = "Which?".to_owned();
    tale.attempt(
        "web#1",
        "exec",
        Try::default(),
        (End::NeedsHuman { question: question.clone() }, Next::Ask { question }),
    );
    tale.wait(90).tell(&Event::Answered { issue: issue("web#1"), by: "ann".into(), effects: vec![] });
    let hand = Next::Hand { branch: "b".into(), commit: Commit("c".repeat(40)), pull: None };
    tale.good("web#1", "exec", hand).wait(200);
    tale.tell(&Event::Merged { issue: issue("web#1"), commit: None, effects: vec![] }).wait(1000);
    let flow = tale.report(("2026-01-05", "2026-01-05"), "UTC");
    assert_eq!(minutes(&flow.waits), [(WaitWhy::Merge, 200), (WaitWhy::Answer, 90)]);
    assert_eq!(flow.waits.worked, Duration::from_secs(1200));
    assert_eq!(flow.throughput.changes[0].lead, Some(Duration::from_secs(310 * 60)));
}

#[test]
fn a_wait_in_the_queue_is_given_to_what_the_ledger_knows_and_the_rest_is_not_known() {
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    tale.good("web#1", "exec", go("merge")).wait(10);
    tale.tell(&Event::EngineStopped).wait(100).tell(&Event::EngineStarted { version: "1".into() }).wait(7);
    let order = |id: &str| Order {
        id: OrderId::new(id).unwrap(),
        by: "ann".into(),
        reason: "lunch".into(),
        at: Timestamp::UNIX_EPOCH,
    };
    let what = vec![Target::Project(ProjectName::new("web").unwrap())];
    tale.tell(&Event::Paused { order: order("one"), what: what.clone() }).wait(30);
    tale.tell(&Event::Resumed { order: order("two"), what }).wait(3);
    tale.limited(LimitWhy::Quota, 45);
    // Another issue has the project's one slot.
    tale.good("web#2", "exec", Next::Finish).wait(5);
    let next = Next::Go {
        stage: StageName::new("merge").unwrap(),
        feedback: None,
        not_before: Some(tale.now + SignedDuration::from_mins(25)),
    };
    tale.attempt("web#1", "merge", Try::default(), (End::Lost, next)).wait(20);
    tale.good("web#1", "merge", Next::Finish);
    let flow = tale.report(("2026-01-05", "2026-01-05"), "UTC");
    let wanted = [
        (WaitWhy::Engine, 100),
        (WaitWhy::Quota, 45),
        (WaitWhy::Ordered, 30),
        (WaitWhy::Unknown, 25 + 5),
        (WaitWhy::Pause, 15),
        (WaitWhy::Slot, 10),
    ];
    assert_eq!(minutes(&flow.waits), wanted);
    assert_eq!(flow.waits.waited.as_secs() / 60, wanted.iter().map(|(_, minutes)| minutes).sum::<u64>());
    let of_web = &flow.waits.projects[&ProjectName::new("web").unwrap()];
    assert_eq!(of_web, &flow.waits.reasons);
}

#[test]
fn a_wait_is_cut_to_the_days_and_goes_on_until_now() {
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    let stuck = Next::Block { reason: "r".into(), remedy: "m".into() };
    tale.attempt("web#1", "exec", Try::default(), (End::Auth { reason: "r".into() }, stuck));
    tale.wait(60 * 24 * 10);
    let waited = |from, until| minutes(&tale.report((from, until), "UTC").waits);
    assert_eq!(waited("2026-01-07", "2026-01-07"), [(WaitWhy::Person, 24 * 60)]);
    assert_eq!(waited("2026-01-15", "2026-01-20"), [(WaitWhy::Person, 10)], "no minute that is yet to come");
    assert_eq!(waited("2026-01-01", "2026-01-04"), []);
}

#[test]
fn a_cost_says_how_much_of_it_is_known() {
    let mut tale = Tale::new("2026-01-05T00:00:00Z");
    let with = |agent, model, cost_usd, billing| Try {
        agent: Some(agent),
        model: Some(model),
        billing,
        usage: Usage { input_tokens: 1000, cost_usd, ..Usage::default() },
        ..Try::default()
    };
    let good = |next| (End::Succeeded, next);
    tale.attempt("web#1", "prep", with("a", "m1", Some(0.25), Billing::ApiKey), good(go("exec")));
    tale.attempt("web#1", "exec", with("a", "m2", Some(2.0), Billing::Subscription), good(Next::Finish));
    tale.attempt("web#2", "exec", with("a", "m2", None, Billing::Unknown), good(Next::Finish));
    let silent =
        Try { usage: Usage::default(), substitution: Some("a has no quota"), agent: Some("b"), ..Try::default() };
    tale.attempt("docs#1", "exec", silent, (End::Lost, go("exec")));
    tale.attempt("docs#1", "merge", Try { agent: None, ..Try::default() }, good(go("merge")));
    let flow = tale.report(("2026-01-05", "2026-01-05"), "UTC");
    assert_snapshot!(table(&flow, "Cost of a change, by stage"), @"
    stage | attempts | changes | paid each | flat each | tokens each | time each | paid | flat | price known
    exec | 3 | 2 | - | $1.00+ | 1000 | 10 min | - | $2.00+ | 1 of 3
    prep | 1 | 1 | $0.25 | - | 1000 | 10 min | $0.25 | - | 1 of 1
    all | 4 | 2 | $0.12+ | $1.00+ | 1500 | 15 min | $0.25+ | $2.00+ | 2 of 4
    ");
    assert_snapshot!(table(&flow, "Cost of a change, by agent and model"), @"
    agent | model | attempts | changes | paid each | flat each | tokens each | time each | paid | flat | price known
    a | m2 | 2 | 2 | - | $1.00+ | 1000 | 10 min | - | $2.00+ | 1 of 2
    a | m1 | 1 | 1 | $0.25 | - | 1000 | 10 min | $0.25 | - | 1 of 1
    b | m1 | 1 | 0 | - | - | - | - | - | - | 0 of 1
    ");
    assert_snapshot!(table(&flow, "Substitutions"), @"
    stage | agent | model | why | attempts
    exec | b | m1 | a has no quota | 1
    ");
    assert_snapshot!(flow.tables().iter().find(|table| table.title.ends_with("by stage")).unwrap().note, @"The price of 2 of 4 (50%) attempts is known. 1 told tokens and no price: 1000. 1 told nothing. 1 were lost, and nobody saw how long they worked.");
}

#[test]
fn short_row_nothing_at_all_is_a_report_too() {
    let mut tale = Tale::new("2026-01-05T12:00:00Z");
    let flow = tale.report(("2026-01-05", "2026-01-05"), "UTC");
    assert_eq!(flow.throughput.days.len(), 1);
    let headline: Vec<String> = flow.headline().into_iter().map(|(what, much)| format!("{what}: {much}")).collect();
    assert_snapshot!(headline.join("\n"), @"
    done: 0 (0 landed)
    from first attempt to done: not known: nothing was accepted
    attempts that led nowhere: none of none
    cost of a change: not known: nothing was accepted
    ");
    tale.tell(&Event::EngineStarted { version: "1".into() });
    let one = tale.report(("2025-12-30", "2026-01-05"), "UTC");
    assert_eq!(one.began.map(|date| date.to_string()).as_deref(), Some("2026-01-05"));
    for flow in [&flow, &one] {
        let page = flow.to_html();
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
        serde_json::to_string(flow).unwrap();
    }
    // An attempt whose claim is not known is passed over, and one that runs has not ended.
    let lost = AttemptId::new(&issue("web#7"), &StageName::new("exec").unwrap(), 1);
    let outcome = Box::new(Outcome::new(End::Succeeded));
    tale.tell(&Event::AttemptEnded {
        attempt: lost,
        token: Token::default(),
        outcome,
        next: Next::Finish,
        effects: vec![],
    });
    tale.start("web#8", "exec", &Try::default());
    let flow = tale.wait(5).report(("2026-01-05", "2026-01-05"), "UTC");
    assert_eq!((flow.throughput.all.done, flow.rework.attempts), (0, 0));
    assert_eq!(flow.waits.worked, Duration::from_secs(300));
}
