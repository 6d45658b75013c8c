//! Commits, files and references.

use serde_json::{Value, json};

use super::{View, user};
use crate::github::git::{Change, CommitFacts, GitRepo, Signature};
use crate::github::state::Repo;

/// A commit.
pub(crate) fn commit(view: View<'_>, repo: &Repo, facts: &CommitFacts) -> Value {
    let (base, page) = (view.repo_url(repo), view.page_url(repo));
    let (url, git_url) = (format!("{base}/commits/{}", facts.sha), format!("{base}/git/commits/{}", facts.sha));
    let parents = facts.parents.iter().map(|sha| {
        let (url, html) = (format!("{base}/commits/{sha}"), format!("{page}/commit/{sha}"));
        json!({ "sha": sha, "url": url, "html_url": html })
    });
    let verification =
        json!({ "verified": false, "reason": "unsigned", "payload": null, "signature": null, "verified_at": null });
    json!({
        "url": url,
        "sha": facts.sha,
        "node_id": format!("C_{}", facts.sha),
        "html_url": format!("{page}/commit/{}", facts.sha),
        "comments_url": format!("{url}/comments"),
        "commit": {
            "url": git_url,
            "author": signature(&facts.author),
            "committer": signature(&facts.committer),
            "message": facts.message,
            "comment_count": 0,
            "tree": { "sha": facts.tree, "url": format!("{base}/git/trees/{}", facts.tree) },
            "verification": verification,
        },
        "author": account(view, &facts.author),
        "committer": account(view, &facts.committer),
        "parents": parents.collect::<Vec<_>>(),
    })
}

/// A commit, as a run of Actions tells it; null if it is not there.
pub(crate) fn head(git: &GitRepo, sha: &str) -> Value {
    let Ok(facts) = git.facts(sha) else { return Value::Null };
    json!({
        "id": facts.sha,
        "tree_id": facts.tree,
        "message": facts.message,
        "timestamp": facts.committer.at.to_string(),
        "author": { "name": facts.author.name, "email": facts.author.email },
        "committer": { "name": facts.committer.name, "email": facts.committer.email },
    })
}

/// A file that differs.
pub(crate) fn file(view: View<'_>, repo: &Repo, (base, head): (&str, &str), change: &Change) -> Value {
    let (page, api, path) = (view.page_url(repo), view.repo_url(repo), &change.path);
    let mut told = json!({
        "sha": change.blob,
        "filename": path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": format!("{page}/blob/{head}/{path}"),
        "raw_url": format!("{page}/raw/{head}/{path}"),
        "contents_url": format!("{api}/contents/{path}?ref={head}"),
    });
    if let Some(previous) = &change.previous {
        told["previous_filename"] = json!(previous);
    }
    if let Some(patch) = view.state.git(repo.id).patch(base, head, path) {
        told["patch"] = json!(patch);
    }
    told
}

/// A reference.
pub(crate) fn reference(view: View<'_>, repo: &Repo, name: &str, sha: &str) -> Value {
    let base = view.repo_url(repo);
    json!({
        "ref": name,
        "node_id": format!("REF_{}_{name}", repo.id),
        "url": format!("{base}/git/{name}"),
        "object": { "type": "commit", "sha": sha, "url": format!("{base}/git/commits/{sha}") },
    })
}

fn signature(by: &Signature) -> Value {
    json!({ "name": by.name, "email": by.email, "date": by.at.to_string() })
}

/// The account that an address of mail belongs to.
fn account(view: View<'_>, by: &Signature) -> Value {
    let login = by.email.strip_suffix("@users.noreply.github.com");
    let login = login.map(|name| name.rsplit_once('+').map_or(name, |(_, name)| name));
    user::simple(view, login.and_then(|login| view.state.user_named(login)).map(|user| user.id))
}
