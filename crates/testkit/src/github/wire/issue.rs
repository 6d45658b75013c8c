//! Issues, and the issue side of pull requests.

use serde_json::{Value, json};

use super::{View, app, comment, label, milestone, node, reaction, user};
use crate::github::state::{Issue, Repo};

/// An issue.
pub(crate) fn issue(view: View<'_>, repo: &Repo, issue: &Issue) -> Value {
    let url = format!("{}/issues/{}", view.repo_url(repo), issue.number);
    let assignees: Vec<Value> = issue.assignees.iter().map(|id| user::simple(view, Some(*id))).collect();
    let labels = issue.labels.iter().filter_map(|id| repo.labels.get(id));
    let in_milestone = issue.milestone.and_then(|number| repo.milestones.get(&number));
    let mut told = json!({
        "id": issue.id,
        "node_id": node(if issue.pull.is_some() { "PR" } else { "I" }, issue.id),
        "url": url,
        "repository_url": view.repo_url(repo),
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "timeline_url": format!("{url}/timeline"),
        "html_url": format!("{}/{}/{}", view.page_url(repo), comment::page(repo, issue.number), issue.number),
        "number": issue.number,
        "state": if issue.open { "open" } else { "closed" },
        "state_reason": issue.state_reason,
        "title": issue.title,
        "body": issue.body,
        "user": user::simple(view, issue.author.user),
        "labels": labels.map(|known| label::label(view, repo, known)).collect::<Vec<_>>(),
        "assignee": assignees.first(),
        "assignees": assignees,
        "milestone": in_milestone.map(|known| milestone::milestone(view, repo, known)),
        "locked": issue.locked,
        "active_lock_reason": null,
        "comments": repo.comments.values().filter(|comment| comment.issue == issue.number).count(),
        "created_at": issue.created_at.to_string(),
        "updated_at": issue.updated_at.to_string(),
        "closed_at": issue.closed_at.map(|at| at.to_string()),
        "closed_by": user::simple(view, issue.closed_by),
        "author_association": user::association(view, repo, issue.author.user),
        "performed_via_github_app": app::app(view, issue.author.app),
        "reactions": reaction::rollup(&url, &issue.reactions),
    });
    let more = match &issue.pull {
        Some(pull) => crate::github::pulls::issue_side(view, repo, issue, pull),
        None => relations(view, issue),
    };
    if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
        told.extend(more);
    }
    told
}

/// What only issues have.
fn relations(view: View<'_>, issue: &Issue) -> Value {
    let is_open = |id: &&u64| view.state.issue(**id).is_some_and(|(_, other)| other.open);
    let parts = issue.children.len();
    let done = parts - issue.children.iter().filter(is_open).count();
    let mut told = json!({
        "sub_issues_summary": {
            "total": parts,
            "completed": done,
            "percent_completed": (done * 100).checked_div(parts).unwrap_or(0),
        },
        "issue_dependencies_summary": {
            "blocked_by": issue.blocked_by.iter().filter(is_open).count(),
            "blocking": issue.blocks.iter().filter(is_open).count(),
            "total_blocked_by": issue.blocked_by.len(),
            "total_blocking": issue.blocks.len(),
        },
    });
    if let Some((home, parent)) = issue.parent.and_then(|id| view.state.issue(id)) {
        told["parent_issue_url"] = format!("{}/issues/{}", view.repo_url(home), parent.number).into();
    }
    told
}

/// Issues by their ids, wherever they are.
pub(crate) fn by_ids(view: View<'_>, ids: &[u64]) -> Vec<Value> {
    ids.iter().filter_map(|id| view.state.issue(*id)).map(|(repo, known)| issue(view, repo, known)).collect()
}
