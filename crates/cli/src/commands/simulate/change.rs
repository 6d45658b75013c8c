//! What if the configuration said something else.

use dayfly_core::{AccountName, AgentKind, Portfolio, Project};
use dayfly_runner::simulate::Settings;

use crate::args::Simulate;
use crate::context::Context;
use crate::error::CliError;

/// What was asked to be otherwise.
#[derive(Debug)]
pub(super) struct Change {
    /// The portfolio with it.
    pub(super) portfolio: Portfolio,
    /// What it is, as it was asked for.
    pub(super) words: Vec<String>,
    /// What whoever asked may not have thought of.
    pub(super) notes: Vec<String>,
}

impl Change {
    /// The settings with it: a price that is set anew counts, whatever attempts in the ledger cost.
    pub(super) fn settings(&self, now: &Portfolio, mut settings: Settings) -> Settings {
        settings.prices.retain(|(agent, model), _| {
            let price = |of: &Portfolio| of.agents.get(agent)?.prices.get(model.as_ref()?).copied();
            price(&self.portfolio).is_none_or(|then| price(now) == Some(then))
        });
        settings
    }
}

/// What is asked to be otherwise, if anything is.
pub(super) fn changed(context: &Context, asked: &Simulate) -> Result<Option<Change>, CliError> {
    let mut words: Vec<String> = asked.set.iter().map(|set| format!("--set {set}")).collect();
    let now = &context.config.portfolio;
    let mut portfolio = match asked.set.as_slice() {
        [] => now.clone(),
        set => with(context, set)?,
    };
    if let Some(most) = asked.concurrency {
        words.push(format!("--concurrency {most}"));
        portfolio.concurrency = most;
        let all = |project: &mut Project| project.concurrency = most;
        portfolio.projects.values_mut().for_each(all);
    }
    if let Some(most) = asked.accounts {
        words.push(format!("--accounts {most}"));
        accounts(&mut portfolio, most)?;
    }
    let notes = notes((now, &portfolio), asked);
    Ok(if words.is_empty() { None } else { Some(Change { portfolio, words, notes }) })
}

/// The portfolio with values set anew. What is wrong then is in no file, and is told of what was set.
fn with(context: &Context, set: &[String]) -> Result<Portfolio, CliError> {
    let read = |set: &[String]| context.changed(|text| apply(&text, set));
    let err = match read(set) {
        Ok(changed) => return Ok(changed.config.portfolio),
        Err(err) => err,
    };
    let Some(config) = err.config() else { return Err(err) };
    // One that is wrong by itself is told alone.
    let alone = set.iter().find_map(|one| Some((one, read(std::slice::from_ref(one)).err()?)));
    let told = |set: &[String]| set.iter().map(|one| format!("`--set {one}`")).collect::<Vec<_>>().join(" and ");
    let (what, config) = match &alone {
        Some((one, err)) => (told(std::slice::from_ref(one)), err.config().unwrap_or(config)),
        None => (told(set), config),
    };
    let problems: Vec<&str> = config.problems.iter().map(|problem| problem.message.as_str()).collect();
    let wrong = CliError::usage(format!("{what} makes a configuration that cannot be used: {}", problems.join("; ")));
    Err(config.problems.iter().fold(wrong, |wrong, problem| wrong.hint(&problem.help)))
}

/// What a change does not do, and why.
fn notes((now, then): (&Portfolio, &Portfolio), asked: &Simulate) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(most) = asked.accounts {
        if then.agents.values().all(|agent| agent.kind == AgentKind::Command) {
            notes.push(format!("No agent of yours has accounts; --accounts {most} changes nothing."));
        } else if now.agents == then.agents {
            notes.push(format!("--accounts {most} is how it is; it changes nothing."));
        }
    }
    let of = |portfolio: &Portfolio| portfolio.projects.values().map(|project| project.concurrency).sum::<u32>();
    if then.concurrency > now.concurrency && of(then) < then.concurrency {
        notes.push(format!(
            "concurrency = {} is bounded by `projects.*.concurrency`, which together let {} run at once; \
             --concurrency {} sets all of them.",
            then.concurrency,
            of(then),
            then.concurrency
        ));
    }
    if then.concurrency <= now.concurrency && of(then) > of(now) && of(now) >= then.concurrency {
        notes.push(format!("`projects.*.concurrency` is bounded by concurrency = {} for all.", then.concurrency));
    }
    if now == then && notes.is_empty() {
        notes.push("That is how it is; it changes nothing.".to_owned());
    }
    notes
}

