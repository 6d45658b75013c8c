//! Who is chosen, by what vendors, accounts and models can take.

use super::*;

const ACCOUNTS: &str = r#"
[accounts.work]
vendor = "claude"
[accounts.home]
vendor = "claude"
concurrency = 1
[agents.claude]
kind = "claude"
model = "opus"
accounts = ["work", "home"]
[agents.codex]
kind = "codex"
[stages.mend]
agents = ["claude", "claude:haiku", "codex:mini"]
fallback = "chain"
prompt = "mend"
access = "read"
[projects.pages]
path = "pages"
concurrency = 10
pipeline = ["mend"]
"#;

fn world() -> World {
    let mut world = World::with(ACCOUNTS);
    for name in ["pages#1", "pages#2", "pages#3"] {
        world.issue(name);
    }
    world
}

fn key(vendor: &str, account: Option<&str>, model: Option<&str>) -> CapacityKey {
    CapacityKey {
        vendor: crate::VendorName::new(vendor).unwrap(),
        account: account.map(|name| crate::AccountName::new(name).unwrap()),
        model: model.map(str::to_owned),
    }
}

/// What would be used, in order, and why it is not the first choice.
fn used(world: &World) -> Vec<String> {
    let plan = world.plan();
    let line = |ready: &crate::Ready| {
        let account = ready.account.as_ref().map(ToString::to_string).unwrap_or_default();
        let why = ready.substitution.as_ref().map(|why| format!(" because {why}")).unwrap_or_default();
        format!("{} {account} {}{why}", ready.agent.as_ref().unwrap(), ready.model.as_deref().unwrap_or("-"))
    };
    plan.ready.iter().map(line).collect()
}

#[test]
fn accounts_are_taken_in_order_and_the_next_one_when_the_first_has_no_capacity() {
    let mut world = world();
    assert_eq!(used(&world), ["claude work opus"; 3]);
    world.limit(key("claude", Some("work"), None), Some(later(60)), LimitWhy::Quota);
    let because = "claude home opus because the capacity of claude/work is used up";
    assert_eq!(used(&world), [because], "that account takes one job at a time");
    assert_eq!(world.wait("pages#2").0, Wait::Slot { of: "account home".into() });
}

#[test]
fn the_least_used_account_is_taken_where_that_is_wanted() {
    let mut world = world();
    let config = world.portfolio.agents.get_mut(&agent("claude")).unwrap();
    config.choose = crate::Choose::LeastUsed;
    assert_eq!(used(&world), ["claude work opus", "claude home opus", "claude work opus"]);
    let using = |name| Using::new(key("claude", None, None).vendor, Some(crate::AccountName::new(name).unwrap()), None);
    let full = crate::Window { used: 0.9, resets: Some(later(600)), at: now() };
    let windows = [("five_hour".to_owned(), full)].into();
    world.state.capacity.windows.insert(using("work").account_key().to_string(), windows);
    assert_eq!(used(&world)[0], "claude home opus", "of those with as few jobs the one that is less full");
}

#[test]
fn a_chain_goes_down_agents_and_models_and_says_why() {
    let mut world = world();
    let why = "because the capacity of claude (opus) is used up";
    world.limit(key("claude", None, Some("opus")), Some(later(60)), LimitWhy::Quota);
    assert_eq!(used(&world)[0], format!("claude work haiku {why}"));
    world.limit(key("claude", None, None), Some(later(30)), LimitWhy::Down);
    assert_eq!(used(&world)[0], format!("codex  mini {why}"));
    world.limit(key("codex", None, None), Some(later(90)), LimitWhy::Quota);
    let (wait, until) = world.wait("pages#1");
    let soonest = Wait::Capacity { of: "claude is down: no".into() };
    assert_eq!((wait, until), (soonest, Some(later(30))), "what is back first is waited for");
    let plan = world.plan();
    let awaited: Vec<String> = plan.awaited.iter().map(|awaited| awaited.using.to_string()).collect();
    assert_eq!(
        awaited,
        ["claude/home (haiku)", "claude/home (opus)", "claude/work (haiku)", "claude/work (opus)", "codex (mini)"]
    );
}

