use std::time::Duration;

use jiff::tz::TimeZone;

use super::spent::KEPT;
use super::*;
use crate::{AgentName, Epoch, Seq, StageName};
use crate::{Billing, Budget, CapacityPolicy, LimitNotice, LimitScope, Outcome, ProjectName, Receipt, Usage};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn using(account: &str, model: Option<&str>) -> Using {
    let account = (account != "default").then(|| AccountName::new(account).unwrap());
    Using::new(VendorName::new("claude").unwrap(), account, model.map(str::to_owned))
}

fn issue(number: u32) -> IssueRef {
    IssueRef::try_from(format!("web#{number}")).unwrap()
}

const POLICY: CapacityPolicy = CapacityPolicy {
    probe: Some(Duration::from_secs(45)),
    wait: Duration::from_secs(3600),
    correlated: 3,
    correlated_within: Duration::from_secs(600),
};

fn notice(scope: LimitScope, resets: Option<ResetTime>) -> LimitNotice {
    LimitNotice { scope, why: LimitWhy::Quota, window: None, used: None, refused: true, resets, said: "full".into() }
}

/// What the ledger would know, and the limits that an end adds to it.
#[derive(Default)]
struct World {
    capacity: Capacity,
}

impl World {
    fn end(&mut self, using: &Using, number: u32, end: End, limits: Vec<LimitNotice>, second: i64) -> Vec<Limited> {
        let mut outcome = Outcome::new(end);
        outcome.receipt.limits = limits;
        let issue = issue(number);
        let learned = Learned {
            capacity: &self.capacity,
            policy: &POLICY,
            using,
            attempt: None,
            issue: Some(&issue),
            outcome: &outcome,
            now: at(second),
            zone: &TimeZone::UTC,
        };
        let limits = capacity_after(&learned);
        self.ended(using, number, &outcome, second);
        for limit in limits.clone() {
            self.capacity.limit(limit, at(second));
        }
        limits
    }

    fn ended(&mut self, using: &Using, number: u32, outcome: &Outcome, second: i64) {
        let live = LiveAttempt {
            substitution: None,
            issue: issue(number),
            stage: StageName::new("exec").unwrap(),
            agent: AgentName::new("claude").ok(),
            using: Some(using.clone()),
            token: Seq(1),
            since: at(second),
            epoch: Epoch(1),
            process: None,
        };
        self.capacity.ended(&live, outcome, at(second));
    }

    fn closed_until(&self, using: &Using, second: i64) -> Option<Option<Timestamp>> {
        match self.capacity.standing(using, at(second)) {
            Standing::Closed(limit) => Some(limit.until),
            _ => None,
        }
    }
}

fn quota() -> End {
    End::Quota { resets_at: None }
}

#[test]
fn a_limit_is_on_what_the_vendor_says_and_on_nothing_beside_it() {
    let others = [using("work", Some("opus")), using("work", Some("haiku")), using("home", Some("opus"))];
    let rows = [
        (LimitScope::Model, [true, false, false]),
        (LimitScope::Account, [true, true, false]),
        (LimitScope::Vendor, [true, true, true]),
    ];
    for (scope, closed) in rows {
        let mut world = World::default();
        world.end(&others[0], 1, quota(), vec![notice(scope, Some(ResetTime::At(at(600))))], 0);
        let seen = [0, 1, 2].map(|n| world.closed_until(&others[n], 1).is_some());
        assert_eq!(seen, closed, "{scope:?}");
    }
}

#[test]
fn a_later_weaker_word_never_shortens_a_limit_and_a_stronger_one_does() {
    let mut world = World::default();
    let me = using("work", None);
    world.end(&me, 1, quota(), vec![notice(LimitScope::Account, Some(ResetTime::At(at(7200))))], 0);
    world.end(&me, 2, quota(), vec![notice(LimitScope::Account, None)], 10);
    assert_eq!(world.closed_until(&me, 11), Some(Some(at(7200))), "a guess of a minute");
    world.end(&me, 3, quota(), vec![notice(LimitScope::Account, Some(ResetTime::At(at(3600))))], 20);
    assert_eq!(world.closed_until(&me, 21), Some(Some(at(3600))), "the vendor states another time");
}

#[test]
fn windows_of_one_account_do_not_hide_each_other() {
    let mut world = World::default();
    let me = using("work", None);
    let window = |name: &str, until| LimitNotice {
        window: Some(name.into()),
        ..notice(LimitScope::Account, Some(ResetTime::At(at(until))))
    };
    world.end(&me, 1, quota(), vec![window("seven_day", 90_000)], 0);
    world.end(&me, 2, quota(), vec![window("five_hour", 600)], 10);
    assert_eq!(world.closed_until(&me, 700), Some(Some(at(90_000))));
}

