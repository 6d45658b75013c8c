//! A project's tracker, as its service keeps it.

use std::collections::BTreeMap;

use dayfly_core::{
    Applied, Author, Comment, Issue, IssueFacts, IssueId, Milestone, NewIssue, Project, ProjectName, PullApplied,
    PullWrite, TrackerState, TrackerWrite, Trust,
};
use jiff::Timestamp;

use crate::simulate::dice::Dice;

use super::pulls::PullHere;
use super::{Inner, Request, Tree, World};

/// What a service answers.
#[derive(Debug, Clone)]
pub(in crate::simulate) enum Answer {
    Tracker(Applied),
    Pull(PullApplied),
    /// There is no such issue.
    NotFound(IssueId),
}

/// A project's services.
#[derive(Debug)]
pub(in crate::simulate) struct Place {
    pub(in crate::simulate) issues: BTreeMap<u64, Issue>,
    pub(in crate::simulate) milestones: BTreeMap<String, Milestone>,
    pub(in crate::simulate) pulls: Vec<PullHere>,
    pub(in crate::simulate) repo: Tree,
    pub(super) branch: String,
}

impl Place {
    pub(super) fn new(project: &Project, dice: Dice) -> Self {
        Self {
            issues: BTreeMap::new(),
            milestones: BTreeMap::new(),
            pulls: Vec::new(),
            repo: Tree::new(&project.base, dice),
            branch: project.base.clone(),
        }
    }

    pub(in crate::simulate) fn issue(&mut self, id: &IssueId) -> Option<&mut Issue> {
        self.issues.get_mut(&id.as_str().parse().ok()?)
    }

    pub(in crate::simulate) fn listed(&self) -> Vec<Issue> {
        self.issues.values().cloned().collect()
    }

    /// What tells that a write was done already, if it was: what its adapter finds when it looks.
    pub(in crate::simulate) fn find(&self, key: &str, write: &TrackerWrite) -> Option<Option<IssueId>> {
        let issue = |id: &IssueId| self.issues.get(&id.as_str().parse().ok()?);
        match write {
            TrackerWrite::Comment { issue: id, .. } => {
                let there = issue(id)?.comments.iter().any(|c| c.topic.is_none() && c.key.as_deref() == Some(key));
                there.then_some(None)
            }
            TrackerWrite::Sticky { issue: id, topic, body } => {
                let comment = issue(id)?.comments.iter().find(|c| c.topic.as_ref() == Some(topic))?;
                (comment.body == *body).then_some(None)
            }
            TrackerWrite::Create(new) => {
                let same = |i: &&Issue| {
                    let part = new.part.is_some() && i.parent == new.parent && i.facts.part == new.part;
                    i.facts.key.as_deref() == Some(key) || part
                };
                Some(Some(self.issues.values().find(same)?.id.clone()))
            }
            TrackerWrite::Labels { issue: id, add, remove } => {
                let issue = issue(id)?;
                let stands = add.iter().all(|l| issue.has_label(l)) && !remove.iter().any(|l| issue.has_label(l));
                (!add.is_empty() && stands).then_some(None)
            }
            TrackerWrite::State { issue: id, state } => (issue(id)?.state == *state).then_some(None),
            TrackerWrite::Duplicate { issue: id, .. } => {
                let issue = issue(id)?;
                let told = issue.comments.iter().any(|comment| comment.key.as_deref() == Some(key));
                (told && issue.state == TrackerState::Closed).then_some(None)
            }
            TrackerWrite::BlockedBy { issue: id, by } => {
                let blocked = &issue(id)?.facts.blocked_by;
                by.iter().all(|by| blocked.iter().any(|b| b == by.as_str())).then_some(None)
            }
            TrackerWrite::SetMilestone { issue: id, milestone } => (issue(id)?.milestone == *milestone).then_some(None),
            TrackerWrite::Milestone { title, due, state } => {
                let there = self.milestones.get(title)?;
                ((due.is_none() || there.due == *due) && there.state == *state).then_some(None)
            }
        }
    }

    /// Whether a write would add what is edited once it is there, as far as its sender sees.
    pub(super) fn adds(&self, write: &TrackerWrite) -> bool {
        match write {
            TrackerWrite::Sticky { issue, topic, .. } => {
                let issue = issue.as_str().parse().ok().and_then(|number: u64| self.issues.get(&number));
                issue.is_some_and(|issue| issue.comments.iter().all(|c| c.topic.as_ref() != Some(topic)))
            }
            TrackerWrite::Milestone { title, .. } => !self.milestones.contains_key(title),
            _ => false,
        }
    }

    /// Whether something that was written here has that key.
    pub(in crate::simulate) fn holds(&self, key: &str) -> bool {
        let of = |issue: &Issue| {
            issue.facts.key.as_deref() == Some(key) || issue.comments.iter().any(|c| c.key.as_deref() == Some(key))
        };
        self.issues.values().any(of) || self.opened_by(key)
    }

