//! The sandbox of a project's attempts.

use camino::Utf8PathBuf;
use toml::Spanned;

use crate::{Network, Sandbox, SandboxPolicy};

use super::{Resolver, raw};

/// The least memory that can be asked for: below it no agent starts.
const LEAST_MEMORY: u64 = 64 << 20;

/// The fewest processes that can be asked for: the sandbox itself has two, and an agent starts others.
const FEWEST_PROCESSES: u32 = 8;

impl Resolver<'_> {
    pub(super) fn sandbox(&mut self, raw: &raw::Sandbox) -> SandboxPolicy {
        let (trusted, strangers) = (raw.trusted.unwrap_or_default(), raw.strangers.unwrap_or(Sandbox::Bubblewrap));
        let network = raw.network.as_ref().map_or(Network::Host, |n| *n.get_ref());
        if let Some(span) = raw.network.as_ref().map(Spanned::span)
            && network == Network::None
            && trusted != Sandbox::Bubblewrap
        {
            let message = format!("`network = \"none\"` is not held by `trusted = \"{}\"`", trusted.word());
            self.problem(span, message, "set `trusted = \"bubblewrap\"`, which alone keeps all of the network away");
        }
        if let Some(bytes) = raw.memory_bytes.as_ref().filter(|b| *b.get_ref() < LEAST_MEMORY) {
            let message = format!("{} bytes are too few for an agent", bytes.get_ref());
            self.problem(bytes.span(), message, format!("write at least {LEAST_MEMORY}"));
        }
        if let Some(processes) = raw.processes.as_ref().filter(|p| *p.get_ref() < FEWEST_PROCESSES) {
            let message = format!("{} processes are too few for an agent", processes.get_ref());
            self.problem(processes.span(), message, format!("write at least {FEWEST_PROCESSES}"));
        }
        SandboxPolicy {
            trusted,
            strangers,
            network,
            read: self.shown(raw.read.as_ref()),
            write: self.shown(raw.write.as_ref()),
            memory_bytes: raw.memory_bytes.as_ref().map(|b| *b.get_ref()),
            processes: raw.processes.as_ref().map(|p| *p.get_ref()),
        }
    }

    /// Paths to be shown: absolute, below the home folder, which is not known here, or from the file's folder.
    fn shown(&mut self, paths: Option<&Spanned<Vec<String>>>) -> Vec<Utf8PathBuf> {
        let Some(paths) = paths else { return Vec::new() };
        let mut shown = Vec::new();
        for path in paths.get_ref() {
            if path.is_empty() || path.contains('\0') || path.starts_with('~') && !path.starts_with("~/") {
                let message = format!("`{path}` is not a path that can be shown");
                self.problem(
                    paths.span(),
                    message,
                    "write an absolute path, `~/folder`, or one from this file's folder",
                );
            } else if ["/", "~/"].contains(&path.as_str()) {
                let message = format!("`{path}` would show everything");
                self.problem(paths.span(), message, "name the folders that the agent needs");
            } else if path.starts_with("~/") {
                shown.push(path.into());
            } else {
                shown.push(self.path(path));
            }
        }
        shown
    }
}

/// A project's own section replaces that of the file key by key.
pub(super) fn merge_sandbox(base: &raw::Sandbox, own: &raw::Sandbox) -> raw::Sandbox {
    raw::Sandbox {
        trusted: own.trusted.or(base.trusted),
        strangers: own.strangers.or(base.strangers),
        network: own.network.clone().or_else(|| base.network.clone()),
        read: own.read.clone().or_else(|| base.read.clone()),
        write: own.write.clone().or_else(|| base.write.clone()),
        memory_bytes: own.memory_bytes.clone().or_else(|| base.memory_bytes.clone()),
        processes: own.processes.clone().or_else(|| base.processes.clone()),
    }
}
