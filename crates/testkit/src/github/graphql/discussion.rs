//! Issues, comments, and who wrote them.

use serde_json::{Value, json};

use super::{Ask, Object, Selected, Told, Trouble, connection, object, repository, root};
use crate::github::call::encode;
use crate::github::deeds::At;
use crate::github::wire::{self, node};

/// A field of an issue, or of the issue side of a pull request.
pub(super) fn issue(ask: &mut Ask<'_>, at: At, field: &Selected) -> Result<Told, Trouble> {
    let repo = &ask.state.repos[&at.repo];
    let Some(known) = repo.issues.get(&at.number) else { return Ok(Told::Value(Value::Null)) };
    let is_pull = known.pull.is_some();
    let when = |at: Option<jiff::Timestamp>| Told::value(at.map(|at| at.to_string()));
    Ok(match field.name.as_str() {
        "id" => Told::value(node(if is_pull { "PR" } else { "I" }, known.id)),
        "databaseId" => Told::value(known.id),
        "fullDatabaseId" => Told::value(known.id.to_string()),
        "number" => Told::value(known.number),
        "title" => Told::value(known.title.as_str()),
        "body" => Told::value(known.body.clone().unwrap_or_default()),
        "url" => {
            let page = wire::comment::page(repo, at.number);
            Told::value(format!("{}/{page}/{}", ask.view().page_url(repo), at.number))
        }
        "state" => Told::value(repository::state_word(known)),
        "stateReason" if !is_pull => Told::value(known.state_reason.as_ref().map(|reason| reason.to_uppercase())),
        "closed" => Told::value(!known.open),
        "locked" => Told::value(known.locked),
        "createdAt" => when(Some(known.created_at)),
        "updatedAt" => when(Some(known.updated_at)),
        "closedAt" => when(known.closed_at),
        "lastEditedAt" => when(known.edited.map(|(at, _)| at)),
        "editor" => Told::maybe(object::actor(ask, known.edited.map(|(_, user)| user))),
        "author" => Told::maybe(object::actor(ask, known.author.user)),
        "authorAssociation" => Told::value(wire::user::association(ask.view(), repo, known.author.user)),
        "viewerDidAuthor" => Told::value(known.author.user == Some(ask.viewer.user)),
        "repository" => Told::Object(Object::Repository(at.repo)),
        "milestone" => Told::maybe(known.milestone.map(|number| Object::Milestone(at.repo, number))),
        "labels" => connection("LabelConnection", repository::labels(repo, known.labels.iter()), field),
        "assignees" => {
            let all = known.assignees.iter().filter_map(|id| object::actor(ask, Some(*id)));
            connection("UserConnection", all.collect(), field)
        }
        "comments" => {
            let mine = repo.comments.values().filter(|comment| comment.issue == at.number);
            connection("IssueCommentConnection", mine.map(|comment| Object::Comment(comment.id)).collect(), field)
        }
        "subIssuesSummary" | "parent" | "subIssues" if !is_pull => relations(ask, at, field),
        _ => Told::Unknown,
    })
}

fn relations(ask: &Ask<'_>, at: At, field: &Selected) -> Told {
    let known = &ask.state.repos[&at.repo].issues[&at.number];
    let object = |id: &u64| {
        let (repo, issue) = ask.state.issue(*id)?;
        Some(root::place(At { repo: repo.id, number: issue.number }, issue.pull.is_some()))
    };
    match field.name.as_str() {
        "parent" => Told::maybe(known.parent.as_ref().and_then(object)),
        "subIssues" => connection("IssueConnection", known.children.iter().filter_map(object).collect(), field),
        _ => {
            let told = wire::issue::issue(ask.view(), &ask.state.repos[&at.repo], known);
            let summary = &told["sub_issues_summary"];
            let fields = json!({
                "total": summary["total"],
                "completed": summary["completed"],
                "percentCompleted": summary["percent_completed"],
            });
            Told::Object(Object::Plain("SubIssuesSummary", fields))
        }
    }
}

/// A field of a comment.
pub(super) fn comment(ask: &mut Ask<'_>, id: u64, field: &Selected) -> Result<Told, Trouble> {
    let Ok((repo, known)) = ask.state.comment_at(id) else { return Ok(Told::Value(Value::Null)) };
    let home = &ask.state.repos[&repo];
    let at = At { repo, number: known.issue };
    Ok(match field.name.as_str() {
        "id" => Told::value(node("IC", id)),
        "databaseId" => Told::value(id),
        "fullDatabaseId" => Told::value(id.to_string()),
        "body" => Told::value(known.body.as_str()),
        "url" => Told::value(wire::comment::comment(ask.view(), home, known)["html_url"].clone()),
        "author" => Told::maybe(object::actor(ask, known.author.user)),
        "authorAssociation" => Told::value(wire::user::association(ask.view(), home, known.author.user)),
        "viewerDidAuthor" => Told::value(known.author.user == Some(ask.viewer.user)),
        "createdAt" => Told::value(known.created_at.to_string()),
        "updatedAt" => Told::value(known.updated_at.to_string()),
        "lastEditedAt" => Told::value(known.edited.map(|(at, _)| at.to_string())),
        "editor" => Told::maybe(object::actor(ask, known.edited.map(|(_, user)| user))),
        "includesCreatedEdit" => Told::value(known.edited.is_some()),
        "isMinimized" => Told::value(known.minimised.is_some()),
        "minimizedReason" => Told::value(known.minimised.clone()),
        "issue" => Told::Object(root::place(at, home.issues[&known.issue].pull.is_some())),
        "repository" => Told::Object(Object::Repository(repo)),
        _ => Told::Unknown,
    })
}

/// A field of an account. The login of an app's account lacks here the `[bot]` that it has in REST.
pub(super) fn actor(ask: &Ask<'_>, id: u64, field: &Selected) -> Told {
    let Some(user) = ask.state.users.get(&id) else { return Told::Value(Value::Null) };
    match field.name.as_str() {
        "id" => Told::value(node("U", id)),
        "databaseId" => Told::value(id),
        "login" => Told::value(user.login.trim_end_matches("[bot]")),
        "url" | "resourcePath" => Told::value(format!("{}/{}", ask.view().origin(), encode(&user.login))),
        "avatarUrl" => Told::value(format!("{}/avatars/{id}", ask.view().origin())),
        "name" => Told::Value(Value::Null),
        _ => Told::Unknown,
    }
}
