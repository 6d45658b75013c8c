//! The labels that carry meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Issue;

/// How soon an issue's turn comes: what is more urgent goes before everything else that orders a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Before all else.
    Critical,
    /// Before what has no priority.
    High,
    /// What nobody gave a priority.
    #[default]
    Normal,
    /// After what has no priority.
    Low,
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Priority::Critical => "critical",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        })
    }
}

/// The labels that carry meaning, as the user named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Labels {
    /// The issue may be prepared.
    pub ready_for_prep: String,
    /// The issue may be worked on.
    pub ready_for_dev: String,
    /// A job works on it, or will again.
    pub in_progress: String,
    /// Its change is being reviewed.
    pub in_review: String,
    /// A question waits for a person's answer.
    pub needs_clarification: String,
    /// The issue is too large and is to be split.
    pub needs_decompose: String,
    /// It waits for something else.
    pub blocked: String,
    /// A person must look.
    pub human_needed: String,
    /// Nothing happened for a long time.
    pub stale: String,
    /// It comes before all else.
    pub priority_critical: String,
    /// It comes before what has no priority.
    pub priority_high: String,
    /// It comes after what has no priority.
    pub priority_low: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            ready_for_prep: "ready-for-prep".into(),
            ready_for_dev: "ready-for-dev".into(),
            in_progress: "in-progress".into(),
            in_review: "in-review".into(),
            needs_clarification: "needs-clarification".into(),
            needs_decompose: "needs-decompose".into(),
            blocked: "blocked".into(),
            human_needed: "human-needed".into(),
            stale: "stale".into(),
            priority_critical: "priority-critical".into(),
            priority_high: "priority-high".into(),
            priority_low: "priority-low".into(),
        }
    }
}

impl Labels {
    /// The labels of which an issue carries at most one at a time: dayfly moves it from one to the next.
    pub fn exclusive(&self) -> Vec<&str> {
        vec![
            &self.ready_for_prep,
            &self.ready_for_dev,
            &self.in_progress,
            &self.in_review,
            &self.needs_clarification,
            &self.needs_decompose,
            &self.blocked,
            &self.human_needed,
        ]
    }

    /// Whether the label is one of these, and so none for an agent to set; case makes no difference.
    pub fn is_own(&self, label: &str) -> bool {
        let others = [self.stale.as_str()].into_iter().chain(self.priorities().map(|(_, label)| label));
        self.exclusive().into_iter().chain(others).any(|own| own.eq_ignore_ascii_case(label.trim()))
    }

    /// The labels that say how soon an issue's turn comes, the most urgent first. An issue with none of them is normal.
    pub fn priorities(&self) -> impl Iterator<Item = (Priority, &str)> {
        let critical = (Priority::Critical, self.priority_critical.as_str());
        let (high, low) = ((Priority::High, self.priority_high.as_str()), (Priority::Low, self.priority_low.as_str()));
        [critical, high, low].into_iter()
    }

    /// The priority that somebody with write permission gave an issue by a label; of several, the most urgent.
    pub fn priority_of(&self, issue: &Issue) -> Option<Priority> {
        self.priorities().find(|(_, label)| issue.asks_by(label)).map(|(priority, _)| priority)
    }

    /// The labels with which an issue waits until a person takes them away.
    pub fn holding(&self) -> [&str; 2] {
        [&self.blocked, &self.human_needed]
    }
}
