//! Accounts.

use serde_json::{Value, json};

use crate::github::call::Call;
use crate::github::state::State;

/// An account as it stands beside what it wrote; null if it is gone.
pub(crate) fn simple(state: &State, api: &str, user: Option<u64>) -> Value {
    let Some(user) = user.and_then(|id| state.users.get(&id)) else { return Value::Null };
    let login = &user.login;
    let url = format!("{api}/users/{login}");
    json!({
        "login": login,
        "id": user.id,
        "node_id": format!("U_kgDO{:08x}", user.id),
        "avatar_url": format!("https://avatars.example/u/{}", user.id),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("https://github.example/{login}"),
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

/// The account of whoever asks.
pub(crate) fn public(state: &State, call: &Call) -> Value {
    let mut user = simple(state, &call.api, Some(call.viewer.user));
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