/// The text with values of dotted keys set anew.
fn apply(text: &str, set: &[String]) -> Result<String, CliError> {
    let wrong =
        |what: &str| CliError::usage(format!("`--set {what}` is not KEY=VALUE")).hint("such as limits.wall=\"20m\"");
    let mut table: toml::Table =
        toml::from_str(text).map_err(|err| CliError::usage("the configuration cannot be read").with_source(err))?;
    for one in set {
        let (key, value) = one.split_once('=').ok_or_else(|| wrong(one))?;
        // A word without quotes is taken as a text.
        let read = |value: &str| toml::from_str::<toml::Table>(&format!("value = {value}")).ok()?.remove("value");
        let value = read(value).unwrap_or_else(|| toml::Value::String(value.to_owned()));
        let mut path: Vec<&str> = key.trim().split('.').collect();
        let last = path.pop().filter(|last| !last.is_empty()).ok_or_else(|| wrong(one))?;
        let mut at = &mut table;
        for part in path {
            let next = at.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            at = next.as_table_mut().ok_or_else(|| wrong(one))?;
        }
        at.insert(last.to_owned(), value);
    }
    toml::to_string(&table).map_err(|err| CliError::usage("the configuration cannot be written").with_source(err))
}

/// Gives each agent of a vendor's so many accounts: those it has, or else its own login, and more of the same, billed in
/// the same way. Its own login is one already.
fn accounts(portfolio: &mut Portfolio, most: u32) -> Result<(), CliError> {
    let bad = |err| CliError::usage("an account cannot be named").with_source(err);
    for (name, agent) in portfolio.agents.iter_mut().filter(|(_, agent)| agent.kind != AgentKind::Command) {
        if agent.accounts.is_empty() && most == 1 {
            continue;
        }
        let like = agent.accounts.first().and_then(|first| portfolio.accounts.get(first)).cloned();
        let like = like.unwrap_or_else(|| dayfly_core::AccountConfig {
            vendor: agent.vendor(name),
            state_dir: None,
            billing: dayfly_core::Billing::Unknown,
            proxy_key: None,
            upstream: None,
            pass_env: Vec::new(),
            env: Default::default(),
            concurrency: None,
        });
        agent.accounts.truncate(most as usize);
        for number in agent.accounts.len()..most as usize {
            let account = AccountName::new(format!("{name}-{}", number + 1)).map_err(bad)?;
            portfolio.accounts.entry(account.clone()).or_insert_with(|| like.clone());
            agent.accounts.push(account);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dayfly_core::{Billing, Config, Price, SourceText};
    use dayfly_runner::simulate::Paid;

    use super::*;

    fn portfolio(kind: &str, more: &str) -> Portfolio {
        let agent = if kind == "command" { "kind = \"command\"\nargv = [\"x\"]" } else { "kind = \"claude\"" };
        let text = format!(
            "version = 1\n{more}\n[agents.worker]\n{agent}\n[projects.web]\npath = \"web\"\n[projects.api]\npath = \"api\"\n"
        );
        let source = SourceText::new("/nowhere/dayfly.toml", text);
        Config::read(&source, &mut |_| Err("there is no file".into())).unwrap().portfolio
    }

    fn asked(accounts: Option<u32>, concurrency: Option<u32>) -> Simulate {
        Simulate {
            days: 1,
            seed: 1,
            seeds: 1,
            issues: 1.0,
            accounts,
            concurrency,
            set: Vec::new(),
            faults: crate::args::FaultLevel::None,
            scenario: None,
            without_defence: false,
            list: false,
        }
    }

    #[test]
    fn more_accounts_are_billed_as_the_agent_is_and_one_is_how_it_is() {
        let now = portfolio("claude", "");
        let mut one = now.clone();
        accounts(&mut one, 1).unwrap();
        assert_eq!(one, now, "its own login is one account");
        assert_eq!(notes((&now, &one), &asked(Some(1), None)), ["--accounts 1 is how it is; it changes nothing."]);
        let mut three = now.clone();
        accounts(&mut three, 3).unwrap();
        let names = &three.agents.values().next().unwrap().accounts;
        assert_eq!(names.len(), 3);
        assert!(names.iter().all(|name| three.billing(Some(name)) == now.billing(None)), "{:?}", three.accounts);
        assert!(notes((&now, &three), &asked(Some(3), None)).is_empty());

        let paid = "[accounts.worker]\nvendor = \"worker\"\nbilling = \"api-key\"\n";
        let mut paid = portfolio("claude", paid);
        paid.agents.values_mut().for_each(|agent| agent.accounts = paid.accounts.keys().cloned().collect());
        accounts(&mut paid, 2).unwrap();
        assert!(paid.accounts.values().all(|account| account.billing == Billing::ApiKey), "{:?}", paid.accounts);
    }

    #[test]
    fn what_a_change_cannot_do_is_told() {
        let now = portfolio("command", "");
        let mut then = now.clone();
        accounts(&mut then, 3).unwrap();
        let told = notes((&now, &then), &asked(Some(3), None));
        assert_eq!(told, ["No agent of yours has accounts; --accounts 3 changes nothing."]);
        let told = notes((&now, &portfolio("command", "concurrency = 6")), &asked(None, None));
        assert!(
            matches!(told.as_slice(), [one] if one.contains("`projects.*.concurrency`, which together let 2")),
            "{told:?}"
        );
        let mut all = portfolio("command", "concurrency = 6");
        all.projects.values_mut().for_each(|project| project.concurrency = 6);
        assert!(notes((&now, &all), &asked(None, Some(6))).is_empty());
    }

    #[test]
    fn a_price_that_is_set_anew_counts_before_what_attempts_cost() {
        let mut now = portfolio("claude", "");
        let price = |usd: f64| Price { input: usd, cached: usd, output: usd };
        let set = |portfolio: &mut Portfolio, model: &str, usd: f64| {
            let agent = portfolio.agents.values_mut().next().unwrap();
            agent.prices.insert(model.to_owned(), price(usd));
        };
        set(&mut now, "kept", 1.0);
        set(&mut now, "dearer", 1.0);
        let mut then = now.clone();
        set(&mut then, "dearer", 2.0);
        set(&mut then, "new", 3.0);
        let agent = now.agents.keys().next().unwrap().clone();
        let mut settings = Settings::default();
        for model in [Some("kept"), Some("dearer"), Some("new"), Some("unpriced"), None] {
            settings.prices.insert((agent.clone(), model.map(str::to_owned)), Paid::default());
        }
        let change = Change { portfolio: then, words: Vec::new(), notes: Vec::new() };
        let settings = change.settings(&now, settings);
        let left: Vec<Option<&str>> = settings.prices.keys().map(|(_, model)| model.as_deref()).collect();
        assert_eq!(left, [None, Some("kept"), Some("unpriced")]);
    }

    #[test]
    fn a_dotted_key_is_set_where_it_was_or_made() {
        let set = ["limits.wall=\"20m\"", "concurrency=6", "projects.web.landing=direct"].map(str::to_owned);
        let text = apply("concurrency = 3\n[projects.web]\npath = \"web\"\n", &set).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["concurrency"].as_integer(), Some(6));
        assert_eq!(table["limits"]["wall"].as_str(), Some("20m"));
        assert_eq!(table["projects"]["web"]["landing"].as_str(), Some("direct"));
        assert!(apply("", &["nothing".to_owned()]).is_err());
    }
}
