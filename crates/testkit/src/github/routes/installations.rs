//! Apps, where they are installed, and their tokens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::github::call::Call;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Repo, State};
use crate::github::users::{App, Token};
use crate::github::wire;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/app", Needs::App, app),
    Route::new("GET", "/app/installations", Needs::App, installations),
    Route::new("POST", "/app/installations/{installation_id}/access_tokens", Needs::App, make_token),
    Route::new("GET", "/repos/{owner}/{repo}/installation", Needs::App, of_repo),
    Route::new("GET", "/installation/repositories", Needs::Anybody, repositories),
];

fn own<'a>(state: &'a State, call: &Call) -> Result<&'a App, Reply> {
    call.viewer.app.and_then(|id| state.apps.get(&id)).ok_or_else(Reply::not_found)
}

fn app(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(wire::app::app(call.view(state), call.viewer.app)))
}

fn installations(state: &mut State, call: &Call) -> Answer {
    let app = own(state, call)?;
    let told = wire::app::installation(call.view(state), app, app.owner);
    Ok(Reply::page(call, vec![told]))
}

fn of_repo(state: &mut State, call: &Call) -> Answer {
    let app = own(state, call)?;
    let repo = &state.repos[&call.repo()];
    if app.repos.as_ref().is_some_and(|repos| !repos.contains(&repo.id)) {
        return Err(Reply::not_found());
    }
    Ok(Reply::ok(wire::app::installation(call.view(state), app, repo.owner)))
}

fn make_token(state: &mut State, call: &Call) -> Answer {
    let app = own(state, call)?.clone();
    if app.installation != call.number("installation_id") {
        return Err(Reply::not_found());
    }
    let repos = narrowed_repos(state, call, &app)?;
    let permissions = narrowed_permissions(call, &app)?;
    let (serial, expires_at) = (state.next_id(), state.in_an_hour());
    let text = format!("ghs_installation_{serial}");
    let token = Token {
        user: app.bot,
        app: Some(app.id),
        repos: repos.clone(),
        permissions: Some(permissions.clone()),
        expires_at: Some(expires_at),
        revoked: false,
    };
    state.tokens.insert(text.clone(), token);
    let mut told = json!({
        "token": text,
        "expires_at": expires_at.to_string(),
        "permissions": permissions,
        "repository_selection": if repos.is_some() { "selected" } else { "all" },
    });
    if let Some(repos) = repos {
        let repos = repos.iter().filter_map(|id| state.repos.get(id));
        let level = crate::github::users::Permission::Write;
        let told_repos = repos.map(|repo| wire::repository::full(call.view(state), repo, level));
        told["repositories"] = Value::Array(told_repos.collect());
    }
    Ok(Reply::created(told))
}

fn narrowed_repos(state: &State, call: &Call, app: &App) -> Result<Option<BTreeSet<u64>>, Reply> {
    let ids = call.body["repository_ids"].as_array();
    let names = call.body["repositories"].as_array();
    if ids.is_none() && names.is_none() {
        return Ok(app.repos.clone());
    }
    let by_id = ids.into_iter().flatten().filter_map(Value::as_u64);
    let named = |name: &Value| state.repos.values().find(|repo| Some(repo.name.as_str()) == name.as_str());
    let by_name = names.into_iter().flatten().map(|name| named(name).map_or(0, |repo| repo.id));
    let wanted: BTreeSet<u64> = by_id.chain(by_name).collect();
    let has = |id: &u64| state.repos.contains_key(id) && app.repos.as_ref().is_none_or(|repos| repos.contains(id));
    if !wanted.iter().all(has) {
        let message =
            "There is at least one repository that does not exist or is not accessible to the parent installation.";
        return Err(Reply::refusal(422, message));
    }
    Ok(Some(wanted))
}

fn narrowed_permissions(call: &Call, app: &App) -> Result<BTreeMap<String, String>, Reply> {
    let Some(wanted) = call.body["permissions"].as_object() else { return Ok(app.permissions.clone()) };
    let mut permissions = BTreeMap::from([("metadata".to_owned(), "read".to_owned())]);
    for (kind, level) in wanted {
        let level = level.as_str().unwrap_or_default();
        let held = app.permissions.get(kind).map(String::as_str);
        if held != Some(level) && !(held == Some("write") && level == "read") {
            let message = "The permissions requested are not granted to this installation.";
            return Err(Reply::refusal(422, message));
        }
        permissions.insert(kind.clone(), level.to_owned());
    }
    Ok(permissions)
}

fn repositories(state: &mut State, call: &Call) -> Answer {
    if call.viewer.app.is_none() || call.viewer.as_app {
        return Err(Reply::refusal(403, "You must authenticate with an installation access token"));
    }
    let has = |repo: &&Repo| call.viewer.repos.as_ref().is_none_or(|repos| repos.contains(&repo.id));
    let found: Vec<&Repo> = state.repos.values().filter(has).collect();
    let count = found.len();
    let level = crate::github::users::Permission::Write;
    let reply = Reply::page_of(call, &found, |repo| wire::repository::full(call.view(state), repo, level));
    Ok(reply.within("repositories", count))
}
