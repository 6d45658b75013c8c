//! How far a reading has come: what it took in counts as read only when it was done to its end.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::laid::Fact;
use super::seen::SeenIssue;
use super::snapshot::{Print, Snapshot, is_past};
use super::wire::State;

/// What changed so long ago is shown by every machine of GitHub's, or never.
const LATE: SignedDuration = SignedDuration::from_mins(10);

/// Whether a change of that time may not be shown everywhere yet.
pub(crate) fn may_be_late(change: Option<Timestamp>, now: Timestamp) -> bool {
    change.is_some_and(|change| now.duration_since(change) < LATE)
}

impl Snapshot {
    /// From what time on changes are to be listed: since the newest that was read, or since an own write that no reading
    /// has shown.
    pub(crate) fn unread_since(&self) -> Option<Timestamp> {
        let cursor = self.cursor?;
        Some(self.laid.iter().map(|laid| laid.at).fold(cursor, Timestamp::min))
    }

    /// Whether all that the print tells of was taken in.
    pub(crate) fn has_all_of(&self, print: &Print, now: Timestamp) -> bool {
        let open = self.issues.values().filter(|issue| issue.state == State::Open).count() as u64;
        let as_many = open == print.open || !may_be_late(print.issue, now);
        as_many && self.reaches(print, now) && !self.awaits_comments(now)
    }

    /// Whether the newest change that the print tells of was taken in.
    pub(crate) fn reaches(&self, print: &Print, now: Timestamp) -> bool {
        let newest = self.issues.values().filter_map(|issue| issue.updated).max();
        print.issue <= newest || !may_be_late(print.issue, now)
    }

    /// Whether an issue lacks comments that a slow machine of GitHub's may show yet.
    fn awaits_comments(&self, now: Timestamp) -> bool {
        let lacks = |issue: &SeenIssue| issue.count > issue.comments.len() as u64;
        self.pending
            .iter()
            .filter_map(|number| self.issues.get(number))
            .any(|i| lacks(i) && may_be_late(i.updated, now))
    }

    /// No longer believes what own writes made true long ago. It is read again where no list shows it.
    pub(crate) fn doubt_own_writes(&mut self, now: Timestamp) {
        for laid in self.laid.iter().filter(|laid| !laid.counts(now)) {
            let Some(issue) = self.issues.get_mut(&laid.number) else { continue };
            if let (Fact::Blocker(_), Some(blockers)) = (&laid.fact, &mut issue.blockers) {
                blockers.sure = false;
            }
        }
    }

    /// Puts down that all changes that were listed were read.
    pub(crate) fn arrive(&mut self, now: Timestamp) {
        self.cursor = self.cursor.max(self.newest);
        self.pending = BTreeSet::new();
        self.laid.retain(|laid| laid.counts(now));
        self.check_milestones(now);
    }

    /// Puts down what the repository looked like when it was read: as long as it looks so, it is not read again.
    pub(crate) fn believe(&mut self, seen: &Print, now: Timestamp) {
        // An own write that is not shown yet may have been undone, which no later look would tell.
        let shown = self.laid.is_empty() && self.laid_milestones.is_empty();
        let sure = shown && is_past(seen.issue, now) && is_past(seen.milestone, now);
        self.print = Some(Print { highest: self.highest(), sure, ..seen.clone() });
    }

    /// Whether the issues of open milestones must be counted.
    pub(crate) fn is_uncounted(&self) -> bool {
        self.uncounted && self.milestones.iter().any(|milestone| !milestone.closed)
    }
}