    pub(super) fn create(&mut self, new: &NewIssue, author: Author, key: Option<&str>, at: Timestamp) -> IssueId {
        let number = self.issues.keys().next_back().copied().unwrap_or(0) + 1;
        let id = IssueId::new(number.to_string()).expect("a number is an id");
        let issue = Issue {
            id: id.clone(),
            title: new.title.clone(),
            body: new.body.clone(),
            labels: new.labels.clone(),
            milestone: new.milestone.clone(),
            state: TrackerState::Open,
            author,
            parent: new.parent.clone(),
            comments: Vec::new(),
            facts: IssueFacts {
                key: key.map(str::to_owned),
                part: new.part.clone(),
                opened: Some(at),
                active: Some(at),
                ..IssueFacts::default()
            },
        };
        self.issues.insert(number, issue);
        id
    }
}

/// Who writes what dayfly writes.
fn bot() -> Author {
    Author { name: "dayfly".into(), trust: Trust::Writer, bot: true }
}

impl Inner {
    /// Notes whether a write would add something, as its sender sees it now. When it arrives, another may be there.
    pub(in crate::simulate) fn prepare(&mut self, request: &mut Request, looks: bool) {
        match request {
            Request::Tracker(project, _, write, adds) => {
                let first = self.places.get(project).is_some_and(|place| place.adds(write));
                let kind = matches!(write, TrackerWrite::Sticky { .. } | TrackerWrite::Milestone { .. });
                *adds = first || (kind && !looks);
            }
            Request::Pull(project, _, write, adds) => {
                let first = self.places.get_mut(project).is_some_and(|place| place.says_first(write));
                *adds = first || (matches!(write, PullWrite::Say { .. }) && !looks);
            }
        }
    }
}

impl World {
    /// A write to a tracker, as its service does it: whatever it is asked for, and as often.
    pub(super) fn write(
        &self,
        inner: &mut Inner,
        (project, key, adds): (&ProjectName, &str, bool),
        write: &TrackerWrite,
        at: Timestamp,
    ) -> Answer {
        let once =
            matches!(write, TrackerWrite::Comment { .. } | TrackerWrite::Create(_) | TrackerWrite::Duplicate { .. });
        let Some(place) = inner.places.get_mut(project) else {
            return Answer::NotFound(IssueId::new("0").expect("a number is an id"));
        };
        if let Some(id) = write.issue()
            && place.issue(id).is_none()
        {
            return Answer::NotFound(id.clone());
        }
        let mut created = None;
        match write {
            TrackerWrite::Create(new) => {
                let id = place.create(new, bot(), Some(key), at);
                created = Some(id.clone());
                inner.arrived.insert((project.clone(), id), at);
            }
            TrackerWrite::Milestone { title, due, state } => {
                let entry = place.milestones.entry(title.clone());
                let milestone = entry.or_insert_with(|| Milestone { title: title.clone(), ..Milestone::default() });
                milestone.due = due.or(milestone.due);
                milestone.state = *state;
            }
            other => {
                if let Some(issue) = other.issue().and_then(|id| place.issue(id)) {
                    change(issue, key, other, at);
                }
            }
        }
        if once {
            inner.done_once(at, key);
        }
        match write {
            TrackerWrite::Sticky { issue, topic, .. } if adds => {
                inner.done_once(at, &format!("comment {topic} of {project}#{issue}"));
            }
            TrackerWrite::Milestone { title, .. } if adds => {
                inner.done_once(at, &format!("milestone {title} of {project}"));
            }
            _ => {}
        }
        self.people_react(inner, project, write, at);
        Answer::Tracker(Applied::Done(created))
    }
}

fn change(issue: &mut Issue, key: &str, write: &TrackerWrite, at: Timestamp) {
    let comment = |topic: Option<&String>, body: &str| Comment {
        author: bot(),
        at: Some(at),
        key: Some(key.to_owned()),
        topic: topic.cloned(),
        body: body.to_owned(),
        ..Comment::default()
    };
    match write {
        TrackerWrite::Comment { body, .. } => issue.comments.push(comment(None, body)),
        TrackerWrite::Sticky { topic, body, .. } => {
            match issue.comments.iter_mut().find(|c| c.topic.as_ref() == Some(topic)) {
                Some(there) => {
                    there.body.clone_from(body);
                    there.edited = Some(at);
                }
                None => issue.comments.push(comment(Some(topic), body)),
            }
        }
        TrackerWrite::Labels { add, remove, .. } => {
            issue.labels.retain(|label| !remove.iter().any(|gone| gone.eq_ignore_ascii_case(label)));
            let missing: Vec<String> = add.iter().filter(|label| !issue.has_label(label)).cloned().collect();
            issue.labels.extend(missing);
        }
        TrackerWrite::State { state, .. } => issue.state = *state,
        TrackerWrite::Duplicate { of, .. } => {
            issue.comments.push(comment(None, &format!("The same as #{of}.")));
            issue.state = TrackerState::Closed;
        }
        TrackerWrite::BlockedBy { by, .. } => {
            for by in by.iter().map(ToString::to_string) {
                if !issue.facts.blocked_by.contains(&by) {
                    issue.facts.blocked_by.push(by);
                }
            }
        }
        TrackerWrite::SetMilestone { milestone, .. } => issue.milestone.clone_from(milestone),
        TrackerWrite::Create(_) | TrackerWrite::Milestone { .. } => {}
    }
}
