//! What was seen of a repository's issues, kept so that only what has changed is read again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::laid::Laid;
use super::seen::{Doing, OwnLabel, Permitted, SeenIssue, SeenMilestone};
use super::wire::{self, State};

/// The form of the file. Another one is not read: what is in it is all on GitHub, too.
pub(super) const VERSION: u32 = 1;

/// What was seen of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) version: u32,
    /// The repository's number, which stays when its name changes.
    pub(crate) id: Option<u64>,
    /// Its name now, if it has another than it is asked for by.
    pub(crate) moved: Option<String>,
    /// Since when there is a snapshot: labels that were put on before are not in `own_labels`.
    pub(crate) born: Timestamp,
    /// Up to this change, all were read.
    pub(crate) cursor: Option<Timestamp>,
    /// The newest change that was listed.
    #[serde(default)]
    pub(crate) newest: Option<Timestamp>,
    /// The issues that changed since the last reading that was done to its end.
    #[serde(default)]
    pub(crate) pending: BTreeSet<u64>,
    /// Whether something changed since the issues of open milestones were counted.
    #[serde(default)]
    pub(crate) uncounted: bool,
    /// What the repository looked like from afar when it was last read whole.
    pub(crate) print: Option<Print>,
    pub(crate) issues: BTreeMap<u64, SeenIssue>,
    /// Numbers that are pull requests.
    pub(crate) pulls: BTreeSet<u64>,
    pub(crate) milestones: Vec<SeenMilestone>,
    /// Who may do what, by login.
    pub(crate) people: BTreeMap<String, Permitted>,
    /// The labels that dayfly put on or took off, among those that ask for work.
    pub(crate) own_labels: Vec<OwnLabel>,
    /// Own writes that no reading has shown yet.
    pub(crate) laid: Vec<Laid>,
    /// The same of milestones.
    pub(crate) laid_milestones: Vec<(Timestamp, SeenMilestone)>,
}

/// What a repository looks like from afar. As long as it stays the same, nothing is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Print {
    pub(crate) open: u64,
    pub(crate) all: u64,
    pub(crate) issue: Option<Timestamp>,
    pub(crate) milestones: u64,
    pub(crate) milestone: Option<Timestamp>,
    /// The highest number seen with it: not part of what it looks like, but of what is to be expected next.
    #[serde(default)]
    pub(crate) highest: u64,
    /// Whether it was read so long after its last change that nothing more can have happened in that same second.
    #[serde(default)]
    pub(crate) sure: bool,
}

impl Print {
    /// Whether it looks the same.
    pub(crate) fn looks_like(&self, other: &Print) -> bool {
        let plain = |print: &Print| Print { highest: 0, sure: false, ..print.clone() };
        plain(self) == plain(other)
    }

    /// Whether the milestones look the same.
    pub(crate) fn same_milestones(&self, other: &Print) -> bool {
        (self.milestones, self.milestone) == (other.milestones, other.milestone)
    }
}

/// The most own labels that are kept in mind.
const MOST_OWN_LABELS: usize = 2000;

/// Whether a change of that time was so long ago that nothing more can have happened in the same second, by a clock that may
/// be wrong by some seconds.
pub(crate) fn is_past(change: Option<Timestamp>, now: Timestamp) -> bool {
    change.is_none_or(|change| now.duration_since(change) > SignedDuration::from_secs(30))
}

