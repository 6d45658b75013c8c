//! Reviews and what is said in their threads.

use serde_json::{Value, json};

use super::{View, node, user};
use crate::github::pulls::{Pull, Review, Thread, ThreadComment};
use crate::github::state::Repo;

/// A review.
pub(crate) fn review(view: View<'_>, repo: &Repo, number: u64, review: &Review) -> Value {
    let html = format!("{}/pull/{number}#pullrequestreview-{}", view.page_url(repo), review.id);
    let pull = format!("{}/pulls/{number}", view.repo_url(repo));
    json!({
        "id": review.id,
        "node_id": node("PRR", review.id),
        "user": user::simple(view, Some(review.user)),
        "body": review.body,
        "state": review.state.word(),
        "html_url": html,
        "pull_request_url": pull,
        "_links": { "html": { "href": html }, "pull_request": { "href": pull } },
        "submitted_at": review.at.to_string(),
        "commit_id": review.commit,
        "author_association": user::association(view, repo, Some(review.user)),
    })
}

/// A comment on a line.
pub(crate) fn comment(view: View<'_>, repo: &Repo, number: u64, (thread, said): (&Thread, &ThreadComment)) -> Value {
    let url = format!("{}/pulls/comments/{}", view.repo_url(repo), said.id);
    let html = format!("{}/pull/{number}#discussion_r{}", view.page_url(repo), said.id);
    let pull = format!("{}/pulls/{number}", view.repo_url(repo));
    let first = thread.comments.first().map(|first| first.id).filter(|first| *first != said.id);
    let mut told = json!({
        "url": url,
        "pull_request_review_id": said.review,
        "id": said.id,
        "node_id": node("PRRC", said.id),
        "diff_hunk": "@@ -1 +1 @@",
        "path": thread.path,
        "line": thread.line.filter(|_| !thread.outdated),
        "original_line": thread.line,
        "position": thread.line.filter(|_| !thread.outdated),
        "side": "RIGHT",
        "subject_type": if thread.line.is_some() { "line" } else { "file" },
        "commit_id": thread.commit,
        "original_commit_id": thread.commit,
        "user": user::simple(view, Some(said.user)),
        "body": said.body,
        "created_at": said.at.to_string(),
        "updated_at": said.at.to_string(),
        "html_url": html,
        "pull_request_url": pull,
        "author_association": user::association(view, repo, Some(said.user)),
        "_links": { "self": { "href": url }, "html": { "href": html }, "pull_request": { "href": pull } },
    });
    if let Some(first) = first {
        told["in_reply_to_id"] = json!(first);
    }
    // Null is not among what GitHub tells of these.
    if let Some(map) = told.as_object_mut() {
        map.retain(|key, value| !value.is_null() || key == "pull_request_review_id");
    }
    told
}

/// All comments on lines, in their order.
pub(crate) fn comments(view: View<'_>, repo: &Repo, number: u64, pull: &Pull) -> Vec<Value> {
    let said = pull.threads.iter().flat_map(|thread| thread.comments.iter().map(move |said| (thread, said)));
    let mut said: Vec<_> = said.collect();
    said.sort_by_key(|(_, said)| said.id);
    said.into_iter().map(|both| comment(view, repo, number, both)).collect()
}
