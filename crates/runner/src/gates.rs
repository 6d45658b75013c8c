//! The built-in gates.

mod commands;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use dayfly_core::{
    Gate, GateError, GateResult, GateSpec, Portfolio, Project, Stage, Subject, Verdict, VerdictClaim, WorkFacts,
};
use globset::{GlobBuilder, GlobSetBuilder};

pub use commands::{Commands, GATES_FILE, GateCommand, gate_commands};

/// A gate that needs nothing but the facts of the subject.
#[derive(Debug)]
pub struct FactGate {
    name: String,
    spec: GateSpec,
}

impl FactGate {
    /// The gate that `spec` names; `None` if that one needs more than facts.
    pub fn new(spec: &GateSpec) -> Option<Self> {
        let facts = !matches!(spec, GateSpec::Commands | GateSpec::Custom(_));
        facts.then(|| Self { name: spec.to_string(), spec: spec.clone() })
    }
}

#[async_trait]
impl Gate for FactGate {
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self, subject: &Subject) -> Result<Verdict, GateError> {
        if let GateSpec::Label(label) = &self.spec {
            let held = Verdict::Hold { reason: format!("the issue does not carry the label {label}"), until: None };
            return Ok(if subject.issue.has_label(label) { Verdict::Pass } else { held });
        }
        let Some(work) = &subject.work else {
            return Err(error(&self.name, "it judges work, and is listed before the work"));
        };
        let verdict = match &self.spec {
            GateSpec::CleanTree => clean_tree(work),
            GateSpec::NewCommits => new_commits(work),
            GateSpec::Untouched => untouched(work),
            GateSpec::ProtectedPaths => protected_paths(work, &subject.job.protected, &self.name)?,
            GateSpec::DiffSize => diff_size(work, subject.job.diff_lines),
            GateSpec::Verdict => verdict(work),
            GateSpec::Label(_) | GateSpec::Commands | GateSpec::Custom(_) => Verdict::Pass,
        };
        Ok(verdict)
    }
}

fn error(gate: &str, reason: impl Into<String>) -> GateError {
    GateError { gate: gate.to_owned(), reason: reason.into(), source: None }
}

fn fail(reason: String, tail: String) -> Verdict {
    Verdict::Fail { reason, tail }
}

fn clean_tree(work: &WorkFacts) -> Verdict {
    match work.dirty.as_slice() {
        [] => Verdict::Pass,
        paths => fail(format!("not committed: {}", named(paths)), listed(paths)),
    }
}

fn new_commits(work: &WorkFacts) -> Verdict {
    if work.commit == work.base {
        return fail("there is no commit".into(), String::new());
    }
    if !work.descends {
        let reason = format!("the commit {} does not descend from {}", work.commit.short(), work.start.short());
        return fail(reason, "Commit on top of what is there; do not rewrite it.".into());
    }
    if work.changed.is_empty() {
        return fail("the commits change nothing".into(), String::new());
    }
    Verdict::Pass
}

fn untouched(work: &WorkFacts) -> Verdict {
    if work.commit != work.start {
        return fail("this stage may only read, and there are new commits".into(), String::new());
    }
    match work.dirty.as_slice() {
        [] => Verdict::Pass,
        paths => fail(format!("this stage may only read, and changed {}", named(paths)), listed(paths)),
    }
}

fn protected_paths(work: &WorkFacts, protected: &[String], gate: &str) -> Result<Verdict, GateError> {
    let mut globs = GlobSetBuilder::new();
    for pattern in protected {
        // A path that differs in case alone is the same file on some systems.
        let glob = GlobBuilder::new(pattern).case_insensitive(true).build();
        globs.add(glob.map_err(|err| error(gate, err.to_string()))?);
    }
    let globs = globs.build().map_err(|err| error(gate, err.to_string()))?;
    let hit = |path: &&String| globs.is_match(path.as_str());
    let hits: Vec<String> = work.changed.iter().chain(&work.dirty).filter(hit).cloned().collect();
    Ok(match hits.as_slice() {
        [] => Verdict::Pass,
        paths => fail(format!("protected paths are changed: {}", named(paths)), listed(paths)),
    })
}

fn diff_size(work: &WorkFacts, most: u64) -> Verdict {
    if work.diff_lines <= most {
        return Verdict::Pass;
    }
    fail(format!("the change has {} lines, at most {most} are allowed", work.diff_lines), String::new())
}

fn verdict(work: &WorkFacts) -> Verdict {
    match work.proposal.as_ref().and_then(|p| Some((p.verdict?, &p.summary))) {
        Some((VerdictClaim::Pass, _)) => Verdict::Pass,
        Some((VerdictClaim::Fail, summary)) => fail("the review asks for changes".into(), summary.clone()),
        None => fail("there is no verdict".into(), String::new()),
    }
}

/// The first paths on one line.
fn named(paths: &[String]) -> String {
    const MOST: usize = 3;
    let shown = paths.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if paths.len() > MOST { format!("{shown} and {} more", paths.len() - MOST) } else { shown }
}

fn listed(paths: &[String]) -> String {
    let mut text = paths.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    if paths.len() > 20 {
        text.push_str(&format!("\nand {} more", paths.len() - 20));
    }
    text
}

/// The gates an engine knows by name: the built-in ones and those of the embedding program.
#[derive(Debug, Clone, Default)]
pub struct Gates {
    custom: BTreeMap<String, Arc<dyn Gate>>,
}

impl Gates {
    /// Adds a gate under its own name; stages list it as `custom:NAME`.
    pub fn add(&mut self, gate: Arc<dyn Gate>) {
        self.custom.insert(gate.name().to_owned(), gate);
    }

    /// The custom gates of a portfolio that nobody has added.
    pub(crate) fn missing<'a>(&self, portfolio: &'a Portfolio) -> Option<(&'a Project, &'a Stage, &'a str)> {
        let stages = portfolio.projects.values().flat_map(|p| p.pipeline.stages.iter().map(move |stage| (p, stage)));
        let mut named = stages.flat_map(|(project, stage)| {
            stage.admission.iter().chain(&stage.gates).filter_map(move |gate| match gate {
                GateSpec::Custom(name) => Some((project, stage, name.as_str())),
                _ => None,
            })
        });
        named.find(|(_, _, name)| !self.custom.contains_key(*name))
    }

    /// Checks gates in order and stops at the first that does not pass.
    ///
    /// # Errors
    /// If a gate could not judge.
    pub async fn check(
        &self,
        specs: &[GateSpec],
        subject: &Subject,
        commands: Option<&Commands>,
    ) -> Result<Vec<GateResult>, GateError> {
        let mut results = Vec::new();
        for spec in specs {
            let verdict = match spec {
                GateSpec::Custom(name) => match self.custom.get(name) {
                    Some(gate) => gate.check(subject).await?,
                    None => return Err(error(name, "no gate of that name was registered with the engine")),
                },
                GateSpec::Commands => match commands {
                    Some(gate) => gate.check(subject).await?,
                    None => return Err(error("commands", "it judges work, and is listed before the work")),
                },
                other => match FactGate::new(other) {
                    Some(gate) => gate.check(subject).await?,
                    None => Verdict::Pass,
                },
            };
            let passed = verdict == Verdict::Pass;
            results.push(GateResult { gate: spec.to_string(), verdict });
            if !passed {
                break;
            }
        }
        Ok(results)
    }
}

#[cfg(test)]
mod tests;
