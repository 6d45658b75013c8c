//! Pull requests.

use serde_json::{Value, json};

use super::{View, issue, node, repository, user};
use crate::github::deeds::At;
use crate::github::pulls::{AutoMerge, Mergeable, Pull};
use crate::github::state::{Issue, Repo};
use crate::github::users::Permission;

/// A pull request, as lists tell it; null if it is only an issue.
pub(crate) fn simple(view: View<'_>, repo: &Repo, of: &Issue) -> Value {
    let Some(pull) = &of.pull else { return Value::Null };
    let as_issue = issue::issue(view, repo, of);
    let (base, page) = (view.repo_url(repo), format!("{}/pull/{}", view.page_url(repo), of.number));
    let (url, issue_url) = (format!("{base}/pulls/{}", of.number), format!("{base}/issues/{}", of.number));
    let (comments, statuses) = (format!("{issue_url}/comments"), format!("{base}/statuses/{}", pull.head_sha));
    let review_comment = format!("{base}/pulls/comments{{/number}}");
    let link = |to: &str| json!({ "href": to });
    let reviewers: Vec<Value> = pull.reviewers.iter().map(|id| user::simple(view, Some(*id))).collect();
    let mut told = json!({
        "url": url,
        "id": of.id,
        "node_id": node("PR", of.id),
        "html_url": page,
        "diff_url": format!("{page}.diff"),
        "patch_url": format!("{page}.patch"),
        "issue_url": issue_url,
        "commits_url": format!("{url}/commits"),
        "review_comments_url": format!("{url}/comments"),
        "review_comment_url": review_comment,
        "comments_url": comments,
        "statuses_url": statuses,
        "number": of.number,
        "state": if of.open { "open" } else { "closed" },
        "merged_at": pull.merged.as_ref().map(|merge| merge.at.to_string()),
        "merge_commit_sha": pull.merged.as_ref().map(|merge| merge.commit.clone()),
        "requested_reviewers": reviewers,
        "requested_teams": [],
        "head": side(view, repo, &pull.head, &pull.head_sha),
        "base": side(view, repo, &pull.base, &pull.base_sha),
        "draft": pull.draft,
        "auto_merge": pull.auto_merge.as_ref().map(|auto| auto_merge(view, of, auto)),
        "_links": {
            "self": link(&url), "html": link(&page), "issue": link(&issue_url), "comments": link(&comments),
            "review_comments": link(&format!("{url}/comments")), "review_comment": link(&review_comment),
            "commits": link(&format!("{url}/commits")), "statuses": link(&statuses),
        },
    });
    for key in SHARED {
        told[key] = as_issue[key].clone();
    }
    told
}

/// What a pull request says just as its issue does.
const SHARED: [&str; 13] = [
    "title",
    "body",
    "user",
    "labels",
    "assignee",
    "assignees",
    "milestone",
    "locked",
    "active_lock_reason",
    "created_at",
    "updated_at",
    "closed_at",
    "author_association",
];

/// A pull request with all that is told of it alone.
pub(crate) fn full(view: View<'_>, at: At, mergeable: Mergeable) -> Value {
    let Some(repo) = view.state.repos.get(&at.repo) else { return Value::Null };
    let Some(of) = repo.issues.get(&at.number) else { return Value::Null };
    let Some(pull) = &of.pull else { return Value::Null };
    let git = view.state.git(repo.id);
    let from = &pull.base_sha;
    let changes = git.changes(from, &pull.head_sha).unwrap_or_default();
    let commits = git.commits_between(from, &pull.head_sha).unwrap_or_default();
    let comments = repo.comments.values().filter(|comment| comment.issue == at.number).count();
    let merges = (mergeable != Mergeable::Unknown).then_some(mergeable == Mergeable::Clean);
    let mut told = simple(view, repo, of);
    let more = json!({
        "merged": pull.merged.is_some(),
        "mergeable": merges,
        "rebaseable": merges,
        "mergeable_state": view.state.merge_state(at, mergeable),
        "merged_by": pull.merged.as_ref().map_or(Value::Null, |merge| user::simple(view, Some(merge.by))),
        "comments": comments,
        "review_comments": pull.threads.iter().map(|thread| thread.comments.len()).sum::<usize>(),
        "maintainer_can_modify": false,
        "commits": commits.len(),
        "additions": changes.iter().map(|change| change.additions).sum::<u64>(),
        "deletions": changes.iter().map(|change| change.deletions).sum::<u64>(),
        "changed_files": changes.len(),
    });
    if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
        told.extend(more);
    }
    told
}

/// A pull request, as commits tell of it.
pub(crate) fn minimal(view: View<'_>, repo: &Repo, of: &Issue, pull: &Pull) -> Value {
    let home = json!({ "id": repo.id, "url": view.repo_url(repo), "name": repo.name });
    json!({
        "id": of.id,
        "number": of.number,
        "url": format!("{}/pulls/{}", view.repo_url(repo), of.number),
        "head": { "ref": pull.head, "sha": pull.head_sha, "repo": home },
        "base": { "ref": pull.base, "sha": pull.base_sha, "repo": home },
    })
}

fn side(view: View<'_>, repo: &Repo, branch: &str, sha: &str) -> Value {
    let owner = view.state.users.get(&repo.owner).map_or("", |owner| owner.login.as_str());
    json!({
        "label": format!("{owner}:{branch}"),
        "ref": branch,
        "sha": sha,
        "user": user::simple(view, Some(repo.owner)),
        "repo": repository::full(view, repo, Permission::Read),
    })
}

fn auto_merge(view: View<'_>, of: &Issue, auto: &AutoMerge) -> Value {
    json!({
        "enabled_by": user::simple(view, Some(auto.by.user)),
        "merge_method": auto.wish.method.map_or("merge", |method| method.name()),
        "commit_title": auto.wish.title.clone().unwrap_or_else(|| of.title.clone()),
        "commit_message": auto.wish.message.clone().unwrap_or_default(),
    })
}
