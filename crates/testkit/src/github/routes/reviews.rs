//! Reviews, and comments on lines.

use serde_json::Value;

use super::pulls::at;
use crate::github::call::Call;
use crate::github::deeds::At;
use crate::github::pulls::{NewThread, ReviewState};
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "pull_requests");
const WRITE: Needs = Needs::Repo(Permission::Write, "pull_requests");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", READ, list),
    Route::new("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", READ, create),
    Route::new("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/dismissals", WRITE, dismiss),
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/comments", READ, comments),
    Route::new("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/comments", READ, comment),
    Route::new("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies", READ, reply),
];

fn list(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    let (view, repo) = (call.view(state), &state.repos[&at.repo]);
    Ok(Reply::page_of(call, &pull.reviews, |review| wire::review::review(view, repo, at.number, review)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let event = call.text("event").unwrap_or("COMMENT");
    let event = ReviewState::of_event(event).ok_or_else(|| Reply::invalid("PullRequestReview", "event", "invalid"))?;
    let body = call.text("body").unwrap_or_default();
    let threads = call.body["comments"].as_array().cloned().unwrap_or_default();
    if event != ReviewState::Approved && body.is_empty() && threads.is_empty() {
        return Err(Reply::invalid("PullRequestReview", "body", "missing_field"));
    }
    let id = state.review(at, call.by(), event, body)?;
    for thread in &threads {
        state.begin_thread(at, call.by(), new_thread(thread, Some(id))?)?;
    }
    review(state, call, at, id)
}

fn dismiss(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let id = call.number("review_id");
    state.dismiss_review(at, call.by(), id)?;
    review(state, call, at, id)
}

fn review(state: &State, call: &Call, at: At, id: u64) -> Answer {
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    let review = pull.reviews.iter().find(|review| review.id == id).ok_or_else(Reply::not_found)?;
    Ok(Reply::ok(wire::review::review(call.view(state), &state.repos[&at.repo], at.number, review)))
}

fn comments(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    let told = wire::review::comments(call.view(state), &state.repos[&at.repo], at.number, pull);
    Ok(Reply::page(call, told))
}

fn comment(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    // An answer to a comment may also come this way.
    let id = match call.body["in_reply_to"].as_u64() {
        Some(first) => state.reply_in_thread(at, call.by(), first, call.text("body").unwrap_or_default())?,
        None => state.begin_thread(at, call.by(), new_thread(&call.body, None)?)?,
    };
    told_comment(state, call, at, id)
}

fn reply(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let body = call.text("body").unwrap_or_default();
    let id = state.reply_in_thread(at, call.by(), call.number("comment_id"), body)?;
    told_comment(state, call, at, id)
}

fn new_thread(sent: &Value, review: Option<u64>) -> Result<NewThread, Reply> {
    let text = |name: &str| sent[name].as_str().map(str::to_owned);
    let missing = |field: &str| Reply::invalid("PullRequestReviewComment", field, "missing_field");
    Ok(NewThread {
        path: text("path").ok_or_else(|| missing("path"))?,
        line: sent["line"].as_u64(),
        body: text("body").ok_or_else(|| missing("body"))?,
        review,
    })
}

fn told_comment(state: &State, call: &Call, at: At, id: u64) -> Answer {
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    let all = wire::review::comments(call.view(state), &state.repos[&at.repo], at.number, pull);
    let told = all.into_iter().find(|comment| comment["id"] == id).ok_or_else(Reply::not_found)?;
    let url = told["url"].as_str().unwrap_or_default().to_owned();
    Ok(Reply::created(told).with("location", url))
}
