//! What a report says in figures, and what they rest on.

use super::*;

/// A day in which no more than so many attempts are made.
fn bounded(more: &str, attempts: u32) -> Simulation {
    let text = format!("{more}[budget]\nday-attempts = {attempts}\n");
    let settings = Settings { days: 1, backlog: 6, issues_per_day: 0.0, ..Settings::default() };
    Simulation::new(portfolio(&text), settings)
}

#[test]
fn what_is_open_counts_as_not_done_yet_and_a_budget_is_named() {
    let report = bounded("", 12).run().unwrap();
    assert!(report.done() > 0 && report.done() * 2 < report.issues, "it shows nothing: {:?}", report.standing);
    assert_eq!((report.half_done, report.most_done), (None, None), "less than half is done");
    let named = "a budget, day-attempts = 12 of all projects";
    assert!(report.waits.contains_key(named), "{:?}", report.waits);
    let all = Simulation::new(portfolio(""), Settings { issues_per_day: 0.0, ..settings(1, 3) }).run().unwrap();
    assert!(all.done() * 2 >= all.issues && all.half_done.is_some(), "{:?}", all.standing);
}

/// A day of other people's is as long, as full and as early as one of Greenwich's.
#[test]
fn a_day_begins_at_eight_where_the_portfolio_is() {
    let run =
        |zone: &str| Simulation::new(portfolio(&format!("time-zone = \"{zone}\"")), settings(1, 1)).run().unwrap();
    let (here, tokyo) = (run("UTC"), run("Asia/Tokyo"));
    let span = |report: &SimReport| [report.from, report.until].map(|at| at.to_string());
    assert_eq!(span(&here), ["2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z"]);
    assert_eq!(span(&tokyo), ["2026-03-01T23:00:00Z", "2026-03-02T23:00:00Z"]);
    assert!(here.done() > 2, "it shows nothing: {:?}", here.done_by_day);
    assert_eq!(tokyo.done_by_day, here.done_by_day);
    assert_eq!((tokyo.half_done, &tokyo.waits), (here.half_done, &here.waits));
    // Clocks go forward there on the eighth.
    let new_york = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let days = [5, 6].map(|day| Settings::default().day(&new_york, day).to_string());
    assert_eq!(days, ["2026-03-07T13:00:00Z", "2026-03-08T12:00:00Z"]);
}

/// What an agent used until it hung, died or met its wall is less than what its work would have taken, and its vendor
/// knows that.
#[test]
fn an_attempt_that_is_cut_short_is_charged_for_what_it_used() {
    let claude = dayfly_core::AgentName::new("claude").unwrap();
    let always = |of: f64| Spread::new(of, of, of, of);
    let run = |more: &str, faults: Faults, five_hours: u64| {
        let mut simulation = bounded(more, 40);
        simulation.settings.faults = faults;
        simulation.settings.quota = Quota { five_hours, week: 1_000_000_000, early: 0.0 };
        let usual = Habit::usual(settings::Kind::Read);
        let habit = Habit { minutes: always(10.0), kilotokens: always(900.0), ..usual };
        simulation.settings.habits.insert((Some(claude.clone()), None), habit);
        simulation.run().unwrap()
    };
    let each = |report: &SimReport| report.tokens() as f64 / report.attempts() as f64;
    let whole = each(&run("", Faults::none(), 1_000_000_000));
    assert!((whole - 900_000.0).abs() < 50_000.0, "{whole}");
    let cut = |more: &str, faults: Faults, part: f64| {
        // All that they could have used is more than the window holds, and what they do use is less.
        let report = run(more, faults, 21_000_000);
        assert!(report.attempts() > 25, "it shows nothing: {} {:?}", report.attempts(), report.ends);
        let seen = each(&report) / whole;
        assert!((seen - part).abs() < 0.05 && report.windows.is_empty(), "{part}: {seen} {:?}", report.windows);
    };
    cut("", Faults { hang: 1.0, ..Faults::none() }, 0.5);
    cut("", Faults { die: 1.0, ..Faults::none() }, 1.0 / 3.0);
    cut("[limits]\nwall = \"4m\"\n", Faults::none(), 0.4);
}

/// The ledger of a simulation.
fn ledger(simulation: &Simulation) -> Vec<dayfly_core::Record> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new(simulation.portfolio.clone().into(), simulation.settings.clone().into(), None);
        let world = Arc::new(world);
        let store = Arc::new(SimStore::new(Arc::clone(&world)));
        let end = world.settings.day(&world.zone, 1);
        Drive::new(world, Arc::clone(&store), Arc::default()).run(end, &|_| {}).await;
        store.records(Seq(0)).await
    })
}

#[test]
fn attempts_of_another_model_are_told_as_such() {
    let with = |model: &str| {
        let mut simulation = bounded("", 30);
        simulation.portfolio.agents.values_mut().for_each(|agent| agent.model = Some(model.to_owned()));
        simulation
    };
    let learned = habits(&ledger(&with("opus")));
    assert!(learned.values().any(|habit| habit.seen > 0), "it shows nothing: {learned:?}");
    let others = |model: &str| {
        let mut simulation = with(model);
        simulation.settings.habits = learned.clone();
        let bases = simulation.run().unwrap().bases;
        assert!(bases.iter().any(|basis| basis.attempts > 0), "it shows nothing: {bases:?}");
        bases.into_iter().filter(|basis| basis.attempts > 0).map(|basis| (basis.attempts, basis.others))
    };
    assert!(others("opus").all(|(_, others)| others.is_empty()));
    let opus = |attempts| vec![Other { model: Some("opus".into()), attempts }];
    assert!(others("sonnet").all(|(attempts, others)| others == opus(attempts)));
}

#[test]
fn money_is_what_the_ledger_says_or_else_the_configuration_or_else_a_guess_and_it_is_told_which() {
    let claude = dayfly_core::AgentName::new("claude").unwrap();
    let key = |model: Option<&str>| (claude.clone(), model.map(str::to_owned));
    let by_the_million = |simulation: &Simulation| {
        let report = simulation.run().unwrap();
        let money: Vec<Money> = report.bases.iter().map(|basis| basis.money).collect();
        assert!(!money.is_empty() && money.iter().all(|one| one == money.first().unwrap()), "{money:?}");
        (report.usd() * 1e6 / report.tokens() as f64, money[0])
    };
    let near = |(usd, money): (f64, Money), (wanted, rests_on): (f64, Money)| {
        assert!((usd - wanted).abs() < wanted / 50.0 && money == rests_on, "{usd} {money:?}");
    };
    let guessed = bounded("", 12);
    near(by_the_million(&guessed), (1.31, Money::Guess));

    let paid = Paid { attempts: 7, tokens: 150_000, usd: 1.0 };
    let with = |simulation: &Simulation, key| {
        let mut settings = simulation.settings.clone();
        settings.prices.insert(key, paid);
        Simulation::new(simulation.portfolio.clone(), settings)
    };
    near(by_the_million(&with(&guessed, key(None))), (6.67, Money::Ledger(7)));
    let other = with(&guessed, key(Some("small")));
    near(by_the_million(&other), (1.31, Money::Guess));

    let mut priced = guessed.clone();
    let agent = priced.portfolio.agents.get_mut(&claude).unwrap();
    agent.model = Some("small".into());
    agent.prices.insert("small".into(), dayfly_core::Price { input: 40.0, cached: 40.0, output: 40.0 });
    near(by_the_million(&priced), (40.0, Money::Prices));
    near(by_the_million(&with(&priced, key(Some("small")))), (6.67, Money::Ledger(7)));
}
