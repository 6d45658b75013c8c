//! Who asks.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::reply::Reply;
use super::state::State;
use super::users::Viewer;

/// How many seconds an assertion may hold.
const LONGEST_ASSERTION: i64 = 600;

/// Who asks, by the token of the request.
pub(crate) fn viewer(state: &State, headers: &HeaderMap) -> Result<Viewer, Reply> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let Some(header) = header else { return Err(Reply::refusal(401, "Requires authentication")) };
    let bad = || Reply::refusal(401, "Bad credentials");
    let (scheme, token) = header.split_once(' ').ok_or_else(bad)?;
    if !scheme.eq_ignore_ascii_case("bearer") && !scheme.eq_ignore_ascii_case("token") {
        return Err(bad());
    }
    if token.matches('.').count() == 2 {
        return assertion(state, token);
    }
    viewer_of(state, token)
}

/// The app that made and signed an assertion.
fn assertion(state: &State, token: &str) -> Result<Viewer, Reply> {
    let bad = |message: &str| Reply::refusal(401, message);
    let undecodable = || bad("A JSON web token could not be decoded");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(undecodable)?;
    let claims = signed.split_once('.').and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
    let claims: Value = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(undecodable)?;
    let issuer = claims["iss"].as_str().map_or_else(|| claims["iss"].to_string(), str::to_owned);
    let app = state.apps.values().find(|app| app.id.to_string() == issuer || app.client_id() == issuer);
    let app = app.ok_or_else(|| Reply::refusal(404, "Integration not found"))?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &app.public_key);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| undecodable())?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| undecodable())?;
    let now = state.now().as_second();
    let moment = |name: &str| claims[name].as_i64().unwrap_or(0);
    if moment("iat") > now {
        return Err(bad(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ));
    }
    if moment("exp") <= now {
        return Err(bad("'Expiration time' claim ('exp') must be a numeric value representing the future time"));
    }
    if moment("exp") > now + LONGEST_ASSERTION {
        return Err(bad("'Expiration time' claim ('exp') is too far in the future"));
    }
    Ok(Viewer {
        user: app.bot,
        app: Some(app.id),
        as_app: true,
        repos: app.repos.clone(),
        permissions: Some(app.permissions.clone()),
    })
}

/// Who has a token.
pub(crate) fn viewer_of(state: &State, token: &str) -> Result<Viewer, Reply> {
    let bad = || Reply::refusal(401, "Bad credentials");
    let known = state.tokens.get(token).ok_or_else(bad)?;
    if known.revoked || known.expires_at.is_some_and(|end| end <= state.now()) {
        return Err(bad());
    }
    Ok(Viewer {
        user: known.user,
        app: known.app,
        as_app: false,
        repos: known.repos.clone(),
        permissions: known.permissions.clone(),
    })
}
