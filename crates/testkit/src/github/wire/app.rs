//! Apps and their installations.

use serde_json::{Value, json};

use super::{View, node, user};
use crate::github::users::App;

/// An app, or null.
pub(crate) fn app(view: View<'_>, id: Option<u64>) -> Value {
    let Some(app) = id.and_then(|id| view.state.apps.get(&id)) else { return Value::Null };
    json!({
        "id": app.id,
        "client_id": app.client_id(),
        "slug": app.slug,
        "node_id": node("A", app.id),
        "owner": user::simple(view, Some(app.owner)),
        "name": app.slug,
        "description": "",
        "external_url": format!("{}/about-{}", view.origin(), app.slug),
        "html_url": format!("{}/apps/{}", view.origin(), app.slug),
        "created_at": app.created_at.to_string(),
        "updated_at": app.created_at.to_string(),
        "permissions": app.permissions,
        "events": ["issues", "issue_comment", "pull_request"],
    })
}

/// The installation of an app, as it is told of one account.
pub(crate) fn installation(view: View<'_>, app: &App, account: u64) -> Value {
    let account_of = user::simple(view, Some(account));
    let kind = account_of["type"].clone();
    let url = format!("{}/app/installations/{}", view.api, app.installation);
    json!({
        "id": app.installation,
        "account": account_of,
        "repository_selection": selection(app),
        "access_tokens_url": format!("{url}/access_tokens"),
        "repositories_url": format!("{}/installation/repositories", view.api),
        "html_url": format!("{}/settings/installations/{}", view.origin(), app.installation),
        "app_id": app.id,
        "client_id": app.client_id(),
        "app_slug": app.slug,
        "target_id": account,
        "target_type": kind,
        "permissions": app.permissions,
        "events": ["issues"],
        "created_at": app.created_at.to_string(),
        "updated_at": app.created_at.to_string(),
        "single_file_name": null,
        "suspended_by": null,
        "suspended_at": null,
    })
}

/// Whether an installation has all repositories.
pub(crate) fn selection(app: &App) -> &'static str {
    if app.repos.is_some() { "selected" } else { "all" }
}
