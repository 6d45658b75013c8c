//! Pull requests, as their forge keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dayfly_core::{
    Checks, Commit, FailedCheck, MergeBy, Mergeable, NewPull, ProjectName, Pull, PullApplied, PullState, PullWrite,
    Review,
};
use jiff::{SignedDuration, Timestamp};

use crate::git::Candidate;
use crate::simulate::time::later;

use super::{Happening, Inner, Place, World};

/// How long the checks of a commit take.
const CHECKS: SignedDuration = SignedDuration::from_mins(6);
/// How long a merge takes that was asked for.
const MERGE: Duration = Duration::from_secs(25);

/// A pull request.
#[derive(Debug, Clone)]
pub(in crate::simulate) struct PullHere {
    number: u64,
    branch: String,
    base: String,
    /// The writes it was opened with, or found open by.
    keys: BTreeSet<String>,
    /// The commit it stood at when it was last changed.
    head: Commit,
    since: Timestamp,
    state: PullState,
    draft: bool,
    title: String,
    body: String,
    refused: bool,
    merging: bool,
    says: BTreeMap<String, String>,
}

impl Place {
    /// The open pull request of a branch, or else the last one there was.
    fn pull(&mut self, branch: &str) -> Option<&mut PullHere> {
        let open = self.pulls.iter().rposition(|p| p.branch == branch && p.state == PullState::Open);
        let place = open.or_else(|| self.pulls.iter().rposition(|p| p.branch == branch))?;
        self.pulls.get_mut(place)
    }

    /// A pull request as its forge shows it.
    pub(in crate::simulate) fn shown(&mut self, branch: &str, now: Timestamp) -> Option<Pull> {
        let base = self.repo.branches.get(&self.branch).cloned()?;
        let pull = self.pull(branch)?.clone();
        let mut conflicts = || match self.repo.candidate(&base, &pull.head, true) {
            Candidate::Conflict(_) => Mergeable::Conflict,
            _ => Mergeable::Clean,
        };
        let mergeable = if pull.state == PullState::Open { conflicts() } else { Mergeable::Unknown };
        let failed = || FailedCheck { name: "ci".into(), required: true, url: None, tail: "1 test failed".into() };
        let checks = match now.duration_since(pull.since) < CHECKS {
            true => Checks::Pending(vec!["ci".into()]),
            false if self.repo.is_bad(&pull.head) => Checks::Failed(vec![failed()]),
            false => Checks::Passed,
        };
        let asks = || Review::ChangesRequested { by: "ann".into(), body: "please name it better".into() };
        Some(Pull {
            number: pull.number,
            url: format!("simulated/pull/{}", pull.number),
            branch: pull.branch.clone(),
            head: pull.head.clone(),
            base: pull.base.clone(),
            state: pull.state.clone(),
            draft: pull.draft,
            mergeable,
            checks,
            review: if pull.refused { asks() } else { Review::None },
            unresolved: 0,
            labels: Vec::new(),
            merging: pull.merging,
            failed: None,
        })
    }

    /// Notes that a branch was pushed.
    pub(in crate::simulate) fn pushed(&mut self, branch: &str, commit: &Commit, at: Timestamp) {
        if let Some(pull) = self.pull(branch).filter(|pull| pull.state == PullState::Open && pull.head != *commit) {
            pull.head = commit.clone();
            pull.since = at;
            pull.refused = false;
            pull.merging = false;
        }
    }

    /// Whether a write would add something to a pull request, as far as its sender sees.
    pub(super) fn says_first(&mut self, write: &PullWrite) -> bool {
        let PullWrite::Say { branch, topic, .. } = write else { return false };
        self.pull(branch).is_some_and(|pull| !pull.says.contains_key(topic))
    }

    /// Whether a pull request was opened, or found open, by the write of that key.
    pub(super) fn opened_by(&self, key: &str) -> bool {
        self.pulls.iter().any(|pull| pull.keys.contains(key))
    }

    /// What an adapter finds that looks whether a write was done.
    pub(in crate::simulate) fn find_pull(&mut self, key: &str, write: &PullWrite) -> Option<Option<u64>> {
        match write {
            PullWrite::Open(_) => Some(Some(self.pulls.iter().find(|pull| pull.keys.contains(key))?.number)),
            PullWrite::Say { branch, topic, body } => {
                let pull = self.pull(branch)?;
                (pull.says.get(topic) == Some(body)).then_some(Some(pull.number))
            }
            PullWrite::Ready { branch } => {
                let pull = self.pull(branch)?;
                (!pull.draft).then_some(Some(pull.number))
            }
            PullWrite::Merge { branch, head, .. } => {
                let pull = self.pull(branch)?;
                let done = pull.merging || matches!(pull.state, PullState::Merged(_));
                (done && pull.head == *head).then_some(Some(pull.number))
            }
            PullWrite::RemoveBranch { branch } => {
                let there = self.repo.branches.contains_key(branch);
                (!there).then(|| self.pull(branch).map(|pull| pull.number))
            }
        }
    }
}

