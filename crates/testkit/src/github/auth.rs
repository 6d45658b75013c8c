//! Who asks.

use axum::http::HeaderMap;

use super::reply::Reply;
use super::state::State;
use super::users::Viewer;

/// Who asks, by the token of the request.
pub(crate) fn viewer(state: &State, headers: &HeaderMap) -> Result<Viewer, Reply> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some(header) = header else { return Err(Reply::refusal(401, "Requires authentication")) };
    let bad = || Reply::refusal(401, "Bad credentials");
    let (scheme, token) = header.split_once(' ').ok_or_else(bad)?;
    if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("token") {
        return Err(bad());
    }
    let known = state.tokens.get(token).ok_or_else(bad)?;
    if known.revoked || known.expires_at.is_some_and(|end| end <= state.now()) {
        return Err(bad());
    }
    Ok(Viewer {
        token: token.to_owned(),
        user: known.user,
        app: known.app,
        as_app: false,
        repos: known.repos.clone(),
        permissions: known.permissions.clone(),
    })
}
