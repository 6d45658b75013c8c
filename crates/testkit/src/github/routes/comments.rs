//! Comments, and reactions.

use serde_json::Value;

use super::issues;
use crate::github::call::Call;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::{Comment, Reaction, State};
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "issues");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", READ, list),
    Route::new("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", READ, create),
    Route::new("GET", "/repos/{owner}/{repo}/issues/comments", READ, list_all),
    Route::new("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", READ, update),
    Route::new("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", READ, delete),
    Route::new("POST", "/repos/{owner}/{repo}/issues/{issue_number}/reactions", READ, react_to_issue),
    Route::new("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", READ, react_to_comment),
];

fn list(state: &mut State, call: &Call) -> Answer {
    state.at(call.at())?;
    let since = issues::since(call)?;
    let repo = &state.repos[&call.repo()];
    let wanted =
        |comment: &&Comment| comment.issue == call.at().number && since.is_none_or(|since| comment.updated_at >= since);
    let found: Vec<&Comment> = repo.comments.values().filter(wanted).collect();
    Ok(Reply::page_of(call, &found, |comment| wire::comment::comment(call.view(state), repo, comment)))
}

fn list_all(state: &mut State, call: &Call) -> Answer {
    let since = issues::since(call)?;
    let repo = &state.repos[&call.repo()];
    let wanted = |comment: &&Comment| since.is_none_or(|since| comment.updated_at >= since);
    let mut found: Vec<&Comment> = repo.comments.values().filter(wanted).collect();
    if call.query("sort") == Some("updated") {
        found.sort_by_key(|comment| (comment.updated_at, comment.id));
    }
    // Unlike elsewhere, the direction counts only beside an order that is asked for.
    if call.query("sort").is_some() && call.query("direction") != Some("asc") {
        found.reverse();
    }
    Ok(Reply::page_of(call, &found, |comment| wire::comment::comment(call.view(state), repo, comment)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let body = text(call)?;
    let issue = state.at(call.at())?;
    let level = state.viewer_permission(&call.viewer, &state.repos[&call.repo()], "issues");
    if issue.locked && level < Permission::Triage {
        return Err(Reply::refusal(403, "Unable to create comment because issue is locked."));
    }
    let id = state.comment(call.at(), call.by(), &body)?;
    state.change_comment(id, |comment| comment.unexpected = true)?;
    let told = told(state, call, id)?;
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}

fn text(call: &Call) -> Result<String, Reply> {
    let body = issues::body(&call.body["body"])?.filter(|body| !body.trim().is_empty());
    body.ok_or_else(|| Reply::invalid("IssueComment", "body", "missing_field"))
}

fn told(state: &State, call: &Call, id: u64) -> Result<Value, Reply> {
    let comment = mine(state, call, id)?;
    Ok(wire::comment::comment(call.view(state), &state.repos[&call.repo()], comment))
}

fn mine<'a>(state: &'a State, call: &Call, id: u64) -> Result<&'a Comment, Reply> {
    state.repos[&call.repo()].comments.get(&id).ok_or_else(Reply::not_found)
}

/// Whether whoever asks may change a comment: their own, or any with the right to push.
fn may_change(state: &State, call: &Call, id: u64) -> Result<(), Reply> {
    let level = state.viewer_permission(&call.viewer, &state.repos[&call.repo()], "issues");
    if mine(state, call, id)?.author.user == Some(call.viewer.user) || level >= Permission::Write {
        return Ok(());
    }
    Err(Reply::refusal(403, "Must have admin rights to Repository.")
        .with("x-accepted-github-permissions", "issues=write"))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let id = call.number("comment_id");
    may_change(state, call, id)?;
    let body = text(call)?;
    state.edit_comment(id, call.by(), &body)?;
    told(state, call, id).map(Reply::ok)
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let id = call.number("comment_id");
    may_change(state, call, id)?;
    state.delete_comment(id, call.by())?;
    Ok(Reply::no_content())
}

fn react_to_issue(state: &mut State, call: &Call) -> Answer {
    let reactions = state.at(call.at())?.reactions.clone();
    let (reaction, status) = react(state, call, &reactions)?;
    if status == 201 {
        state.at_mut(call.at())?.reactions.push(reaction.clone());
    }
    Ok(Reply::json(status, wire::reaction::reaction(call.view(state), &reaction)))
}

fn react_to_comment(state: &mut State, call: &Call) -> Answer {
    let id = call.number("comment_id");
    let reactions = mine(state, call, id)?.reactions.clone();
    let (reaction, status) = react(state, call, &reactions)?;
    if status == 201 {
        let pushed = reaction.clone();
        state.change_comment(id, |comment| comment.reactions.push(pushed))?;
    }
    Ok(Reply::json(status, wire::reaction::reaction(call.view(state), &reaction)))
}

/// The reaction that is there already, or a new one.
fn react(state: &mut State, call: &Call, reactions: &[Reaction]) -> Result<(Reaction, u16), Reply> {
    let content = call.text("content").unwrap_or_default().to_owned();
    let user = call.viewer.user;
    if let Some(known) = reactions.iter().find(|known| known.user == user && known.content == content) {
        return Ok((known.clone(), 200));
    }
    let (id, created_at) = (state.next_id(), state.now());
    Ok((Reaction { id, user, content, created_at }, 201))
}
