//! One way in which an agent is started.

use std::collections::BTreeMap;
use std::ffi::OsString;

use dayfly_core::{Access, AccountConfig, AccountName, AgentConfig, CommandLine, JobSpec, Profile, PromptVia, Sandbox};
use dayfly_runner::proxy::{ProxyClient, SecretKey, proxied};
use dayfly_runner::{child_variables, find_program, looks_secret, native_program, without_secrets};
use serde::Serialize;

use crate::context::is_set;

/// Stands for a value that is not shown.
const MASK: &str = "***";

/// Stands for the token of a proxy, which is made for each attempt.
const TOKEN: &str = "the-token-of-the-proxy";

/// What an attempt is started with. Places such as `@DAYFLY_DIR@` are filled in when it is.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Launch {
    pub(super) profile: Profile,
    pub(super) access: Access,
    pub(super) sandbox: Sandbox,
    pub(super) account: Option<AccountName>,
    pub(super) model: Option<String>,
    /// The program that is run: the one a wrapper starts, if that is known.
    pub(super) program: String,
    /// The wrapper that was found in its place.
    pub(super) wrapper: Option<String>,
    pub(super) args: Vec<String>,
    /// How it receives the prompt.
    pub(super) prompt: &'static str,
    /// The folder it starts in, if that is not the working copy.
    pub(super) starts_in: Option<String>,
    /// Whether a proxy keeps the account's key from it.
    pub(super) proxy: bool,
    /// The variables that are set for it.
    pub(super) sets: BTreeMap<String, String>,
    /// The variables that are passed on to it, and whether they are set here.
    pub(super) passes: BTreeMap<String, bool>,
    /// The other variables that it is given.
    pub(super) has: Vec<String>,
    /// The files that are written for it, by their path in the attempt's folder.
    pub(super) files: BTreeMap<String, String>,
}

impl Launch {
    pub(super) fn new(job: &JobSpec, line: CommandLine, config: &AgentConfig, account: Option<&AccountConfig>) -> Self {
        let (line, proxy) = with_proxy(line, config, account);
        let (program, wrapper) = programs(&line);
        let shown = |text: &str| String::from_utf8_lossy(&without_secrets(&line, text.as_bytes())).into_owned();
        let mut args: Vec<String> = line.args.iter().map(|arg| shown(arg)).collect();
        if line.prompt == PromptVia::LastArgument {
            args.push("PROMPT".into());
        }
        let secret = |name: &String| looks_secret(name) || line.redact.contains(name);
        let value = |name: &String, value: &String| if secret(name) { MASK.to_owned() } else { shown(value) };
        let sets: BTreeMap<_, _> = line.env.iter().map(|(name, text)| (name.clone(), value(name, text))).collect();
        let passes: BTreeMap<_, _> = line.pass_env.iter().map(|name| (name.clone(), is_set(name))).collect();
        let others = child_variables(&line).into_iter();
        Self {
            profile: job.profile,
            access: job.access,
            sandbox: job.sandbox.least,
            account: job.account.clone(),
            model: job.model.clone().or_else(|| config.model.clone()),
            program,
            wrapper,
            prompt: match line.prompt {
                PromptVia::Stdin => "on standard input",
                PromptVia::LastArgument => "as the last argument",
                PromptVia::Arguments => "in a file that the arguments name",
            },
            starts_in: line.elsewhere.clone(),
            proxy,
            has: others.filter(|name| !sets.contains_key(name) && !passes.contains_key(name)).collect(),
            files: line.files.iter().map(|(path, text)| (path.clone(), shown(text))).collect(),
            args,
            sets,
            passes,
        }
    }
}

/// The command line behind the proxy of an account that has one. Port and token are those of each attempt.
fn with_proxy(mut line: CommandLine, config: &AgentConfig, account: Option<&AccountConfig>) -> (CommandLine, bool) {
    let key = account.and_then(|account| account.proxy_key.as_ref());
    let Some((key, client)) = key.zip(ProxyClient::find(config.kind.word(), None)) else { return (line, false) };
    line.pass_env.retain(|name| name != key);
    (proxied(line, &client, 0, &SecretKey::new(TOKEN)), true)
}

/// The program that is run, and the wrapper in whose place it is. Where there is none, the program as it is configured.
fn programs(line: &CommandLine) -> (String, Option<String>) {
    let path = line.env.get("PATH").map(OsString::from).or_else(|| std::env::var_os("PATH"));
    let Some(found) = find_program(&line.program, path.as_deref()) else { return (line.program.clone(), None) };
    let told = |path: &std::path::Path| path.display().to_string();
    match native_program(&found, &line.native) {
        Some(native) => (told(&native), Some(told(&found))),
        None => (told(&found), None),
    }
}
