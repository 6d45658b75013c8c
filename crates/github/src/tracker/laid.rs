//! Own writes, laid over what is read until a reading shows them: GitHub answers from replicas, which lag.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::seen::{Blocker, SeenComment, SeenIssue, SeenMilestone};
use super::snapshot::Snapshot;
use super::wire::State;

/// After so long, what is read is right: somebody undid the write.
const LAG: SignedDuration = SignedDuration::from_secs(60);

/// An own write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Laid {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) fact: Fact,
}

/// What an own write made true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fact {
    With(String),
    Without(String),
    State(State),
    Milestone(Option<String>),
    Parent(u64),
    Blocker(Blocker),
    Comment(SeenComment),
    NoComment(u64),
    Issue(Box<SeenIssue>),
}

impl Fact {
    fn is_about_comments(&self) -> bool {
        matches!(self, Fact::Comment(_) | Fact::NoComment(_))
    }

    fn holds(&self, issue: &SeenIssue) -> bool {
        match self {
            Fact::With(label) => issue.has_label(label),
            Fact::Without(label) => !issue.has_label(label),
            Fact::State(state) => issue.state == *state,
            Fact::Milestone(title) => issue.milestone == *title,
            Fact::Parent(parent) => issue.parent == Some(*parent),
            // The list is read apart from the issue; it is looked at again as long as the numbers differ.
            Fact::Blocker(_) => false,
            Fact::Comment(comment) => issue.comments.get(&comment.id).is_some_and(|c| c.updated >= comment.updated),
            Fact::NoComment(id) => !issue.comments.contains_key(id),
            Fact::Issue(_) => true,
        }
    }

    fn force(&self, issue: &mut SeenIssue, at: Timestamp) {
        match self {
            Fact::With(label) if !issue.has_label(label) => issue.labels.push(label.clone()),
            Fact::With(_) | Fact::Issue(_) => {}
            Fact::Without(label) => issue.labels.retain(|l| !l.eq_ignore_ascii_case(label)),
            Fact::State(state) => issue.state = *state,
            Fact::Milestone(title) => issue.milestone.clone_from(title),
            Fact::Parent(parent) => issue.parent = Some(*parent),
            Fact::Blocker(blocker) => {
                let blockers = issue.blockers.get_or_insert_with(|| super::seen::Blockers::none(at));
                let same = |b: &Blocker| (b.number, &b.repository) == (blocker.number, &blocker.repository);
                if !blockers.list.iter().any(same) {
                    blockers.list.push(blocker.clone());
                }
            }
            Fact::Comment(comment) => drop(issue.comments.insert(comment.id, comment.clone())),
            Fact::NoComment(id) => drop(issue.comments.remove(id)),
        }
    }

    /// Whether the other says the contrary, or the same again.
    fn is_replaced_by(&self, other: &Fact) -> bool {
        match (self, other) {
            (Fact::With(a) | Fact::Without(a), Fact::With(b) | Fact::Without(b)) => a.eq_ignore_ascii_case(b),
            (Fact::Comment(a), Fact::Comment(b)) => a.id == b.id,
            (Fact::Comment(a), Fact::NoComment(b)) => a.id == *b,
            (Fact::State(_), Fact::State(_))
            | (Fact::Milestone(_), Fact::Milestone(_))
            | (Fact::Parent(_), Fact::Parent(_)) => true,
            _ => false,
        }
    }
}

impl Laid {
    /// Whether it is an issue that dayfly has just made.
    pub(crate) fn makes_issue(&self, now: Timestamp) -> bool {
        matches!(self.fact, Fact::Issue(_)) && self.counts(now)
    }

    pub(crate) fn counts(&self, now: Timestamp) -> bool {
        is_recent(self.at, now)
    }

    /// Lays over an issue that was just read what it does not show yet; what it shows is no longer laid.
    pub(crate) fn check(laid: &mut Vec<Laid>, issue: &mut SeenIssue, now: Timestamp) {
        Self::check_if(laid, issue, now, |fact| !fact.is_about_comments());
    }

    /// The same for its comments.
    pub(crate) fn check_comments(laid: &mut Vec<Laid>, issue: &mut SeenIssue, now: Timestamp) {
        Self::check_if(laid, issue, now, Fact::is_about_comments);
    }

    fn check_if(laid: &mut Vec<Laid>, issue: &mut SeenIssue, now: Timestamp, was_read: impl Fn(&Fact) -> bool) {
        laid.retain(|laid| {
            // That of another issue stays until that one was read, however long it takes.
            if laid.number != issue.number || !laid.counts(now) {
                return laid.number != issue.number;
            }
            let shown = laid.fact.holds(issue);
            if !shown {
                laid.fact.force(issue, laid.at);
            }
            !(shown && was_read(&laid.fact))
        });
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < LAG
}

impl Snapshot {
    /// Puts down what an own write made true.
    pub(crate) fn lay(&mut self, number: u64, at: Timestamp, fact: Fact) {
        self.laid.retain(|laid| laid.number != number || !laid.fact.is_replaced_by(&fact));
        match (&fact, self.issues.get_mut(&number)) {
            (Fact::Issue(issue), _) => drop(self.issues.insert(number, (**issue).clone())),
            (fact, Some(issue)) => fact.force(issue, at),
            (_, None) => {}
        }
        self.laid.push(Laid { number, at, fact });
    }

    /// The comments that dayfly has just written, and those it has just removed: a list may not show it yet.
    pub(crate) fn laid_comments(&self, number: u64, now: Timestamp) -> (Vec<SeenComment>, Vec<u64>) {
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for laid in self.laid.iter().filter(|laid| laid.number == number && laid.counts(now)) {
            match &laid.fact {
                Fact::Comment(comment) => there.push(comment.clone()),
                Fact::NoComment(id) => gone.push(*id),
                _ => {}
            }
        }
        (there, gone)
    }
}

impl Snapshot {
    /// Lays own writes over an issue that was just read, which is not put down.
    pub(crate) fn lay_over(&self, issue: &mut SeenIssue, now: Timestamp) {
        let number = issue.number;
        for laid in self.laid.iter().filter(|laid| laid.number == number && laid.counts(now)) {
            if !laid.fact.holds(issue) {
                laid.fact.force(issue, laid.at);
            }
        }
    }

    /// The numbers of the issues that dayfly has just made to block an issue.
    pub(crate) fn laid_blockers(&self, number: u64) -> Vec<u64> {
        let own = self.laid.iter().filter(|laid| laid.number == number);
        own.filter_map(|laid| if let Fact::Blocker(blocker) = &laid.fact { Some(blocker.number) } else { None })
            .collect()
    }

    /// Puts down a milestone that dayfly has just made or changed.
    pub(crate) fn lay_milestone(&mut self, milestone: SeenMilestone, now: Timestamp) {
        self.laid_milestones.retain(|(_, laid)| laid.number != milestone.number);
        self.laid_milestones.push((now, milestone));
        self.check_milestones(now);
    }

    /// Lays own writes over the milestones; those that are shown are no longer laid.
    pub(crate) fn check_milestones(&mut self, now: Timestamp) {
        let milestones = &mut self.milestones;
        self.laid_milestones.retain(|(at, laid)| {
            let known = milestones.iter_mut().find(|known| known.number == laid.number);
            match known {
                _ if !is_recent(*at, now) => return false,
                Some(known) => {
                    let counts = known.counts;
                    *known = SeenMilestone { counts, ..laid.clone() };
                }
                None => milestones.push(laid.clone()),
            }
            true
        });
    }
}
