//! The agents and their accounts: what is there to run them, and to let them in.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use camino::Utf8Path;
use dayfly_core::{AccountConfig, AccountName, AgentConfig, AgentName, Portfolio};
use dayfly_runner::proxy::ProxyClient;
use dayfly_runner::{Catalog, ask_version, find_program, native_program};
use tokio::task::JoinSet;

use super::{Check, Finding, billing};
use crate::context::{at_home, is_set};
use crate::error::causes;

/// A check for each agent's program.
pub(super) async fn checks(portfolio: &Portfolio) -> Vec<Check> {
    let mut asked = JoinSet::new();
    for (number, (name, agent)) in portfolio.agents.iter().enumerate() {
        let (name, agent) = (name.clone(), agent.clone());
        // Some of the programs take seconds to say their version.
        asked.spawn(async move { (number, program_check(&name, &agent).await) });
    }
    let mut told = asked.join_all().await;
    told.sort_by_key(|(number, _)| *number);
    told.into_iter().map(|(_, check)| check).collect()
}

async fn program_check(name: &AgentName, agent: &AgentConfig) -> Check {
    let what = format!("agent {name} ({})", agent.kind.word());
    let (program, leading) = agent.argv.split_first().map_or(("", [].as_slice()), |(first, rest)| (first, rest));
    // As an attempt would look for it.
    let path = agent.env.get("PATH").map(OsString::from).or_else(|| std::env::var_os("PATH"));
    let Some(found) = find_program(program, path.as_deref()) else {
        let found = format!("`{program}` is not there, or cannot be executed");
        return Check::bad(what, found, "install it, mend PATH or `argv`, or `chmod +x` it");
    };
    if interpreter(&found).is_some_and(|interpreter| !interpreter.exists()) {
        let found = format!("the first line of {} names a program that is not there", found.display());
        return Check::bad(what, found, "mend the line that begins with `#!`");
    }
    let Ok(catalog) = Catalog::of(agent.kind, agent.catalog.as_deref()) else {
        return Check::good(what, found.display().to_string());
    };
    let native = native_program(&found, catalog.native());
    let place = match &native {
        Some(native) => format!("{} in place of its wrapper {}", native.display(), found.display()),
        None => found.display().to_string(),
    };
    if native.is_none() && !catalog.native().is_empty() && interpreter(&found).is_some() {
        let found = format!("{place} is a script, and the program that it starts is not where it should be");
        let remedy = "install it anew, or name the program itself in `argv`: a script that is killed may leave what \
                      it started alive";
        return Check::note(what, found, remedy);
    }
    if catalog.version_args().is_empty() {
        return Check::good(what, place);
    }
    let run = std::path::absolute(native.unwrap_or(found)).unwrap_or_default();
    let args: Vec<String> = leading.iter().chain(catalog.version_args()).cloned().collect();
    match ask_version(&run, &args, path.as_deref()).await {
        Ok(version) => version_check(what, place, &version, &catalog),
        Err(err) => {
            let found = format!("{place}: {}", causes(&err));
            Check::note(what, found, format!("try `{program} {}` yourself", args.join(" ")))
        }
    }
}

/// Whether a version passed the contract.
fn version_check(what: String, place: String, version: &str, catalog: &Catalog) -> Check {
    if catalog.is_tested(version) {
        return Check::good(what, format!("{place}, {version}, which passed the contract"));
    }
    let tested = match catalog.tested() {
        [] => "none is tested".to_owned(),
        [only] => format!("tested is {only}: install that one to be sure"),
        several => format!("tested are {}: install one of them to be sure", several.join(", ")),
    };
    let remedy = format!("it may work, and what it prints is parked if it is not understood; {tested}");
    Check::note(what, format!("{place}, {version}, which has not passed the contract"), remedy)
}

/// The program that a script names in its first line.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    std::fs::File::open(script).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = String::from_utf8_lossy(start.strip_prefix(b"#!")?).into_owned();
    Some(PathBuf::from(line.lines().next()?.split_whitespace().next()?))
}

/// A check for each account.
pub(super) fn accounts(portfolio: &Portfolio) -> Vec<Check> {
    portfolio
        .accounts
        .iter()
        .map(|(name, account)| {
            let used = portfolio.agents.values().any(|agent| agent.accounts.contains(name));
            Looked { found: Vec::new(), state: Finding::Good, remedies: Vec::new() }.account(name, account, used)
        })
        .collect()
}

/// What was found of an account so far.
struct Looked {
    found: Vec<String>,
    state: Finding,
    remedies: Vec<String>,
}

impl Looked {
    fn account(mut self, name: &AccountName, account: &AccountConfig, used: bool) -> Check {
        let what = format!("account {name} ({})", account.vendor);
        if let Some(dir) = &account.state_dir {
            self.folder(dir);
        }
        for variable in account.proxy_key.iter().chain(&account.pass_env) {
            match (is_set(variable), account.proxy_key.as_ref() == Some(variable)) {
                (true, true) => self.found.push(format!("{variable} is set, and kept by a proxy")),
                (true, false) => self.found.push(format!("{variable} is set")),
                (false, proxy) => {
                    // Without that key nothing can be asked of the vendor; another way in may be there.
                    let state = if proxy { Finding::Bad } else { Finding::Note };
                    let remedy = format!("set {variable} where dayfly runs, for cron too");
                    self.add(state, format!("{variable} is not set"), remedy);
                }
            }
        }
        if !account.env.is_empty() {
            let names: Vec<&str> = account.env.keys().map(String::as_str).collect();
            self.found.push(format!("sets {}", names.join(", ")));
        }
        if self.found.is_empty() {
            let remedy =
                "give it a `state-dir` in which the vendor's program is logged in, or a variable in `pass-env`";
            self.add(Finding::Note, "has no way in".into(), remedy.into());
        }
        if let Some(how) = billing::of_account(account) {
            self.found.push(how.into());
        }
        if account.proxy_key.is_some() && ProxyClient::find(account.vendor.as_str(), None).is_none() {
            let found = format!("a proxy for agents of {} is not known", account.vendor);
            self.add(Finding::Bad, found, "take `proxy-key` out".into());
        }
        if !used {
            self.add(Finding::Note, "no agent works with it".into(), "name it in the `accounts` of an agent".into());
        }
        let remedy = (!self.remedies.is_empty()).then(|| self.remedies.join("; "));
        Check { what, state: self.state, found: self.found.join("; "), remedy, context: None }
    }

    fn add(&mut self, state: Finding, found: String, remedy: String) {
        self.state = self.state.max(state);
        self.found.push(found);
        self.remedies.push(remedy);
    }

    fn folder(&mut self, dir: &Utf8Path) {
        match at_home(dir).read_dir_utf8() {
            Ok(_) => self.found.push(format!("logins in {dir}")),
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
                let remedy = "make the folder and log the vendor's program in there, or mend `state-dir`";
                self.add(Finding::Bad, format!("{dir} is not there"), remedy.into());
            }
            Err(err) => self.add(Finding::Bad, format!("{dir} cannot be read: {err}"), "make it readable".into()),
        }
    }
}
