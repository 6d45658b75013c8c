use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_176_000 + seconds).unwrap()
}

fn headers(limit: u64, remaining: u64, reset: i64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: String| headers.insert(name, HeaderValue::try_from(value).unwrap());
    put("x-ratelimit-limit", limit.to_string());
    put("x-ratelimit-remaining", remaining.to_string());
    put("x-ratelimit-reset", at(reset).as_second().to_string());
    put("x-ratelimit-resource", "core".into());
    headers
}

fn get() -> Call {
    Call::get("/repos/o/r")
}

fn comment() -> Call {
    Call::post("/repos/o/r/issues/1/comments")
}

fn label() -> Call {
    Call::post("/repos/o/r/issues/1/labels")
}

#[test]
fn writes_take_turns_and_those_that_notify_take_longer_ones() {
    let (mut budget, pace) = (Budget::default(), Pace::default());
    assert_eq!(budget.admit(at(0), &label(), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &comment(), &pace), Admit::Wait(Duration::from_secs(1)));
    assert_eq!(budget.admit(at(0), &label(), &pace), Admit::Wait(Duration::from_secs(4)));
    assert_eq!(budget.admit(at(0), &label(), &pace), Admit::Wait(Duration::from_secs(5)));
    // What would wait for longer gives its turn back, so that it does not push the others away.
    let refused = Admit::Limited { what: Limit::Pace, until: at(6) };
    assert_eq!(budget.admit(at(0), &label(), &pace), refused);
    assert_eq!(budget.admit(at(0), &label(), &pace), refused);
    // Reading does not stand in that line.
    assert_eq!(budget.admit(at(0), &get(), &pace), Admit::Now);
    assert_eq!(budget.admit(at(6), &label(), &pace), Admit::Now);
}

#[test]
fn a_question_to_graphql_is_no_write() {
    let (mut budget, pace) = (Budget::default(), Pace::default());
    let question = |repeatable| {
        let mut call = Call::post("/graphql");
        (call.graphql, call.repeatable) = (true, repeatable);
        call
    };
    assert_eq!(budget.admit(at(0), &question(true), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &question(false), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &question(true), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &question(false), &pace), Admit::Wait(Duration::from_secs(1)));
}

#[test]
fn what_is_left_is_counted_while_answers_are_under_way() {
    let (mut budget, pace) = (Budget::default(), Pace { reserve: 2, ..Pace::none() });
    budget.learn(at(0), &get(), &headers(5000, 4, 600));
    assert_eq!(budget.admit(at(0), &get(), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &get(), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &get(), &pace), Admit::Limited { what: Limit::Reserve, until: at(601) });
    let merge = get().priority(Priority::Merge);
    assert_eq!(budget.admit(at(0), &merge, &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &merge, &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &merge, &pace), Admit::Limited { what: Limit::Primary, until: at(601) });
    // An answer that was overtaken does not bring anything back.
    budget.learn(at(0), &get(), &headers(5000, 4, 600));
    assert_eq!(budget.left("core"), Some((0, at(600))));
    // The next hour does.
    assert_eq!(budget.admit(at(600), &get(), &pace), Admit::Now);
    budget.learn(at(600), &get(), &headers(5000, 4999, 4200));
    assert_eq!(budget.left("core"), Some((4999, at(4200))));
    // An answer of the hour before does not take it away.
    budget.learn(at(600), &get(), &headers(5000, 1, 601));
    assert_eq!(budget.left("core"), Some((4999, at(4200))));
}

#[test]
fn what_has_not_changed_costs_nothing() {
    let (mut budget, pace) = (Budget::default(), Pace::default());
    budget.learn(at(0), &get(), &headers(5000, 4000, 600));
    for second in 0..300 {
        assert_eq!(budget.admit(at(second), &get(), &pace), Admit::Now);
        budget.learn(at(second), &get(), &headers(5000, 4000, 600));
        budget.give_back(&get());
    }
    assert_eq!(budget.left("core"), Some((4000, at(600))));
    // Two under way at once, of which one is paid for.
    budget.admit(at(300), &get(), &pace);
    budget.admit(at(300), &get(), &pace);
    budget.learn(at(300), &get(), &headers(5000, 3999, 600));
    budget.learn(at(300), &get(), &headers(5000, 3999, 600));
    budget.give_back(&get());
    assert_eq!(budget.left("core"), Some((3999, at(600))));
}

