//! Merging pull requests, now and later.

use serde_json::{Value, json};

use super::pulls::{at, broken};
use crate::github::call::Call;
use crate::github::deeds::At;
use crate::github::git::MergeMethod;
use crate::github::pulls::{Attempt, MergeAction, MergeWish, Outcome, Refused};
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::users::Permission;

const READ: Needs = Needs::Repo(Permission::Read, "pull_requests");
const WRITE: Needs = Needs::Repo(Permission::Write, "contents");
const UPDATE: Needs = Needs::Repo(Permission::Write, "pull_requests");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", READ, is_merged),
    Route::new("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", WRITE, merge),
    Route::new("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/merge-async", WRITE, request),
    Route::new("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/merge-async/{uuid}", READ, requested),
    Route::new("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/update-branch", UPDATE, update_branch),
];

fn is_merged(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let merged = state.pull(at).is_some_and(|pull| pull.merged.is_some());
    if merged { Ok(Reply::no_content()) } else { Err(Reply::not_found()) }
}

fn merge(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let wish = wish(call)?;
    match state.merge_pull(at, call.by(), &wish) {
        Ok(sha) => Ok(Reply::ok(json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" }))),
        Err(refused) => Err(refusal(&refused, 405)),
    }
}

fn refusal(refused: &Refused, status: u16) -> Reply {
    match refused {
        Refused::HeadMoved => Reply::refusal(409, &refused.message()),
        Refused::No(message) => Reply::refusal(status, message),
        Refused::Broken(failure) => broken(failure),
    }
}

fn wish(call: &Call) -> Result<MergeWish, Reply> {
    let method = call
        .text("merge_method")
        .map(|name| MergeMethod::named(name).ok_or_else(|| Reply::invalid("PullRequest", "merge_method", "invalid")));
    let text = |name: &str| call.text(name).map(str::to_owned);
    Ok(MergeWish {
        sha: text("sha"),
        method: method.transpose()?,
        title: text("commit_title"),
        message: text("commit_message"),
    })
}

fn request(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    let wish = wish(call)?;
    state.look_at_requests(at);
    let pull = state.pull(at).ok_or_else(Reply::not_found)?;
    if let Some(merge) = &pull.merged {
        return Ok(told(200, &json!({ "message": "Pull request is already merged", "sha": merge.commit }), "merged"));
    }
    let failed = |message: &str| Err(told(400, &json!({ "message": message }), "failed"));
    if !state.at(at)?.open {
        return failed("Pull request is closed");
    }
    if pull.draft {
        return failed("Pull request is still a draft");
    }
    if let Some(pending) = pull.attempts.iter().find(|attempt| attempt.outcome.is_none()) {
        return Err(pending_reply(409, pending, "A merge request for this pull request is already in progress"));
    }
    if state.queue_entry(at).is_some() {
        return Ok(told(200, &json!({ "message": "Pull request is in the merge queue" }), "enqueued"));
    }
    let action = MergeAction::named(call.text("merge_action"));
    let attempt = state.request_merge(at, call.by(), wish, action).ok_or_else(Reply::not_found)?;
    Ok(pending_reply(202, &attempt, "Merge request accepted"))
}

fn requested(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    state.look_at_requests(at);
    let attempt = attempt(state, at, call.param("uuid")).ok_or_else(Reply::not_found)?;
    Ok(match &attempt.outcome {
        None => pending_reply(200, &attempt, "Merge is in progress"),
        Some(Outcome::Merged(sha)) => {
            told(200, &json!({ "message": "Pull Request successfully merged", "sha": sha }), "merged")
        }
        Some(Outcome::Enqueued) => {
            told(200, &json!({ "message": "Pull request was added to the merge queue" }), "enqueued")
        }
        Some(Outcome::Failed(message)) => told(200, &json!({ "message": message }), "failed"),
    })
}

fn attempt(state: &State, at: At, uuid: &str) -> Option<Attempt> {
    state.pull(at)?.attempts.iter().find(|attempt| attempt.uuid == uuid).cloned()
}

fn pending_reply(status: u16, attempt: &Attempt, message: &str) -> Reply {
    let details = json!({
        "message": message,
        "uuid": attempt.uuid,
        "merge_method": attempt.wish.method.map_or("default", MergeMethod::name),
        "merge_action": attempt.action.name(),
        "expected_head_sha": attempt.wish.sha.as_ref().unwrap_or(&attempt.head),
    });
    told(status, &details, "pending")
}

fn told(status: u16, details: &Value, word: &str) -> Reply {
    Reply::json(status, json!({ "status": word, "details": details }))
}

fn update_branch(state: &mut State, call: &Call) -> Answer {
    let at = at(state, call)?;
    state.update_branch(at, call.by(), call.text("expected_head_sha")).map_err(|refused| refusal(&refused, 422))?;
    let url = format!("{}/pulls/{}", call.view(state).repo_url(&state.repos[&at.repo]), at.number);
    Ok(Reply::json(202, json!({ "message": "Updating pull request branch.", "url": url })))
}
