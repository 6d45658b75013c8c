//! Whose word is enough to begin work on an issue.

use crate::{Issue, Labels, Trust};

/// Whether an issue may trigger work, and by whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Its author has write permission.
    Author,
    /// Somebody with write permission asked for it by a label. Its text stays a stranger's.
    Approved {
        /// Who.
        by: String,
    },
    /// Nobody with write permission asked for it.
    No {
        /// Why, in words.
        why: String,
    },
}

/// Whether an issue may trigger work. A label alone is nobody's word: the tracker says who put it on.
pub fn may_trigger(issue: &Issue, labels: &Labels) -> Trigger {
    if issue.author.trust >= Trust::Writer {
        return Trigger::Author;
    }
    if let Some(by) = &issue.facts.approved_by {
        return Trigger::Approved { by: by.clone() };
    }
    let mut why = format!("its author {} may not trigger work", issue.author.name);
    let asks = [&labels.ready_for_prep, &labels.ready_for_dev, &labels.needs_decompose];
    let unproven = asks.into_iter().filter(|label| issue.is_unproven(label)).map(|label| format!("`{label}`"));
    let unproven: Vec<String> = unproven.collect();
    if !unproven.is_empty() {
        let unproven = unproven.join(" and ");
        why.push_str(&format!(", and nobody with write permission put {unproven} on its present text"));
    }
    Trigger::No { why }
}
