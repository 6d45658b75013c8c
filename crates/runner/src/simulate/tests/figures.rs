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

#[test]
fn money_is_what_the_ledger_says_or_else_the_configuration_or_else_a_guess_and_it_is_told_which() {
    let key = |model: Option<&str>| ("claude".parse().unwrap(), model.map(str::to_owned));
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
    let agent = priced.portfolio.agents.get_mut("claude").unwrap();
    agent.model = Some("small".into());
    agent.prices.insert("small".into(), dayfly_core::Price { input: 40.0, cached: 40.0, output: 40.0 });
    near(by_the_million(&priced), (40.0, Money::Prices));
    near(by_the_million(&with(&priced, key(Some("small")))), (6.67, Money::Ledger(7)));
}
