//! Which repository a request is about, and whether whoever asks may.

use super::call::Call;
use super::reply::Reply;
use super::route::{Needs, Route};
use super::state::State;
use super::users::Permission;

/// The path with a repository's name, where it came with its id: links and redirects lead to ids.
pub(crate) fn by_name(state: &State, path: &str) -> String {
    let parts: Vec<&str> = path.splitn(4, '/').collect();
    let ["", "repositories", id, rest @ ..] = parts.as_slice() else { return path.to_owned() };
    let repo = id.parse().ok().and_then(|id: u64| state.repos.get(&id));
    let Some(repo) = repo else { return path.to_owned() };
    let below = rest.first().map(|rest| format!("/{rest}")).unwrap_or_default();
    format!("/repos/{}{below}", state.full_name(repo))
}

/// The repository a path is about. An old name leads elsewhere.
pub(crate) fn repository(state: &State, call: &Call) -> Result<Option<u64>, Reply> {
    if !call.template.starts_with("/repos/{owner}/{repo}") {
        return Ok(None);
    }
    let full = format!("{}/{}", call.param("owner"), call.param("repo"));
    if let Some(repo) = state.repo_named(&full) {
        return Ok(Some(repo.id));
    }
    let id = state.moved.get(&full.to_lowercase()).ok_or_else(Reply::not_found)?;
    let below = call.path.splitn(5, '/').nth(4).map(|rest| format!("/{rest}")).unwrap_or_default();
    let query = if call.raw_query.is_empty() { String::new() } else { format!("?{}", call.raw_query) };
    let to = format!("{}/repositories/{id}{below}{query}", call.api);
    // A write keeps its method and its body.
    let (status, message) = if call.method == "GET" { (301, "Moved Permanently") } else { (307, "Temporary Redirect") };
    let body =
        serde_json::json!({ "message": message, "url": to, "documentation_url": "https://docs.github.com/rest" });
    Err(Reply::json(status, body).with("location", to))
}

/// What an app's token must be allowed to do for a route, as a header tells it.
pub(crate) fn accepted(route: &Route) -> Option<String> {
    let Needs::Repo(_, kind) = route.needs else { return None };
    Some(format!("{kind}={}", if route.method == "GET" { "read" } else { "write" }))
}

/// Whether whoever asks may.
pub(crate) fn allowed(state: &State, call: &Call, route: &Route) -> Result<(), Reply> {
    let (level, kind) = match route.needs {
        Needs::Anybody => return Ok(()),
        Needs::App if call.viewer.as_app => return Ok(()),
        Needs::App => return Err(Reply::refusal(401, "A JSON web token could not be decoded")),
        Needs::Repo(level, kind) => (level, kind),
    };
    let repo = &state.repos[&call.repo()];
    let public = if repo.private { Permission::None } else { Permission::Read };
    let held = state.viewer_permission(&call.viewer, repo, kind).max(public);
    // An app with the permission to write is needed where a person with the permission to read is enough.
    let for_app = if call.method == "GET" { Permission::Read } else { Permission::Write };
    let level = if call.viewer.app.is_some() { for_app } else { level };
    if held >= level {
        return Ok(());
    }
    if held.max(state.viewer_permission(&call.viewer, repo, "metadata")) == Permission::None {
        return Err(Reply::not_found());
    }
    let message = match call.viewer.app {
        Some(_) => "Resource not accessible by integration",
        None => "Must have admin rights to Repository.",
    };
    Err(Reply::refusal(403, message))
}

/// Whether an Enterprise Server of a version lacks an operation.
pub(crate) fn is_lacking(version: &str, template: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let newer = ["/merge-async", "/sub_issue", "/parent", "/issue-types", "/projectsV2", "/pin"];
    newer.iter().any(|part| template.contains(part)) || (version < (3, 19) && template.contains("/dependencies/"))
}
