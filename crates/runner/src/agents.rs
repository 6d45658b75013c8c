//! The adapters for the agents' command lines.

mod billing;
mod catalog;
mod command;
mod resets;
mod vendor;

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{
    AccountConfig, AccountName, Agent, AgentConfig, AgentError, AgentKind, AgentName, Ending, EventReader, ExitFacts,
    Profile,
};

pub use billing::{DOTENV_FILES, billing_route};
pub use catalog::{Catalog, CatalogError, ContextKind, ContextRule, KeyVariable, check_catalog, version_tested};
pub use command::CommandAgent;
pub use vendor::VendorAgent;

/// The adapter for an agent as configured, with the accounts it may work with.
pub fn agent_for(
    name: &AgentName,
    config: &AgentConfig,
    accounts: &BTreeMap<AccountName, AccountConfig>,
) -> Arc<dyn Agent> {
    match VendorAgent::new(name.clone(), config.clone(), accounts) {
        Ok(agent) => Arc::new(agent),
        // Only a kind that is no vendor's has no catalog.
        Err(_) => Arc::new(CommandAgent::new(name.clone(), config.clone())),
    }
}

/// How an attempt ended, by all that its process printed.
///
/// # Errors
/// If the user's catalog cannot be used.
pub fn classify(
    kind: AgentKind,
    catalog: Option<&str>,
    printed: Printed<'_>,
    exit: ExitFacts,
) -> Result<Ending, CatalogError> {
    let mut reader = reader(kind, catalog)?;
    let lines = |bytes: &'_ [u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    for line in lines(printed.stdout) {
        reader.line(line.strip_suffix(b"\r").unwrap_or(&line));
    }
    for line in lines(printed.stderr) {
        reader.error_line(&line);
    }
    Ok(reader.finish(exit))
}

fn reader(kind: AgentKind, catalog: Option<&str>) -> Result<Box<dyn EventReader>, CatalogError> {
    Ok(match kind {
        AgentKind::Command => command::reader(),
        kind => Box::new(vendor::Reader::new(Arc::new(Catalog::of(kind, catalog)?))),
    })
}

/// A reader for what an agent of a vendor prints of which nothing else is known.
pub(crate) fn reader_of(vendor: &str) -> Box<dyn EventReader> {
    let kind = AgentKind::ALL.into_iter().find(|kind| kind.word() == vendor).unwrap_or(AgentKind::Command);
    reader(kind, None).unwrap_or_else(|_| command::reader())
}

/// All that a process printed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Printed<'a> {
    /// On its standard output.
    pub stdout: &'a [u8],
    /// On its standard error.
    pub stderr: &'a [u8],
}

/// Which files of a repository the programs of this kind read by themselves under a launch profile.
pub fn context_files(kind: AgentKind, profile: Profile) -> Vec<ContextRule> {
    Catalog::of(kind, None).map_or_else(|_| Vec::new(), |known| known.context(profile).into_iter().cloned().collect())
}

/// Splits the configured command line into the program and its leading arguments.
fn split_argv<'a>(name: &AgentName, config: &'a AgentConfig) -> Result<(&'a str, &'a [String]), AgentError> {
    match config.argv.split_first() {
        Some((program, args)) if !program.is_empty() => Ok((program, args)),
        _ => Err(AgentError::Misconfigured {
            agent: name.to_string(),
            problem: "`argv` names no program; set it to the program and its arguments".into(),
        }),
    }
}
