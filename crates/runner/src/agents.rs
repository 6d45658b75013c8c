//! The adapters for the agents' command lines.

mod claude;
mod command;

use std::sync::Arc;

use dayfly_core::{Agent, AgentConfig, AgentError, AgentKind, AgentName};

pub use claude::ClaudeAgent;
pub use command::CommandAgent;

/// The adapter for an agent as configured.
pub fn agent_for(name: &AgentName, config: &AgentConfig) -> Arc<dyn Agent> {
    match config.kind {
        AgentKind::Command => Arc::new(CommandAgent::new(name.clone(), config.clone())),
        _ => Arc::new(ClaudeAgent::new(name.clone(), config.clone())),
    }
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
