//! Who pays: which keys an agent's program would find, before it is started.

use std::collections::BTreeMap;

use dayfly_core::{AccountConfig, AgentConfig, Billing};

use super::Catalog;

/// Files of a working copy from which programs take variables by themselves.
pub const DOTENV_FILES: [&str; 4] = [".env", ".env.local", ".env.development", ".env.production"];

/// Where an agent's program would find a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    /// The configuration sets it.
    Set,
    /// The configuration passes it on.
    Passed,
    /// A file of the repository sets it.
    File(&'a str),
}

/// How the use of an agent with an account would be billed, by the keys that its program would find: in the environment it
/// is given, `variable` being the engine's own, and in the files of its working copy, by their names, that it reads by itself.
///
/// # Errors
/// A key that would silently change who pays, with the remedy. Values are never shown.
pub fn billing_route(
    config: &AgentConfig,
    account: Option<&AccountConfig>,
    variable: &dyn Fn(&str) -> bool,
    files: &BTreeMap<String, String>,
) -> Result<Billing, String> {
    if account.is_some_and(|account| account.proxy_key.is_some()) {
        return Ok(Billing::ApiKey);
    }
    let Ok(catalog) = Catalog::of(config.kind, config.catalog.as_deref()) else { return Ok(Billing::Unknown) };
    let stated = account.map(|account| account.billing).unwrap_or_default();
    let found: Vec<(&str, Billing, Place<'_>)> = catalog
        .keys()
        .iter()
        .filter_map(|key| Some((key.name.as_str(), key.billing, place(&key.name, config, account, variable, files)?)))
        .collect();
    let paid = |place: fn(&Place<'_>) -> bool| found.iter().find(|(_, b, at)| *b == Billing::ApiKey && place(at));
    let any = paid(|_| true);
    if let (Billing::Subscription, Some((name, _, place))) = (stated, any) {
        return Err(format!(
            "its account is a subscription, and {name}, which {}, would bill it by the token; {}, or set `billing = \
             \"api-key\"`",
            place.told(),
            place.remedy(name)
        ));
    }
    // Nobody configured it: it is only there because of where the program starts.
    if let Some((name, _, place)) = paid(|place| matches!(place, Place::File(_))).filter(|_| stated.is_unknown()) {
        return Err(format!(
            "{name}, which {}, would decide who pays; {}, or say who does with `billing` in a section [accounts.NAME]",
            place.told(),
            place.remedy(name)
        ));
    }
    let flat = found.iter().find(|(_, billing, _)| *billing == Billing::Subscription);
    match (stated, any, flat) {
        (Billing::Unknown, Some((paid, ..)), Some((flat, ..))) => Err(format!(
            "{paid}, which bills by the token, and {flat}, which is a subscription's, are both given to it; take one out \
             of `pass-env` or `env`"
        )),
        (Billing::Unknown, Some(_), None) => Ok(Billing::ApiKey),
        (Billing::Unknown, None, Some(_)) => Ok(Billing::Subscription),
        (stated, ..) => Ok(stated),
    }
}

fn place<'a>(
    name: &str,
    config: &AgentConfig,
    account: Option<&AccountConfig>,
    variable: &dyn Fn(&str) -> bool,
    files: &'a BTreeMap<String, String>,
) -> Option<Place<'a>> {
    let set =
        [Some(&config.env), account.map(|account| &account.env)].into_iter().flatten().find_map(|env| env.get(name));
    if let Some(value) = set {
        // Set to nothing it is kept away, also from files.
        return (!value.is_empty()).then_some(Place::Set);
    }
    let passed = [Some(&config.pass_env), account.map(|account| &account.pass_env)];
    if passed.into_iter().flatten().flatten().any(|passed| passed == name) && variable(name) {
        return Some(Place::Passed);
    }
    let sets = |text: &str| text.lines().any(|line| assigns(line, name));
    files.iter().find(|(_, text)| sets(text)).map(|(file, _)| Place::File(file))
}

/// Whether a line gives that variable a value.
fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let Some((left, value)) = line.split_once('=') else { return false };
    left.trim_end() == name && !value.trim().trim_matches(['"', '\'']).is_empty()
}