impl Snapshot {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            version: VERSION,
            id: None,
            moved: None,
            born: now,
            cursor: None,
            newest: None,
            pending: BTreeSet::new(),
            uncounted: false,
            print: None,
            issues: BTreeMap::new(),
            pulls: BTreeSet::new(),
            milestones: Vec::new(),
            people: BTreeMap::new(),
            own_labels: Vec::new(),
            laid: Vec::new(),
            laid_milestones: Vec::new(),
        }
    }

    /// Takes in what a list shows, and says which issues are new or changed by it. An older state than is known, as a
    /// lagging replica shows it, is passed over.
    pub(crate) fn merge(&mut self, list: Vec<wire::Issue>, now: Timestamp) -> BTreeSet<u64> {
        let mut changed = BTreeSet::new();
        for issue in list {
            self.newest = self.newest.max(issue.updated_at);
            if issue.pull_request.is_some() {
                self.pulls.insert(issue.number);
                continue;
            }
            let mut new = SeenIssue::from_wire(issue);
            match self.issues.remove(&new.number) {
                Some(old) if new.updated < old.updated => {
                    self.issues.insert(old.number, old);
                    continue;
                }
                Some(mut old) => {
                    let comments = std::mem::take(&mut old.comments);
                    let (blockers, details) = (old.blockers.take(), old.details.take());
                    new.sure = old.sure;
                    // Within a second, a change leaves the time as it is.
                    if new != old {
                        changed.insert(new.number);
                        new.sure = is_past(new.updated, now);
                    }
                    (new.comments, new.blockers, new.details) = (comments, blockers, details);
                }
                None => {
                    changed.insert(new.number);
                    new.sure = is_past(new.updated, now);
                }
            }
            new.blockers = new.blockers.filter(|_| new.blocked > 0);
            Laid::check(&mut self.laid, &mut new, now);
            self.issues.insert(new.number, new);
        }
        self.pending.extend(&changed);
        self.uncounted |= !changed.is_empty();
        changed
    }

    /// Takes in a complete list: what is not in it is gone, but for what dayfly has just made.
    pub(crate) fn replace(&mut self, list: Vec<wire::Issue>, now: Timestamp) -> BTreeSet<u64> {
        let listed: BTreeSet<u64> = list.iter().map(|issue| issue.number).collect();
        let laid: BTreeSet<u64> = self.laid.iter().filter(|l| l.makes_issue(now)).map(|l| l.number).collect();
        let before = self.issues.len();
        self.issues.retain(|number, _| listed.contains(number) || laid.contains(number));
        self.uncounted |= self.issues.len() < before;
        self.merge(list, now)
    }

    /// Takes in comments of any issues.
    pub(crate) fn merge_comments(&mut self, list: Vec<wire::Comment>) {
        for comment in list {
            let number = comment.issue_url.as_deref().and_then(wire::number_in);
            let Some(issue) = number.and_then(|number| self.issues.get_mut(&number)) else { continue };
            issue.take_comment(comment);
        }
    }

    /// Takes in all comments of an issue: what is not among them is gone, but for what dayfly has just written.
    pub(crate) fn replace_comments(&mut self, number: u64, list: Vec<wire::Comment>, now: Timestamp) {
        let Some(issue) = self.issues.get_mut(&number) else { return };
        let listed: BTreeSet<u64> = list.iter().map(|comment| comment.id).collect();
        issue.comments.retain(|id, _| listed.contains(id));
        issue.sure = is_past(issue.updated, now);
        for comment in list {
            issue.take_comment(comment);
        }
        Laid::check_comments(&mut self.laid, issue, now);
    }

    /// The issues whose comments may not be all there, or not be the same any more.
    pub(crate) fn incomplete(&self, now: Timestamp) -> impl Iterator<Item = &SeenIssue> {
        self.issues.values().filter(move |issue| {
            let known = issue.comments.len() as u64;
            issue.count != known || (known > 0 && !issue.sure && is_past(issue.updated, now))
        })
    }

    /// Takes in the milestones; how far they are stays as it was counted.
    pub(crate) fn take_milestones(&mut self, list: Vec<SeenMilestone>, now: Timestamp) {
        let old = std::mem::replace(&mut self.milestones, list);
        for milestone in &mut self.milestones {
            milestone.counts = old.iter().find(|known| known.number == milestone.number).and_then(|known| known.counts);
            self.uncounted |= !milestone.closed && milestone.counts.is_none();
        }
        self.check_milestones(now);
    }

    /// Takes in how far the open milestones are.
    pub(crate) fn take_counts(&mut self, counted: &BTreeMap<u64, (u32, u32)>) {
        self.uncounted = false;
        for milestone in &mut self.milestones {
            milestone.counts = counted.get(&milestone.number).copied().or(milestone.counts);
        }
    }

    pub(crate) fn highest(&self) -> u64 {
        let last = |numbers: Option<&u64>| numbers.copied().unwrap_or(0);
        last(self.issues.keys().next_back()).max(last(self.pulls.last()))
    }

    /// Whether the issues that are known are as many as the print says there are.
    pub(crate) fn agrees_with(&self, print: &Print) -> bool {
        let open = self.issues.values().filter(|issue| issue.state == State::Open).count() as u64;
        let expected = self.print.as_ref().map(|old| {
            let new = self.issues.range(old.highest + 1..).count() as u64;
            old.all + new
        });
        open == print.open && expected.is_none_or(|all| all == print.all)
    }

    pub(crate) fn remember_label(&mut self, number: u64, doing: Doing, at: Timestamp) {
        self.own_labels.push(OwnLabel { number, doing, at });
        if self.own_labels.len() > MOST_OWN_LABELS {
            // What is not kept in mind is as if it had been before there was a memory.
            self.born = self.own_labels.remove(0).at.max(self.born);
        }
    }

    /// Whether it was dayfly that put a label on, or took it off, at about that time.
    pub(crate) fn is_own_label(&self, number: u64, doing: &Doing, at: Timestamp) -> bool {
        // Two clocks, and the time that the write took.
        let near = |own: &OwnLabel| at.duration_since(own.at).abs() <= SignedDuration::from_mins(2);
        self.own_labels.iter().any(|own| own.number == number && own.doing.is_same(doing) && near(own))
    }

    pub(crate) fn milestone(&self, title: &str) -> Option<&SeenMilestone> {
        let same = self.milestones.iter().find(|m| m.title == title);
        same.or_else(|| self.milestones.iter().find(|m| m.title.to_lowercase() == title.to_lowercase()))
    }
}

#[cfg(test)]
mod tests;
