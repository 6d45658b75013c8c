//! Who pays, and whether a key that lies about would change that.

use std::collections::BTreeMap;

use dayfly_core::{AccountConfig, AccountName, AgentConfig, AgentKind, AgentName, Billing, Portfolio, Project};
use dayfly_runner::{Catalog, DOTENV_FILES, billing_route};

use super::Check;
use super::context::{at_base, at_work};
use crate::context::is_set;

/// An agent's account, if it has one configured.
type Account<'a> = Option<(&'a AccountName, &'a AccountConfig)>;

/// A check for each agent that finds its own way in, or that would not be paid for as it is configured.
pub(super) fn checks(portfolio: &Portfolio) -> Vec<Check> {
    let nothing = BTreeMap::new();
    let mut checks = Vec::new();
    for (name, agent) in &portfolio.agents {
        let what = format!("agent {name}: billing");
        if agent.kind == AgentKind::Command {
            checks.extend(passed_key(&what, agent));
            continue;
        }
        for account in accounts(portfolio, agent) {
            match billing_route(agent, account.map(|(_, account)| account), &is_set, &nothing) {
                Err(refused) => checks.push(refusal(with(&what, account), &refused)),
                // What is known of an account is said of the account.
                Ok(_) if account.is_some() => {}
                Ok(Billing::Unknown) if agent.pass_env.is_empty() && agent.env.is_empty() => {
                    let found = "finds neither a key nor a login";
                    let remedy = "name an account in `accounts`, or pass a key or HOME on with `pass-env`";
                    checks.push(Check::note(&what, found, remedy));
                }
                Ok(Billing::Unknown) if unset_key(agent).is_some() => {
                    let found = format!("{} is passed on, and not set", unset_key(agent).unwrap_or_default());
                    checks.push(Check::note(&what, found, "set it where dayfly runs, for cron too"));
                }
                Ok(billing) => checks.push(Check::good(&what, told(billing).unwrap_or("nobody says how it is billed"))),
            }
        }
    }
    checks
}

/// The first key that is to be passed on and is not there, unless the vendor's program is to find its login at home.
fn unset_key(agent: &AgentConfig) -> Option<String> {
    let catalog = Catalog::of(agent.kind, agent.catalog.as_deref()).ok()?;
    let is_key = |name: &&String| catalog.keys().iter().any(|key| key.name == **name);
    let at_home = agent.pass_env.iter().chain(agent.env.keys()).any(|name| name == "HOME");
    agent.pass_env.iter().filter(is_key).find(|name| !at_home && !is_set(name)).cloned()
}

/// The keys in a project's own files that would change who pays.
pub(super) async fn in_project(portfolio: &Portfolio, project: &Project) -> Vec<Check> {
    let mut files = BTreeMap::new();
    for file in DOTENV_FILES {
        let text = match (project.repository, at_base(project).await) {
            (true, Some((git, commit))) => git.file_at(&commit, file).await.ok().flatten(),
            (true, None) => None,
            (false, _) => std::fs::read_to_string(project.path.join(file)).ok(),
        };
        files.extend(text.map(|text| (file.to_owned(), text)));
    }
    if files.is_empty() {
        return Vec::new();
    }
    in_files(portfolio, project, &files)
}

fn in_files(portfolio: &Portfolio, project: &Project, files: &BTreeMap<String, String>) -> Vec<Check> {
    let mut checks = Vec::new();
    let agents = at_work(project).into_keys().filter_map(|name| portfolio.agents.get_key_value(name));
    for (name, agent) in agents.filter(|(_, agent)| agent.kind != AgentKind::Command) {
        for account in accounts(portfolio, agent) {
            let route = |files| billing_route(agent, account.map(|(_, account)| account), &is_set, files);
            if let (Err(refused), Ok(_)) = (route(files), route(&BTreeMap::new())) {
                checks.push(refusal(with(&billed_in(project, name), account), &refused));
            }
        }
    }
    checks
}

fn billed_in(project: &Project, agent: &AgentName) -> String {
    format!("project {}: billing of {agent}", project.name)
}

/// How an account's use is billed, as the configuration says, or else the keys that it is given.
pub(super) fn of_account(account: &AccountConfig) -> Option<&'static str> {
    let kind = AgentKind::ALL.into_iter().find(|kind| kind.word() == account.vendor.as_str());
    let agent = AgentConfig::new(kind.unwrap_or(AgentKind::Command), Vec::new());
    // What is refused is told of the agents that work with it.
    let billing = billing_route(&agent, Some(account), &is_set, &BTreeMap::new()).unwrap_or(account.billing);
    told(billing).or(Some("nobody says how it is billed")).filter(|_| kind.is_some())
}

fn told(billing: Billing) -> Option<&'static str> {
    match billing {
        Billing::Subscription => Some("a subscription"),
        Billing::ApiKey => Some("billed by the token"),
        Billing::Unknown => None,
    }
}

fn accounts<'a>(portfolio: &'a Portfolio, agent: &AgentConfig) -> Vec<Account<'a>> {
    if agent.accounts.is_empty() {
        return vec![None];
    }
    agent.accounts.iter().filter_map(|name| portfolio.accounts.get_key_value(name)).map(Some).collect()
}

fn with(what: &str, account: Account<'_>) -> String {
    account.map_or_else(|| what.to_owned(), |(name, _)| format!("{what} (account {name})"))
}

/// A refusal says what is wrong, and then what helps.
fn refusal(what: String, refused: &str) -> Check {
    let (found, remedy) = refused.split_once("; ").unwrap_or((refused, "see docs/agents.md"));
    Check::bad(what, found, remedy)
}

/// A program of one's own of which nothing is known but that it is given a key.
fn passed_key(what: &str, agent: &AgentConfig) -> Option<Check> {
    let key = agent.pass_env.iter().find(|variable| variable.ends_with("_API_KEY"))?;
    let found = format!("{key} is passed on: each token is billed");
    Some(Check::note(what, found, format!("take {key} out of `pass-env` if you mean to use a subscription")))
}
