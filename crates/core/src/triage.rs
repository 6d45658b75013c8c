//! What keeps the issues of a project in order: rules over what its tracker shows, one a file.
//!
//! A rule is a pure function. It knows no forge and remembers nothing: what it has done before, it sees. So each can be
//! cut off after any of its writes, and asked again it goes on from there; and one that was asked twice writes once.

mod blocked;
mod clarify;
mod duplicate;
mod milestone;
mod roll_over;
mod route;
mod split;
mod stale;
mod trust;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{
    Comment, Digest, Issue, IssueId, IssueRef, IssueState, Phase, Portfolio, Project, ProjectView, State, TrackerState,
    TrackerWrite,
};

pub(crate) use blocked::{blockers, in_a_circle};
pub(crate) use clarify::answered;
pub(crate) use milestone::counts;
pub use milestone::progress as milestone_progress;
pub(crate) use split::summary as children_summary;
pub use trust::{Trigger, may_trigger};

/// What triage is made from. All of it is an argument: the same input gives the same findings.
#[derive(Debug, Clone, Copy)]
pub struct TriageInput<'a> {
    /// The configuration.
    pub portfolio: &'a Portfolio,
    /// The project.
    pub project: &'a Project,
    /// Its issues and milestones, as last seen.
    pub view: &'a ProjectView,
    /// What is known.
    pub state: &'a State,
    /// The wall time.
    pub now: Timestamp,
    /// The zone in which days and months begin.
    pub zone: &'a TimeZone,
}

/// What a rule wants written, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The issue it is about; for a milestone, the one that carries its summary.
    pub issue: IssueId,
    /// The rule.
    pub rule: &'static str,
    /// Why, in words.
    pub why: String,
    /// The key of its writes. It follows from the issue, the rule and the writes alone.
    pub key: String,
    /// The writes, in the order in which they must be done.
    pub writes: Vec<TrackerWrite>,
}

type Rule = fn(&TriageInput<'_>) -> Vec<Finding>;

/// In this order; each sees what those before it have written.
const RULES: [Rule; 6] = [duplicate::rule, clarify::rule, route::rule, split::rule, roll_over::rule, stale::rule];

/// What the rules find in a project, in order, with at most as many writes as the configuration allows in one run.
///
/// Issues whose writes wait, that an attempt runs for, or whose change is landing are left alone.
pub fn triage(input: &TriageInput<'_>) -> Vec<Finding> {
    let paused = input.project.paused || input.state.control.holds_project(&input.project.name).is_some();
    if paused || input.view.fault.is_some() {
        return Vec::new();
    }
    let mut left = usize::try_from(input.portfolio.triage.writes).unwrap_or(usize::MAX);
    let mut view = Cow::Borrowed(input.view);
    let mut findings: Vec<Finding> = Vec::new();
    for rule in RULES {
        for mut finding in rule(&TriageInput { view: &view, ..*input }) {
            let fits = finding.writes.len() <= left;
            // A long one goes on in the next run; a short one waits for it, unless it alone is more than a run may do.
            if !fits && !findings.is_empty() && finding.rule != roll_over::NAME {
                return findings;
            }
            finding.writes.truncate(left);
            if finding.writes.is_empty() {
                return findings;
            }
            left -= finding.writes.len();
            finding.key = key(&finding, input);
            let shown = view.to_mut();
            for (n, write) in finding.writes.iter().enumerate() {
                shown.show(&format!("{}/{n}", finding.key), write);
            }
            findings.push(finding);
            if !fits {
                return findings;
            }
        }
    }
    findings
}

fn key(finding: &Finding, input: &TriageInput<'_>) -> String {
    let writes = serde_json::to_vec(&finding.writes).expect("writes hold nothing that JSON cannot");
    let digest = Digest::of(&writes).to_string();
    let short = digest.get(..12).unwrap_or(&digest);
    format!("{}#{}.{}.{short}", input.project.name, finding.issue, finding.rule)
}

impl Finding {
    fn new(issue: &Issue, rule: &'static str, why: impl Into<String>, writes: Vec<TrackerWrite>) -> Self {
        Self { issue: issue.id.clone(), rule, why: why.into(), key: String::new(), writes }
    }
}

impl<'a> TriageInput<'a> {
    /// The open issues, by number.
    fn open(&self) -> Vec<&'a Issue> {
        let mut open: Vec<&Issue> = self.view.issues.iter().filter(|i| i.state == TrackerState::Open).collect();
        open.sort_by_key(|i| order(&i.id));
        open
    }

    fn known(&self, issue: &Issue) -> Option<&'a IssueState> {
        self.state.issues.get(&self.issue_ref(issue))
    }

    /// Whether the ledger is at work on it: then it is left alone.
    fn is_busy(&self, issue: &Issue) -> bool {
        let at_work = |known: &IssueState| matches!(known.phase, Phase::Running { .. } | Phase::Landing { .. });
        self.known(issue).is_some_and(at_work) || self.state.has_pending(&self.issue_ref(issue))
    }

    fn issue_ref(&self, issue: &Issue) -> IssueRef {
        IssueRef::new(self.project.name.clone(), issue.id.clone())
    }

    fn is_exempt(&self, issue: &Issue) -> bool {
        self.portfolio.triage.exempt.iter().any(|label| issue.has_label(label))
    }
}

/// Numbers by value, before words.
fn order(id: &IssueId) -> (u64, &str) {
    (id.as_str().parse().unwrap_or(u64::MAX), id.as_str())
}

/// The only comment about a topic, if it was made.
fn sticky<'a>(issue: &'a Issue, topic: &str) -> Option<&'a Comment> {
    issue.comments.iter().find(|c| c.topic.as_deref() == Some(topic))
}

/// Whether the only comment about a topic says this.
fn says(issue: &Issue, topic: &str, body: &str) -> bool {
    sticky(issue, topic).is_some_and(|c| c.body.trim() == body.trim())
}

/// Makes the only comment about a topic say this.
fn say(issue: &Issue, topic: &str, body: String) -> TrackerWrite {
    TrackerWrite::Sticky { issue: issue.id.clone(), topic: topic.to_owned(), body }
}

fn take_label(issue: &Issue, label: &str) -> TrackerWrite {
    TrackerWrite::Labels { issue: issue.id.clone(), add: Vec::new(), remove: vec![label.to_owned()] }
}

#[cfg(test)]
mod tests;