impl World {
    /// A write to a pull request, as its forge does it.
    pub(super) fn write_pull(
        &self,
        inner: &mut Inner,
        (project, key, adds): (&ProjectName, &str, bool),
        write: &PullWrite,
        at: Timestamp,
    ) -> PullApplied {
        let Some(place) = inner.places.get_mut(project) else { return PullApplied::NotNow("it is gone".into()) };
        let open = |place: &mut Place, branch: &str| -> Option<u64> {
            place.pull(branch).filter(|pull| pull.state == PullState::Open).map(|pull| pull.number)
        };
        match write {
            PullWrite::Open(new) => self.open_pull(inner, (project, key), new, at),
            PullWrite::Ready { branch } => {
                let number = open(place, branch);
                if let Some(pull) = place.pull(branch) {
                    pull.draft = false;
                }
                PullApplied::Done(number)
            }
            PullWrite::Say { branch, topic, body } => match place.pull(branch) {
                Some(pull) => {
                    pull.says.insert(topic.clone(), body.clone());
                    let number = pull.number;
                    if adds {
                        inner.done_once(at, &format!("comment {topic} of the pull request {project} {number}"));
                    }
                    PullApplied::Done(Some(number))
                }
                None => PullApplied::NotNow("there is no pull request".into()),
            },
            PullWrite::Merge { branch, head, .. } => match place.pull(branch) {
                Some(pull) if pull.state == PullState::Open && pull.head == *head => {
                    pull.merging = true;
                    let number = pull.number;
                    inner.plan(later(at, MERGE), Happening::Merges(project.clone(), branch.clone()));
                    PullApplied::Done(Some(number))
                }
                _ => PullApplied::NotNow("the branch moved".into()),
            },
            PullWrite::RemoveBranch { branch } => match open(place, branch) {
                Some(_) => PullApplied::NotNow("it is open".into()),
                None => {
                    place.repo.branches.remove(branch);
                    PullApplied::Done(None)
                }
            },
        }
    }

    fn open_pull(
        &self,
        inner: &mut Inner,
        (project, key): (&ProjectName, &str),
        new: &NewPull,
        at: Timestamp,
    ) -> PullApplied {
        let Some(place) = inner.places.get_mut(project) else { return PullApplied::NotNow("it is gone".into()) };
        let Some(head) = place.repo.branches.get(&new.branch).cloned() else {
            return PullApplied::NotNow("its branch is not there".into());
        };
        if let Some(pull) = place.pull(&new.branch).filter(|pull| pull.state == PullState::Open) {
            (pull.title, pull.body) = (new.title.clone(), new.body.clone());
            pull.keys.insert(key.to_owned());
            return PullApplied::Done(Some(pull.number));
        }
        let number = 1000 + place.pulls.len() as u64;
        place.pulls.push(PullHere {
            number,
            branch: new.branch.clone(),
            base: new.base.clone(),
            keys: BTreeSet::from([key.to_owned()]),
            head,
            since: at,
            state: PullState::Open,
            draft: new.draft,
            title: new.title.clone(),
            body: new.body.clone(),
            refused: false,
            merging: false,
            says: BTreeMap::new(),
        });
        inner.done_once(at, key);
        self.somebody_will_look(inner, project, &new.branch, at);
        PullApplied::Done(Some(number))
    }

    /// Somebody looks at what was left for them: a pull request, or a branch of the repository itself.
    pub(super) fn somebody_looks(&self, inner: &mut Inner, project: &ProjectName, branch: &str, at: Timestamp) {
        let by = self.portfolio.projects.get(project).map(|project| project.merge.by).unwrap_or_default();
        let refuses = inner.people.falls(self.settings.people.refuse);
        let Some(place) = inner.places.get_mut(project) else { return };
        let Some(shown) = place.shown(branch, at) else { return place.merge_branch(branch) };
        if shown.state != PullState::Open {
            return;
        }
        if refuses {
            if let Some(pull) = place.pull(branch) {
                pull.refused = true;
            }
            return self.somebody_will_look(inner, project, branch, at);
        }
        let ready = shown.checks == Checks::Passed && shown.mergeable == Mergeable::Clean && !shown.draft;
        if by == MergeBy::Person && ready && shown.review == Review::None {
            inner.merge_pull(project, branch, at);
        } else if by == MergeBy::Person {
            self.somebody_will_look(inner, project, branch, at);
        }
    }
}

impl Inner {
    /// Merges a pull request, if nothing is in the way.
    pub(super) fn merge_pull(&mut self, project: &ProjectName, branch: &str, at: Timestamp) {
        let Some(place) = self.places.get_mut(project) else { return };
        let Some(base) = place.repo.branches.get(&place.branch).cloned() else { return };
        let Some(head) = place.pull(branch).filter(|p| p.state == PullState::Open).map(|p| p.head.clone()) else {
            return;
        };
        let merged = match place.repo.candidate(&base, &head, true) {
            Candidate::Ready(commit) => commit,
            Candidate::Nothing => base,
            Candidate::Conflict(_) => {
                if let Some(pull) = place.pull(branch) {
                    pull.merging = false;
                }
                return;
            }
        };
        let base = place.branch.clone();
        place.repo.point(&base, &merged);
        if let Some(pull) = place.pull(branch) {
            pull.state = PullState::Merged(Some(merged));
            pull.merging = false;
        }
        self.done_once(at, &format!("merge of {project} {branch} at {}", head.short()));
    }
}

impl Place {
    /// Somebody merges a branch by hand.
    fn merge_branch(&mut self, branch: &str) {
        let (Some(base), Some(tip)) = (self.repo.branches.get(&self.branch), self.repo.branches.get(branch)) else {
            return;
        };
        let (base, tip) = (base.clone(), tip.clone());
        if self.repo.is_ancestor(&base, &tip) {
            self.repo.point(&self.branch, &tip);
        } else if let Candidate::Ready(commit) = self.repo.merged(&base, &tip, vec![base.clone(), tip.clone()]) {
            self.repo.point(&self.branch, &commit);
        }
    }
}