#[test]
fn without_a_time_the_wait_grows_and_has_a_most() {
    let mut world = World::default();
    let me = using("work", None);
    let mut waits = Vec::new();
    let mut second = 0;
    for _ in 0..7 {
        let limits = world.end(&me, 1, quota(), vec![], second);
        let wait = limits[0].until.unwrap().duration_since(at(second)).as_secs();
        waits.push(wait);
        second += wait + 1;
    }
    assert_eq!(waits, [60, 120, 240, 480, 900, 900, 900]);
}

#[test]
fn a_time_that_has_passed_or_is_absurd_is_not_believed() {
    let mut world = World::default();
    let me = using("work", None);
    let limits = world.end(&me, 1, quota(), vec![notice(LimitScope::Account, Some(ResetTime::At(at(-5))))], 0);
    assert_eq!((limits[0].strength, limits[0].until), (Strength::Guessed, Some(at(60))));
    for (days, until) in [(30, at(8 * 86_400)), (400, at(60))] {
        let far = notice(LimitScope::Account, Some(ResetTime::At(at(days * 86_400))));
        let limits = World::default().end(&me, 1, quota(), vec![far], 0);
        assert_eq!(limits[0].until, Some(until), "{days} days");
    }
}

#[test]
fn when_the_time_is_over_one_tries_and_what_answers_it_opens_for_all() {
    let mut world = World::default();
    let me = using("work", Some("opus"));
    world.end(&me, 1, quota(), vec![notice(LimitScope::Account, Some(ResetTime::At(at(600))))], 0);
    assert!(matches!(world.capacity.standing(&me, at(600)), Standing::Trial(_)));
    let key = CapacityKey { model: Some("opus".into()), ..me.account_key() };
    world.capacity.open(&key, &OpenedBy::Probe, None, false);
    assert_eq!(world.capacity.standing(&using("work", Some("haiku")), at(1)), Standing::Open);
}

#[test]
fn revoked_token_an_account_whose_credentials_were_refused_waits_for_a_person_with_all_its_issues() {
    let mut world = World::default();
    let me = using("work", None);
    world.end(&me, 1, End::Auth { reason: "401".into() }, vec![], 0);
    assert_eq!(world.closed_until(&me, 9_999_999), Some(None), "however long that takes");
    assert_eq!(world.closed_until(&using("home", None), 1), None, "another account goes on");
    world.capacity.open(
        &CapacityKey { vendor: me.vendor.clone(), account: None, model: None },
        &OpenedBy::Person,
        None,
        false,
    );
    assert_eq!(world.capacity.standing(&me, at(1)), Standing::Open);
}

#[test]
fn several_issues_that_end_alike_within_minutes_stop_the_account_and_a_success_between_does_not() {
    let strange = || End::Unknown { reason: "a new record".into() };
    let me = using("work", None);
    let mut world = World::default();
    assert!(world.end(&me, 1, strange(), vec![], 0).is_empty());
    assert!(world.end(&me, 1, strange(), vec![], 10).is_empty(), "the same issue twice");
    assert!(world.end(&me, 2, strange(), vec![], 20).is_empty());
    let limits = world.end(&me, 3, strange(), vec![], 30);
    assert_eq!((limits[0].why, limits[0].until), (LimitWhy::Correlated, None));
    assert!(limits[0].said.contains("web#1, web#2, web#3 ended alike: unknown: a new record"), "{}", limits[0].said);

    let mut world = World::default();
    world.end(&me, 1, strange(), vec![], 0);
    world.end(&me, 2, strange(), vec![], 10);
    world.end(&me, 4, End::Succeeded, vec![], 15);
    assert!(world.end(&me, 3, strange(), vec![], 20).is_empty(), "one went well between");
    assert!(world.end(&me, 5, strange(), vec![], 900).is_empty(), "too long after");

    let mut world = World::default();
    for number in 1..9 {
        let failed = End::TaskFailed { reason: "tests".into() };
        assert!(world.end(&me, number, failed, vec![], i64::from(number)).is_empty(), "the work is the issues' own");
    }
}

