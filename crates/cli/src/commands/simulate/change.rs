//! What if the configuration said something else.

use dayfly_core::{AccountName, AgentKind, Portfolio, Project};

use crate::args::Simulate;
use crate::context::Context;
use crate::error::CliError;

/// The portfolio with what is asked for, if anything is, and what that is in words.
pub(super) fn changed(context: &Context, asked: &Simulate) -> Result<(Option<Portfolio>, Vec<String>), CliError> {
    let mut changes = asked.set.clone();
    let mut portfolio = match asked.set.as_slice() {
        [] => context.config.portfolio.clone(),
        set => context.changed(|text| apply(&text, set))?.config.portfolio,
    };
    if let Some(most) = asked.concurrency {
        changes.push(format!("concurrency={most}"));
        portfolio.concurrency = most;
        let all = |project: &mut Project| project.concurrency = most;
        portfolio.projects.values_mut().for_each(all);
    }
    if let Some(most) = asked.accounts {
        changes.push(format!("accounts={most}"));
        accounts(&mut portfolio, most)?;
    }
    Ok(if changes.is_empty() { (None, changes) } else { (Some(portfolio), changes) })
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

/// Gives each agent of a vendor's so many accounts: those it has, or else its own login, and more of the same.
fn accounts(portfolio: &mut Portfolio, most: u32) -> Result<(), CliError> {
    let bad = |err| CliError::usage("an account cannot be named").with_source(err);
    for (name, agent) in portfolio.agents.iter_mut().filter(|(_, agent)| agent.kind != AgentKind::Command) {
        let like = agent.accounts.first().and_then(|first| portfolio.accounts.get(first)).cloned();
        let like = like.unwrap_or_else(|| dayfly_core::AccountConfig {
            vendor: agent.vendor(name),
            state_dir: None,
            billing: dayfly_core::Billing::Subscription,
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
    use super::*;

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
