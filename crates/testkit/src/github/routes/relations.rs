//! Parts of issues, and what comes before what.

use super::issues::told;
use crate::github::call::Call;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::users::Permission;
use crate::github::wire::issue::by_ids;

const READ: Needs = Needs::Repo(Permission::Read, "issues");
const TRIAGE: Needs = Needs::Repo(Permission::Triage, "issues");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/sub_issues", READ, parts),
    Route::new("POST", "/repos/{owner}/{repo}/issues/{issue_number}/sub_issues", TRIAGE, add_part),
    Route::new("DELETE", "/repos/{owner}/{repo}/issues/{issue_number}/sub_issue", TRIAGE, remove_part),
    Route::new("PATCH", "/repos/{owner}/{repo}/issues/{issue_number}/sub_issues/priority", TRIAGE, move_part),
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/parent", READ, parent),
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by", READ, blocked_by),
    Route::new("POST", "/repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by", TRIAGE, block),
    Route::new(
        "DELETE",
        "/repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by/{issue_id}",
        TRIAGE,
        unblock,
    ),
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocking", READ, blocking),
];

fn parts(state: &mut State, call: &Call) -> Answer {
    let ids = &state.at(call.at())?.children;
    Ok(Reply::page(call, by_ids(call.view(state), ids)))
}

fn add_part(state: &mut State, call: &Call) -> Answer {
    let child = call.body["sub_issue_id"].as_u64().unwrap_or(0);
    let replace = call.body["replace_parent"].as_bool().unwrap_or(false);
    state.at(call.at())?;
    state.add_part(call.at(), call.by(), child, replace)?;
    told(state, call, call.at(), 201)
}

fn remove_part(state: &mut State, call: &Call) -> Answer {
    let child = call.body["sub_issue_id"].as_u64().unwrap_or(0);
    state.remove_part(call.at(), call.by(), child)?;
    told(state, call, call.at(), 200)
}

fn move_part(state: &mut State, call: &Call) -> Answer {
    let id = |name: &str| call.body[name].as_u64();
    let child = id("sub_issue_id").unwrap_or(0);
    let issue = state.at_mut(call.at())?;
    let Some(from) = issue.children.iter().position(|known| *known == child) else { return Err(Reply::not_found()) };
    issue.children.remove(from);
    let position = |other: Option<u64>| other.and_then(|id| issue.children.iter().position(|known| *known == id));
    let to = position(id("after_id")).map(|at| at + 1).or_else(|| position(id("before_id")));
    let to = to.unwrap_or(0);
    issue.children.insert(to, child);
    told(state, call, call.at(), 200)
}

fn parent(state: &mut State, call: &Call) -> Answer {
    let parent = state.at(call.at())?.parent.ok_or_else(Reply::not_found)?;
    by_ids(call.view(state), &[parent]).pop().map(Reply::ok).ok_or_else(Reply::not_found)
}

fn blocked_by(state: &mut State, call: &Call) -> Answer {
    let ids = &state.at(call.at())?.blocked_by;
    Ok(Reply::page(call, by_ids(call.view(state), ids)))
}

fn blocking(state: &mut State, call: &Call) -> Answer {
    let ids = &state.at(call.at())?.blocks;
    Ok(Reply::page(call, by_ids(call.view(state), ids)))
}

fn block(state: &mut State, call: &Call) -> Answer {
    state.block(call.at(), call.by(), call.body["issue_id"].as_u64().unwrap_or(0))?;
    told(state, call, call.at(), 201)
}

fn unblock(state: &mut State, call: &Call) -> Answer {
    state.unblock(call.at(), call.by(), call.number("issue_id"))?;
    told(state, call, call.at(), 200)
}
