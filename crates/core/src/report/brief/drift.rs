//! What a briefing says of drift: what the ledger keeps of the last look, so that it costs nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{DriftKind, PlanInput, ProjectName};

/// How projects and their record were last seen to differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DriftBrief {
    /// The projects of which something was found.
    pub found: Vec<DriftLine>,
    /// The projects whose base branch was moved since, by more than dayfly's own landings.
    pub moved: Vec<ProjectName>,
    /// The projects that were never looked at.
    pub never: Vec<ProjectName>,
}

/// What was found of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftLine {
    /// The project.
    pub project: ProjectName,
    /// How many findings there were, by their kind.
    pub found: BTreeMap<DriftKind, usize>,
    /// When it was looked at.
    pub at: Timestamp,
}

impl DriftBrief {
    pub(super) fn of(input: &PlanInput<'_>, wanted: impl Fn(&ProjectName) -> bool) -> Self {
        let mut brief = Self::default();
        for name in input.portfolio.projects.keys().filter(|name| wanted(name)) {
            let Some(record) = input.state.drift.get(name) else {
                brief.never.push(name.clone());
                continue;
            };
            if let Some(look) = record.look.as_ref().filter(|look| !look.found.is_empty()) {
                brief.found.push(DriftLine { project: name.clone(), found: look.found.clone(), at: look.at });
            }
        }
        brief
    }

    /// What is to be said, a line each.
    pub(super) fn lines(&self, time: impl Fn(Timestamp) -> String) -> Vec<String> {
        let mut lines: Vec<String> = self.found.iter().map(|line| line.told(&time)).collect();
        let names = |names: &[ProjectName]| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if !self.moved.is_empty() {
            lines.push(format!(
                "moved since, past dayfly's own landings: {}. `dayfly drift` looks.",
                names(&self.moved)
            ));
        }
        if !self.never.is_empty() {
            lines.push(format!("never looked at: {}. `dayfly drift` begins.", names(&self.never)));
        }
        lines
    }
}

impl DriftLine {
    fn told(&self, time: impl Fn(Timestamp) -> String) -> String {
        let count: usize = self.found.values().sum();
        let findings = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
        let kinds: Vec<String> = self.found.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let (name, kinds, at) = (&self.project, kinds.join(", "), time(self.at));
        format!("{name}: {findings} ({kinds}) as of {at}. `dayfly drift --project {name}` shows who is to look.")
    }
}
