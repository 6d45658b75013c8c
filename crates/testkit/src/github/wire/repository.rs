//! Repositories.

use serde_json::{Map, Value, json};

use super::{View, node, user};
use crate::github::state::Repo;
use crate::github::users::Permission;

/// Each address in the API: its key, and what follows the repository's own.
const URLS: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

/// A repository, briefly.
pub(crate) fn simple(view: View<'_>, repo: &Repo) -> Value {
    let base = view.repo_url(repo);
    let mut told: Map<String, Value> =
        URLS.iter().map(|(key, below)| ((*key).to_owned(), format!("{base}{below}").into())).collect();
    let more = json!({
        "id": repo.id,
        "node_id": node("R", repo.id),
        "name": repo.name,
        "full_name": view.state.full_name(repo),
        "owner": user::simple(view, Some(repo.owner)),
        "private": repo.private,
        "html_url": view.page_url(repo),
        "description": null,
        "fork": false,
    });
    if let Value::Object(more) = more {
        told.extend(more);
    }
    Value::Object(told)
}

/// A repository with all that is told of it, and what whoever asks may do in it.
pub(crate) fn full(view: View<'_>, repo: &Repo, level: Permission) -> Value {
    let page = view.page_url(repo);
    let name = view.state.full_name(repo);
    let open = repo.issues.values().filter(|issue| issue.open).count();
    let mut told = simple(view, repo);
    let more = json!({
        "clone_url": format!("{page}.git"),
        "git_url": format!("git:{}.git", page.trim_start_matches("http:")),
        "ssh_url": format!("git@localhost:{name}.git"),
        "svn_url": page,
        "mirror_url": null,
        "homepage": null,
        "language": null,
        "license": null,
        "forks": 0, "forks_count": 0, "network_count": 0, "size": 0, "subscribers_count": 0,
        "stargazers_count": 0, "watchers": 0, "watchers_count": 0,
        "open_issues": open,
        "open_issues_count": open,
        "default_branch": repo.default_branch,
        "has_issues": repo.has_issues,
        "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false,
        "has_discussions": false,
        "archived": repo.archived,
        "disabled": false,
        "topics": [],
        "visibility": if repo.private { "private" } else { "public" },
        "created_at": repo.created_at.to_string(),
        "updated_at": repo.updated_at.to_string(),
        "pushed_at": repo.pushed_at.to_string(),
        "allow_merge_commit": true,
        "allow_squash_merge": true,
        "allow_rebase_merge": true,
        "allow_auto_merge": true,
        "permissions": permissions(level),
    });
    if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
        told.extend(more);
    }
    told
}

/// What somebody may do, as five yes and no.
fn permissions(level: Permission) -> Value {
    use Permission::{Admin, Maintain, Read, Triage, Write};
    let words = [("admin", Admin), ("maintain", Maintain), ("push", Write), ("triage", Triage), ("pull", Read)];
    words.into_iter().map(|(word, needed)| (word.to_owned(), Value::Bool(level >= needed))).collect()
}
