//! What keeps an attempt from what it was not given.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::Trust;

/// What keeps an attempt from what it was not given, weakest first: the rungs of the ladder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// Nothing: the attempt can do what its user can.
    #[default]
    None,
    /// Landlock: files, TCP, signals and abstract sockets. Unix sockets that have a path, and UDP, stay open.
    Landlock,
    /// bubblewrap: namespaces of its own for users, processes, IPC and the network, and a file system of its own.
    Bubblewrap,
}

impl Sandbox {
    /// The word for it in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Sandbox::None => "none",
            Sandbox::Landlock => "landlock",
            Sandbox::Bubblewrap => "bubblewrap",
        }
    }
}

/// What of the network an attempt may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// All that the host reaches.
    #[default]
    Host,
    /// Nothing.
    None,
}

/// The sandbox that a job must be run in; part of the frozen job. By default there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSpec {
    /// The least rung. Where it is not there the job is not started.
    #[serde(default)]
    pub least: Sandbox,
    /// The network.
    #[serde(default)]
    pub network: Network,
    /// Paths it may read besides the system's programs; `~/` is the home folder of the engine's user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Utf8PathBuf>,
    /// Paths it may write besides its working copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<Utf8PathBuf>,
    /// The most memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The most processes at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

impl SandboxSpec {
    /// Whether it asks for nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A project's rules for sandboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SandboxPolicy {
    /// The least rung for work that only people with write permission had a say in.
    pub trusted: Sandbox,
    /// The least rung for work whose text comes from anybody else.
    pub strangers: Sandbox,
    /// The network, where a sandbox holds it.
    pub network: Network,
    /// Paths that every sandbox shows read-only.
    pub read: Vec<Utf8PathBuf>,
    /// Paths that every sandbox shows writable.
    pub write: Vec<Utf8PathBuf>,
    /// The most memory of an attempt.
    pub memory_bytes: Option<u64>,
    /// The most processes of an attempt.
    pub processes: Option<u32>,
}

impl SandboxPolicy {
    /// The least rung for text of this trust.
    pub fn least(&self, trust: Trust) -> Sandbox {
        match trust {
            Trust::Writer => self.trusted,
            // Who may less can never ask for a weaker wall than who may more.
            Trust::Stranger => self.strangers.max(self.trusted),
        }
    }

    /// The sandbox for work of this trust. Without a rung, paths and network have nothing to act on and are left out,
    /// so that such a job does not change with them.
    pub fn spec(&self, trust: Trust) -> SandboxSpec {
        let least = self.least(trust);
        let limits =
            SandboxSpec { memory_bytes: self.memory_bytes, processes: self.processes, ..SandboxSpec::default() };
        match least {
            Sandbox::None => limits,
            Sandbox::Landlock | Sandbox::Bubblewrap => SandboxSpec {
                least,
                network: self.network,
                read: self.read.clone(),
                write: self.write.clone(),
                ..limits
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> SandboxPolicy {
        SandboxPolicy {
            trusted: Sandbox::None,
            strangers: Sandbox::Bubblewrap,
            network: Network::None,
            read: vec!["~/.cargo".into()],
            ..SandboxPolicy::default()
        }
    }

    #[test]
    fn trust_decides_the_rung_and_no_rung_asks_for_nothing() {
        assert!(policy().spec(Trust::Writer).is_default());
        let spec = policy().spec(Trust::Stranger);
        assert_eq!((spec.least, spec.network, spec.read.len()), (Sandbox::Bubblewrap, Network::None, 1));
    }

    #[test]
    fn strangers_never_have_less_of_a_wall_than_writers() {
        let policy = SandboxPolicy { trusted: Sandbox::Bubblewrap, strangers: Sandbox::None, ..policy() };
        assert_eq!(policy.least(Trust::Stranger), Sandbox::Bubblewrap);
    }
}