#[test]
fn a_limit_is_probed_often_while_it_is_young_or_nearly_over_and_seldom_between() {
    let mut world = World::default();
    let me = using("work", None);
    let far = 4 * 86_400;
    world.end(&me, 1, quota(), vec![notice(LimitScope::Account, Some(ResetTime::At(at(far))))], 0);
    let next = |world: &World, now: i64| {
        let at = next_probe(&world.capacity.limits[0], &POLICY, at(now)).unwrap();
        at.as_second() - 1_790_000_000
    };
    assert_eq!(next(&world, 1), 45);
    world.capacity.probed(&me, at(30_000), None);
    assert_eq!(next(&world, 30_001), 30_600);
    world.capacity.probed(&me, at(far - 60), None);
    assert_eq!(next(&world, far - 59), far - 15);
    assert_eq!(next_probe(&world.capacity.limits[0], &CapacityPolicy { probe: None, ..POLICY }, at(1)), None);
}

#[test]
fn a_day_of_spending_ends_where_the_zone_says_and_flat_money_is_no_money() {
    let mut spending = Spending::default();
    let web = ProjectName::new("web").unwrap();
    let midnight: Timestamp = "2026-03-29T00:00:00+01:00[Europe/Berlin]".parse::<jiff::Zoned>().unwrap().timestamp();
    let receipt = |usd, billing| Receipt {
        usage: Usage { input_tokens: 90, output_tokens: 10, cost_usd: Some(usd), ..Usage::default() },
        billing,
        took: Duration::from_secs(60),
        ..Receipt::default()
    };
    spending.add(&web, midnight - SignedDuration::from_secs(1), &Spent::of(&receipt(5.0, Billing::ApiKey)));
    spending.add(&web, midnight, &Spent::of(&receipt(1.0, Billing::Unknown)));
    spending.add(&web, midnight + SignedDuration::from_hours(5), &Spent::of(&receipt(7.0, Billing::Subscription)));
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let noon = midnight + SignedDuration::from_hours(11);
    let (from, next) = day(noon, &zone);
    assert_eq!(
        (from, next),
        (midnight, midnight + SignedDuration::from_hours(23)),
        "the clock is put forward that day"
    );
    let spent = spending.between(from, next, Some(&web));
    assert_eq!(
        (spent.attempts, spent.tokens(), spent.usd_micros, spent.flat_usd_micros),
        (2, 200, 1_000_000, 7_000_000)
    );
    let budget = Budget { usd_micros: Some(1_000_000), ..Budget::default() };
    assert_eq!(spent.reached(&budget).as_deref(), Some("1.00 of 1.00 US dollars"));
    assert_eq!(spent.reached(&Budget { tokens: Some(201), ..Budget::default() }), None);
    let (from, next) = month(noon, &zone);
    assert_eq!(from.to_string(), "2026-02-28T23:00:00Z");
    assert_eq!(next.to_string(), "2026-03-31T22:00:00Z");
    assert_eq!(spending.between(from, next, None).attempts, 3);
}

#[test]
fn what_a_clock_put_years_ahead_takes_nothing_of_this_month_away_and_counts_on_no_other_day() {
    let (mut spending, web, zone) = (Spending::default(), ProjectName::new("web").unwrap(), TimeZone::UTC);
    let one = Spent { attempts: 1, ..Spent::default() };
    let today: Timestamp = "2026-05-20T10:00:00Z".parse().unwrap();
    spending.add(&web, today, &one);
    for minutes in 0..60 {
        let ahead: Timestamp = "2038-01-19T03:00:00Z".parse().unwrap();
        spending.add(&web, ahead + SignedDuration::from_mins(minutes), &one);
    }
    spending.add(&web, today + SignedDuration::from_hours(1), &one);
    let now = today + SignedDuration::from_hours(2);
    for (from, until) in [day(now, &zone), month(now, &zone)] {
        assert_eq!(spending.between(from, until, None).attempts, 2);
    }
    let (from, until) = day("2038-01-19T12:00:00Z".parse().unwrap(), &zone);
    assert_eq!(spending.between(from, until, None).attempts, 60);
    for hour in 0..40 * 24 {
        spending.add(&web, now + SignedDuration::from_hours(hour), &one);
    }
    let (from, until) = month(now, &zone);
    assert!(spending.between(from, until, None).attempts > 200);
    for quarter in 0..50 * 24 * 4 {
        spending.add(&web, now + SignedDuration::from_mins(15 * quarter), &one);
    }
    assert_eq!(spending.slots().len(), KEPT, "it does not grow for ever");
}

