//! What can be done to the state, by whomever and however: over HTTP, by GraphQL, or by a person of a test.

mod comments;
mod issues;
mod labels;
mod milestones;
mod relations;

use super::reply::Reply;
use super::state::{Author, Happened, Issue, IssueEvent, State};

pub(crate) use issues::NewIssue;
pub(crate) use labels::{NewLabel, check_label};
pub(crate) use milestones::MilestoneChange;

/// The longest body of an issue or a comment, in characters.
pub(crate) const BODY_CHARACTERS: usize = 65_536;

/// Who does something, and through which app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) user: u64,
    pub(crate) app: Option<u64>,
}

impl By {
    pub(crate) fn author(self) -> Author {
        Author { user: Some(self.user), app: self.app }
    }
}

/// Where an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) repo: u64,
    pub(crate) number: u64,
}

impl State {
    /// An issue that is there.
    pub(crate) fn at(&self, at: At) -> Result<&Issue, Reply> {
        let repo = &self.repos[&at.repo];
        if repo.gone.contains(&at.number) {
            return Err(Reply::gone("This issue was deleted"));
        }
        repo.issues.get(&at.number).ok_or_else(Reply::not_found)
    }

    /// An issue that is there, to change it.
    pub(crate) fn at_mut(&mut self, at: At) -> Result<&mut Issue, Reply> {
        self.at(at)?;
        let issue = self.repos.get_mut(&at.repo).and_then(|repo| repo.issues.get_mut(&at.number));
        issue.ok_or_else(Reply::not_found)
    }

    /// Writes down that something happened to an issue, which makes it updated.
    pub(crate) fn happened(&mut self, at: At, by: By, what: Happened) {
        let (id, now) = (self.next_id(), self.now());
        if let Ok(issue) = self.at_mut(at) {
            issue.events.push(IssueEvent { id, actor: Some(by.user), app: by.app, at: now, what: what.clone() });
            issue.updated_at = now;
        }
        self.announce_event(at, by, &what);
    }
}
