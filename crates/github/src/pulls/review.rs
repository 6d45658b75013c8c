//! What the reviewers come to.

use dayfly_core::Review;

use super::checks::cut;

/// The last opinion of somebody who may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opinion {
    pub(super) by: String,
    pub(super) state: OpinionState,
    /// The commit that they saw.
    pub(super) commit: Option<String>,
    pub(super) body: String,
    /// The remarks on lines, each with its place.
    pub(super) remarks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpinionState {
    Approved,
    ChangesRequested,
    Other,
}

impl OpinionState {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "APPROVED" => OpinionState::Approved,
            "CHANGES_REQUESTED" => OpinionState::ChangesRequested,
            _ => OpinionState::Other,
        }
    }
}

/// What the rules of the base say to the reviews there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// No rule asks for a review.
    Free,
    /// A rule asks for one that is not there.
    Wanted,
    /// Enough have approved.
    Approved,
}

/// What the reviewers come to. A request for changes counts for the commit that was seen: a newer one waits for its
/// reviewer to look again.
pub(super) fn reviewed(opinions: &[Opinion], decision: Decision, head: &str) -> Review {
    let asking = |o: &&Opinion| o.state == OpinionState::ChangesRequested;
    let of_head = |o: &&Opinion| o.commit.as_deref().is_none_or(|commit| commit == head);
    let present: Vec<&Opinion> = opinions.iter().filter(asking).filter(of_head).collect();
    if !present.is_empty() {
        let by = present.iter().map(|o| o.by.as_str()).collect::<Vec<_>>().join(", ");
        let said = present.iter().flat_map(|o| std::iter::once(&o.body).chain(&o.remarks));
        let body = said.filter(|text| !text.trim().is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n\n");
        return Review::ChangesRequested { by, body: cut(&body) };
    }
    let approved = opinions.iter().any(|o| o.state == OpinionState::Approved);
    match decision {
        _ if opinions.iter().any(|o| asking(&o)) => Review::Wanted,
        Decision::Wanted => Review::Wanted,
        Decision::Approved => Review::Approved,
        Decision::Free if approved => Review::Approved,
        Decision::Free => Review::None,
    }
}

/// A remark on a line, as text.
pub(super) fn remark(path: &str, line: Option<u64>, body: &str) -> String {
    match line {
        Some(line) => format!("{path}:{line}: {body}"),
        None => format!("{path}: {body}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(by: &str, state: OpinionState, commit: &str) -> Opinion {
        let remarks = vec![remark("src/a.rs", Some(3), "why?")];
        Opinion { by: by.into(), state, commit: Some(commit.into()), body: "Please change it.".into(), remarks }
    }

    #[test]
    fn who_asks_for_changes_is_heard_first() {
        let both = [opinion("ada", OpinionState::Approved, "h"), opinion("bob", OpinionState::ChangesRequested, "h")];
        let body = "Please change it.\n\nsrc/a.rs:3: why?".to_owned();
        assert_eq!(reviewed(&both, Decision::Approved, "h"), Review::ChangesRequested { by: "bob".into(), body });
    }

    #[test]
    fn what_was_asked_of_an_older_commit_waits_for_another_look() {
        let old = [opinion("bob", OpinionState::ChangesRequested, "old")];
        assert_eq!(reviewed(&old, Decision::Free, "new"), Review::Wanted);
    }

    #[test]
    fn a_rule_says_whether_a_review_is_wanted() {
        let approved = [opinion("ada", OpinionState::Approved, "h")];
        assert_eq!(reviewed(&[], Decision::Free, "h"), Review::None);
        assert_eq!(reviewed(&[], Decision::Wanted, "h"), Review::Wanted);
        assert_eq!(reviewed(&approved, Decision::Wanted, "h"), Review::Wanted);
        assert_eq!(reviewed(&approved, Decision::Free, "h"), Review::Approved);
        assert_eq!(reviewed(&approved, Decision::Approved, "h"), Review::Approved);
    }
}
