//! What happened to issues.

use serde_json::Value;

use crate::github::call::Call;
use crate::github::reply::{Answer, Reply};
use crate::github::route::{Needs, Route};
use crate::github::state::State;
use crate::github::users::Permission;
use crate::github::wire;

const READ: Needs = Needs::Repo(Permission::Read, "issues");

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/timeline", READ, timeline),
    Route::new("GET", "/repos/{owner}/{repo}/issues/{issue_number}/events", READ, of_issue),
    Route::new("GET", "/repos/{owner}/{repo}/issues/events", READ, of_repo),
];

fn timeline(state: &mut State, call: &Call) -> Answer {
    let (repo, issue) = (&state.repos[&call.repo()], state.at(call.at())?);
    Ok(Reply::page_of(call, &issue.events, |event| wire::event::timeline(call.view(state), repo, event)))
}

fn of_issue(state: &mut State, call: &Call) -> Answer {
    let (repo, issue) = (&state.repos[&call.repo()], state.at(call.at())?);
    let told = issue.events.iter().filter_map(|event| wire::event::listed(call.view(state), repo, event));
    Ok(Reply::page(call, told.collect()))
}

fn of_repo(state: &mut State, call: &Call) -> Answer {
    let repo = &state.repos[&call.repo()];
    let view = call.view(state);
    let all = repo.issues.values().flat_map(|issue| issue.events.iter().map(move |event| (issue, event)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(_, event)| std::cmp::Reverse(event.id));
    let told = all.into_iter().filter_map(|(issue, event)| {
        let mut told = wire::event::listed(view, repo, event)?;
        told["issue"] = wire::issue::issue(view, repo, issue);
        Some(told)
    });
    Ok(Reply::page(call, told.collect::<Vec<Value>>()))
}
