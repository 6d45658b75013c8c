//! Milestones.

use serde_json::{Value, json};

use super::{View, node, user};
use crate::github::state::{Milestone, Repo};

/// A milestone. Its counts hold pull requests too.
pub(crate) fn milestone(view: View<'_>, repo: &Repo, milestone: &Milestone) -> Value {
    let url = format!("{}/milestones/{}", view.repo_url(repo), milestone.number);
    let mine = || repo.issues.values().filter(|issue| issue.milestone == Some(milestone.number));
    let open = mine().filter(|issue| issue.open).count();
    json!({
        "url": url,
        "html_url": format!("{}/milestone/{}", view.page_url(repo), milestone.number),
        "labels_url": format!("{url}/labels"),
        "id": milestone.id,
        "node_id": node("MI", milestone.id),
        "number": milestone.number,
        "title": milestone.title,
        "description": milestone.description,
        "creator": user::simple(view, Some(milestone.creator)),
        "open_issues": open,
        "closed_issues": mine().count() - open,
        "state": if milestone.open { "open" } else { "closed" },
        "created_at": milestone.created_at.to_string(),
        "updated_at": milestone.updated_at.to_string(),
        "due_on": milestone.due_on.map(|due| due.to_string()),
        "closed_at": milestone.closed_at.map(|at| at.to_string()),
    })
}
