//! Repositories, and who may do what in them.

use serde_json::json;

use crate::github::call::Call;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Repo, State};
use crate::github::users::{Kind, Permission};
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "metadata");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}", READ, get),
    Route::new("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", READ, permission),
    Route::new("GET", "/orgs/{org}/repos", Needs::Anybody, of_org),
];

fn get(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let level = state.viewer_permission(&call.viewer, repo, "contents");
    Ok(Reply::ok(wire::repository::full(call.view(state), repo, level)))
}

fn permission(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    // Only those who may push are told what others may do.
    if call.viewer.app.is_none() && state.permission(call.viewer.user, repo) < Permission::Write {
        return Err(Reply::refusal(403, "Must have push access to view collaborator permission."));
    }
    let user = state.user_named(call.param("username")).filter(|user| user.kind != Kind::Organization);
    let user = user.map(|user| user.id).ok_or_else(Reply::not_found)?;
    let held = state.permission(user, repo);
    let level = if held == Permission::None && !repo.private { Permission::Read } else { held };
    let mut told = wire::user::simple(call.view(state), Some(user));
    told["role_name"] = level.role().into();
    Ok(Reply::ok(json!({ "permission": level.legacy(), "role_name": level.role(), "user": told })))
}

fn of_org(state: &mut State, call: &Call) -> Answer {
    let org = state.user_named(call.param("org")).map(|org| org.id).ok_or_else(Reply::not_found)?;
    let seen = |repo: &&Repo| {
        let level = state.viewer_permission(&call.viewer, repo, "metadata");
        repo.owner == org && (!repo.private || level > Permission::None)
    };
    let found: Vec<&Repo> = state.repos.values().filter(seen).collect();
    Ok(Reply::page_of(call, &found, |repo| wire::repository::simple(call.view(state), repo)))
}