#[test]
fn a_small_budget_has_a_small_reserve() {
    let (mut budget, pace) = (Budget::default(), Pace::default());
    budget.learn(at(0), &get(), &headers(60, 7, 600));
    assert_eq!(budget.admit(at(0), &get(), &pace), Admit::Now);
    assert_eq!(budget.admit(at(0), &get(), &pace), Admit::Limited { what: Limit::Reserve, until: at(601) });
}

#[test]
fn a_secondary_limit_doubles_and_is_never_shortened() {
    let (mut budget, pace) = (Budget::default(), Pace::default());
    assert_eq!(budget.strike(at(0), None), at(60));
    // What was under way tells of the same limit.
    assert_eq!(budget.strike(at(1), None), at(61));
    assert_eq!(budget.strike(at(2), Some(at(10))), at(61));
    budget.went_through(at(3));
    assert_eq!(budget.admit(at(60), &get(), &pace), Admit::Limited { what: Limit::Secondary, until: at(61) });
    assert_eq!(budget.admit(at(61), &get(), &pace), Admit::Now);
    assert_eq!(budget.strike(at(61), None), at(61 + 120));
    for _ in 0..20 {
        let until = budget.stopped.unwrap();
        budget.strike(until, None);
    }
    let until = budget.stopped.unwrap();
    assert_eq!(budget.strike(until, None).duration_since(until), SignedDuration::from_secs(60 << 5));
    budget.went_through(at(100_000));
    assert_eq!(budget.strike(at(100_000), None), at(100_060));
}

#[test]
fn content_is_held_to_so_much_an_hour() {
    let (mut budget, pace) = (Budget::default(), Pace { content_per_hour: 5, ..Pace::none() });
    for second in 0..5 {
        assert_eq!(budget.admit(at(second), &comment(), &pace), Admit::Now);
    }
    assert_eq!(budget.admit(at(5), &comment(), &pace), Admit::Limited { what: Limit::Pace, until: at(3600) });
    assert_eq!(budget.admit(at(5), &label(), &pace), Admit::Now);
    assert_eq!(budget.admit(at(3600), &comment(), &pace), Admit::Now);
}

proptest! {
    #[test]
    fn no_order_of_writes_breaks_the_pace(steps in prop::collection::vec((0i64..40, any::<bool>()), 1..400)) {
        let (mut budget, pace) = (Budget::default(), Pace::default());
        let (mut now, mut sent): (i64, Vec<(Timestamp, bool)>) = (0, vec![]);
        for (gap, notifies) in steps {
            now += gap / 8;
            let call = if notifies { comment() } else { label() };
            match budget.admit(at(now), &call, &pace) {
                Admit::Now => sent.push((at(now), notifies)),
                Admit::Wait(wait) => {
                    prop_assert!(wait <= pace.longest_wait);
                    sent.push((at(now) + SignedDuration::try_from(wait).unwrap(), notifies));
                }
                Admit::Limited { until, .. } => prop_assert!(until > at(now) + SignedDuration::from_secs(5)),
            }
        }
        for pair in sent.windows(2) {
            let least = if pair[0].1 { 3 } else { 1 };
            prop_assert!(pair[1].0.duration_since(pair[0].0) >= SignedDuration::from_secs(least));
        }
        let content: Vec<_> = sent.iter().filter(|s| s.1).map(|s| s.0).collect();
        for window in content.windows(pace.content_per_minute + 1) {
            prop_assert!(window[window.len() - 1].duration_since(window[0]) >= MINUTE);
        }
    }
}
