//! Comments.

use serde_json::{Value, json};

use super::{View, app, node, reaction, user};
use crate::github::state::{Comment, Repo};

/// A comment.
pub(crate) fn comment(view: View<'_>, repo: &Repo, comment: &Comment) -> Value {
    let url = format!("{}/issues/comments/{}", view.repo_url(repo), comment.id);
    let page = page(repo, comment.issue);
    json!({
        "id": comment.id,
        "node_id": node("IC", comment.id),
        "url": url,
        "html_url": format!("{}/{page}/{}#issuecomment-{}", view.page_url(repo), comment.issue, comment.id),
        "issue_url": format!("{}/issues/{}", view.repo_url(repo), comment.issue),
        "body": comment.body,
        "user": user::simple(view, comment.author.user),
        "created_at": comment.created_at.to_string(),
        "updated_at": comment.updated_at.to_string(),
        "author_association": user::association(view, repo, comment.author.user),
        "performed_via_github_app": app::app(view, comment.author.app),
        "reactions": reaction::rollup(&url, &comment.reactions),
        "pin": null,
        "minimized": comment.minimised.as_ref().map(|reason| json!({ "reason": reason })),
    })
}

/// Under which word the page of an issue lies.
pub(crate) fn page(repo: &Repo, number: u64) -> &'static str {
    let pull = repo.issues.get(&number).is_some_and(|issue| issue.pull.is_some());
    if pull { "pull" } else { "issues" }
}
