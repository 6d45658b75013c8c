//! What was accepted, and what the ledger keeps of looks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Commit, Digest, GateSpec, Order, Portfolio, Project};

use super::{BranchSeen, DriftFinding, DriftInput, DriftKind, look};

/// How things stood when somebody accepted them. What differs from it, and follows from nothing in the ledger, is drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// When it was looked.
    pub at: Timestamp,
    /// Where the base branch stood, if it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Commit>,
    /// What guarded it.
    #[serde(default)]
    pub policy: GatePolicy,
    /// The pinned paths, with the names of their contents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pinned: BTreeMap<String, String>,
    /// Findings that were accepted and would otherwise be found again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accepted: BTreeSet<Digest>,
}

/// What of the configuration guards a project's base branch, and what its agents are told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePolicy {
    /// Names under which things must be in force: the gates of each stage, the protected paths, the pinned ones.
    #[serde(default)]
    pub guards: BTreeMap<String, BTreeSet<String>>,
    /// Bounds that must not grow.
    #[serde(default)]
    pub bounds: BTreeMap<String, u64>,
    /// The prompts of stages, as digests.
    #[serde(default)]
    pub prompts: BTreeMap<String, Digest>,
}

impl GatePolicy {
    /// That of a project.
    pub fn of(portfolio: &Portfolio, project: &Project) -> Self {
        let mut policy = Self::default();
        let names = |gates: &[GateSpec]| gates.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
        for stage in &project.pipeline.stages {
            policy.guards.insert(format!("the gates of stage `{}`", stage.name), names(&stage.gates));
            if !stage.admission.is_empty() {
                policy.guards.insert(format!("the admission of stage `{}`", stage.name), names(&stage.admission));
            }
            if !stage.prompt.as_str().is_empty() {
                policy.prompts.insert(stage.name.to_string(), Digest::of(stage.prompt.as_str().as_bytes()));
            }
        }
        policy.guards.insert("the protected paths".into(), project.protected.iter().cloned().collect());
        policy.guards.insert("the pinned paths".into(), portfolio.drift.pinned.iter().cloned().collect());
        policy.bounds.insert("limits.diff-lines".into(), project.limits.diff_lines);
        policy
    }
}

/// One look, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftLook {
    /// When.
    pub at: Timestamp,
    /// Where the base branch stood, if it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Commit>,
    /// How many findings there were of each kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<DriftKind, usize>,
    /// What could not be looked at.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unseen: BTreeSet<DriftKind>,
}

impl DriftLook {
    /// Whether another look saw just the same.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.tip, &self.found, &self.unseen) == (&other.tip, &other.found, &other.unseen)
    }
}

/// What the ledger knows of a project's drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftRecord {
    /// What is accepted.
    pub baseline: Baseline,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The last look since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<DriftLook>,
    /// Where the base branch stands if nobody but dayfly has moved it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Commit>,
}

impl DriftRecord {
    /// That of a baseline that was accepted just now.
    pub fn new(baseline: Baseline, order: &Order) -> Self {
        let expected = baseline.tip.clone();
        Self { baseline, by: order.by.clone(), reason: order.reason.clone(), look: None, expected }
    }

    /// Takes a look in.
    pub(crate) fn looked(&mut self, look: DriftLook) {
        self.expected.clone_from(&look.tip);
        self.look = Some(look);
    }

    /// Takes in that dayfly moved the base branch. From elsewhere it leads nowhere that was expected.
    pub(crate) fn landed(&mut self, from: &Commit, to: &Commit) {
        if self.expected.as_ref() == Some(from) {
            self.expected = Some(to.clone());
        }
    }
}

/// How a project stands now, to be accepted. Findings that the branch and the configuration do not carry are named one by
/// one.
pub fn baseline_of(input: &DriftInput<'_>, at: Timestamp) -> Baseline {
    let before = &input.record.baseline;
    let seen = input.branch.as_ref().ok();
    let mut baseline = Baseline {
        at,
        // What could not be seen was not accepted either.
        tip: seen.map(|seen: &BranchSeen| seen.tip.clone()).or_else(|| before.tip.clone()),
        policy: GatePolicy::of(input.portfolio, input.project),
        pinned: seen.map_or_else(|| before.pinned.clone(), |seen| seen.pinned.clone()),
        accepted: BTreeSet::new(),
    };
    if seen.is_none() {
        baseline.at = before.at;
    }
    let found = look(input);
    let standing = [DriftKind::Labels, DriftKind::Migrations];
    let all = found.findings.iter().filter(|finding| standing.contains(&finding.kind));
    baseline.accepted = all.map(DriftFinding::key).collect();
    if standing.iter().any(|kind| found.unseen.contains_key(kind)) {
        baseline.accepted.extend(before.accepted.iter().cloned());
    }
    baseline
}
