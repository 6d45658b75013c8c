//! What a query begins with.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Ask, Object, Selected, Told, Trouble, object};
use crate::github::deeds::At;
use crate::github::limits::Resource;
use crate::github::users::Permission;
use crate::github::wire;

pub(super) fn field(ask: &mut Ask<'_>, field: &Selected) -> Result<Told, Trouble> {
    Ok(match field.name.as_str() {
        "repository" => repository(ask, field),
        "viewer" => Told::maybe(object::actor(ask, Some(ask.viewer.user))),
        "node" => {
            let id = field.text("id").to_owned();
            node(ask, field, &id)
        }
        "nodes" => {
            let ids = field.argument("ids").as_array().cloned().unwrap_or_default();
            let found = ids.iter().map(|id| match node(ask, field, id.as_str().unwrap_or_default()) {
                Told::Object(object) => Some(object),
                _ => None,
            });
            Told::List(found.collect())
        }
        "rateLimit" => Told::Object(Object::Plain("RateLimit", rate(ask))),
        _ => Told::Unknown,
    })
}

fn rate(ask: &mut Ask<'_>) -> Value {
    let now = ask.state.now();
    let told = ask.state.meter.told(ask.viewer.user, Resource::Graphql, now);
    let reset = told["reset"].as_i64().and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(now);
    json!({
        "cost": ask.cost,
        "limit": told["limit"],
        "remaining": told["remaining"],
        "used": told["used"],
        "resetAt": reset.to_string(),
    })
}

/// A repository by its name; an old one leads to it too.
fn repository(ask: &mut Ask<'_>, field: &Selected) -> Told {
    let full = format!("{}/{}", field.text("owner"), field.text("name"));
    let moved = || ask.state.moved.get(&full.to_lowercase()).and_then(|id| ask.state.repos.get(id));
    let seen = ask.state.repo_named(&full).or_else(moved).filter(|repo| {
        let level = ask.state.viewer_permission(&ask.viewer, repo, "metadata");
        !repo.private || level > Permission::None
    });
    match seen.map(|repo| repo.id) {
        Some(id) => Told::Object(Object::Repository(id)),
        None => ask.not_found(field, format!("Could not resolve to a Repository with the name '{full}'.")),
    }
}

fn node(ask: &mut Ask<'_>, field: &Selected, id: &str) -> Told {
    let found = wire::named(id).and_then(|(kind, id)| match kind {
        "I" | "PR" => {
            let (repo, issue) = ask.state.issue(id)?;
            Some(place(At { repo: repo.id, number: issue.number }, issue.pull.is_some()))
        }
        "IC" => ask.state.comment_at(id).ok().map(|_| Object::Comment(id)),
        "R" => ask.state.repos.contains_key(&id).then_some(Object::Repository(id)),
        "U" => object::actor(ask, Some(id)),
        _ => None,
    });
    match found {
        Some(object) => Told::Object(object),
        None => ask.not_found(field, format!("Could not resolve to a node with the global id of '{id}'")),
    }
}

/// An issue, or the pull request of that number.
pub(super) fn place(at: At, is_pull: bool) -> Object {
    if is_pull { Object::PullRequest(at) } else { Object::Issue(at) }
}