#[test]
fn several_that_meet_a_limit_at_the_same_time_have_met_it_once() {
    let mut world = World::default();
    let me = using("work", None);
    for number in 1..9 {
        world.end(&me, number, quota(), vec![], i64::from(number));
    }
    assert_eq!(world.closed_until(&me, 10), Some(Some(at(68))), "a minute after the last, and no quarter of an hour");
    let limits = world.end(&me, 9, quota(), vec![], 70);
    assert_eq!(limits[0].until, Some(at(190)), "met again it is spaced further");
}

/// A vendor whose daily quota is used up once said `retry in 1s` to everybody who asked, all night.
#[test]
fn a_vendor_that_says_in_a_second_for_ever_is_asked_more_and_more_seldom() {
    let mut world = World::default();
    let me = using("work", None);
    let (mut second, mut waits) = (0, Vec::new());
    for _ in 0..6 {
        let soon = notice(LimitScope::Account, Some(ResetTime::At(at(second + 1))));
        let limits = world.end(&me, 1, quota(), vec![soon], second);
        let wait = limits[0].until.unwrap().duration_since(at(second)).as_secs();
        waits.push(wait);
        second += wait;
    }
    assert_eq!(waits, [1, 60, 120, 240, 480, 900]);
}

#[test]
fn what_is_answered_opens_what_was_heard_before_it_began_and_nothing_newer() {
    let mut world = World::default();
    let me = using("work", None);
    let window = |name: &str, until| LimitNotice {
        window: Some(name.into()),
        ..notice(LimitScope::Account, Some(ResetTime::At(at(until))))
    };
    world.end(&me, 1, quota(), vec![window("five_hour", 600)], 0);
    world.end(&me, 2, quota(), vec![window("seven_day", 90_000)], 620);
    world.capacity.open(&me.account_key(), &OpenedBy::Probe, Some(at(610)), false);
    let left: Vec<_> = world.capacity.limits.iter().map(|limit| limit.window.as_deref().unwrap()).collect();
    assert_eq!(left, ["seven_day"]);
    world.capacity.open(&me.account_key(), &OpenedBy::Probe, Some(at(630)), false);
    assert!(world.capacity.limits.is_empty());
}

/// The breaker was once opened by a probe every ten minutes, and let three more issues through each time.
#[test]
fn that_a_vendor_answers_is_no_reason_to_go_on_where_issues_failed_alike() {
    let me = using("work", None);
    let silent = || End::TimedOutSilence { limit: Duration::from_secs(900) };
    let mut world = World::default();
    for number in 1..4 {
        world.end(&me, number, silent(), vec![], i64::from(number));
    }
    assert_eq!(world.closed_until(&me, 4), Some(Some(at(303))));
    assert_eq!(next_probe(&world.capacity.limits[0], &POLICY, at(4)), None);
    world.capacity.probed(&me, at(50), Some(at(9999)));
    world.capacity.open(&me.account_key(), &OpenedBy::Probe, Some(at(100)), false);
    assert_eq!(world.closed_until(&me, 101), Some(Some(at(303))));
    // The one that tries ends like the others, long after them.
    let limits = world.end(&me, 4, silent(), vec![], 1300);
    assert_eq!(limits[0].until, Some(at(1900)), "one is enough to show it");
    world.capacity.open(&me.account_key(), &OpenedBy::Probe, Some(at(2000)), true);
    assert_eq!(world.capacity.standing(&me, at(2001)), Standing::Open, "work was done there");
}

#[test]
fn what_an_agent_did_well_and_could_not_be_judged_stops_no_account() {
    let mut world = World::default();
    let me = using("work", None);
    for number in 1..9 {
        let issue = issue(number);
        let mut outcome = Outcome::new(End::Environment { reason: "no such program: just".into() });
        outcome.commit = Some(crate::Commit("c".into()));
        let learned = Learned {
            capacity: &world.capacity,
            policy: &POLICY,
            using: &me,
            attempt: None,
            issue: Some(&issue),
            outcome: &outcome,
            now: at(i64::from(number)),
            zone: &TimeZone::UTC,
        };
        assert!(capacity_after(&learned).is_empty());
        world.ended(&me, number, &outcome, i64::from(number));
    }
    assert!(world.capacity.failures.is_empty());
}

#[test]
fn a_clock_that_was_set_back_puts_no_probe_off() {
    let mut world = World::default();
    let me = using("work", None);
    world.end(&me, 1, quota(), vec![notice(LimitScope::Account, Some(ResetTime::At(at(20_000))))], 10_000);
    assert_eq!(next_probe(&world.capacity.limits[0], &POLICY, at(3000)), Some(at(3000)));
}
