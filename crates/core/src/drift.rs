//! Drift: where a project and its record have come apart.
//!
//! The ledger says what dayfly did. What stands in the repository, in the tracker and in the configuration should follow
//! from that and from what people did. [`drift`] holds both against each other, from a [`Baseline`] on, and names what
//! nobody accounts for: with the evidence, with who is to look, and with what helps.

mod account;
mod baseline;
mod check;
mod commits;
mod fold;
mod gates;
mod labels;
mod pinned;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Commit, Digest, Issue, Portfolio, Project, ProjectName, State, Verdict};

pub use account::{Account, Bypass, Reach};
pub use baseline::{Baseline, DriftLook, DriftRecord, GatePolicy, baseline_of};
pub use check::check_job;

/// What came apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// The base branch holds what nobody accounts for, or no longer holds what it held.
    Commit,
    /// Gates were changed, weakened or passed by.
    Gates,
    /// Migrations and their record disagree.
    Migrations,
    /// Labels that dayfly moves were moved by hand.
    Labels,
    /// Prompts or skills are not what was accepted.
    Pinned,
}

impl DriftKind {
    /// All of them, in the order of reports.
    pub const ALL: [DriftKind; 5] =
        [DriftKind::Commit, DriftKind::Gates, DriftKind::Migrations, DriftKind::Labels, DriftKind::Pinned];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            DriftKind::Commit => "commit",
            DriftKind::Gates => "gates",
            DriftKind::Migrations => "migrations",
            DriftKind::Labels => "labels",
            DriftKind::Pinned => "pinned",
        }
    }
}

impl fmt::Display for DriftKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One thing that shows a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What is to be seen there.
    pub says: String,
}

/// Something that came apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftFinding {
    /// The project.
    pub project: ProjectName,
    /// The kind.
    pub kind: DriftKind,
    /// What, in a sentence without its full stop.
    pub what: String,
    /// What shows it; the first of it where there is much.
    pub evidence: Vec<Evidence>,
    /// Who is to look.
    pub who: String,
    /// What helps.
    pub remedy: String,
}

impl DriftFinding {
    /// What it is known again by once it was accepted.
    pub fn key(&self) -> Digest {
        let mut text = format!("{}\n{}\n{}", self.project, self.kind, self.what);
        // A command may fail in the same way for another reason.
        if self.kind == DriftKind::Migrations {
            self.evidence.iter().for_each(|evidence| text.push_str(&format!("\n{}", evidence.says)));
        }
        Digest::of(text.as_bytes())
    }
}

/// What was looked for outside; or why it could not be looked at.
pub type Looked<T> = Result<T, String>;

/// A commit of the base branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCommit {
    /// Its id.
    pub commit: Commit,
    /// Its parents, the first one first.
    pub parents: Vec<Commit>,
    /// Who it says wrote it, as `name <mail>`.
    pub author: String,
    /// When it was committed, by its own word.
    pub at: Timestamp,
    /// Its subject.
    pub subject: String,
    /// The paths in which it differs from its first parent.
    pub paths: Vec<String>,
    /// Whether it makes the very change of a commit that was handed over, as a squash or a rebase by a forge does.
    pub same_change: bool,
}

/// The base branch, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchSeen {
    /// Where it stands.
    pub tip: Commit,
    /// The commits since the baseline along first parents, newest first.
    pub commits: Vec<SeenCommit>,
    /// Whether there are more than were read.
    pub more: bool,
    /// Whether it still holds the commit of the baseline.
    pub holds_baseline: bool,
    /// Whether that commit is there at all. Where it is not, nobody can tell what came since.
    pub knows_baseline: bool,
    /// Commits that the ledger says landed since, and that it does not hold.
    pub gone: Vec<Commit>,
    /// The paths that the configuration pins, with the names of their contents.
    pub pinned: BTreeMap<String, String>,
}

/// What is held against each other.
#[derive(Debug)]
pub struct DriftInput<'a> {
    /// The configuration.
    pub portfolio: &'a Portfolio,
    /// The project.
    pub project: &'a Project,
    /// What is accepted.
    pub record: &'a DriftRecord,
    /// What the ledger accounts for.
    pub account: &'a Account,
    /// The state.
    pub state: &'a State,
    /// The base branch.
    pub branch: Looked<BranchSeen>,
    /// The issues.
    pub issues: Looked<&'a [Issue]>,
    /// What the project's command says of its migrations, if it has one.
    pub migrations: Option<Looked<Verdict>>,
}

