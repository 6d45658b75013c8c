use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
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
        self.capacity.ended(Some(using), &issue, &outcome, at(second));
        for limit in limits.clone() {
            self.capacity.limit(limit, at(second));
        }
        limits
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
    world.capacity.open(&key, &OpenedBy::Probe);
    assert_eq!(world.capacity.standing(&using("work", Some("haiku")), at(1)), Standing::Open);
}

#[test]
fn revoked_token_an_account_whose_credentials_were_refused_waits_for_a_person_with_all_its_issues() {
    let mut world = World::default();
    let me = using("work", None);
    world.end(&me, 1, End::Auth { reason: "401".into() }, vec![], 0);
    assert_eq!(world.closed_until(&me, 9_999_999), Some(None), "however long that takes");
    assert_eq!(world.closed_until(&using("home", None), 1), None, "another account goes on");
    world.capacity.open(&CapacityKey { vendor: me.vendor.clone(), account: None, model: None }, &OpenedBy::Person);
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
    let spent = spending.since(from, Some(&web));
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
    assert_eq!(spending.since(from, None).attempts, 3);
}
