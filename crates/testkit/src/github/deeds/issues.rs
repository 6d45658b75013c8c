//! Opening, editing and closing issues.

use serde_json::json;

use super::{At, By};
use crate::github::reply::Reply;
use crate::github::state::{Happened, Issue, State};
use crate::github::users::Permission;

/// An issue to be opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewIssue {
    pub(crate) title: String,
    pub(crate) body: Option<String>,
}

impl State {
    /// Opens an issue.
    pub(crate) fn open_issue(&mut self, repo: u64, by: By, new: NewIssue) -> At {
        let (id, now) = (self.next_id(), self.now());
        let home = self.repos.get_mut(&repo).expect("the repository is there");
        home.last_number += 1;
        let number = home.last_number;
        let issue = Issue {
            id,
            number,
            title: new.title,
            body: new.body,
            author: by.author(),
            open: true,
            state_reason: None,
            locked: false,
            labels: Vec::new(),
            milestone: None,
            assignees: Vec::new(),
            created_at: now,
            updated_at: now,
            closed_at: None,
            closed_by: None,
            edited: None,
            events: Vec::new(),
            reactions: Vec::new(),
            parent: None,
            children: Vec::new(),
            blocked_by: Vec::new(),
            blocks: Vec::new(),
            pull: None,
        };
        home.issues.insert(number, issue);
        self.issues.insert(id, (repo, number));
        At { repo, number }
    }

    /// Gives an issue another title or body. What stays the same is no edit.
    pub(crate) fn edit_issue(
        &mut self,
        at: At,
        by: By,
        title: Option<String>,
        body: Option<Option<String>>,
    ) -> Result<(), Reply> {
        let now = self.now();
        let issue = self.at_mut(at)?;
        if let Some(body) = body.filter(|body| *body != issue.body) {
            let from = std::mem::replace(&mut issue.body, body).unwrap_or_default();
            issue.edited = Some((now, by.user));
            issue.updated_at = now;
            self.announce_issue("edited", at, by, json!({ "changes": { "body": { "from": from } } }));
        }
        let issue = self.at_mut(at)?;
        if let Some(title) = title.filter(|title| *title != issue.title) {
            let from = std::mem::replace(&mut issue.title, title.clone());
            issue.edited = Some((now, by.user));
            self.happened(at, by, Happened::Renamed { from, to: title });
        }
        Ok(())
    }

    /// Opens or closes an issue. Without a reason, it is completed.
    pub(crate) fn set_open(&mut self, at: At, by: By, open: bool, reason: Option<&str>) -> Result<(), Reply> {
        let now = self.now();
        let issue = self.at_mut(at)?;
        let pull = issue.pull.is_some();
        if issue.open == open && (reason.is_none() || reason == issue.state_reason.as_deref()) {
            return Ok(());
        }
        let default = if open { "reopened" } else { "completed" };
        let reason = (!pull).then(|| reason.unwrap_or(default).to_owned());
        issue.open = open;
        issue.state_reason.clone_from(&reason);
        issue.closed_at = (!open).then_some(now);
        issue.closed_by = (!open).then_some(by.user);
        self.happened(at, by, if open { Happened::Reopened } else { Happened::Closed(reason) });
        Ok(())
    }

    /// Assigns somebody. Whoever may not do anything here is left out silently, as GitHub does.
    pub(crate) fn assign(&mut self, at: At, by: By, login: &str) -> Result<(), Reply> {
        let Some(user) = self.user_named(login).map(|user| user.id) else { return Ok(()) };
        if !self.assignable(at.repo, user) {
            return Ok(());
        }
        let issue = self.at_mut(at)?;
        if !issue.assignees.contains(&user) {
            issue.assignees.push(user);
            self.happened(at, by, Happened::Assigned(user));
        }
        Ok(())
    }

    /// Takes somebody off.
    pub(crate) fn unassign(&mut self, at: At, by: By, user: u64) -> Result<(), Reply> {
        let issue = self.at_mut(at)?;
        if issue.assignees.contains(&user) {
            issue.assignees.retain(|known| *known != user);
            self.happened(at, by, Happened::Unassigned(user));
        }
        Ok(())
    }

    /// Whether somebody can be assigned in a repository.
    pub(crate) fn assignable(&self, repo: u64, user: u64) -> bool {
        self.permission(user, &self.repos[&repo]) >= Permission::Triage
    }

    /// Deletes an issue. Its number stays used.
    pub(crate) fn delete_issue(&mut self, at: At, by: By) -> Result<(), Reply> {
        let id = self.at(at)?.id;
        self.announce_issue("deleted", at, by, json!({}));
        if let Some(repo) = self.repos.get_mut(&at.repo) {
            repo.issues.remove(&at.number);
            repo.gone.insert(at.number);
            repo.comments.retain(|_, comment| comment.issue != at.number);
        }
        self.issues.remove(&id);
        for repo in self.repos.values_mut() {
            for issue in repo.issues.values_mut() {
                issue.children.retain(|child| *child != id);
                issue.blocked_by.retain(|blocker| *blocker != id);
                issue.blocks.retain(|blocked| *blocked != id);
                issue.parent = issue.parent.filter(|parent| *parent != id);
            }
        }
        Ok(())
    }
}
