//! From what happens to what is sent.

use serde_json::{Map, Value, json};

use super::{Delivery, description};
use crate::github::deeds::{At, By};
use crate::github::pulls::Mergeable;
use crate::github::state::{Happened, State};
use crate::github::users::{Kind, Permission};
use crate::github::wire::{self, View};

impl State {
    /// Announces something about a repository.
    pub(crate) fn announce(&mut self, (event, action): (&str, &str), repo: u64, by: By, more: Value) {
        if self.hooks.api.is_empty() {
            return;
        }
        let number = self.next_id();
        let view = View { state: self, api: &self.hooks.api };
        let mut payload = Map::new();
        payload.insert("action".to_owned(), action.into());
        payload.insert("repository".to_owned(), wire::repository::full(view, &self.repos[&repo], Permission::Read));
        payload.insert("sender".to_owned(), wire::user::simple(view, Some(by.user)));
        let owner = self.repos[&repo].owner;
        if self.users[&owner].kind == Kind::Organization {
            payload.insert("organization".to_owned(), wire::user::organization(view, owner));
        }
        if let Value::Object(more) = more {
            payload.extend(more);
        }
        let payload = Value::Object(payload);
        let id = format!("fa4e0000-0000-11f1-8000-{number:012x}");
        self.hooks.violations.extend(description::problems(event, action, &payload));
        self.hooks.out.push(Delivery { id, event: event.to_owned(), action: action.to_owned(), payload });
    }

    /// Announces something about an issue or a pull request.
    pub(crate) fn announce_issue(&mut self, action: &str, at: At, by: By, more: Value) {
        if self.hooks.api.is_empty() {
            return;
        }
        let view = View { state: self, api: &self.hooks.api };
        let repo = &self.repos[&at.repo];
        let Some(issue) = repo.issues.get(&at.number) else { return };
        let (event, key, told) = match &issue.pull {
            Some(_) => ("pull_request", "pull_request", wire::pull::full(view, at, Mergeable::Unknown)),
            None => ("issues", "issue", wire::issue::issue(view, repo, issue)),
        };
        let mut payload = Map::from_iter([(key.to_owned(), told)]);
        if issue.pull.is_some() {
            payload.insert("number".to_owned(), at.number.into());
        }
        if let Value::Object(more) = more {
            payload.extend(more);
        }
        self.announce((event, action), at.repo, by, Value::Object(payload));
    }

    /// Announces something about a comment.
    pub(crate) fn announce_comment(&mut self, action: &str, id: u64, by: By, more: Value) {
        if self.hooks.api.is_empty() {
            return;
        }
        let view = View { state: self, api: &self.hooks.api };
        let Ok((repo, comment)) = self.comment_at(id) else { return };
        let home = &self.repos[&repo];
        let issue = wire::issue::issue(view, home, &home.issues[&comment.issue]);
        let told = wire::comment::comment(view, home, comment);
        let mut payload = Map::from_iter([("issue".to_owned(), issue), ("comment".to_owned(), told)]);
        if let Value::Object(more) = more {
            payload.extend(more);
        }
        self.announce(("issue_comment", action), repo, by, Value::Object(payload));
    }

    /// Announces something about a milestone.
    pub(crate) fn announce_milestone(&mut self, action: &str, repo: u64, number: u64, by: By) {
        if self.hooks.api.is_empty() {
            return;
        }
        let view = View { state: self, api: &self.hooks.api };
        let home = &self.repos[&repo];
        let Some(known) = home.milestones.get(&number) else { return };
        let told = wire::milestone::milestone(view, home, known);
        let changes = if action == "edited" { json!({ "changes": {} }) } else { json!({}) };
        let mut payload = Map::from_iter([("milestone".to_owned(), told)]);
        if let Value::Object(changes) = changes {
            payload.extend(changes);
        }
        self.announce(("milestone", action), repo, by, Value::Object(payload));
    }

    /// Announces what was just written down as having happened to an issue.
    pub(crate) fn announce_event(&mut self, at: At, by: By, what: &Happened) {
        if self.hooks.api.is_empty() {
            return;
        }
        let view = View { state: self, api: &self.hooks.api };
        let repo = &self.repos[&at.repo];
        let label = |name: &str| repo.label_named(name).map(|label| wire::label::label(view, repo, label));
        let milestone = |title: &str| {
            let known = repo.milestones.values().find(|known| known.title == title);
            json!({ "milestone": known.map(|known| wire::milestone::milestone(view, repo, known)) })
        };
        let assignee = |id: u64| json!({ "assignee": wire::user::simple(view, Some(id)) });
        let (action, more) = match what {
            Happened::Labeled { name, .. } => ("labeled", json!({ "label": label(name) })),
            Happened::Unlabeled { name, .. } => ("unlabeled", json!({ "label": label(name) })),
            Happened::Milestoned(title) => ("milestoned", milestone(title)),
            Happened::Demilestoned(title) => ("demilestoned", milestone(title)),
            Happened::Assigned(id) => ("assigned", assignee(*id)),
            Happened::Unassigned(id) => ("unassigned", assignee(*id)),
            Happened::Renamed { from, .. } => ("edited", json!({ "changes": { "title": { "from": from } } })),
            Happened::Closed(_) => ("closed", json!({})),
            Happened::Reopened => ("reopened", json!({})),
            Happened::Locked => ("locked", json!({})),
            Happened::Commented(id) => return self.announce_comment("created", *id, by, json!({})),
            Happened::Related(word, other) => return self.announce_relation(at, by, word, *other),
            _ => return,
        };
        self.announce_issue(action, at, by, more);
    }

    fn announce_relation(&mut self, at: At, by: By, word: &str, other: u64) {
        let view = View { state: self, api: &self.hooks.api };
        let (home, repo) = (&self.repos[&at.repo], at.repo);
        let (Some(issue), Some((other_home, other))) = (home.issues.get(&at.number), self.issue(other)) else { return };
        let mine = wire::issue::issue(view, home, issue);
        let theirs = wire::issue::issue(view, other_home, other);
        let full = |repo| wire::repository::full(view, repo, Permission::Read);
        let part = |(parent, parent_home): (&Value, _), (child, child_home): (&Value, _)| {
            json!({
                "parent_issue_id": parent["id"], "parent_issue": parent, "parent_issue_repo": full(parent_home),
                "sub_issue_id": child["id"], "sub_issue": child, "sub_issue_repo": full(child_home),
            })
        };
        let wait = |(blocked, blocked_home): (&Value, _), (blocker, blocker_home): (&Value, _)| {
            json!({
                "blocked_issue_id": blocked["id"], "blocked_issue": blocked, "blocked_issue_repo": full(blocked_home),
                "blocking_issue_id": blocker["id"], "blocking_issue": blocker, "blocking_issue_repo": full(blocker_home),
            })
        };
        let (event, more) = match word {
            "sub_issue_added" | "sub_issue_removed" => ("sub_issues", part((&mine, home), (&theirs, other_home))),
            "parent_issue_added" | "parent_issue_removed" => ("sub_issues", part((&theirs, other_home), (&mine, home))),
            "blocked_by_added" | "blocked_by_removed" => {
                ("issue_dependencies", wait((&mine, home), (&theirs, other_home)))
            }
            _ => ("issue_dependencies", wait((&theirs, other_home), (&mine, home))),
        };
        self.announce((event, word), repo, by, more);
    }
}
