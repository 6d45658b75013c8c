//! Whoever asks, and what the server is.

use serde_json::json;

use crate::github::call::Call;
use crate::github::limits::Resource;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::wire;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/user", Needs::Anybody, user),
    Route::new("GET", "/meta", Needs::Anybody, meta),
    Route::new("GET", "/rate_limit", Needs::Anybody, rate_limit),
    Route::new("GET", "/versions", Needs::Anybody, versions),
];

fn user(state: &mut State, call: &Call) -> Answer {
    if call.viewer.app.is_some() {
        return Err(Reply::refusal(403, "Resource not accessible by integration"));
    }
    Ok(Reply::ok(wire::user::public(call.view(state), call.viewer.user)))
}

fn meta(_: &mut State, call: &Call) -> Answer {
    let mut told = json!({ "verifiable_password_authentication": false, "hooks": [], "web": [], "api": [], "git": [] });
    if let Some(version) = &call.enterprise {
        told["installed_version"] = version.clone().into();
    }
    Ok(Reply::ok(told))
}

fn rate_limit(state: &mut State, call: &Call) -> Answer {
    let now = state.now();
    let mut told = |resource| state.meter.told(call.viewer.user, resource, now);
    let (core, search, graphql) = (told(Resource::Core), told(Resource::Search), told(Resource::Graphql));
    Ok(Reply::ok(json!({ "resources": { "core": core, "search": search, "graphql": graphql }, "rate": core })))
}

fn versions(_: &mut State, _: &Call) -> Answer {
    Ok(Reply::ok(json!(["2022-11-28", "2026-03-10"])))
}
