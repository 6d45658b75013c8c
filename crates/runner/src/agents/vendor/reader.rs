//! Reads what a vendor's program prints.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use dayfly_core::{AgentEvent, Billing, Ending, EventReader, ExitFacts, LimitNotice, Opening, Usage};
use serde_json::{Map, Value};

use crate::agents::catalog::Catalog;

/// The most bytes of standard error that are kept for a program that printed no record.
const STDERR_BYTES: usize = 65_536;

/// The most uses of tools whose names are remembered.
const TOOLS: usize = 256;

/// The most bytes of what is said in parts.
const PARTS_BYTES: usize = 262_144;

/// Reads the records of one attempt by the rules of a catalog.
#[derive(Debug)]
pub(in crate::agents) struct Reader {
    pub(super) catalog: Arc<Catalog>,
    pub(super) seen: Seen,
}

/// What the records told so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The last records of those that the rules of endings look at, by name.
    pub(super) kept: Map<String, Value>,
    pub(super) records: u64,
    /// The last record that no rule is about.
    pub(super) unknown: Option<String>,
    pub(super) model: Option<String>,
    pub(super) opening: Option<Opening>,
    pub(super) billing: Billing,
    pub(super) usage: Usage,
    pub(super) limits: Vec<LimitNotice>,
    /// The last words.
    pub(super) text: String,
    /// What was said in parts, until something else comes.
    pub(super) parts: String,
    pub(super) answer: Option<String>,
    pub(super) tools: Tools,
    pub(super) stderr: String,
}

/// The uses of tools.
#[derive(Debug, Default)]
pub(super) struct Tools {
    names: VecDeque<(String, String)>,
    denied: Vec<(String, String)>,
    /// What went wrong since a tool last worked.
    failed: BTreeSet<String>,
    any_result: bool,
}

impl Tools {
    pub(super) fn used(&mut self, id: String, name: String) {
        if self.names.len() == TOOLS {
            self.names.pop_front();
        }
        self.names.push_back((id, name));
    }

    pub(super) fn name(&self, id: &str) -> Option<String> {
        self.names.iter().rev().find(|(used, _)| used == id).map(|(_, name)| name.clone())
    }

    pub(super) fn denied(&mut self, id: String, name: String) {
        let known = self.denied.iter().any(|(old, tool)| *old == id && *tool == name);
        if !known && self.denied.len() < TOOLS {
            self.denied.push((id, name));
        }
    }

    pub(super) fn ended(&mut self, id: String, worked: bool) {
        self.any_result = true;
        if worked {
            self.failed.clear();
        } else if self.failed.len() < TOOLS {
            self.failed.insert(id);
        }
    }

    /// The tools that were denied, and after which nothing else worked: an agent that found another way needs none.
    pub(super) fn open_denials(&self) -> Vec<String> {
        let open = self.denied.iter().filter(|(id, _)| !self.any_result || self.failed.contains(id));
        open.map(|(_, name)| name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Reader {
    pub(in crate::agents) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, seen: Seen::default() }
    }
}

impl EventReader for Reader {
    fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        // What a crash of the machine leaves in a file, and what some systems begin one with, is no part of a record.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let from = line.iter().position(|byte| *byte != 0).unwrap_or(line.len());
        let to = line.iter().rposition(|byte| *byte != 0).map_or(from, |at| at + 1);
        let line = line.get(from..to).unwrap_or_default();
        let Ok(record @ Value::Object(_)) = serde_json::from_slice::<Value>(line) else { return Vec::new() };
        self.seen.records += 1;
        self.record(&record)
    }

    fn error_line(&mut self, line: &[u8]) {
        let stderr = &mut self.seen.stderr;
        stderr.push_str(&String::from_utf8_lossy(line));
        stderr.push('\n');
        if stderr.len() > 2 * STDERR_BYTES {
            let from = (stderr.len() - STDERR_BYTES..stderr.len()).find(|at| stderr.is_char_boundary(*at));
            stderr.drain(..from.unwrap_or(0));
        }
    }

    fn finish(mut self: Box<Self>, exit: ExitFacts) -> Ending {
        self.seen.end_parts();
        self.ending(exit)
    }
}

impl Seen {
    /// Adds to what is being said.
    pub(super) fn part(&mut self, text: &str) {
        if self.parts.len() + text.len() <= PARTS_BYTES {
            self.parts.push_str(text);
        }
    }

    /// What was said in parts, as a whole.
    pub(super) fn end_parts(&mut self) -> Option<String> {
        if self.parts.is_empty() {
            return None;
        }
        self.text = std::mem::take(&mut self.parts);
        Some(self.text.clone())
    }
}
