//! Agents, their accounts, and which of them a stage may use.

use std::collections::BTreeMap;
use std::ops::Range;

use camino::Utf8PathBuf;
use toml::Spanned;

use crate::{AccountConfig, AccountName, AgentConfig, AgentKind, AgentName, Billing, Choice, StageName, VendorName};

use super::raw::{self, Section};
use super::{Resolver, Shared};

/// The words for kinds of agents, for a message.
fn kinds() -> String {
    AgentKind::ALL.map(AgentKind::word).join(", ")
}

/// Whether a text is a name that a variable of the environment usually has.
fn is_variable(text: &str) -> bool {
    let word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && text.chars().all(word)
}

impl Resolver<'_> {
    pub(super) fn accounts(
        &mut self,
        sections: &BTreeMap<String, Section<raw::Account>>,
    ) -> BTreeMap<AccountName, AccountConfig> {
        let mut accounts = BTreeMap::new();
        for (name, section) in sections {
            let Some(name) = self.name(AccountName::new(name), &section.span) else { continue };
            let raw = &section.value;
            let Some(vendor) = &raw.vendor else {
                if !section.damaged {
                    let help = format!("add `vendor = \"claude\"`; there are {}, or an agent's name", kinds());
                    self.problem(section.span.clone(), format!("account `{name}` has no vendor"), help);
                }
                continue;
            };
            let Some(vendor) = self.name(VendorName::new(vendor.get_ref().clone()), &vendor.span()) else { continue };
            if let (Some(upstream), None) = (&raw.upstream, &raw.proxy_key) {
                let message = format!("account `{name}` has an `upstream` and no proxy that would send anything there");
                self.problem(upstream.span(), message, "add `proxy-key`, the variable that holds the key");
            }
            if raw.proxy_key.as_ref().is_some_and(|key| !is_variable(key.get_ref())) {
                // It may be the key itself: neither it nor its line is shown.
                let message = format!("`proxy-key` of account `{name}` is no name of a variable");
                self.problem(section.span.clone(), message, "write the name of the variable that holds the key");
            }
            let billing = match (raw.billing, &raw.proxy_key) {
                (Some(Billing::Subscription), Some(key)) => {
                    let message = format!("account `{name}` is a subscription, and a proxy holds a key for it");
                    self.problem(key.span(), message, "take `proxy-key` out, or set `billing = \"api-key\"`");
                    Billing::Subscription
                }
                (Some(billing), _) => billing,
                (None, Some(_)) => Billing::ApiKey,
                (None, None) => Billing::Unknown,
            };
            let state_dir = raw.state_dir.as_ref().map(|dir| self.home_or_path(dir.get_ref()));
            let concurrency = raw.concurrency.as_ref().map(|c| self.at_least_one(c));
            let account = AccountConfig {
                vendor,
                state_dir,
                billing,
                proxy_key: raw.proxy_key.as_ref().map(|key| key.get_ref().clone()),
                upstream: raw.upstream.as_ref().map(|url| url.get_ref().clone()),
                pass_env: raw.pass_env.clone(),
                env: raw.env.clone(),
                concurrency,
            };
            accounts.insert(name, account);
        }
        accounts
    }

    /// A path below the home folder, which is not known here, or one from the file's folder.
    fn home_or_path(&self, path: &str) -> Utf8PathBuf {
        if path.starts_with("~/") { Utf8PathBuf::from(path) } else { self.path(path) }
    }

    pub(super) fn agents(
        &mut self,
        sections: &BTreeMap<String, Section<raw::Agent>>,
        accounts: &BTreeMap<AccountName, AccountConfig>,
    ) -> BTreeMap<AgentName, AgentConfig> {
        let mut agents = BTreeMap::new();
        for (name, section) in sections {
            let Some(name) = self.name(AgentName::new(name), &section.span) else { continue };
            let raw = &section.value;
            let Some(kind) = raw.kind.or(section.damaged.then_some(AgentKind::Claude)) else {
                let help = format!("add `kind = \"claude\"`; there are {}", kinds());
                self.problem(section.span.clone(), format!("agent `{name}` has no kind"), help);
                continue;
            };
            let mut agent = AgentConfig::new(kind, self.argv(&name, kind, section));
            agent.concurrency = raw.concurrency.as_ref().map(|c| self.at_least_one(c));
            agent.turns = raw.turns.as_ref().map(|t| self.at_least_one(t));
            agent.model.clone_from(&raw.model);
            agent.effort.clone_from(&raw.effort);
            agent.permissions = raw.permissions.unwrap_or_default();
            agent.choose = raw.choose.unwrap_or_default();
            agent.prices.clone_from(&raw.prices);
            agent.pass_env.clone_from(&raw.pass_env);
            agent.redact.clone_from(&raw.redact);
            agent.env.clone_from(&raw.env);
            agent.catalog = raw.catalog.as_ref().and_then(|file| self.catalog(file));
            agent.accounts = self.agent_accounts(&name, kind, raw.accounts.as_ref(), accounts);
            agents.insert(name, agent);
        }
        agents
    }

    fn argv(&mut self, name: &AgentName, kind: AgentKind, section: &Section<raw::Agent>) -> Vec<String> {
        let raw = &section.value;
        let mut argv = match (&raw.argv, kind) {
            (Some(argv), _) => argv.get_ref().clone(),
            (None, AgentKind::Command) => Vec::new(),
            (None, kind) => vec![kind.word().into()],
        };
        if argv.first().is_none_or(String::is_empty) {
            let span = raw.argv.as_ref().map_or(section.span.clone(), Spanned::span);
            self.problem(span, format!("agent `{name}` names no program"), "add `argv = [\"./agent.sh\"]`");
        }
        if let Some(program) = argv.first_mut().filter(|p| p.contains('/')) {
            *program = self.path(program).into_string();
        }
        argv
    }

    /// The text of the user's own catalog.
    fn catalog(&mut self, file: &Spanned<String>) -> Option<String> {
        let path = self.path(file.get_ref());
        let read = (self.read_file)(&path);
        read.map_err(|why| self.problem(file.span(), format!("cannot read {path}: {why}"), "mend the path")).ok()
    }

    fn agent_accounts(
        &mut self,
        agent: &AgentName,
        kind: AgentKind,
        named: Option<&Spanned<Vec<String>>>,
        accounts: &BTreeMap<AccountName, AccountConfig>,
    ) -> Vec<AccountName> {
        let Some(named) = named else { return Vec::new() };
        let vendor = AgentConfig::new(kind, Vec::new()).vendor(agent);
        let mut found: Vec<AccountName> = Vec::new();
        for name in named.get_ref() {
            match accounts.iter().find(|(account, _)| account.as_str() == name) {
                Some((account, _)) if found.contains(account) => {
                    self.problem(named.span(), format!("the account `{name}` is named twice"), "take one out");
                }
                Some((account, config)) if config.vendor == vendor => found.push(account.clone()),
                Some((_, config)) => {
                    let message = format!("the account `{name}` is one at `{}`, not at `{vendor}`", config.vendor);
                    self.problem(named.span(), message, "name accounts of the agent's own vendor");
                }
                None => {
                    let there: Vec<&str> = accounts.keys().map(AccountName::as_str).collect();
                    let help = format!("add a section [accounts.{name}]; there are: {}", there.join(", "));
                    self.problem(named.span(), format!("there is no account `{name}`"), help);
                }
            }
        }
        if named.get_ref().is_empty() {
            self.problem(named.span(), "the list of accounts is empty", "name at least one, or take the key out");
        }
        found
    }

    pub(super) fn stage_agents(
        &mut self,
        shared: &Shared,
        stage: &StageName,
        span: &Range<usize>,
        named: Option<&Spanned<Vec<String>>>,
    ) -> Vec<Choice> {
        let Some(named) = named else {
            // With one agent there is nothing to choose.
            if let [only] = shared.agents.as_slice() {
                return vec![Choice::of(only.clone())];
            }
            let help = if shared.agents.is_empty() {
                "add a section [agents.NAME]".to_owned()
            } else {
                let names: Vec<&str> = shared.agents.iter().map(AgentName::as_str).collect();
                format!("add `agents = [\"{}\"]` to [stages.{stage}]; there are {}", names[0], names.join(", "))
            };
            self.problem(span.clone(), format!("stage `{stage}` has no agent"), help);
            return Vec::new();
        };
        if named.get_ref().is_empty() {
            self.problem(named.span(), "the list of agents is empty", "name at least one");
        }
        let mut choices = Vec::new();
        for text in named.get_ref() {
            let (name, model) = match text.split_once(':') {
                Some((name, model)) => (name, Some(model)),
                None => (text.as_str(), None),
            };
            if model.is_some_and(str::is_empty) {
                self.problem(named.span(), format!("`{text}` names no model"), "write AGENT or AGENT:MODEL");
            }
            match shared.agents.iter().find(|a| a.as_str() == name) {
                Some(agent) => choices.push(Choice { agent: agent.clone(), model: model.map(str::to_owned) }),
                None => {
                    let names: Vec<&str> = shared.agents.iter().map(AgentName::as_str).collect();
                    let help = format!("add a section [agents.{name}]; there are {}", names.join(", "));
                    self.problem(named.span(), format!("there is no agent `{name}`"), help);
                }
            }
        }
        choices
    }
}