#[test]
fn when_the_time_is_over_one_attempt_tries_and_the_others_wait_for_it() {
    let mut world = world();
    world.portfolio.agents.get_mut(&agent("claude")).unwrap().accounts.truncate(1);
    world.limit(key("claude", None, None), Some(now()), LimitWhy::Quota);
    assert_eq!(used(&world), ["claude work opus"]);
    let why = "claude, where one attempt tries whether it is back";
    assert_eq!(world.wait("pages#2").0, Wait::Slot { of: why.into() });
    world.filter.starting = vec![world.plan().ready[0].clone()];
    assert_eq!(used(&world), Vec::<String>::new(), "what is starting is the one that tries");
}

#[test]
fn what_only_a_person_can_mend_is_told_with_its_remedy_and_what_ends_by_itself_comes_before_it() {
    let mut world = world();
    world.limit(key("claude", None, None), None, LimitWhy::Auth);
    world.limit(key("codex", None, None), Some(later(90)), LimitWhy::Quota);
    assert_eq!(world.wait("pages#1").1, Some(later(90)));
    world.limit(key("codex", None, None), None, LimitWhy::Correlated);
    let plan = world.plan();
    let waiting = plan.waiting_for(&issue_ref("pages#1")).unwrap();
    assert_eq!(waiting.why, Wait::Account { of: "claude refused its credentials: no".into() });
    assert!(waiting.remedy.as_ref().unwrap().ends_with("or say `dayfly capacity open claude`"), "{waiting:?}");
}

#[test]
fn a_budget_holds_all_but_landings_until_the_day_is_over_or_it_is_raised() {
    let mut world = world();
    let receipt = crate::Receipt {
        usage: crate::Usage { input_tokens: 900, output_tokens: 100, ..crate::Usage::default() },
        ..crate::Receipt::default()
    };
    world.state.capacity.spending.add(&project("web"), now(), &crate::Spent::of(&receipt));
    world.known("web#7", "merge", Phase::Queued { not_before: None });
    world.portfolio.budgets.day.tokens = Some(1000);
    assert_eq!(world.ready(), ["web#7 merge"]);
    let (wait, until) = world.wait("pages#1");
    assert_eq!(wait, Wait::Budget { of: "1000 of 1000 tokens for all projects this day".into() });
    assert_eq!(until, Some(later(86_400)));
    world.portfolio.budgets.day.tokens = Some(1001);
    assert_eq!(world.ready().len(), 4);
    let of_web = crate::Budget { attempts: Some(1), ..crate::Budget::default() };
    world.portfolio.projects.get_mut(&project("web")).unwrap().budgets.month = of_web;
    world.issue("web#8");
    assert_eq!(world.ready().len(), 4, "the others go on");
    assert_eq!(world.wait("web#8").0, Wait::Budget { of: "1 of 1 attempts for project web this month".into() });
}

/// An attempt in a tool call of half an hour once kept everybody from noticing that a limit was over.
#[test]
fn what_runs_since_before_a_limit_was_met_is_not_the_one_that_tries() {
    let mut world = world();
    world.portfolio.agents.get_mut(&agent("claude")).unwrap().accounts.truncate(1);
    world.limit(key("claude", None, None), Some(now()), LimitWhy::Quota);
    let work = Some(crate::AccountName::new("work").unwrap());
    let using = Using::new(key("claude", None, None).vendor, work, Some("opus".into()));
    let heard = world.state.capacity.limits[0].heard;
    for (since, ready) in [(heard - SignedDuration::from_secs(1), 1), (heard, 0)] {
        let live = LiveAttempt {
            substitution: None,
            issue: issue_ref("pages#9"),
            stage: stage("mend"),
            agent: Some(agent("claude")),
            using: Some(using.clone()),
            token: Seq(1),
            since,
            epoch: Epoch(1),
            process: None,
        };
        world.state.live.insert(AttemptId::from_text("pages.9.mend.1"), live);
        let tries = used(&world).iter().filter(|line| line.starts_with("claude work opus")).count();
        assert_eq!(tries, ready, "since {since}");
    }
}

#[test]
fn a_budget_of_attempts_is_not_overshot_by_those_that_run_or_start_together() {
    let mut world = world();
    world.portfolio.budgets.day.attempts = Some(2);
    assert_eq!(used(&world).len(), 2);
    let of = "the attempts that are left for all projects run".to_owned();
    assert_eq!(world.wait("pages#3").0, Wait::Budget { of });
    world.filter.starting = world.plan().ready;
    assert_eq!(used(&world).len(), 0);
}