impl Place<'_> {
    fn told(&self) -> String {
        match self {
            Place::Set => "the configuration sets".into(),
            Place::Passed => "`pass-env` passes on".into(),
            Place::File(file) => format!("{file} of the repository sets"),
        }
    }

    fn remedy(&self, name: &str) -> String {
        match self {
            Place::Set => "take it out of `env`".into(),
            Place::Passed => "take it out of `pass-env`".into(),
            Place::File(_) => format!("take it out of that file, or set `env = {{ {name} = \"\" }}`, which hides it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use dayfly_core::{AgentKind, VendorName};

    use super::*;

    fn agent() -> AgentConfig {
        AgentConfig::new(AgentKind::Claude, vec!["claude".into()])
    }

    fn account(billing: Billing) -> AccountConfig {
        AccountConfig {
            vendor: VendorName::new("claude").unwrap(),
            state_dir: None,
            billing,
            proxy_key: None,
            upstream: None,
            pass_env: Vec::new(),
            env: BTreeMap::new(),
            concurrency: None,
        }
    }

    fn files(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(".env".to_owned(), text.to_owned())])
    }

    fn route(
        config: &AgentConfig,
        account: Option<&AccountConfig>,
        env: &[&str],
        dotenv: &str,
    ) -> Result<Billing, String> {
        billing_route(config, account, &|name| env.contains(&name), &files(dotenv))
    }

    #[test]
    fn ambient_key_a_projects_env_file_that_would_bill_by_the_token_is_refused_with_the_remedy() {
        let flat = account(Billing::Subscription);
        for text in
            ["ANTHROPIC_API_KEY=sk-x", " export ANTHROPIC_API_KEY = 'sk-x'", "A=1\nANTHROPIC_API_KEY=\"sk-x\"\n"]
        {
            for account in [Some(&flat), None] {
                let refused = route(&agent(), account, &[], text).unwrap_err();
                assert!(refused.contains("ANTHROPIC_API_KEY, which .env of the repository sets"), "{refused}");
                assert!(refused.contains("take it out of that file") && !refused.contains("sk-x"), "{refused}");
            }
        }
        for text in ["", "ANTHROPIC_API_KEY=", "# ANTHROPIC_API_KEY=sk-x", "MY_ANTHROPIC_API_KEY=sk-x"] {
            assert_eq!(route(&agent(), Some(&flat), &[], text), Ok(Billing::Subscription), "{text}");
        }
        let mut hidden = agent();
        hidden.env.insert("ANTHROPIC_API_KEY".into(), String::new());
        assert_eq!(route(&hidden, Some(&flat), &[], "ANTHROPIC_API_KEY=sk-x"), Ok(Billing::Subscription));
        let paid = account(Billing::ApiKey);
        assert_eq!(route(&agent(), Some(&paid), &[], "ANTHROPIC_API_KEY=sk-x"), Ok(Billing::ApiKey), "it is meant");
    }

    #[test]
    fn a_key_counts_where_it_is_given_and_only_where_it_is_there() {
        let mut passing = agent();
        passing.pass_env = vec!["ANTHROPIC_API_KEY".into(), "CLAUDE_CODE_OAUTH_TOKEN".into()];
        assert_eq!(route(&agent(), None, &["ANTHROPIC_API_KEY"], ""), Ok(Billing::Unknown), "it is not passed on");
        assert_eq!(route(&passing, None, &[], ""), Ok(Billing::Unknown), "it is not set");
        assert_eq!(route(&passing, None, &["ANTHROPIC_API_KEY"], ""), Ok(Billing::ApiKey));
        assert_eq!(route(&passing, None, &["CLAUDE_CODE_OAUTH_TOKEN"], ""), Ok(Billing::Subscription));
        let both = route(&passing, None, &["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"], "").unwrap_err();
        assert!(both.contains("are both given to it; take one out"), "{both}");
        let flat = account(Billing::Subscription);
        assert!(
            route(&passing, Some(&flat), &["ANTHROPIC_API_KEY"], "").unwrap_err().contains("take it out of `pass-env`")
        );
        let held = AccountConfig { proxy_key: Some("K".into()), ..account(Billing::ApiKey) };
        assert_eq!(route(&passing, Some(&held), &["ANTHROPIC_API_KEY"], ""), Ok(Billing::ApiKey));
        let command = AgentConfig::new(AgentKind::Command, vec!["x".into()]);
        assert_eq!(route(&command, None, &["ANTHROPIC_API_KEY"], "ANTHROPIC_API_KEY=1"), Ok(Billing::Unknown));
    }
}
