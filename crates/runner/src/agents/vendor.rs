//! The adapter for a vendor's program: what its catalog says, carried out.

mod ending;
mod interface;
mod launch;

mod reader;
mod records;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use dayfly_core::{
    AccountConfig, AccountName, Agent, AgentConfig, AgentError, AgentName, AnswerBy, CommandLine, EventReader, JobSpec,
};

use super::catalog::{Catalog, CatalogError};
use launch::Launcher;
pub(super) use reader::Reader;

/// Drives a vendor's program without anybody to ask, and reads its records.
///
/// The configured `argv` comes first. The vendor's own checks are never passed by unless the configuration says so, or
/// our sandbox holds all of the program and its own cannot.
#[derive(Debug)]
pub struct VendorAgent {
    name: AgentName,
    config: AgentConfig,
    accounts: BTreeMap<AccountName, AccountConfig>,
    /// What is known of the program, or why the user's catalog cannot be used.
    catalog: Result<Arc<Catalog>, String>,
    /// What is used to read in that case.
    built_in: Arc<Catalog>,
}

impl VendorAgent {
    /// The adapter for a vendor's program as configured, with the accounts it may work with.
    ///
    /// # Errors
    /// For the kind `command`, which is no vendor's. A user's catalog that cannot be used is told when a command line
    /// is asked for.
    pub fn new(
        name: AgentName,
        config: AgentConfig,
        accounts: &BTreeMap<AccountName, AccountConfig>,
    ) -> Result<Self, CatalogError> {
        let built_in = Arc::new(Catalog::of(config.kind, None)?);
        let catalog = match &config.catalog {
            Some(text) => Catalog::of(config.kind, Some(text)).map(Arc::new).map_err(|e| e.to_string()),
            None => Ok(Arc::clone(&built_in)),
        };
        let accounts = accounts.iter().filter(|(account, _)| config.accounts.contains(account));
        let accounts = accounts.map(|(name, account)| (name.clone(), account.clone())).collect();
        Ok(Self { name, config, accounts, catalog, built_in })
    }

    fn catalog(&self) -> &Arc<Catalog> {
        self.catalog.as_ref().unwrap_or(&self.built_in)
    }

    /// A value that begins like a flag may be taken for one, whatever stands before it.
    fn takes(&self, job: &JobSpec) -> Result<(), AgentError> {
        let model = job.model.as_ref().or(self.config.model.as_ref());
        for (what, value) in [("model", model), ("effort", self.config.effort.as_ref())] {
            if let Some(value) = value.filter(|value| value.starts_with('-')) {
                return Err(AgentError::Misconfigured {
                    agent: self.name.to_string(),
                    problem: format!("its {what} `{value}` begins like a flag; give the {what}'s name"),
                });
            }
        }
        Ok(())
    }

    fn account(&self, job: &JobSpec) -> Result<Option<&AccountConfig>, AgentError> {
        let Some(name) = &job.account else { return Ok(None) };
        self.accounts.get(name).map(Some).ok_or_else(|| AgentError::Misconfigured {
            agent: self.name.to_string(),
            problem: format!("it has no account `{name}`; add it to `[accounts]` and to the agent's `accounts`"),
        })
    }
}

impl Agent for VendorAgent {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn command(&self, job: &JobSpec) -> Result<CommandLine, AgentError> {
        let catalog = self
            .catalog
            .as_ref()
            .map_err(|problem| AgentError::Misconfigured { agent: self.name.to_string(), problem: problem.clone() })?;
        let (program, leading) = super::split_argv(&self.name, &self.config)?;
        self.takes(job)?;
        let launcher = Launcher { catalog, config: &self.config, account: self.account(job)?, job };
        Ok(launcher.command(program, leading))
    }

    fn reader(&self) -> Box<dyn EventReader> {
        Box::new(Reader::new(Arc::clone(self.catalog())))
    }

    fn answers(&self) -> AnswerBy {
        self.catalog().answers()
    }

    fn can_probe(&self) -> bool {
        true
    }
}
