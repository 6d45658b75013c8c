//! Accounts.

use serde_json::{Value, json};

use super::{View, node};
use crate::github::call::encode;
use crate::github::state::Repo;
use crate::github::users::{Kind, Permission};

/// An account as it stands beside what it wrote; null if it is gone.
pub(crate) fn simple(view: View<'_>, user: Option<u64>) -> Value {
    let Some(user) = user.and_then(|id| view.state.users.get(&id)) else { return Value::Null };
    let login = &user.login;
    // The brackets of `name[bot]` cannot stand in an address.
    let url = format!("{}/users/{}", view.api, encode(login));
    json!({
        "login": login,
        "id": user.id,
        "node_id": node("U", user.id),
        "avatar_url": format!("{}/avatars/{}", view.origin(), user.id),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{}/{}", view.origin(), encode(login)),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": user.kind.word(),
        "site_admin": false,
        "user_view_type": "public",
    })
}

/// An organization, as webhooks tell it.
pub(crate) fn organization(view: View<'_>, id: u64) -> Value {
    let Some(user) = view.state.users.get(&id) else { return Value::Null };
    let url = format!("{}/orgs/{}", view.api, encode(&user.login));
    json!({
        "login": user.login,
        "id": id,
        "node_id": node("O", id),
        "url": url,
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events"),
        "hooks_url": format!("{url}/hooks"),
        "issues_url": format!("{url}/issues"),
        "members_url": format!("{url}/members{{/member}}"),
        "public_members_url": format!("{url}/public_members{{/member}}"),
        "avatar_url": format!("{}/avatars/{id}", view.origin()),
        "description": null,
    })
}

/// The account of whoever asks.
pub(crate) fn public(view: View<'_>, user: u64) -> Value {
    let mut user = simple(view, Some(user));
    let more = json!({
        "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
        "twitter_username": null, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
    });
    if let (Some(user), Value::Object(more)) = (user.as_object_mut(), more) {
        user.extend(more);
    }
    user
}

/// What GitHub says of an author beside what they wrote. It is no permission, and does not always agree with one.
pub(crate) fn association(view: View<'_>, repo: &Repo, user: Option<u64>) -> String {
    let Some(user) = user.and_then(|id| view.state.users.get(&id)) else { return "NONE".to_owned() };
    if let Some(association) = &user.association {
        return association.clone();
    }
    let owned_by = view.state.users.get(&repo.owner).map(|owner| owner.kind);
    let word = match view.state.permission(user.id, repo) {
        _ if repo.owner == user.id => "OWNER",
        _ if user.kind == Kind::Bot => "NONE",
        level if level >= Permission::Write && owned_by == Some(Kind::Organization) => "MEMBER",
        level if level >= Permission::Triage || repo.grants.contains_key(&user.id) => "COLLABORATOR",
        _ => "NONE",
    };
    word.to_owned()
}