/// How a project and its record agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectDrift {
    /// The project.
    pub project: ProjectName,
    /// What it is held against was accepted then.
    pub since: Timestamp,
    /// By whom.
    pub by: String,
    /// Whether that was just now: nothing before is reported.
    pub first: bool,
    /// What came apart.
    pub findings: Vec<DriftFinding>,
    /// How many commits dayfly accounts for.
    pub by_dayfly: usize,
    /// How many commits people account for.
    pub by_people: usize,
    /// What could not be looked at, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen: BTreeMap<DriftKind, String>,
}

impl ProjectDrift {
    /// What the ledger keeps of this look.
    pub fn look(&self, at: Timestamp, tip: Option<Commit>) -> DriftLook {
        let mut found: BTreeMap<DriftKind, usize> = BTreeMap::new();
        self.findings.iter().for_each(|finding| *found.entry(finding.kind).or_default() += 1);
        DriftLook { at, tip, found, unseen: self.unseen.keys().copied().collect() }
    }
}

/// A look at several projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftReport {
    /// The format of this report.
    pub version: u32,
    /// When it was made.
    pub at: Timestamp,
    /// The projects, by name.
    pub projects: Vec<ProjectDrift>,
}

impl DriftReport {
    /// How many findings there are.
    pub fn findings(&self) -> usize {
        self.projects.iter().map(|project| project.findings.len()).sum()
    }
}

/// Holds a project against its record.
pub fn drift(input: &DriftInput<'_>) -> ProjectDrift {
    let Found { mut findings, unseen, counts, .. } = look(input);
    findings.retain(|finding| !input.record.baseline.accepted.contains(&finding.key()));
    findings.sort_by_key(|finding| finding.kind);
    ProjectDrift {
        project: input.project.name.clone(),
        since: input.record.baseline.at,
        by: input.record.by.clone(),
        first: false,
        findings,
        by_dayfly: counts.dayfly,
        by_people: counts.people,
        unseen,
    }
}

/// All that came apart, accepted or not.
fn look<'a>(input: &'a DriftInput<'a>) -> Found<'a> {
    let mut found = Found { input, findings: Vec::new(), unseen: BTreeMap::new(), counts: commits::Counts::default() };
    found.counts = commits::look(&mut found);
    gates::look(&mut found);
    migrations(&mut found);
    labels::look(&mut found);
    pinned::look(&mut found);
    found
}

/// What is found while looking.
struct Found<'a> {
    input: &'a DriftInput<'a>,
    findings: Vec<DriftFinding>,
    unseen: BTreeMap<DriftKind, String>,
    counts: commits::Counts,
}

impl Found<'_> {
    fn add(&mut self, kind: DriftKind, what: String, who: &str, evidence: Vec<Evidence>) {
        let project = self.input.project.name.clone();
        let remedy = remedy(kind, &project);
        self.findings.push(DriftFinding { project, kind, what, evidence, who: who.to_owned(), remedy });
    }

    /// Who looks where nobody else is named: whoever accepted how things stood.
    fn keeper(&self) -> String {
        self.input.record.by.clone()
    }

    /// Who is to look at what somebody did: they themselves if they are a person.
    fn looker(&self, author: &str) -> String {
        match commits::standing(self.input, author) {
            commits::Author::Person => author.to_owned(),
            commits::Author::Unlisted | commits::Author::Program => self.keeper(),
        }
    }
}

fn remedy(kind: DriftKind, project: &ProjectName) -> String {
    let accept = format!("`dayfly drift accept {project} --because TEXT`");
    match kind {
        DriftKind::Commit => format!("look at the commits, revert what should not be there, or {accept}"),
        DriftKind::Gates => format!("look at what no longer guards the branch, restore it, or {accept}"),
        DriftKind::Migrations => format!("bring the database and its record together, or {accept}"),
        DriftKind::Labels => format!("set the label back, or {accept}"),
        DriftKind::Pinned => format!("read what agents are told now, restore it, or {accept}"),
    }
}

fn migrations(found: &mut Found<'_>) {
    let (what, tail) = match &found.input.migrations {
        None | Some(Ok(Verdict::Pass)) => return,
        Some(Err(why)) => {
            found.unseen.insert(DriftKind::Migrations, why.clone());
            return;
        }
        Some(Ok(Verdict::Hold { reason, .. })) => {
            found.unseen.insert(DriftKind::Migrations, reason.clone());
            return;
        }
        Some(Ok(Verdict::Fail { reason, tail })) => (reason.clone(), tail),
    };
    let evidence = tail.lines().map(|line| Evidence { says: line.to_owned(), ..Evidence::default() }).collect();
    let keeper = found.keeper();
    found.add(DriftKind::Migrations, format!("the migrations are not as their record says: {what}"), &keeper, evidence);
}

#[cfg(test)]
mod tests;
