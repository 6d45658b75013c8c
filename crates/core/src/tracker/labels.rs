//! The labels that carry meaning.

use serde::{Deserialize, Serialize};

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
        self.exclusive().into_iter().chain([self.stale.as_str()]).any(|own| own.eq_ignore_ascii_case(label.trim()))
    }

    /// The labels with which an issue waits until a person takes them away.
    pub fn holding(&self) -> [&str; 2] {
        [&self.blocked, &self.human_needed]
    }
}
