//! What can be limited.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::AgentName;

/// Whose capacity an attempt uses: the agent as configured (vendor and account) and the model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityKey {
    /// The agent, as named in the configuration.
    pub agent: AgentName,
    /// The model, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl fmt::Display for CapacityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{} ({model})", self.agent),
            None => write!(f, "{}", self.agent),
        }
    }
}
